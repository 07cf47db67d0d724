// Frames to messages: the same bytes whole, in pieces, and through a slow reference decoder must
// tell the same frames; the assembler must keep within its memory bound. First byte: role, deflate,
// limit; second byte: the size of the pieces.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "unit/ws/proto_support.hpp"
#include "ws/proto/frame_decoder.hpp"
#include "ws/proto/message_assembler.hpp"

namespace {

using namespace weft;
using namespace weft::ws;

void require(bool holds) {
    if (!holds) std::abort();
}

test::decoded_stream decode(std::string input, role self, bool deflate, std::uint64_t limit,
                            std::size_t step) {
    test::decoded_stream out;
    frame_decoder decoder(self, deflate);
    byte_span rest = test::writable(input);
    test::seen_frame open;
    while (!rest.empty()) {
        byte_span now = rest.first(std::min(step, rest.size()));
        rest = rest.subspan(now.size());
        frame_piece piece;
        decode_status status;
        while ((status = decoder.next(now, limit, piece)) == decode_status::piece) {
            if (piece.begins) {
                open = {static_cast<std::uint8_t>((piece.fin ? 0x80 : 0) |
                                                  (piece.compressed ? 0x40 : 0) |
                                                  static_cast<unsigned>(piece.op)),
                        {}};
            }
            open.payload += as_text(piece.payload);
            if (piece.ends) out.frames.push_back(open);
        }
        if (status == decode_status::failed) {
            out.failure = describe(decoder.error()).close;
            break;
        }
    }
    return out;
}

void assemble(std::string input, role self, bool deflate, std::uint64_t limit, std::size_t step) {
    static std::array<std::byte, 4096> scratch;
    byte_budget budget(1 << 24);
    assembler_shared shared{budget, scratch};
    message_limits limits;
    limits.max_message = limit;
    {
        message_assembler assembler(self, limits, shared,
                                    deflate ? std::optional(inflate_settings{}) : std::nullopt);
        byte_span rest = test::writable(input);
        std::size_t arrived = 0;
        while (!rest.empty()) {
            byte_span now = rest.first(std::min(step, rest.size()));
            rest = rest.subspan(now.size());
            arrived += now.size();
            for (;;) {
                std::int64_t allowance = INT64_MAX;
                const message_event event = assembler.next(now, {}, allowance);
                if (event == message_event::failed) return;
                if (event == message_event::need_more) break;
                if (event == message_event::text) require(validate_utf8(assembler.payload()));
                require(assembler.payload().size() <= std::max<std::uint64_t>(limit, 125));
            }
            if (!deflate) require(assembler.held() <= 2 * arrived + 64 * 1024);
            require(budget.used() == assembler.held());
        }
    }
    require(budget.used() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const role self = (data[0] & 1) != 0 ? role::client : role::server;
    const bool deflate = (data[0] & 2) != 0;
    const std::uint64_t limit = (data[0] & 4) != 0 ? 100 : 1 << 20;
    const std::size_t step = data[1] + 1U;
    const std::string input(reinterpret_cast<const char*>(data) + 2, size - 2);
    const test::decoded_stream expected = test::reference_decode(input, self, deflate, limit);
    require(decode(input, self, deflate, limit, SIZE_MAX) == expected);
    require(decode(input, self, deflate, limit, step) == expected);
    assemble(input, self, deflate, limit, step);
    return 0;
}
