// Coroutine handlers. One that waits may go on wherever it was resumed; what it returns or throws
// travels to the request's loop, where it finds the request or nobody.

#include <exception>
#include <memory>
#include <utility>

#include <weft/http/router.hpp>

#include "http/reply_sink.hpp"
#include "net/loop_core.hpp"

namespace weft::http::detail {

/// Where the answer of a coroutine goes. **Threads**: any.
class answer_target {
public:
    explicit answer_target(responder answer)
        : answer_(std::move(answer)), home_(answer_.state_->sink->stream().owner().ref()) {}

    void give(response reply) {
        at_home([reply = std::move(reply)](responder& answer) mutable {
            (void)answer.send(std::move(reply));
        });
    }
    /// The request goes on to its handler, not within the call that resumed the coroutine. Who the
    /// peer is, is known at once: what is revoked meanwhile must find it.
    void give(admission<void> said) {
        const bool at_home = home_.in_loop_thread();
        if (at_home) identify(answer_, said);
        home_.post([answer = std::move(answer_), said = std::move(said), at_home] {
            if (!at_home) identify(answer, said);
            if (answer) answer.state_->sink->pass(said);
        });
    }
    void give(std::exception_ptr thrown) {
        at_home([thrown = std::move(thrown)](responder& answer) {
            if (answer) answer.state_->sink->threw(thrown);
        });
    }

private:
    static void identify(const responder& answer, const admission<void>& said) {
        if (answer && said.allowed() && said.who())
            answer.state_->sink->stream().peer().identify(*said.who());
    }
    template <class F>
    void at_home(F act) {
        if (home_.in_loop_thread()) return act(answer_);
        home_.post([answer = std::move(answer_), act = std::move(act)]() mutable { act(answer); });
    }

    responder answer_;
    loop_ref home_;
};

namespace {

task<void> settle(task<response> work, std::shared_ptr<answer_target> target) {
    target->give(co_await std::move(work));
}

task<void> settle(task<admission<void>> deciding, std::shared_ptr<answer_target> target) {
    target->give(co_await std::move(deciding));
}

/// Runs it; what it returns or throws gets to `target`.
template <class T>
void run(task<T> work, responder answer) {
    const auto target = std::make_shared<answer_target>(std::move(answer));
    weft::detail::spawn(settle(std::move(work), target),
                        [target](std::exception_ptr thrown) { target->give(std::move(thrown)); });
}

}  // namespace

void answer_by(task<response> work, responder answer) {
    run(std::move(work), std::move(answer));
}

void pass_by(task<admission<void>> deciding, responder waiting) {
    run(std::move(deciding), std::move(waiting));
}

}  // namespace weft::http::detail
