// Frames between nodes. First byte: whether both have greeted, and how the rest is split. What
// comes of it must not depend on the split, nothing may be kept beyond the longest frame, and
// whatever windows and data say, one window is under way at the most.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/nodes/proto/frame.hpp"
#include "cluster/nodes/proto/greeting.hpp"
#include "cluster/nodes/proto/stream_account.hpp"
#include "cluster/nodes/proto/stream_facts.hpp"

namespace {

using namespace weft::cluster::nodes;

void require(bool holds) {
    if (!holds) std::abort();
}

void open(std::string_view payload) {
    stream_facts facts;
    if (read_stream_facts(payload, facts) != errc::none) return;
    require(facts.address.size() <= max_address && !facts.sid.empty() &&
            facts.sid.size() <= max_sid);
    require(write_stream_facts(facts) == payload);
}

/// As a connection does with it, which answers data with data of the same size.
errc take(const frame& got, std::map<std::uint32_t, stream_account>& streams) {
    hello_facts hello;
    switch (got.type) {
        case frame_type::hello: return read_hello(got.payload, hello);
        case frame_type::open: open(got.payload); return errc::none;
        case frame_type::data: {
            require(!got.payload.empty() && got.payload.size() <= max_data);
            stream_account& one = streams[got.stream];
            if (const errc wrong = one.receive(got.payload.size()); wrong != errc::none)
                return wrong;
            const auto echo = std::min<std::size_t>(got.payload.size(), one.may_go());
            one.sent(echo);
            if (got.payload[0] == 'r') one.made_room(static_cast<std::uint32_t>(echo));
            require(one.may_come() <= stream_window && one.may_go() <= stream_window);
            return errc::none;
        }
        case frame_type::window: {
            stream_account& one = streams[got.stream];
            const errc wrong = one.credit(window_size(got));
            require(one.may_go() <= stream_window);
            return wrong;
        }
        case frame_type::end: return streams[got.stream].they_end();
        default: return errc::none;
    }
}

std::string read(std::string_view wire, std::size_t step, bool greeted) {
    frame_reader reader;
    if (greeted) reader.greeted();
    std::map<std::uint32_t, stream_account> streams;
    std::string out;
    while (!wire.empty()) {
        const std::size_t size = std::min(step, wire.size());
        const auto block = std::make_unique<char[]>(size);
        std::copy_n(wire.data(), size, block.get());
        std::string_view rest(block.get(), size);
        wire.remove_prefix(size);
        while (!rest.empty()) {
            const auto [what, consumed] = reader.feed(rest);
            require(consumed <= rest.size());
            rest.remove_prefix(consumed);
            require(reader.kept() <= frame_header_size + max_data);
            if (what == frame_reader::status::failed) {
                require(reader.error() != errc::none);
                return out + "failed" + std::to_string(static_cast<int>(reader.error()));
            }
            if (what == frame_reader::status::incomplete) {
                require(rest.empty());
                break;
            }
            const frame& got = reader.current();
            require((got.type <= frame_type::welcome) != greeted);
            out += std::to_string(static_cast<int>(got.type)) + '/' + std::to_string(got.stream) +
                   '/' + std::string(got.payload) + '\n';
            if (const errc wrong = take(got, streams); wrong != errc::none)
                return out + "refused" + std::to_string(static_cast<int>(wrong));
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const bool greeted = (data[0] & 1U) != 0;
    const std::string_view wire(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::string whole = read(wire, wire.size() + 1, greeted);
    require(whole == read(wire, 1U + data[0] / 2U, greeted));
    if (size < 4096) require(whole == read(wire, 1, greeted));
    return 0;
}
