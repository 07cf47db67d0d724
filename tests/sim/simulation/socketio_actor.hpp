#pragma once

// The library's own Socket.IO client, in two namespaces, over polling, WebSocket or both; and the
// server's side of the namespaces.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/net/loop.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>

#include "actor.hpp"

namespace weft::simulation {

inline constexpr std::array<std::string_view, 2> namespaces{"/", "/chat"};

/// The handlers of a namespace.
class served_space {
public:
    served_space(socketio::space& where, model& all, loop_ref loop)
        : where_(where), all_(all), loop_(std::move(loop)) {
        set_up();
    }

private:
    void set_up();
    void greet(session& who, std::string room, int times);
    session* session_of(const socketio::socket& s) const;
    /// The sockets of this namespace that are in a room.
    std::string room_key(std::string_view room) const {
        return std::string(where_.name()) + ' ' + std::string(room);
    }

    socketio::space& where_;
    model& all_;
    loop_ref loop_;
};

class socketio_actor final : public actor {
public:
    socketio_actor(model& all, const loop_ref& loop, choices& from);

    void act(choices& from) override;
    void serve() override {}
    void check_calm() override;
    [[nodiscard]] bool over() const override;
    void leave(choices& from) override;

private:
    /// One namespace: its present session, if it is connected.
    struct end {
        std::string_view nsp;
        session* asked = nullptr;  // the last one that `auth` has named
        session* now = nullptr;
        std::vector<std::string> early;  // emitted while there was none, for the next one
        socketio::client_socket* socket = nullptr;
    };
    void set_up(end& e);
    void say(end& e, choices& from);
    void excuse(end& e);
    void say_early(end& e, choices& from);

    model& all_;
    std::array<end, 2> ends_;
    socketio::client client_;
};

}  // namespace weft::simulation
