// Sec-WebSocket-Extensions in both directions. What a server accepts must be an answer that a
// client with fitting wishes takes. First byte: the server's windows.

#include <algorithm>
#include <cstdlib>

#include "ws/proto/extensions.hpp"

namespace {

using namespace weft::ws;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto bits = static_cast<std::uint8_t>(9 + data[0] % 7);
    const deflate_wishes server{(data[0] & 0x40) != 0, (data[0] & 0x80) != 0, bits, bits};
    const std::string_view headers[] = {{reinterpret_cast<const char*>(data) + 1, size - 1}};

    const extension_outcome accepted = accept_extensions(headers, server);
    require(!accepted.error || !accepted.deflate);
    if (accepted.deflate) {
        require(accepted.deflate->server_max_window_bits >= 9);
        require(accepted.deflate->server_max_window_bits <= bits);
        require(accepted.deflate->client_max_window_bits >= 8);
        require(accepted.deflate->client_max_window_bits <= 15);
        const std::string text = deflate_response(*accepted.deflate);
        const std::string_view response[] = {text};
        const deflate_wishes client{false, false, 15, 15};
        const extension_outcome seen = check_extensions(response, &client);
        deflate_agreement told = *accepted.deflate;
        if (!told.server_window_named) told.server_max_window_bits = 15;
        require(!seen.error && seen.deflate == told);
    }
    const deflate_wishes client{false, false, 15, 15};
    const extension_outcome seen = check_extensions(headers, &client);
    require(!seen.error || !seen.deflate);
    require(check_extensions(headers, nullptr).deflate == std::nullopt);
    return 0;
}
