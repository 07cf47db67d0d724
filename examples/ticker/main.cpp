// A ticker: prices of the symbols that a page has chosen, the latest ones only; see ticker.cpp.
//
//     weft_example_ticker [FOLDER OF THE PAGE [PORT]]

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <weft/weft.hpp>

#include "ticker/ticker.hpp"

int main(int argc, char** argv) {
    weft::stderr_log log;
    weft::server server{{.log = &log}};
    weft::socketio::server io{server};
    examples::serve_ticker(server, io.of("/ticker"));

    const auto page = weft::http::static_files::make(argc > 1 ? argv[1] : ".");
    if (!page) {
        std::fprintf(stderr, "ticker: %s\n", page.error().message().c_str());
        return 1;
    }
    (void)server.http().get("/*path", *page);

    std::uint16_t port = 8080;
    if (argc > 2) std::from_chars(argv[2], argv[2] + std::string_view(argv[2]).size(), port);
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening) {
        std::fprintf(stderr, "ticker: %s\n", listening.error().message().c_str());
        return 1;
    }
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
