// Inflating: any bytes, however split, must give the same output and verdict, and never more output
// than there is room for. Deflating: any message must come back. First byte: window and history;
// second and third: input and output sizes per step.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "unit/ws/proto_support.hpp"
#include "ws/proto/deflate.hpp"

namespace {

using namespace weft;
using namespace weft::ws;

constexpr std::size_t enough = 1 << 18;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string inflate_all(inflater& in, byte_view message, std::size_t step, std::size_t room,
                        inflate_status& status) {
    std::string out;
    std::string buffer(room, '\0');
    do {
        byte_view now = message.first(std::min(step, message.size()));
        message = message.subspan(now.size());
        do {
            const inflater::step result = in.run(now, message.empty(), test::writable(buffer));
            require(result.produced <= room);
            out.append(buffer, 0, result.produced);
            status = result.status;
        } while (status == inflate_status::output_full && out.size() < enough);
    } while (status == inflate_status::need_input && !message.empty());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const int window = 9 + data[0] % 7;
    const bool keep = (data[0] & 0x80) != 0;
    const std::size_t step = data[1] + 1U;
    const std::size_t room = data[2] + 1U;
    const byte_view input(reinterpret_cast<const std::byte*>(data) + 3, size - 3);

    inflater one(window, keep);
    inflater two(window, keep);
    for (int message = 0; message < 2; ++message) {
        inflate_status whole_status{};
        inflate_status split_status{};
        const std::string whole = inflate_all(one, input, SIZE_MAX, 65536, whole_status);
        const std::string split = inflate_all(two, input, step, room, split_status);
        if (whole.size() >= enough || split.size() >= enough) break;
        // A peer that refers back beyond the window it promised is caught when the bytes have left
        // the output buffer, which depends on the split. With the largest window no distance can.
        if (window < 15 && whole_status != split_status) break;
        require(whole_status == split_status);
        if (whole_status != inflate_status::finished) break;
        require(whole == split);
        two.release();
    }

    deflater out({window, 1 + data[1] % 9, data[2] % 10});
    inflater back(window, true);
    for (int message = 0; message < 3; ++message) {
        const auto compressed = out.compress(input);
        require(compressed.has_value());
        inflate_status status{};
        const std::string text = inflate_all(back, compressed->bytes, step, 65536, status);
        require(status == inflate_status::finished && text == as_text(input));
        if (message == 1) out.forget_history();
    }
    return 0;
}
