// The short way for the usual broadcast. Invariant: what it accepts the general way accepts, and
// reads the same (fuzz/cluster/adapter_message_fuzz.cpp); whatever is unusual it leaves alone.

#include "cluster/adapter/proto/plain_broadcast.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <weft/base/utf8.hpp>

#include "socketio/proto/msgpack_json.hpp"
#include "socketio/proto/packet.hpp"

namespace weft::cluster::classic {
namespace {

using socketio::msgpack_kind;
using socketio::msgpack_token;

/// Shorter than arrays may be deep, so that nothing in it is too deep.
constexpr std::size_t longest = 400;

class plain_reader {
public:
    plain_reader(byte_view body, const message_limits& limits, adapter_message& out) noexcept
        : in_(body), limits_(limits), out_(out) {}

    bool broadcast(std::string_view nsp) {
        return head(msgpack_kind::array, 3) && text(out_.head.uid) && packet(nsp) && options() &&
               in_.at_end();
    }

private:
    bool head(msgpack_kind kind, std::uint64_t size) noexcept {
        return in_.next(token_) && token_.kind == kind && token_.number == size;
    }
    bool text(std::string& into) {
        if (!in_.next(token_) || token_.kind != msgpack_kind::text || !validate_utf8(token_.bytes))
            return false;
        into = as_text(token_.bytes);
        return true;
    }
    /// The next key, one of three; 3 for another one, or one that was there.
    unsigned key(const std::string_view (&names)[3], unsigned& seen) noexcept {
        if (!in_.next(token_) || token_.kind != msgpack_kind::text) return 3;
        for (unsigned i = 0; i < 3; ++i) {
            if (as_text(token_.bytes) != names[i] || (seen & 1U << i) != 0) continue;
            seen |= 1U << i;
            return i;
        }
        return 3;
    }

    bool packet(std::string_view nsp) {
        constexpr std::string_view names[] = {"type", "data", "nsp"};
        if (!head(msgpack_kind::map, 3)) return false;
        unsigned seen = 0;
        for (int i = 0; i < 3; ++i) {
            switch (key(names, seen)) {
                case 0:
                    if (!in_.next(token_) || token_.kind != msgpack_kind::positive ||
                        token_.number != static_cast<std::uint64_t>(socketio::packet_type::event))
                        return false;
                    break;
                case 1:
                    if (!event()) return false;
                    break;
                case 2:
                    if (!in_.next(token_) || token_.kind != msgpack_kind::text ||
                        as_text(token_.bytes) != nsp)
                        return false;
                    break;
                default: return false;
            }
        }
        return true;
    }

    bool event() {
        if (!in_.next(token_) || token_.kind != msgpack_kind::array || token_.number == 0)
            return false;
        std::uint64_t arguments = token_.number - 1;
        std::string& name = out_.content.event;
        if (!text(name) || name.size() > limits_.max_event_name ||
            socketio::refusal_of(name) != socketio::errc{})
            return false;
        std::string& json = out_.content.arguments;
        json.clear();
        socketio::attachment_list none{{}, 0};
        for (; arguments > 0; --arguments) {
            if (!json.empty()) json += ',';
            const std::size_t before = json.size();
            if (socketio::append_json(json, in_, &none) != socketio::errc{} ||
                json.size() == before)  // `undefined`
                return false;
        }
        return validate_utf8(as_bytes(json));
    }

    bool rooms(std::vector<std::string>& into) {
        into.clear();
        if (!in_.next(token_) || token_.kind != msgpack_kind::array ||
            token_.number > limits_.max_rooms)
            return false;
        for (std::uint64_t left = token_.number; left > 0; --left) {
            if (!text(into.emplace_back())) return false;
        }
        return true;
    }

    bool options() {
        constexpr std::string_view names[] = {"rooms", "except", "flags"};
        if (!head(msgpack_kind::map, 3)) return false;
        unsigned seen = 0;
        for (int i = 0; i < 3; ++i) {
            switch (key(names, seen)) {
                case 0:
                    if (!rooms(out_.content.to.rooms)) return false;
                    break;
                case 1:
                    if (!rooms(out_.content.to.except)) return false;
                    break;
                case 2:
                    if (!head(msgpack_kind::map, 0)) return false;
                    break;
                default: return false;
            }
        }
        return true;
    }

    socketio::msgpack_reader in_;
    const message_limits& limits_;
    adapter_message& out_;
    msgpack_token token_;
};

}  // namespace

bool read_plain_broadcast(byte_view body, std::string_view nsp, const message_limits& limits,
                          adapter_message& out) {
    if (body.size() > longest || as_text(body).find("_placeholder") != std::string_view::npos)
        return false;
    out.head.type = message_type::broadcast;
    out.content.to.nsp = nsp;
    return plain_reader(body, limits, out).broadcast(nsp);
}

}  // namespace weft::cluster::classic
