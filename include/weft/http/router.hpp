#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/owned_request.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/response.hpp>
#include <weft/http/upgrade.hpp>

namespace weft::http {

namespace detail {
/// Answers with what the coroutine returns.
void answer_by(task<response> work, responder answer);
}  // namespace detail

/// Answers through the responder, now or later.
using handler = unique_function<void(const request&, responder)>;
/// Answers at once. **Cost**: less than a `handler`: no state is allocated.
using plain_handler = unique_function<response(const request&)>;
/// What a filter says of a request: the answer, or what will decide. Neither lets it pass.
struct filter_verdict {
    std::optional<response> answer{};
    std::optional<task<admission<void>>> later{};
};
/// Looks at a request before its route does.
using filter = unique_function<filter_verdict(const request&)>;
/// How a request was answered.
struct reply_facts {
    int status;
    std::uint64_t body_size;  ///< 0 if unknown when the answer begins.
    duration took;            ///< From the request's head to the beginning of the answer.
};
using observer = unique_function<void(const owned_request&, const reply_facts&)>;
using upgrade_handler = unique_function<void(const request&, upgrade)>;
/// Which loop a request belongs to, by index; see `router::place`.
using placement = unique_function<std::optional<std::uint8_t>(const request&)>;
/// Whether a request goes on with something; see `router::resumes`.
using resumption = unique_function<bool(const request&)>;

struct route_options {
    std::optional<std::uint64_t> max_body{};  ///< Instead of `options::max_body`.
    /// Called when the body does not come at once with the head, and then for each part of it while
    /// more is to come. For who waits for a sign of life from the sender.
    unique_function<void(const request&)> on_body_part{};
    /// Called when such a body ends before it is whole: its sender has gone, or broke a rule.
    unique_function<void(const request&)> on_body_cut{};
};

/// Which handler answers which method and path.
///
/// A pattern is a path whose segments are texts (`/about`), parameters (`/user/:id`: one segment,
/// not empty) or, at the end, a wildcard (`/files/*path`: the rest, may be empty). At each segment
/// a text beats a parameter, and a parameter beats a wildcard; the order of registration does not
/// matter. If no pattern matches, `not_found` answers. If the pattern lacks the method, the answer
/// is 405 with `Allow`, or 204 with `Allow` for OPTIONS. The GET handler answers HEAD, without the
/// body. OPTIONS of `*`, and of `/` without a pattern, gets 204.
///
/// A handler is one of:
///
///     response(const request&)               // answers at once
///     void(const request&, responder)        // answers now or later
///     task<response>(owned_request)          // a coroutine; owns its request
///
/// **Threads**: build it before the loops run. Then all loops read it, and a handler runs on the
/// loop of its connection: with several loops, several at once.
class router {
public:
    router();
    router(router&&) noexcept;
    router& operator=(router&&) noexcept;
    ~router();

    /// For the server: refuses changes from now on. **Threads**: any.
    void seal() noexcept;

    /// Adds a route. The signature of `callable` decides what kind of handler it is. An exception
    /// is answered with 500. A coroutine may return on any thread.
    /// **Errors**: `weft::errc::invalid_argument` if the pattern is malformed (no leading '/', a
    /// wildcard not at the end, more than 8 parameters) or has this method already;
    /// `invalid_state` once the server runs.
    template <class F>
    result<void> on(http::method method, std::string_view pattern, F&& callable,
                    route_options options = {}) {
        return add(method, pattern, make_handler(std::forward<F>(callable)), std::move(options));
    }
    template <class F>
    result<void> get(std::string_view pattern, F&& callable) {
        return on(method::get, pattern, std::forward<F>(callable));
    }
    template <class F>
    result<void> post(std::string_view pattern, F&& callable, route_options options = {}) {
        return on(method::post, pattern, std::forward<F>(callable), std::move(options));
    }
    template <class F>
    result<void> put(std::string_view pattern, F&& callable, route_options options = {}) {
        return on(method::put, pattern, std::forward<F>(callable), std::move(options));
    }
    template <class F>
    result<void> patch(std::string_view pattern, F&& callable, route_options options = {}) {
        return on(method::patch, pattern, std::forward<F>(callable), std::move(options));
    }
    template <class F>
    result<void> del(std::string_view pattern, F&& callable, route_options options = {}) {
        return on(method::delete_, pattern, std::forward<F>(callable), std::move(options));
    }
    /// Answers every method for which the pattern has no handler of its own.
    template <class F>
    result<void> any(std::string_view pattern, F&& callable, route_options options = {}) {
        return add({}, pattern, make_handler(std::forward<F>(callable)), std::move(options));
    }

