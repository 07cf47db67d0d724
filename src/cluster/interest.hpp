#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/base/unique_function.hpp>
#include <weft/net/loop.hpp>

#include "base/siphash.hpp"

namespace weft::cluster {

/// What an interest and the book of the Redis client keep of a subscription, about: the name three
/// times, with their handlers and their places in tables. **Units**: bytes.
[[nodiscard]] constexpr std::size_t subscription_memory(std::size_t name) noexcept {
    return 512 + 3 * name;
}

/// Which names the loops of this process use: the first use of one subscribes, the end of the last
/// one unsubscribes, a while later, so that a room that empties and fills costs nothing.
/// **Threads**: the home loop's.
class interest : public std::enable_shared_from_this<interest> {
public:
    using handler = unique_function<void(const std::string& name)>;
    interest(loop_ref home, handler on_first, handler on_last)
        : home_(std::move(home)), on_first_(std::move(on_first)), on_last_(std::move(on_last)) {}

    void add(std::string_view name);
    void remove(std::string_view name);
    /// Ends all uses. Nothing is called any more.
    void clear();
    /// Calls `visit(name)` for each that is used, or was until lately.
    template <class F>
    void each(F visit) const {
        for (const auto& [name, uses] : uses_) visit(name);
    }

private:
    struct hash : keyed_hash {
        using is_transparent = void;
    };
    void sweep();

    loop_ref home_;
    handler on_first_, on_last_;
    std::unordered_map<std::string, std::size_t, hash, std::equal_to<>> uses_;
    std::vector<std::string> unused_;  // perhaps used again
    bool sweeps_ = false;              // a sweep is due
};

}  // namespace weft::cluster
