#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/response.hpp>
#include <weft/http/upgrade.hpp>

namespace weft::http {

/// Answers through the responder, now or later.
using handler = unique_function<void(const request&, responder)>;
/// Answers at once. **Cost**: less than a `handler`: no state is allocated.
using plain_handler = unique_function<response(const request&)>;
using upgrade_handler = unique_function<void(const request&, upgrade)>;
/// Which loop a request belongs to, by index; see `router::place`.
using placement = unique_function<std::optional<std::uint8_t>(const request&)>;

struct route_options {
    std::optional<std::uint64_t> max_body;  ///< Instead of `options::max_body`.
};

/// Which handler answers which method and path.
///
/// A pattern is a path whose segments are texts (`/about`), parameters (`/user/:id`, one segment,
/// not empty) or, at the end, a wildcard (`/files/*path`, the rest, also empty). At each segment a
/// text beats a parameter beats a wildcard, whatever the order of registration. A path that no
/// pattern matches gets 404, one whose pattern lacks the method 405 with `Allow`. HEAD is answered
/// by the GET handler, without the body.
///
/// **Threads**: build it before the loops run; then it is only read, by all of them, and handlers
/// run on the loop of their connection: with several loops, several at once.
class router {
public:
    router();
    router(router&&) noexcept;
    router& operator=(router&&) noexcept;
    ~router();

    /// For the server: from now on the routes stay as they are. **Threads**: any.
    void seal() noexcept;

    /// `callable` is a `plain_handler` or a `handler`: its signature decides.
    /// **Errors**: `weft::errc::invalid_argument` for a malformed pattern (no leading '/', a
    /// wildcard not at the end, more than 8 parameters) or one that has this method already;
    /// `invalid_state` once the server runs.
    template <class F>
    result<void> on(http::method method, std::string_view pattern, F&& callable,
                    route_options options = {}) {
        if constexpr (std::is_invocable_r_v<response, F&, const request&>) {
            return add(method, pattern, plain_handler(std::forward<F>(callable)), options);
        } else {
            return add(method, pattern, handler(std::forward<F>(callable)), options);
        }
    }
    template <class F>
    result<void> get(std::string_view pattern, F&& callable) {
        return on(method::get, pattern, std::forward<F>(callable));
    }
    template <class F>
    result<void> post(std::string_view pattern, F&& callable, route_options options = {}) {
        return on(method::post, pattern, std::forward<F>(callable), options);
    }

    /// Requests of this path that ask for an upgrade (they have an `Upgrade` header) go to
    /// `callable`, whatever their method; so do those that do not ask, unless the path has a route
    /// of another kind. It decides all of it: 101, 400, 405, 426. A request with a body is refused
    /// with 400 before. **Errors**: as `on`.
    result<void> upgrade(std::string_view pattern, upgrade_handler callable);

    /// Requests of this pattern, whatever their method, that belong to a loop: `where` names it,
    /// and their connection is moved there, before the body is read, if it is another's. Nothing:
    /// any loop will do. Called on all loops, several at once. **Errors**: as `on`.
    result<void> place(std::string_view pattern, placement where);

private:
    friend class connection;
    struct node;
    struct endpoint;
    struct route;
    /// What a request asks for: nothing (no `where`), a path without the method, a route, or an
    /// upgrade.
    struct match {
        endpoint* where = nullptr;
        route* chosen = nullptr;
        bool upgrades = false;
    };

    result<void> add(http::method method, std::string_view pattern, plain_handler callable,
                     route_options options);
    result<void> add(http::method method, std::string_view pattern, handler callable,
                     route_options options);
    result<route*> free_route(http::method method, std::string_view pattern, route_options options);
    result<endpoint*> endpoint_at(std::string_view pattern);
    /// Finds by method and path, and gives the request its parameters.
    [[nodiscard]] match find(request& req) const noexcept;

    std::unique_ptr<node> root_;
    bool sealed_ = false;  // atomically
};

}  // namespace weft::http