    /// Answers requests that no pattern matches, instead of the plain 404.
    template <class F>
    void not_found(F&& callable, route_options options = {}) {
        set_not_found(make_handler(std::forward<F>(callable)), std::move(options));
    }

    /// Adds a filter: it sees each request, upgrades too, before the body is read. `callable` takes
    /// a `const request&` and returns a `std::optional<response>` or something that makes an
    /// `admission<void>`. The first filter that answers or refuses decides; the route is not asked.
    /// A refusal is answered with its status, by default 403; an identity becomes the peer's. With
    /// a prefix, the filter sees only paths that begin with these segments. Filters run in the
    /// order you add them, also if no pattern matches. An exception is answered with 500.
    ///
    /// A filter that has to wait is a coroutine `task<A>(owned_request)`, where `A` makes an
    /// `admission<void>`. Nothing more is read from the client meanwhile, for
    /// `options::reply_timeout` at most. Its copy of the request has no body.
    template <class F>
    void before(F&& callable) {
        before("/", std::forward<F>(callable));
    }
    template <class F>
    void before(std::string_view prefix, F&& callable) {
        if constexpr (!std::is_invocable_v<F&, const request&>) {
            static_assert(std::is_invocable_v<F&, owned_request>,
                          "weft: a filter takes (const request&), or is a coroutine taking "
                          "(owned_request)");
            static_assert(
                weft::detail::is_task_of_admission<std::invoke_result_t<F&, owned_request>, void>,
                "weft: a filter that is a coroutine returns a task of a bool, a refusal or an "
                "admission");
            add_filter(prefix, [ask = std::forward<F>(callable)](const request& req) mutable {
                return filter_verdict{.later = weft::detail::admit<void>(ask(owned_request(req)))};
            });
            return;
        } else {
            add_plain_filter(prefix, std::forward<F>(callable));
        }
    }
    /// Calls `callable` for each request when its answer begins. An accepted upgrade has the status
    /// 101. Observers do not see requests that break the protocol. **Cost**: copies the head of
    /// each request.
    template <class F>
    void after(F&& callable) {
        static_assert(std::is_invocable_v<F&, const owned_request&, const reply_facts&>,
                      "weft: an observer takes (const owned_request&, const reply_facts&)");
        add_observer(std::forward<F>(callable));
    }

    /// Sends requests of this path that have an `Upgrade` header to `callable`, whatever their
    /// method; also those without the header, unless the path has another kind of route. `callable`
    /// decides the answer: 101, 400, 405, 426. Requests with a body get 400 before. **Errors**: as
    /// `on`.
    template <class F>
    result<void> upgrade(std::string_view pattern, F&& callable) {
        static_assert(std::is_invocable_v<F&, const request&, http::upgrade>,
                      "weft: an upgrade handler takes (const request&, http::upgrade)");
        return add_upgrade(pattern, std::forward<F>(callable));
    }

    /// Chooses the loop for requests of this pattern, whatever their method. If `where` returns the
    /// number of another loop, the connection moves there before the body is read. If it returns
    /// nothing, the connection stays. **Threads**: `where` is called on all loops, several at once.
    /// **Errors**: as `on`.
    template <class F>
    result<void> place(std::string_view pattern, F&& where) {
        static_assert(
            std::is_invocable_r_v<std::optional<std::uint8_t>, F&, const request&>,
            "weft: a placement is std::optional<std::uint8_t>(const request&): the loop's number");
        return add_placement(pattern, std::forward<F>(where));
    }

