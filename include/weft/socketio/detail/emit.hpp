#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/arguments.hpp>

/// What the chains of sockets and namespaces have in common. Not for users.
namespace weft::socketio::detail {

/// How one emit differs from the plain one.
struct emit_flags {
    bool droppable = false;  ///< volatile
    bool uncompressed = false;
    bool local = false;    ///< Only in this process.
    duration timeout{};    ///< Of acknowledgements; zero for the option's.
    std::string latest{};  ///< Takes the place of what waits under this key; empty for none.
};

/// Told once what a client answered, or why it did not. **Lifetime**: of the arguments, the call.
using ack_callback = unique_function<void(const result<raw_arguments>&)>;

/// Told each answer to a broadcast, then once null and how many did not answer.
using replies_callback = unique_function<void(const raw_arguments*, std::size_t missing)>;

/// A socket's data of one type; a list, for few.
struct data_node {
    explicit data_node(const void* of) noexcept : type(of) {}
    data_node(const data_node&) = delete;
    data_node& operator=(const data_node&) = delete;
    virtual ~data_node() = default;

    const void* type;
    std::unique_ptr<data_node> next;
};
template <class T>
inline constexpr char data_type = 0;  // its address names the type
template <class T>
struct typed_data final : data_node {
    typed_data() : data_node(&data_type<T>) {}
    T value{};
};

template <class Callback, class... Args>
inline constexpr bool last_is = false;
template <class Callback, class First, class... Rest>
inline constexpr bool last_is<Callback, First, Rest...> = last_is<Callback, Rest...>;
template <class Callback, class Last>
inline constexpr bool last_is<Callback, Last> = std::is_invocable_v<Last&, Callback>;

/// Calls `use(last, encoded others)` with arguments whose last one is a callback.
template <class Use, class... Args>
void with_callback(Use use, Args&&... args) {
    auto all = std::forward_as_tuple(std::forward<Args>(args)...);
    constexpr std::size_t others = sizeof...(Args) - 1;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        use(std::move(std::get<others>(all)), encode_arguments(std::get<I>(all)...));
    }
    (std::make_index_sequence<others>{});
}

/// The links that all chains have. `Phrase` derives from this, and each link gives it back.
template <class Phrase>
class phrase_links {
public:
    /// Not sent to a client that is behind: what is wanted of a position, not of a move. A client's
    /// own event is dropped unless it can leave at once.
    [[nodiscard]] Phrase&& volatile_() && noexcept {
        flags().droppable = true;
        return self();
    }
    /// While a client is behind, only the newest event of this key waits for it, in the place of
    /// the one before: `io.to("prices").latest("AAPL").emit("quote", price)` sends every quote to
    /// those who keep up, and never a backlog to the others. Keys belong to the namespace. An event
    /// that asks for an acknowledgement is never replaced. Of servers only.
    [[nodiscard]] Phrase&& latest(std::string_view key) && requires(Phrase::has_latest) {
        flags().latest = key;
        return self();
    }
    /// Never compressed, such as a secret beside text that others choose.
    [[nodiscard]] Phrase&& uncompressed() && noexcept {
        flags().uncompressed = true;
        return self();
    }
    /// How long to wait for acknowledgements.
    [[nodiscard]] Phrase&& timeout(duration limit) && noexcept {
        flags().timeout = limit;
        return self();
    }

private:
    [[nodiscard]] Phrase&& self() noexcept { return static_cast<Phrase&&>(*this); }
    [[nodiscard]] emit_flags& flags() noexcept { return static_cast<Phrase&>(*this).flags(); }
};

}  // namespace weft::socketio::detail
