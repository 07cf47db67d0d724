// Pieces of every protocol that the server speaks, and bytes that are none, in any order.

#include "rough_actor.hpp"

#include <array>

#include "unit/ws/proto_support.hpp"

namespace weft::simulation {
namespace {

using ws::test::encode;

constexpr std::string_view upgrade =
    " HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

constexpr std::array<std::string_view, 8> targets{
    "/socket.io/?EIO=4&transport=websocket",
    "/socket.io/?EIO=4&transport=polling",
    "/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA",
    "/socket.io/?EIO=3&transport=polling",
    "/fast/99999/0",
    "/later/99999/0?ms=50",
    "/events/99999?topics=0123",
    "*",
};

constexpr std::array<std::string_view, 16> packets{
    "40",
    "40/chat,{\"session\":0}",
    "40/none,",
    "41",
    "42[\"say\",\"x\"]",
    "421[\"ask\",7]",
    "42/chat,9[\"ask\",7]",
    "431[1]",
    "451-[\"say\",{\"_placeholder\":true,\"num\":0}]",
    "459-[\"say\"]",
    "44{\"message\":\"x\"}",
    "2probe",
    "5",
    "3",
    "1",
    "6",
};

std::string packet(choices& from) {
    std::string made(packets[from.below(packets.size())]);
    if (from.one_in(4) && !made.empty())
        made[from.below(made.size())] = static_cast<char>(from.below(128));
    return made;
}

}  // namespace

void rough_actor::act(choices& from) {
    switch (from.below(10)) {
        case 0: {
            const std::string_view target = targets[from.below(targets.size())];
            const std::string_view rest =
                from.one_in(2) ? upgrade : " HTTP/1.1\r\nHost: here\r\n\r\n";
            wire_.write("GET " + std::string(target) + std::string(rest));
            break;
        }
        case 1: {
            const std::string body = packet(from);
            wire_.write(
                "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: "
                "here\r\nContent-Length: " +
                std::to_string(body.size() + (from.one_in(6) ? 1 : 0)) + "\r\n\r\n" + body);
            break;
        }
        case 2:
        case 3:
        case 4:
            wire_.write(
                encode({static_cast<std::uint8_t>(from.one_in(4) ? 0x82 : 0x81), packet(from)}));
            break;
        case 5:
            wire_.write(
                encode({static_cast<std::uint8_t>(from.below(256)), from.bytes(from.below(130))}));
            break;
        case 6: wire_.write(from.bytes(1 + from.below(40))); break;
        case 7: wire_.push(1 + from.size(300)); break;
        case 8: serve(); break;
        default:
            if (from.one_in(8)) leave(from);
            break;
    }
}

void rough_actor::leave(choices& from) {
    if (from.one_in(2)) {
        wire_.reset();
    } else {
        wire_.end();
    }
}

}  // namespace weft::simulation
