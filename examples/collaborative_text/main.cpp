// A text that several people write at once; see shared_text.cpp. The page and its script, bundled
// with Yjs, are built into the program.
//
//     weft_example_collaborative_text [PORT]

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>

#include <weft/weft.hpp>

#include "collaborative_text/shared_text.hpp"

namespace weft::embedded {
std::span<const http::embedded_file> collaborative_text_page() noexcept;
}

int main(int argc, char** argv) {
    weft::stderr_log log;
    weft::server server{{.log = &log}};
    weft::socketio::server io{server};
    examples::serve_shared_text(io.of("/text"));
    (void)server.http().get("/*path",
                            weft::http::embedded_files(weft::embedded::collaborative_text_page()));

    std::uint16_t port = 8080;
    if (argc > 1) std::from_chars(argv[1], argv[1] + std::string_view(argv[1]).size(), port);
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening) {
        std::fprintf(stderr, "collaborative_text: %s\n", listening.error().message().c_str());
        return 1;
    }
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
