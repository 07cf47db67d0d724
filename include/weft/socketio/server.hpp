#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/base/task.hpp>
#include <weft/socketio/host.hpp>
#include <weft/socketio/options.hpp>
#include <weft/socketio/space.hpp>

namespace weft::socketio {

/// A Socket.IO server: part of a `weft::server`, on its ports and loops.
///
///     weft::server server;
///     weft::socketio::server io{server};
///     io.on_connect([](weft::socketio::socket& s) { s.join("lobby"); });
///     io.on("sum", [](weft::socketio::socket&, int a, int b) { return a + b; });
///     return server.run({.port = 8080});
///
/// It is itself the main namespace "/"; `of` gives the others. Several may share a `weft::server`,
/// each with its own path.
///
/// **Threads**: set it up before the `weft::server` listens or runs; see `space`.
/// **Lifetime**: this is a handle. What it sets up belongs to the `weft::server` and lives as long.
/// Do not use the handle after that.
class server final : public space {
public:
    /// **Errors**: `weft::server::listen` and `run` report a wrong option.
    explicit server(host& carrier, options chosen = {});
    ~server();

    /// The namespace of this name. The first call makes it. Adds a missing "/" in front.
    space& of(std::string_view name);
    /// All namespaces whose name matches; "*" stands for any characters. The first client makes the
    /// namespace, unless `of` has.
    space& of_matching(std::string_view pattern);
    /// All namespaces that `predicate` admits. It is asked for each client that wants a namespace
    /// that does not exist. It is `T(std::string_view name, std::string_view auth)`, or a coroutine
    /// `task<T>(std::string name, std::string auth)`. `T` makes an `admission<>`; `auth` is a JSON
    /// object. Patterns and predicates are asked in the order of registration.
    template <class F>
    requires(!std::is_convertible_v<F, std::string_view>) space& of_matching(F predicate) {
        return add_predicate(detail::make_predicate(std::move(predicate)));
    }

    /// How many clients are connected, on all loops. **Threads**: any.
    [[nodiscard]] std::size_t clients_count() const noexcept;

private:
    server(host& carrier, std::shared_ptr<detail::server_core> core);
    space& add_predicate(detail::predicate what);

    std::shared_ptr<detail::server_core> core_;
};

}  // namespace weft::socketio
