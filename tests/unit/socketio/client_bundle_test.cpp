// The browser client under the server's path: what Node's server says about it, as headers.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class client_bundle : public testing::Test {
protected:
    void start(options chosen = {}) {
        world = std::make_unique<sio_world>(std::move(chosen));
        world->start();
        if (ask("socket.io.min.js").starts_with("HTTP/1.1 404"))
            GTEST_SKIP() << "built without npm's socket.io-client";
    }
    std::string ask(std::string_view file, std::string_view lines = "",
                    std::string_view method = "GET") {
        const auto client = world->sim.connect_client(80);
        world->sim.peer_send(client, std::string(method) + " /socket.io/" + std::string(file) +
                                         " HTTP/1.1\r\nHost: here\r\n" + std::string(lines) +
                                         "\r\n");
        std::string all;
        for (int i = 0; i < 8; ++i) {
            world->run();
            all += world->sim.peer_take(client);
        }
        return all.substr(0, all.find("\r\n\r\n") + 2);
    }

    std::unique_ptr<sio_world> world;
};

TEST_F(client_bundle, says_what_it_is_and_that_it_may_be_kept) {
    start();
    if (IsSkipped()) return;
    for (const std::string name :
         {"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"}) {
        const std::string head = ask(name);
        EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
        EXPECT_THAT(head, HasSubstr("Content-Type: application/javascript; charset=utf-8\r\n"));
        EXPECT_THAT(head, HasSubstr("Cache-Control: public, max-age=0\r\n"));
        EXPECT_THAT(head, Not(HasSubstr("Access-Control")));
        EXPECT_THAT(ask(name + ".map"),
                    HasSubstr("Content-Type: application/json; charset=utf-8\r\n"));
        const std::size_t tag = head.find("ETag: ");
        ASSERT_NE(tag, std::string::npos);
        const std::string etag = head.substr(tag + 6, head.find("\r\n", tag) - tag - 6);
        for (const std::string& known : {etag, "W/" + etag})
            EXPECT_THAT(ask(name, "If-None-Match: " + known + "\r\n"), StartsWith("HTTP/1.1 304"));
    }
    EXPECT_THAT(ask("LICENSE.txt"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask("socket.io.other.js"), StartsWith("HTTP/1.1 400")) << "the engine's";
}

TEST_F(client_bundle, is_packed_as_the_browser_likes) {
    start();
    if (IsSkipped()) return;
    const std::string packed = ask("socket.io.min.js", "Accept-Encoding: gzip, deflate, br\r\n");
    if (packed.find("Content-Encoding") == std::string::npos)
        GTEST_SKIP() << "built without gzip and brotli";
    EXPECT_THAT(packed, HasSubstr("Vary: Accept-Encoding\r\n"));
    EXPECT_THAT(ask("socket.io.min.js"), Not(HasSubstr("Content-Encoding")));
}

TEST_F(client_bundle, pages_of_other_origins_may_use_it_as_cors_says) {
    options chosen;
    chosen.engine.cors = engineio::cors_options{.origins = {"https://example.org"}};
    start(chosen);
    if (IsSkipped()) return;
    const std::string allowed = "Access-Control-Allow-Origin: https://example.org\r\n";
    const std::string listed = ask("socket.io.esm.min.js", "Origin: https://example.org\r\n");
    EXPECT_THAT(listed, HasSubstr(allowed));
    EXPECT_THAT(listed, HasSubstr("Vary: Origin\r\n"));
    EXPECT_THAT(ask("socket.io.esm.min.js", "Origin: https://evil.io\r\n"),
                Not(HasSubstr("Access-Control-Allow-Origin")));
    const std::string preflight = ask("socket.io.esm.min.js",
                                      "Origin: https://example.org\r\n"
                                      "Access-Control-Request-Method: GET\r\n",
                                      "OPTIONS");
    EXPECT_THAT(preflight, StartsWith("HTTP/1.1 204"));
    EXPECT_THAT(preflight, HasSubstr(allowed));
}

}  // namespace
}  // namespace weft::socketio::test
