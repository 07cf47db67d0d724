// Frames by hand. Invariant: what stands in `up` is on the wire or behind it, whole and valid, in
// this order; after the first broken rule nothing more is added.

#include "ws_actor.hpp"

#include <array>
#include <cstring>

#include "unit/ws/proto_support.hpp"

namespace weft::simulation {
namespace {

using ws::test::encode;

constexpr std::array<std::string_view, 12> verbs{"say", "say", "say", "join",  "join",  "leave",
                                                 "pub", "pub", "pub", "later", "split", "hold"};
constexpr std::array<std::string_view, 5> rare_verbs{"bye", "die", "throw", "ping", "all"};

std::string padding(choices& from, std::size_t size) {
    std::string out(size, 'x');
    const std::size_t kind = from.below(3);
    std::uint64_t x = from.below(256) + 1;
    for (char& c : out) {
        if (kind == 0) break;
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        c = kind == 1 ? static_cast<char>('a' + (x >> 60U))
                      : static_cast<char>(' ' + (x >> 40U) % 95);
    }
    return out;
}

}  // namespace

std::string make_command(choices& from, model& all) {
    const std::string_view verb = from.one_in(30) ? rare_verbs[from.below(rare_verbs.size())]
                                                  : verbs[from.below(verbs.size())];
    std::string out(verb);
    out += ' ' + std::to_string(from.below(4)) + ' ' + std::to_string(all.next_id++) + ' ';
    return out + padding(from, from.size(max_message - 100));
}

/// permessage-deflate with zlib alone.
struct ws_actor::codec {
    explicit codec(std::string_view agreed)
        : resets(agreed.find("client_no_context_takeover") != std::string_view::npos) {
        int bits = 15;
        constexpr std::string_view name = "client_max_window_bits=";
        if (const std::size_t at = agreed.find(name); at != std::string_view::npos)
            bits = std::atoi(agreed.data() + at + name.size());
        inflateInit2(&in, -15);
        deflateInit2(&out, 1, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY);
    }
    ~codec() {
        inflateEnd(&in);
        deflateEnd(&out);
    }
    codec(const codec&) = delete;
    codec& operator=(const codec&) = delete;

    std::string pack(std::string text) {
        std::string made(deflateBound(&out, text.size()) + 100, '\0');
        run(out, text, made, [](z_stream& s) { return deflate(&s, Z_SYNC_FLUSH); });
        made.resize(made.size() - out.avail_out - 4);
        if (resets) deflateReset(&out);
        return made;
    }
    std::optional<std::string> unpack(std::string bytes) {
        bytes += std::string_view("\0\0\xFF\xFF", 4);
        std::string made(2 * max_message, '\0');
        const int how = run(in, bytes, made, [](z_stream& s) { return inflate(&s, Z_SYNC_FLUSH); });
        if (how != Z_OK || in.avail_in != 0 || in.avail_out == 0) return std::nullopt;
        made.resize(made.size() - in.avail_out);
        return made;
    }
    template <class F>
    static int run(z_stream& s, std::string& from, std::string& to, F step) {
        s.next_in = reinterpret_cast<Bytef*>(from.data());
        s.avail_in = static_cast<uInt>(from.size());
        s.next_out = reinterpret_cast<Bytef*>(to.data());
        s.avail_out = static_cast<uInt>(to.size());
        return step(s);
    }

