#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/detail/typed.hpp>

namespace weft::socketio {

enum class disconnect_scope : std::uint8_t;

/// What the sockets of a broadcast answered.
template <class R>
struct broadcast_replies {
    std::vector<result<R>> answers;  ///< In the order in which they came.
    std::size_t missing = 0;  ///< Sockets that had the time and did not answer, or left meanwhile.
};

/// A socket as others see it. Reach it by `in(id)`.
struct remote_socket {
    std::string id;
    std::vector<std::string> rooms;
    std::string auth;     ///< Of its handshake, a JSON object.
    std::string address;  ///< Of its peer, numeric.
};

namespace detail {

struct space_info;
class loop_context;

/// Rooms of a phrase: a few without an allocation. **Lifetime**: borrows the names.
class room_list {
public:
    void add(std::string_view room) {
        if (count_ < few_.size()) {
            few_[count_++] = room;
            return;
        }
        if (many_.empty()) many_.assign(few_.begin(), few_.end());
        many_.push_back(room);
    }
    [[nodiscard]] const std::string_view* begin() const noexcept {
        return many_.empty() ? few_.data() : many_.data();
    }
    [[nodiscard]] const std::string_view* end() const noexcept { return begin() + size(); }
    [[nodiscard]] std::size_t size() const noexcept {
        return many_.empty() ? count_ : many_.size();
    }

private:
    std::array<std::string_view, 2> few_{};
    std::size_t count_ = 0;
    std::vector<std::string_view> many_;
};

/// To whom a phrase speaks.
struct broadcast_target {
    const space_info* space = nullptr;
    loop_context* here = nullptr;  // the loop that this runs on, if that is known
    room_list rooms;
    room_list except;
    emit_flags flags;
};

void broadcast_encoded(const broadcast_target& to, std::string_view event,
                       const encoded_arguments& args);
void broadcast_awaiting(const broadcast_target& to, std::string_view event,
                        const encoded_arguments& args, replies_callback on_reply);
void fetch_sockets(const broadcast_target& of,
                   unique_function<void(std::vector<remote_socket>)> done);
void change_rooms(const broadcast_target& of, std::string_view room, bool enter);
void disconnect_sockets(const broadcast_target& of, disconnect_scope what);

/// Gathers the answers to a broadcast.
template <class R, class Done>
replies_callback gather(Done done) {
    return [done = std::move(done), all = broadcast_replies<R>{}](const raw_arguments* answer,
                                                                  std::size_t missing) mutable {
        if (answer != nullptr) {
            all.answers.push_back(decode_ack<R>(*answer));
        } else {
            all.missing = missing;
            done(std::move(all));
        }
    };
}

/// Waits for what a callback will bring, on the loop that brings it.
template <class T>
class callback_awaitable {
public:
    using start_function = unique_function<void(unique_function<void(T)>)>;
    explicit callback_awaitable(start_function start) noexcept : start_(std::move(start)) {}

    bool await_ready() const noexcept { return false; }
    template <weft::detail::task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) {
        auto brought = brought_;
        auto start = std::move(start_);
        start([brought, who = weft::detail::suspension(waiting)](T value) mutable {
            brought->set(std::move(value));
            who.resume();
        });
    }
    T await_resume() { return brought_->take(); }

private:
    start_function start_;
    std::shared_ptr<weft::detail::outcome<T>> brought_ =
        std::make_shared<weft::detail::outcome<T>>();
};

}  // namespace detail

/// A phrase about several sockets of a namespace, on all loops and, with an adapter, all servers:
/// `io.to("lobby").except("muted").emit("said", text)`. Rooms add up; a socket in several of them
/// is meant once; without any, all are meant.
///
/// **Threads**: any. What one thread says arrives in the order it was said.
/// **Lifetime**: its expression; it borrows the names and cannot be kept.
class broadcast_operator {
public:
    broadcast_operator(broadcast_operator&&) noexcept = default;

