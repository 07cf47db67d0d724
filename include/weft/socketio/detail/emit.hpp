#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/json.hpp>
#include <weft/socketio/remote_socket.hpp>

/// What the chains of sockets and namespaces have in common. For the library.
namespace weft::socketio::detail {

/// The flags of one emit.
struct emit_flags {
    bool droppable = false;  ///< volatile
    bool uncompressed = false;
    bool local = false;    ///< Only in this process.
    duration timeout{};    ///< For acknowledgements; zero: that of the options.
    std::string latest{};  ///< Replaces the event that waits under this key; empty: none.
};

/// Called once with the answer, or why there is none. **Lifetime**: the arguments are valid during
/// the call.
using ack_callback = unique_function<void(const result<raw_arguments>&)>;

/// Who did not answer a broadcast.
struct replies_end {
    std::size_t missing = 0;
    silent_servers silent;
};
/// Called with each answer to a broadcast, and at the end with null and who did not answer.
using replies_callback = unique_function<void(const raw_arguments*, replies_end)>;

/// Types that say themselves how they are written: not containers, whose codecs are there whatever
/// they hold.
template <class T>
inline constexpr bool made_by_template = false;
template <template <class...> class Template, class... Args>
inline constexpr bool made_by_template<Template<Args...>> = true;
template <class T>
concept has_own_codec = std::is_class_v<T> && !made_by_template<T> && encodable<T>;

/// Data of these types comes back with a socket that another server had.
template <class T>
inline constexpr bool can_be_stored = [] {
    if constexpr (has_own_codec<T> && decodable<T>) {
        return !borrows<T>;
    } else {
        return false;
    }
}();

/// A socket's data of one type. Nodes form a list, since types are few.
struct data_node {
    explicit data_node(const std::size_t* type_tag) noexcept : type(type_tag) {}
    data_node(const data_node&) = delete;
    data_node& operator=(const data_node&) = delete;
    virtual ~data_node() = default;
    /// The data as JSON; empty if its type has no codec.
    [[nodiscard]] virtual std::string json() const { return {}; }

    const std::size_t* type;  // named by the address of its node's size
    weft::detail::owned_ptr<data_node> next;
};
/// The data of a socket that another server had: each type is read from it when it is first asked
/// for.
struct stored_data final : data_node {
    explicit stored_data(std::string json)
        : data_node(&size), size(sizeof(stored_data) + json.capacity()), text(std::move(json)) {}
    [[nodiscard]] std::string json() const override { return text; }

    std::size_t size;
    std::string text;
};
template <class T>
struct typed_data;
template <class T>
inline constexpr std::size_t data_type = sizeof(typed_data<T>);
template <class T>
struct typed_data final : data_node {
    typed_data() : data_node(&data_type<T>) {}
    [[nodiscard]] std::string json() const override {
        if constexpr (has_own_codec<T>) {
            return to_json(value);
        } else {
            return {};
        }
    }
    T value{};
};

template <class Callback, class... Args>
inline constexpr bool last_is = false;
template <class Callback, class First, class... Rest>
inline constexpr bool last_is<Callback, First, Rest...> = last_is<Callback, Rest...>;
template <class Callback, class Last>
inline constexpr bool last_is<Callback, Last> = std::is_invocable_v<Last&, Callback>;

/// Splits off the last argument, a callback: calls `use(callback, encoded others)`.
template <class Use, class... Args>
void with_callback(Use use, Args&&... args) {
    auto all = std::forward_as_tuple(std::forward<Args>(args)...);
    constexpr std::size_t others = sizeof...(Args) - 1;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        use(std::move(std::get<others>(all)), encode_arguments(std::get<I>(all)...));
    }
    (std::make_index_sequence<others>{});
}

/// The links that all chains have. `Phrase` derives from this; each link returns it.
template <class Phrase>
class phrase_links {
public:
    /// Does not send the event to a client that is behind. Use it for a position, not for a move.
    /// On a client, drops the event unless it can leave at once.
    [[nodiscard]] Phrase&& volatile_() && noexcept {
        flags().droppable = true;
        return self();
    }
    /// While a client is behind, only the newest event of this key waits for it; it replaces the
    /// one before. `io.to("prices").latest("AAPL").emit("quote", price)` sends every quote to
    /// clients that keep up, and never a backlog to the others. Keys belong to the namespace. An
    /// event that asks for an acknowledgement is never replaced. Servers only.
    template <class P = Phrase>  // Phrase is incomplete here
    requires(P::has_latest) [[nodiscard]] Phrase&& latest(std::string_view key) && {
        flags().latest = key;
        return self();
    }
    /// Does not compress the event. Use it for a secret beside text that others choose.
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