    /// Says which requests of this pattern go on with something that was open before, such as one
    /// with the id of a session. When more clients connect than
    /// `loop_budgets::connects_per_second`, they are let in before those who begin anew.
    /// **Threads**: as `place`. **Cost**: `goes_on` is called only then. **Errors**: as `on`.
    template <class F>
    result<void> resumes(std::string_view pattern, F&& goes_on) {
        static_assert(std::is_invocable_r_v<bool, F&, const request&>,
                      "weft: what tells who resumes is bool(const request&)");
        return add_resumption(pattern, std::forward<F>(goes_on));
    }

private:
    friend class service;
    /// At most one of the two is set.
    struct any_handler {
        plain_handler plain{};
        handler deferred{};
        explicit operator bool() const noexcept { return plain || deferred; }
    };
    struct node;
    struct resource;
    struct route;
    struct surroundings;
    /// What a request matches: nothing (no `where`), a path without the method, a route, or an
    /// upgrade.
    struct match {
        resource* where = nullptr;
        route* chosen = nullptr;
        bool upgrades = false;
    };

    template <class F>
    static any_handler make_handler(F&& callable) {
        if constexpr (std::is_invocable_r_v<response, F&, const request&>) {
            return {.plain = std::forward<F>(callable)};
        } else if constexpr (std::is_invocable_v<F&, const request&, responder>) {
            return {.deferred = std::forward<F>(callable)};
        } else {
            static_assert(std::is_invocable_r_v<task<response>, F&, owned_request>,
                          "weft: a handler is response(const request&), void(const request&, "
                          "responder), or a coroutine task<response>(owned_request)");
            return {.deferred = [run = std::forward<F>(callable)](const request& req,
                                                                  responder answer) mutable {
                detail::answer_by(run(owned_request(req)), std::move(answer));
            }};
        }
    }
    template <class F>
    void add_plain_filter(std::string_view prefix, F&& callable) {
        using returned = std::invoke_result_t<F&, const request&>;
        if constexpr (std::is_same_v<returned, filter_verdict>) {
            add_filter(prefix, std::forward<F>(callable));
        } else if constexpr (std::is_convertible_v<returned, std::optional<response>>) {
            add_filter(prefix, [ask = std::forward<F>(callable)](const request& req) mutable {
                return filter_verdict{.answer = ask(req)};
            });
        } else {
            static_assert(weft::detail::makes_admission<returned, void>,
                          "weft: a filter returns a std::optional<response>, a bool, a refusal or "
                          "an admission");
            add_filter(prefix, [ask = std::forward<F>(callable)](const request& req) mutable {
                const admission<void> said = ask(req);
                if (!said.allowed())
                    return filter_verdict{.answer = response::refused(said.why(), 403)};
                if (said.who()) req.peer().identify(*said.who());
                return filter_verdict{};
            });
        }
    }
    /// Without a method: for the methods that have no route.
    result<void> add(std::optional<http::method> method, std::string_view pattern,
                     any_handler callable, route_options options);
    void set_not_found(any_handler callable, route_options options);
    void add_filter(std::string_view prefix, filter callable);
    void add_observer(observer callable);
    result<void> add_upgrade(std::string_view pattern, upgrade_handler callable);
    result<void> add_placement(std::string_view pattern, placement where);
    result<void> add_resumption(std::string_view pattern, resumption goes_on);
    result<resource*> resource_at(std::string_view pattern);
    /// Finds the route by method and path, and sets the parameters of the request.
    [[nodiscard]] match find(request& req) const noexcept;

    weft::detail::owned_ptr<node> root_;
    bool sealed_ = false;  // atomically
    weft::detail::owned_ptr<surroundings> around_;
};

}  // namespace weft::http