    [[nodiscard]] broadcast_operator&& to(std::string_view room) && {
        to_.rooms.add(room);
        return std::move(*this);
    }
    [[nodiscard]] broadcast_operator&& to(std::initializer_list<std::string_view> rooms) && {
        for (const std::string_view room : rooms) to_.rooms.add(room);
        return std::move(*this);
    }
    [[nodiscard]] broadcast_operator&& in(std::string_view room) && {
        return std::move(*this).to(room);
    }
    /// Not those in this room; a socket's id is a room, too.
    [[nodiscard]] broadcast_operator&& except(std::string_view room) && {
        to_.except.add(room);
        return std::move(*this);
    }
    /// In this process only.
    [[nodiscard]] broadcast_operator&& local() && noexcept {
        to_.flags.local = true;
        return std::move(*this);
    }
    /// Not to clients that are behind.
    [[nodiscard]] broadcast_operator&& volatile_() && noexcept {
        to_.flags.droppable = true;
        return std::move(*this);
    }
    /// To a client that is behind only the newest event of this key: it takes the place of the one
    /// that waits. `io.to("prices").latest("AAPL").emit("quote", price)` sends every quote to those
    /// who keep up, and never a backlog to the others. Keys belong to the namespace. An event that
    /// asks for acknowledgements is never replaced.
    [[nodiscard]] broadcast_operator&& latest(std::string_view key) && {
        to_.flags.latest = key;
        return std::move(*this);
    }
    [[nodiscard]] broadcast_operator&& uncompressed() && noexcept {
        to_.flags.uncompressed = true;
        return std::move(*this);
    }
    /// How long to wait for acknowledgements.
    [[nodiscard]] broadcast_operator&& timeout(duration limit) && noexcept {
        to_.flags.timeout = limit;
        return std::move(*this);
    }

    /// **Cost**: encoded, framed and compressed once, whatever the number of sockets.
    template <class... Args>
    void emit(std::string_view event, const Args&... args) && {
        detail::broadcast_encoded(to_, event, detail::encode_arguments(args...));
    }
    template <class... Args>
    void send(const Args&... args) && {
        std::move(*this).emit("message", args...);
    }
    /// Asks all of them, and tells the `broadcast_replies<R>` when all have answered or the time is
    /// over: awaited, or to a callback as the last argument. The answers of sockets in this
    /// process.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) && {
        if constexpr (detail::last_is<broadcast_replies<R>, Args...>) {
            detail::with_callback(
                [&](auto told, const encoded_arguments& encoded) {
                    detail::broadcast_awaiting(to_, event, encoded,
                                               detail::gather<R>(std::move(told)));
                },
                std::forward<Args>(args)...);
        } else {
            return detail::callback_awaitable<broadcast_replies<R>>(
                [to = std::move(to_), event, encoded = detail::encode_arguments(args...)](
                    unique_function<void(broadcast_replies<R>)> done) {
                    detail::broadcast_awaiting(to, event, encoded,
                                               detail::gather<R>(std::move(done)));
                });
        }
    }

    /// Who they are, in this process: awaited, or told to `done`.
    void fetch_sockets(unique_function<void(std::vector<remote_socket>)> done) && {
        detail::fetch_sockets(to_, std::move(done));
    }
    [[nodiscard]] auto fetch_sockets() && {
        return detail::callback_awaitable<std::vector<remote_socket>>(
            [to = std::move(to_)](unique_function<void(std::vector<remote_socket>)> done) {
                detail::fetch_sockets(to, std::move(done));
            });
    }
    void sockets_join(std::string_view room) && { detail::change_rooms(to_, room, true); }
    void sockets_leave(std::string_view room) && { detail::change_rooms(to_, room, false); }
    void disconnect_sockets(disconnect_scope what) && { detail::disconnect_sockets(to_, what); }

private:
    friend class socket;
    friend class socket_ref;
    friend class space;
    broadcast_operator() noexcept = default;
    broadcast_operator(const detail::space_info& space, detail::loop_context* here) noexcept {
        to_.space = &space;
        to_.here = here;
    }

    detail::broadcast_target to_;
};

}  // namespace weft::socketio
