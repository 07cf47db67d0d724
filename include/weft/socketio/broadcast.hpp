#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/shared_function.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/detail/reply_awaitable.hpp>
#include <weft/socketio/detail/typed.hpp>
#include <weft/socketio/remote_socket.hpp>

namespace weft::socketio {

enum class disconnect_scope : std::uint8_t;
class socket;

/// The answers to a broadcast.
template <class R>
struct broadcast_replies {
    std::vector<result<R>> answers;  ///< In the order in which they came.
    std::size_t missing = 0;         ///< How many sockets did not answer in time, or left.
    silent_servers silent;           ///< Whose sockets are not counted.
};

namespace detail {

struct space_info;
class loop_context;

/// The rooms of a chain. Up to two need no allocation. **Lifetime**: borrows the names.
class room_list {
public:
    void add(std::string_view room) {
        if (count_ < few_.size()) {
            few_[count_++] = room;
            return;
        }
        add_further(room);
    }
    [[nodiscard]] const std::string_view* begin() const noexcept {
        return many_.empty() ? few_.data() : many_.data();
    }
    [[nodiscard]] const std::string_view* end() const noexcept { return begin() + size(); }
    [[nodiscard]] std::size_t size() const noexcept {
        return many_.empty() ? count_ : many_.size();
    }

private:
    void add_further(std::string_view room);

    std::array<std::string_view, 2> few_{};
    std::size_t count_ = 0;
    std::vector<std::string_view> many_;
};

/// The receivers of a chain, and its flags.
struct broadcast_target {
    const space_info* space = nullptr;
    loop_context* here = nullptr;  // the loop that this runs on, if known
    room_list rooms;
    room_list except;
    emit_flags flags;
};

/// The same with its own names: an awaitable may start later.
class owned_target {
public:
    explicit owned_target(const broadcast_target& borrowed);
    /// **Lifetime**: borrows the names.
    [[nodiscard]] broadcast_target borrow() const;

    std::shared_ptr<const space_info> space;  // null: no receivers
    std::vector<std::string> rooms, except;
    emit_flags flags;
};

void broadcast_encoded(const broadcast_target& target, std::string_view event,
                       const encoded_arguments& args);
/// `done` is called on the loop that this runs on, or on the first.
void broadcast_stored(const broadcast_target& target, std::string_view event,
                      const encoded_arguments& args, unique_function<void(result<void>)> done);
/// Called when all loops have asked, with the number of sockets.
using asked_callback = unique_function<void(std::size_t)>;
void broadcast_awaiting(const broadcast_target& target, std::string_view event,
                        const encoded_arguments& args, replies_callback on_reply,
                        asked_callback on_asked = {});
void fetch_sockets(const broadcast_target& target, unique_function<void(fetched_sockets)> done);
void fetch_sockets(const broadcast_target& target, unique_function<void(std::size_t)> done);
void visit_sockets(const broadcast_target& target, shared_function<void(socket&)> visit);
void change_rooms(const broadcast_target& target, std::string_view room, bool enter);
void disconnect_sockets(const broadcast_target& target, disconnect_scope what);

/// What `fetch_sockets` and `count_sockets` give to `co_await`.
template <class Found>
class [[nodiscard("nothing is sent unless it is awaited")]] fetch_awaitable {
public:
    explicit fetch_awaitable(const broadcast_target& target) : target_(target) {}
    fetch_awaitable(const fetch_awaitable&) = delete;
    fetch_awaitable& operator=(const fetch_awaitable&) = delete;

    bool await_ready() const noexcept {
        return false;
    }
    template <weft::detail::task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) {
        const owned_target target =
            std::move(target_);  // the answer may come, and end this, in here
        fetch_sockets(target.borrow(),
                      [this, coroutine = weft::detail::suspension(waiting)](Found found) mutable {
                          found_ = std::move(found);
                          coroutine.resume();
                      });
    }
    Found await_resume() {
        return std::move(found_);
    }

private:
    owned_target target_;
    Found found_{};
};

/// Collects the answers to a broadcast and calls `done` with them.
template <class R, class Done>
replies_callback gather(Done done) {
    return [done = std::move(done), all = broadcast_replies<R>{}](const raw_arguments* answer,
                                                                  replies_end end) mutable {
        if (answer != nullptr) {
            all.answers.push_back(decode_ack<R>(*answer));
        } else {
            all.missing = end.missing;
            all.silent = std::move(end.silent);
            done(std::move(all));
        }
    };
}

}  // namespace detail

/// A chain of calls about several sockets of a namespace, on all loops and, with an adapter, on all
/// servers: `io.to("lobby").except("muted").emit("said", text)`. It reaches the sockets that are in
/// any of the rooms, each once. Without rooms it reaches all.
///
/// **Threads**: any. The events of one thread arrive in order.
/// **Lifetime**: one expression. It borrows the names; you cannot keep it.
class broadcast_operator : public detail::phrase_links<broadcast_operator> {
public:
    static constexpr bool has_latest = true;

    broadcast_operator(broadcast_operator&&) noexcept = default;

