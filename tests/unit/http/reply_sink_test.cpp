// Handlers and their handles with something else than an HTTP/1 connection behind them.

#include "http/reply_sink.hpp"

#include <gtest/gtest.h>

#include "http_world.hpp"
#include "support/played_stream.hpp"

namespace weft::http {
namespace {

using namespace testing;
using weft::testing::played_stream;

struct sink_world : http_world {
    sink_world() {
        EXPECT_TRUE(routes.post("/now/:who", [](const request& r) {
            return response::text(200, std::string(r.param("who")) +
                                           (r.peer().secure() ? "+" : "-") +
                                           std::string(r.body_text()));
        }));
        EXPECT_TRUE(routes.get("/later", [this](const request&, responder r) {
            r.on_gone([this] { ++gone; });
            waiting = std::move(r);
        }));
        EXPECT_TRUE(routes.get("/throws", [](const request&) -> response { throw 1; }));
        (void)open();  // the service is there from the first client on
    }
    ~sink_world() { shut_down(); }
    static std::string body(played_stream& of) { return of.answered.value().content().text; }
    responder waiting;
    int gone = 0;
};

TEST(reply_sink, gets_the_answer_of_a_plain_handler) {
    sink_world world;
    played_stream stream(world.loop());
    stream.ask(world.server(), "POST /now/a HTTP/1.1\r\nHost: x\r\n\r\n", "body");
    EXPECT_EQ(sink_world::body(stream), "a+body");
}

TEST(reply_sink, gets_an_answer_that_comes_later) {
    sink_world world;
    played_stream stream(world.loop());
    stream.ask(world.server(), get("/later"));
    EXPECT_FALSE(stream.answered);
    ASSERT_TRUE(world.waiting);
    EXPECT_FALSE(world.waiting.send(response::text(200, "at last")));
    EXPECT_EQ(sink_world::body(stream), "at last");
    EXPECT_EQ(world.waiting.send(response(200)), errc::already_answered);
    EXPECT_EQ(world.gone, 0);
}

TEST(reply_sink, gets_an_answer_in_pieces) {
    sink_world world;
    played_stream stream(world.loop());
    stream.ask(world.server(), get("/later"));
    body_stream body = world.waiting.start(response(200));
    EXPECT_EQ(body.write("one "), write_status::ready);
    EXPECT_EQ(body.write("two"), write_status::ready);
    body.finish();
    EXPECT_TRUE(stream.finished);
    EXPECT_EQ(stream.body, "one two");
    EXPECT_EQ(body.write("x"), write_status::closed);
}

TEST(reply_sink, that_ends_tells_the_holder_of_its_handle) {
    sink_world world;
    {
        played_stream stream(world.loop());
        stream.ask(world.server(), get("/later"));
    }
    EXPECT_EQ(world.gone, 1);
    EXPECT_FALSE(world.waiting);
    EXPECT_EQ(world.waiting.send(response(200)), errc::gone);
}

TEST(reply_sink, hears_of_a_handler_that_threw_and_of_a_path_that_is_not_there) {
    sink_world world;
    played_stream stream(world.loop());
    stream.ask(world.server(), get("/throws"));
    EXPECT_TRUE(stream.failed);
    EXPECT_EQ(world.errors(errc::handler_failed), 1U);
    stream.ask(world.server(), get("/nowhere"));
    EXPECT_EQ(stream.answered.value().status(), 404);
}

}  // namespace
}  // namespace weft::http