    z_stream in{};
    z_stream out{};
    bool resets;
};

ws_actor::ws_actor(model& all, session& mine, const endpoint_facts& where, net::sim_backend& io,
                   std::string_view address, choices& from)
    : all_(all), mine_(mine), where_(where), wire_(io, address) {
    mine_.policy = where.policy;
    const bool offers = where.deflate && !from.one_in(4);
    wire_.write(
        "GET " + std::string(where.path) + std::to_string(all.index(mine)) +
        " HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
        (offers ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "") +
        "\r\n");
    if (from.one_in(3)) say(from);
    if (from.one_in(2)) wire_.push();
}

ws_actor::~ws_actor() = default;

void ws_actor::act(choices& from) {
    switch (from.below(16)) {
        default: say(from); break;
        case 4:
        case 5: wire_.push(from.size(100'000)); break;
        case 6:
        case 7: wire_.push(); break;
        case 8:
        case 9: read(from.size(100'000)); break;
        case 10:
            if (!closing_ && !mine_.wild && ++control_frames_ <= max_control_frames) {
                std::string payload =
                    std::to_string(all_.next_id++) + std::string(from.below(100), 'p');
                pongs_.owe(payload, false);
                wire_.write(encode({0x89, std::move(payload)}));
            }
            break;
        case 11:
            if (from.one_in(3)) {
                stalled_ = true;
                mine_.excuse_for("does not read");
                wire_.window(from.one_in(2) ? 2048 : 65536);
            } else {
                wake_up();
            }
            break;
        case 12:
            if (from.one_in(4)) misbehave(from);
            break;
        case 13:
            if (from.one_in(4)) leave(from);
            break;
    }
}

void ws_actor::say(choices& from) {
    if (closing_ || mine_.wild || wire_.has_ended() || wire_.unsent() > 300'000) return;
    std::string text = make_command(from, all_);
    const bool as_text = !from.one_in(5);
    mine_.up.owe((as_text ? "t" : "b") + text);
    const bool compressed = codec_ != nullptr && !from.one_in(4);
    if (compressed) text = codec_->pack(std::move(text));
    say_frames(as_text ? '\x1' : '\x2', std::move(text), compressed, from);
}

void ws_actor::say_frames(char opcode, std::string payload, bool compressed, choices& from) {
    const std::size_t pieces = from.one_in(3) ? 1 + from.below(5) : 1;
    for (std::size_t i = 1; i <= pieces; ++i) {
        const std::size_t count = i == pieces ? payload.size() : from.below(payload.size() + 1);
        const unsigned first =
            (i == pieces ? 0x80U : 0U) |
            (i == 1 ? static_cast<unsigned>(opcode) | (compressed ? 0x40U : 0U) : 0U);
        wire_.write(encode({static_cast<std::uint8_t>(first), payload.substr(0, count)}));
        payload.erase(0, count);
        if (i < pieces && from.one_in(4) && ++control_frames_ <= max_control_frames)
            wire_.write(encode({0x8A, "alive"}));
    }
}

void ws_actor::give_up_rules(std::string_view why) {
    mine_.wild = true;
    mine_.excuse_for(why);
}

void ws_actor::misbehave(choices& from) {
    if (wire_.has_ended()) return;
    give_up_rules("broke the protocol");
    switch (from.below(8)) {
        case 0: wire_.write(encode({0x81, "not masked", false})); break;
        case 1: wire_.write(encode({0x81, "\xFF\xFE"})); break;
        case 2: wire_.write(encode({0x80, "goes on with nothing"})); break;
        case 3: wire_.write(encode({0x82, std::string(max_message + 1, 'x')})); break;
        case 4:
            wire_.write(encode({0x82, {}, true, std::uint8_t{127}, std::uint64_t{1} << 62U}));
            break;
        case 5: wire_.write(encode({0xC1, from.bytes(200)})); break;
        case 6: wire_.write(encode({0x88, from.bytes(from.below(4))})); break;
        default: wire_.write(from.bytes(1 + from.size(3000))); break;
    }
}

void ws_actor::leave(choices& from) {
    switch (from.below(4)) {
        case 0:
            give_up_rules("reset");
            wire_.reset();
            break;
        case 1:
            give_up_rules("half-closed");
            wire_.push();
            wire_.end();
            break;
        default:
            if (closing_ || mine_.wild) break;
            closing_ = true;
            mine_.excuse_for("closed by the client");
            wire_.write(encode({0x88, std::string("\x0F\xA1", 2) + "enough"}));
    }
}

void ws_actor::wake_up() {
    stalled_ = false;
    wire_.window(256 * 1024);
}

void ws_actor::serve() {
    wire_.push();
    if (!stalled_) read(SIZE_MAX);
    wire_.push();
}

void ws_actor::read(std::size_t most) {
    in_ += wire_.read(most);
    if (!open_ && !refused_ && !read_head()) return;
    while (open_ && read_frame()) {
    }
    if (in_.size() > 2 * max_message) broken("a frame of the server is too large");
}

bool ws_actor::read_head() {
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string head = in_.substr(0, end + 2);
    if (!head.starts_with("HTTP/1.1 101 ")) {
        refused_ = true;
        if (mine_.opened) broken("refused, and opened");
        return false;
    }
    in_.erase(0, end + 4);
    open_ = true;
    if (!mine_.opened) broken("101 without on_open");
    constexpr std::string_view extension = "Sec-WebSocket-Extensions: permessage-deflate";
    if (const std::size_t at = head.find(extension); at != std::string::npos) {
        if (!where_.deflate) broken("a compression that nobody offers");
        codec_ = std::make_unique<codec>(head.substr(at, head.find("\r\n", at) - at));
    }
    return true;
}

bool ws_actor::read_frame() {
    if (in_.size() < 2) return false;
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(in_[i]); };
    const unsigned code = byte(1);
    if (code > 127) broken("the server masks");
    const std::size_t width = code == 126 ? 2 : code == 127 ? 8 : 0;
    if (in_.size() < 2 + width) return false;
    std::size_t size = width == 0 ? code : 0;
    for (std::size_t i = 0; i < width; ++i) size = size << 8U | byte(2 + i);
    if (width == 2 && size < 126) broken("a length that is longer than it must be");
    if (in_.size() - 2 - width < size) return false;
    std::string payload = in_.substr(2 + width, size);
    const unsigned first = byte(0);
    in_.erase(0, 2 + width + size);
    take_frame(first, std::move(payload));
    return true;
}

void ws_actor::take_frame(unsigned first, std::string payload) {
    if (closed_with_) return broken("a frame behind the close frame");
    const unsigned opcode = first & 0xFU;
    if (opcode >= 8 && ((first & 0x80U) == 0 || payload.size() > 125))
        return broken("a control frame that is cut or too long");
    switch (opcode) {
        case 1:
        case 2:
            if (fragment_ != 0) return broken("a message within another one");
            fragment_ = first;
            parts_ = std::move(payload);
            break;
        case 0:
            if (fragment_ == 0) return broken("a piece of no message");
            parts_ += payload;
            break;
        case 8: {
            closed_with_ = payload.size() < 2
                               ? 1005U
                               : static_cast<unsigned>(static_cast<unsigned char>(payload[0]))
                                         << 8U |
                                     static_cast<unsigned char>(payload[1]);
            all_.note(mine_, "client got close", std::to_string(*closed_with_));
            // What a handler had sent before it closed comes before.
            if (mine_.server_closes && *closed_with_ / 1000 == 3 && mine_.down.due() != nullptr)
                broken("closed before " + shown(*mine_.down.due()) + " came");
            if (!closing_ && !mine_.wild) {
                closing_ = true;
                wire_.write(encode({0x88, payload.substr(0, 2)}));
            }
            return;
        }
        case 9:
            if (!closing_ && !mine_.wild) wire_.write(encode({0x8A, std::move(payload)}));
            return;
        case 10:
            if (mine_.wild) return;
            if (const std::string why = pongs_.receive(payload); !why.empty())
                broken("pong: " + why);
            return;
        default: return broken("an opcode that does not exist");
    }
    if ((first & 0x80U) == 0) return;
    const bool text = (fragment_ & 0xFU) == 1;
    const bool packed = (fragment_ & 0x40U) != 0;
    fragment_ = 0;
    if (!packed) return take_message(text, std::move(parts_));
    if (codec_ == nullptr) return broken("compressed, though nobody agreed on it");
    auto unpacked = codec_->unpack(std::move(parts_));
    if (!unpacked) return broken("what came does not inflate");
    take_message(text, *std::move(unpacked));
}

void ws_actor::take_message(bool text, std::string payload) {
    all_.client_got(mine_, (text ? "t" : "b") + payload);
}

void ws_actor::check_calm() {
    if (stalled_) return;
    if (wire_.over()) {
        if (mine_.live()) broken("its connection is over, but the server holds it open");
        return;
    }
    if (mine_.closed) return broken("closed by the server, but its connection is not over");
    if (!open_ || mine_.server_closes || closing_ || mine_.wild) return;
    if (mine_.down.due() != nullptr) broken("never came: " + shown(*mine_.down.due()));
    if (!all_.throttled && !mine_.paused && mine_.up.due() != nullptr)
        all_.fail(mine_, "server: never came: " + shown(*mine_.up.due()));
}

}  // namespace weft::simulation