    [[nodiscard]] broadcast_operator&& to(std::string_view room) && {
        target_.rooms.add(room);
        return std::move(*this);
    }
    [[nodiscard]] broadcast_operator&& to(std::initializer_list<std::string_view> rooms) && {
        for (const std::string_view room : rooms) target_.rooms.add(room);
        return std::move(*this);
    }
    [[nodiscard]] broadcast_operator&& in(std::string_view room) && {
        return std::move(*this).to(room);
    }
    /// Leaves out the sockets in this room. The id of a socket is also a room.
    [[nodiscard]] broadcast_operator&& except(std::string_view room) && {
        target_.except.add(room);
        return std::move(*this);
    }
    /// Only in this process.
    [[nodiscard]] broadcast_operator&& local() && noexcept {
        target_.flags.local = true;
        return std::move(*this);
    }

    /// Sends an event. **Cost**: encodes, frames and compresses once, for any number of sockets.
    template <class... Args>
    void emit(std::string_view event, const Args&... args) && {
        detail::broadcast_encoded(target_, event, detail::encode_arguments(args...));
    }
    template <class... Args>
    void send(const Args&... args) && {
        std::move(*this).emit("message", args...);
    }
    /// Sends an event and gives a `result<void>` when no server can lose it any more: with
    /// `cluster::adapter_kind::streams` and `options::connection_state_recovery` when Redis has it,
    /// else at once. So you can acknowledge what a client said: it reaches everyone it is for, also
    /// if this process dies now. Await it, or pass a callback as the last argument. **Errors**: why
    /// Redis did not take it; the sockets of this process got it all the same.
    template <class... Args>
    auto emit_stored(std::string_view event, Args&&... args) && {
        if constexpr (detail::last_is<result<void>, Args...>) {
            detail::with_callback(
                [&](auto told, const encoded_arguments& encoded) {
                    detail::broadcast_stored(target_, event, encoded, std::move(told));
                },
                std::forward<Args>(args)...);
        } else {
            return detail::await_reply<result<void>>(
                [target = detail::owned_target(target_), event = std::string(event),
                 encoded = detail::encode_arguments(args...)](auto told) {
                    detail::broadcast_stored(target.borrow(), event, encoded, std::move(told));
                });
        }
    }
    /// Sends an event and gives the `broadcast_replies<R>` when all have answered or the time is
    /// over. Await it, or pass a callback as the last argument. If you
    /// do neither, nothing is sent.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) && {
        if constexpr (detail::last_is<broadcast_replies<R>, Args...>) {
            detail::with_callback(
                [&](auto told, const encoded_arguments& encoded) {
                    detail::broadcast_awaiting(target_, event, encoded,
                                               detail::gather<R>(std::move(told)));
                },
                std::forward<Args>(args)...);
        } else {
            return detail::await_reply<broadcast_replies<R>>(
                [target = detail::owned_target(target_), event = std::string(event),
                 encoded = detail::encode_arguments(args...)](auto told) {
                    detail::broadcast_awaiting(target.borrow(), event, encoded,
                                               detail::gather<R>(std::move(told)));
                });
        }
    }

    /// Describes the sockets. Await it, or pass a callback.
    void fetch_sockets(unique_function<void(fetched_sockets)> done) && {
        detail::fetch_sockets(target_, std::move(done));
    }
    [[nodiscard]] detail::fetch_awaitable<fetched_sockets> fetch_sockets() && {
        return detail::fetch_awaitable<fetched_sockets>(target_);
    }
    /// How many sockets of this process are meant. Await it, or pass a callback.
    void count_sockets(unique_function<void(std::size_t)> done) && {
        detail::fetch_sockets(target_, std::move(done));
    }
    [[nodiscard]] detail::fetch_awaitable<std::size_t> count_sockets() && {
        return detail::fetch_awaitable<std::size_t>(target_);
    }
    /// Calls `visit(socket&)` for each socket of this process, on its loop: with several loops,
    /// several at once. Those of the calling loop are visited before this returns. To find a socket
    /// by its id, visit the room of that name: `io.in(id).visit_sockets(...)`.
    void visit_sockets(shared_function<void(socket&)> visit) && {
        detail::visit_sockets(target_, std::move(visit));
    }
    void sockets_join(std::string_view room) && { detail::change_rooms(target_, room, true); }
    void sockets_leave(std::string_view room) && { detail::change_rooms(target_, room, false); }
    void disconnect_sockets(disconnect_scope what) && { detail::disconnect_sockets(target_, what); }

private:
    friend class socket;
    friend class socket_ref;
    friend class space;
    friend class detail::phrase_links<broadcast_operator>;
    broadcast_operator() noexcept = default;
    broadcast_operator(const detail::space_info& space, detail::loop_context* here) noexcept {
        target_.space = &space;
        target_.here = here;
    }
    [[nodiscard]] detail::emit_flags& flags() noexcept { return target_.flags; }

    detail::broadcast_target target_;
};

/// The functions that begin a chain about several sockets: those in the rooms, or all. If `Self` is
/// a socket or a `socket_ref`, without that socket. `Self` derives from this.
template <class Self>
class room_verbs {
public:
    [[nodiscard]] broadcast_operator to(std::string_view room) const { return begin().to(room); }
    [[nodiscard]] broadcast_operator to(std::initializer_list<std::string_view> rooms) const {
        return begin().to(rooms);
    }
    [[nodiscard]] broadcast_operator in(std::string_view room) const { return begin().to(room); }
    [[nodiscard]] broadcast_operator except(std::string_view room) const {
        return begin().except(room);
    }
    /// Only in this process.
    [[nodiscard]] broadcast_operator local() const { return begin().local(); }

private:
    [[nodiscard]] broadcast_operator begin() const {
        return static_cast<const Self&>(*this).others();
    }
};

}  // namespace weft::socketio
