#pragma once

#include <exception>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include <weft/base/admission.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/error.hpp>
#include <weft/http/header_lines.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/response.hpp>
#include <weft/http/upgrade.hpp>

#include "base/heap_cost.hpp"
#include "net/byte_stream.hpp"

namespace weft::http {

class lent_handle;

/// Where the answer to one request goes: an HTTP/1 connection, later an HTTP/2 stream, a test.
/// The handles that users hold speak to it and to nothing else. It writes all bytes of an answer
/// itself, those of a 101 too.
/// **Threads**: its loop's. No call comes from inside a call that the sink makes on its stream.
class reply_sink {
public:
    /// The handle that it lends to a handler; the sink frees it when the answer is complete.
    [[nodiscard]] virtual lent_handle& handle() = 0;

    /// The whole answer.
    virtual void answer(response reply) = 0;
    /// The handle went without an answer.
    virtual void abandon() noexcept = 0;
    /// The handler threw: 500, unless an answer has begun.
    virtual void fail() = 0;
    /// The same for a coroutine that had returned before; what it threw is not reported yet.
    virtual void threw(const std::exception_ptr& what) = 0;

    /// The filter that the request waited for has decided.
    virtual void pass(const admission<void>& said) = 0;

    /// The beginning of an answer whose body comes piece by piece, until `finish` or `cut`.
    virtual void start(response head) = 0;
    virtual write_status write_body(std::string_view bytes) = 0;
    virtual write_status write_body(buffer_slice bytes) = 0;
    /// The body is whole.
    virtual void finish() = 0;
    /// The body will never be whole, and the peer must see that.
    virtual void cut() noexcept = 0;

    /// Answers 101, or its like, with these headers; then hands `stream()` over.
    virtual void switch_to(header_lines headers, std::unique_ptr<net::stream_handler> protocol) = 0;
    /// The stream that another protocol would get.
    [[nodiscard]] virtual net::byte_stream& stream() noexcept = 0;

protected:
    ~reply_sink() = default;
};

namespace detail {

/// Runs a filter that has to wait; what it decides gets to the sink that `waiting` leads to.
void pass_by(task<admission<void>> deciding, responder waiting);

/// What a sink and the handle that a user holds know of each other. Whoever goes first clears
/// `sink`.
struct reply_state {
    explicit reply_state(reply_sink& s) noexcept : sink(&s) {}

    /// Whether the holder of the handle may act, and why not. `answered` handles say so.
    [[nodiscard]] errc check() const noexcept {
        if (std::this_thread::get_id() != owner) return errc::wrong_thread;
        if (sink != nullptr) return errc::none;
        return answered ? errc::already_answered : errc::gone;
    }

    reply_sink* sink;  // the owner's thread only
    const std::thread::id owner = std::this_thread::get_id();
    bool answered = false;
    unique_function<void()> on_gone;
    unique_function<void()> on_drained;
};

}  // namespace detail

/// A sink's end of the handle that it lent to a user: at most one at a time.
class lent_handle {
public:
    /// `route` is the pattern of the request's route, if any, for the log.
    [[nodiscard]] responder lend_responder(reply_sink& sink, const std::string* route) {
        upgrades_ = false;
        route_ = route;
        return responder(lend(sink));
    }
    [[nodiscard]] upgrade lend_upgrade(reply_sink& sink, const std::string* route) {
        upgrades_ = true;
        route_ = route;
        return upgrade(lend(sink));
    }
    /// Of the request that the handle answers, or answered.
    [[nodiscard]] std::string_view route() const noexcept {
        return route_ != nullptr ? std::string_view(*route_) : std::string_view();
    }
    /// Whether somebody holds an undecided upgrade.
    [[nodiscard]] bool is_upgrade() const noexcept { return state_ != nullptr && upgrades_; }
    /// What the handle takes, without what its callbacks keep. **Units**: bytes.
    [[nodiscard]] std::size_t memory() const noexcept {
        constexpr std::size_t counts = 2 * sizeof(void*);  // of a shared object
        return state_ != nullptr ? heap_cost(counts + sizeof(detail::reply_state)) : 0;
    }

    /// From here on the user's handle finds that it has answered.
    void take_back() noexcept {
        if (const auto state = let_go()) {
            state->answered = true;
            // A callback often owns the very handle that it is set on: it must not outlive its use.
            const auto on_gone = std::move(state->on_gone);
            const auto on_drained = std::move(state->on_drained);
        }
    }

    /// From here on the user's handle finds nobody; its holder is to be told by what this returns.
    [[nodiscard]] unique_function<void()> take_gone() noexcept {
        const auto state = let_go();
        if (state == nullptr) return {};
        const auto on_drained = std::move(state->on_drained);
        return std::move(state->on_gone);
    }

    /// Calls what the holder wants to be called when the peer has caught up, through
    /// `run(callback)`. The callback may set another one, finish the reply, or let it go.
    template <class F>
    void tell_drained(F run) {
        if (state_ == nullptr || !state_->on_drained) return;
        const auto state = state_;
        auto callback = std::move(state->on_drained);
        run(callback);
        if (state->sink != nullptr && !state->on_drained) state->on_drained = std::move(callback);
    }

private:
    std::shared_ptr<detail::reply_state> lend(reply_sink& sink) {
        return state_ = std::make_shared<detail::reply_state>(sink);
    }
    std::shared_ptr<detail::reply_state> let_go() noexcept {
        if (state_ != nullptr) state_->sink = nullptr;
        return std::exchange(state_, nullptr);
    }

    std::shared_ptr<detail::reply_state> state_;
    const std::string* route_ = nullptr;
    bool upgrades_ = false;
};

}  // namespace weft::http
