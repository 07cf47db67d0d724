#pragma once

// The server of a simulation: its routes, endpoints and handlers, which tell the model all they do.

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>
#include <weft/testing/world.hpp>

#include "choices.hpp"
#include "model.hpp"
#include "socketio_actor.hpp"
#include "ws_actor.hpp"

namespace weft::simulation {

inline constexpr std::array<endpoint_facts, 5> endpoints{{
    {"/ws/plain/", overflow_policy::close, false},
    {"/ws/deflate/", overflow_policy::close, true},
    {"/ws/newest/", overflow_policy::drop_newest, true},
    {"/ws/oldest/", overflow_policy::drop_oldest, false},
    {"/ws/latest/", overflow_policy::latest_per_key, false},
}};
inline constexpr duration idle_timeout = std::chrono::seconds(60);

/// Draws limits: mostly wide, sometimes so small that clients meet them.
server_options draw_options(choices& from, model& all, log_sink* log);

/// Sets up `w`. **Lifetime**: until the world has ended.
class served {
public:
    served(test_world& w, model& all, choices& from);

    [[nodiscard]] bool has_socketio() const noexcept { return socketio_.has_value(); }
    /// What the model knows agrees with what the server says.
    void check() const;

private:
    using connection = ws::connection<std::size_t>;

    session* session_of(std::string_view number) const;
    void set_up_websockets(choices& from);
    void set_up_http();
    void set_up_events();
    void set_up_socketio();
    void on_command(connection& c, session& s, message_view what);
    void reply(connection& c, session& s, message_view what);
    void publish(session& by, connection& c, char topic, message_view what);
    void send_pieces(connection& c, session& s, message_view what);
    [[nodiscard]] std::uint64_t metric(std::string_view name) const;

    test_world& w_;
    model& all_;
    std::vector<ws::endpoint<std::size_t>*> sockets_;
    std::optional<socketio::server> socketio_;
    std::vector<std::unique_ptr<served_space>> spaces_;
};

}  // namespace weft::simulation
