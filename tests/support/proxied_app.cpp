// The application behind the proxies of tests/e2e/proxies.test.mjs: it says who its clients are.
// Prints "listening on URL" when ready; SIGTERM drains it.
//
// Arguments: --port N --trust NETWORK --public-origin ORIGIN --proxy-protocol --tls CERT KEY

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

namespace {

std::string describe(std::string_view address, bool secure) {
    return std::string(address) + (secure ? " https" : " http");
}

constexpr std::string_view page = R"(<!doctype html><title>proxied</title><p id="polling"></p><p
id="websocket"></p><script src="/socket.io/socket.io.js"></script><script src="/page.js"></script>)";

// One socket polls and posts, and stays so; the other upgrades: what a proxy must let through.
constexpr std::string_view script = R"(const show = (id, text) => {
  document.getElementById(id).textContent = text;
};
const ask = (socket, id) => socket.emit('ask', (who) => show(id, `${who} ${socket.io.engine.transport.name}`));
ask(io({ upgrade: false, forceNew: true }), 'polling');
const upgraded = io({ forceNew: true });
upgraded.io.engine.on('upgrade', () => ask(upgraded, 'websocket'));
)";

}  // namespace

int main(int argc, char** argv) {
    weft::server_options options;
    weft::server_address where;
    where.host = "127.0.0.1";
    where.port = 0;
    const std::vector<std::string> words(argv + 1, argv + argc);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto next = [&] { return ++i < words.size() ? words[i] : std::string(); };
        if (words[i] == "--port")
            where.port = static_cast<std::uint16_t>(std::atoi(next().c_str()));
        if (words[i] == "--trust") options.http.trusted_proxies.push_back(next());
        if (words[i] == "--public-origin") options.http.public_origins.push_back(next());
        if (words[i] == "--proxy-protocol") where.proxy_protocol = true;
        if (words[i] == "--connections")
            options.traffic.per_address.max_connections = std::stoul(next());
        if (words[i] == "--tls") {
            const std::string cert = next(), key = next();
            where.tls.emplace().certificates.push_back({cert, key, {}, {}, {}});
        }
    }
    options.http.allowed_hosts = {"localhost", "127.0.0.1"};

    weft::server app(options);
    (void)app.http().get("/", [](const weft::http::request&) {
        return weft::http::response::html(std::string(page));
    });
    (void)app.http().get("/page.js", [](const weft::http::request&) {
        weft::http::response reply(200);
        reply.header("Content-Type", "text/javascript").body(std::string(script));
        return reply;
    });
    (void)app.http().get("/who", [](const weft::http::request& request) {
        const weft::peer& client = request.peer();
        return weft::http::response::text(
            200, describe(client.address().address(), client.secure()) + " " +
                     std::string(request.host()));
    });
    app.ws("/ws").on_open([](auto& connection, const weft::http::handshake& asked) {
        connection.send(describe(asked.address(), asked.secure()));
    });
    weft::socketio::server io(app);
    const auto who = [](const weft::socketio::socket& s) {
        return describe(s.handshake().address(), s.handshake().secure());
    };
    io.on_connect([who](weft::socketio::socket& s) { s.emit("who", who(s)); });
    io.on("ask", [who](weft::socketio::socket& s) { return who(s); });
    const auto port = app.listen(where);
    if (!port) {
        std::fprintf(stderr, "%s\n", port.error().message().c_str());
        return 1;
    }
    std::printf("listening on http%s://127.0.0.1:%u/\n", where.tls ? "s" : "", unsigned{*port});
    std::fflush(stdout);
    return app.run();
}
