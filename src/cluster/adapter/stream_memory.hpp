#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <weft/socketio/recovery_store.hpp>

#include "base/byte_budget.hpp"

namespace weft::cluster {

using logged_message = std::shared_ptr<const socketio::cluster_message>;

/// Whether a message was for a socket that was kept.
[[nodiscard]] bool is_meant_for(const socketio::cluster_message& what,
                                const socketio::kept_socket& whom) noexcept;
/// What a message or a kept socket takes in memory.
[[nodiscard]] std::size_t memory_of(const socketio::cluster_message& what) noexcept;
[[nodiscard]] std::size_t memory_of(const socketio::kept_socket& whom) noexcept;

/// The newest messages of a stream. The oldest go when they take too much, or when the process is
/// short of memory. **Threads**: the home loop's.
class stream_memory final : private byte_holder {
public:
    stream_memory(byte_budget& budget, std::size_t most)
        : byte_holder(budget), charge_(budget), most_(most) {}

    /// Nothing is known of what comes before this.
    void begin(const socketio::log_position& at) noexcept;
    void add(logged_message what);
    /// The sockets of the node `uid` had some of what is before this already.
    void note_had(std::string_view uid, const socketio::log_position& before);
    /// Every message behind this is here.
    [[nodiscard]] const socketio::log_position& known_from() const noexcept { return from_; }
    /// Each message behind a place, in order.
    template <class F>
    void visit_behind(const socketio::log_position& at, F visit) const {
        const auto first =
            std::partition_point(messages_.begin(), messages_.end(),
                                 [&](const logged_message& m) { return m->at <= at; });
        std::for_each(first, messages_.end(), visit);
    }
    /// What `note_had` was told.
    template <class F>
    void visit_had(F visit) const {
        for (const auto& [before, uid] : had_) visit(before, uid);
    }

private:
    // byte_holder
    [[nodiscard]] std::uint64_t held() const noexcept override { return bytes_; }
    void let_go(std::uint64_t wanted) noexcept override;
    void drop_oldest() noexcept;

    std::deque<logged_message> messages_;
    std::deque<std::pair<socketio::log_position, std::string>> had_;  // see `note_had`
    socketio::log_position from_{};
    byte_charge charge_;
    std::size_t bytes_ = 0;
    const std::size_t most_;
};

}  // namespace weft::cluster
