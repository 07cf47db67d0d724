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
/// It is its own main namespace "/"; `of` gives the others. Any number of them may share a
/// `weft::server`, with paths of their own.
///
/// **Threads**: set it up before the `weft::server` listens or runs; see `space`.
/// **Lifetime**: this is a handle. What it set up belongs to the `weft::server` and goes with it;
/// use no handle after that.
class server final : public space {
public:
    /// A bad option is reported by `weft::server::listen` and `run`.
    explicit server(host& where, options chosen = {});
    ~server();

    /// The namespace of this name, made when it is first asked for. A missing "/" is put in front.
    space& of(std::string_view name);
    /// All namespaces whose name matches: "*" stands for any characters. Each is made when its
    /// first client comes, unless `of` names it.
    space& of_matching(std::string_view pattern);
    /// All namespaces that `predicate` agrees to, asked once per client that wants a namespace that
    /// does not exist: `T(std::string_view name, std::string_view auth)`, or a coroutine
    /// `task<T>(std::string name, std::string auth)`, where `T` makes an `admission<>` and `auth`
    /// is a JSON object. Patterns are asked in the order of registration.
    template <class F>
    requires(!std::is_convertible_v<F, std::string_view>) space& of_matching(F predicate) {
        return add_predicate(detail::make_predicate(std::move(predicate)));
    }

    /// Connections of clients, on all loops. **Threads**: any.
    [[nodiscard]] std::size_t clients_count() const noexcept;

private:
    server(host& where, std::shared_ptr<detail::server_core> core);
    space& add_predicate(detail::predicate what);

    std::shared_ptr<detail::server_core> core_;
};

}  // namespace weft::socketio
