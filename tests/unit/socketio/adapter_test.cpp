// The cluster: what a server tells its adapter, and what it does for the others.

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/socketio/adapter.hpp>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using kind = cluster_message::kind;

class recorder final : public adapter {
public:
    void start(adapter_target& target) override {
        ++started;
        server = &target;
    }
    void stop() noexcept override { ++stopped; }
    void publish(std::shared_ptr<const cluster_message> what) override {
        told.push_back(std::move(what));
    }

    adapter_target* server = nullptr;
    int started = 0, stopped = 0;
    std::vector<std::shared_ptr<const cluster_message>> told;
};

struct cluster : testing::Test {
    cluster() : w(chosen(others)) {
        w.server.on_connect([](socket& s) { s.join("r"); });
        w.server.of_matching("/org-*");
    }
    static options chosen(std::shared_ptr<adapter> with) {
        options o;
        o.adapter = std::move(with);
        return o;
    }
    void apply(cluster_message what) {
        if (what.to.nsp.empty()) what.to.nsp = "/";
        others->server->apply(what);
        w.run();
    }
    /// The only thing told since the last call.
    cluster_message last() {
        EXPECT_EQ(others->told.size(), 1U);
        if (others->told.empty()) return {};
        cluster_message what = *others->told.back();
        others->told.clear();
        return what;
    }

    std::shared_ptr<recorder> others = std::make_shared<recorder>();
    sio_world w;
    sio_world::peer a{}, b{};
};

TEST_F(cluster, is_told_what_a_server_does_beyond_itself) {
    w.start();
    w.server.to("r").except("x").volatile_().uncompressed().emit("e", 1, as_bytes("bytes"));
    cluster_message what = last();
    EXPECT_EQ(what.what, kind::broadcast);
    EXPECT_EQ(what.to.nsp, "/");
    EXPECT_THAT(what.to.rooms, ElementsAre("r"));
    EXPECT_THAT(what.to.except, ElementsAre("x"));
    EXPECT_EQ(what.event, "e");
    EXPECT_EQ(what.arguments, R"(1,{"_placeholder":true,"num":0})");
    ASSERT_EQ(what.attachments.size(), 1U);
    EXPECT_EQ(as_text(what.attachments[0].bytes()), "bytes");
    EXPECT_TRUE(what.droppable && what.uncompressed);

    w.server.in("r").sockets_join("s");
    what = last();
    EXPECT_EQ(what.what, kind::join);
    EXPECT_THAT(what.names, ElementsAre("s"));
    w.server.in("r").sockets_leave("s");
    EXPECT_EQ(last().what, kind::leave);
    for (const bool close : {false, true}) {
        w.server.in("r").disconnect_sockets(close ? disconnect_scope::connection
                                                  : disconnect_scope::this_namespace);
        what = last();
        EXPECT_EQ(what.what, kind::disconnect);
        EXPECT_EQ(what.close, close);
    }
    w.server.server_side_emit("hello", 5);
    what = last();
    EXPECT_EQ(what.what, kind::server_side_emit);
    EXPECT_EQ(what.event, "hello");
    EXPECT_EQ(what.arguments, "5");

    w.server.local().emit("e");
    EXPECT_THAT(others->told, IsEmpty());
}

TEST_F(cluster, is_served_and_hears_nothing_back) {
    w.start();
    w.connect(a);
    w.connect(b);
    cluster_message what;
    what.to.rooms = {"r"};
    what.event = "e";
    what.arguments = "1";
    apply(what);
    EXPECT_THAT(w.packets(a), ElementsAre(R"(42["e",1])"));
    EXPECT_THAT(w.packets(b), ElementsAre(R"(42["e",1])"));

    const std::string first = w.connect(a);
    what.what = kind::join;
    what.to.rooms = {first};
    what.names = {"s", "t"};
    apply(what);
    what.what = kind::leave;
    what.names = {"s"};
    apply(what);
    w.server.to("s").emit("s");
    w.server.to("t").emit("t");
    w.run();
    EXPECT_THAT(w.packets(a), ElementsAre(R"(42["t"])"));
    EXPECT_THAT(w.packets(b), IsEmpty());
    others->told.clear();

    what.what = kind::disconnect;
    apply(what);
    EXPECT_THAT(w.packets(a), ElementsAre("41"));
    EXPECT_FALSE(w.ended(a));
    what.to.rooms = {"r"};
    what.to.except = {first};
    what.close = true;
    apply(what);
    EXPECT_TRUE(w.ended(b));
    EXPECT_THAT(others->told, IsEmpty());
}

TEST_F(cluster, reaches_namespaces_that_a_pattern_made) {
    w.start();
    w.connect(a, "/org-1");
    w.connect(b, "/org-2");
    cluster_message what;
    what.to.nsp = "/org-1";
    what.event = "e";
    apply(what);
    EXPECT_THAT(w.packets(a), ElementsAre(R"(42/org-1,["e"])"));
    EXPECT_THAT(w.packets(b), IsEmpty());
}

TEST_F(cluster, servers_speak_among_themselves) {
    std::vector<std::string> heard;
    w.server.on_server_side("hello", [&](const raw_arguments& args) {
        heard.push_back(std::string(args.json) + "/" + std::to_string(args.attachments.size()));
    });
    w.start();
    w.connect(a);
    cluster_message what;
    what.what = kind::server_side_emit;
    what.event = "hello";
    what.arguments = "5";
    what.attachments = {message::binary(as_bytes("x"))};
    apply(what);
    what.event = "nobody";
    apply(what);
    EXPECT_THAT(heard, ElementsAre("5/1"));
    EXPECT_THAT(w.packets(a), IsEmpty());
}

TEST_F(cluster, what_an_on_server_side_handler_throws_ends_nothing) {
    w.server.on_server_side(
        "boom", [](const raw_arguments&) { throw std::runtime_error("a user's mistake"); });
    w.start();
    cluster_message what;
    what.what = kind::server_side_emit;
    what.event = "boom";
    what.arguments = "1";
    EXPECT_NO_THROW(apply(what));
    EXPECT_EQ(w.metric("weft_socketio_handler_exceptions_total"), 1U);
    EXPECT_THAT(w.lines, ElementsAre("on_server_side of event 'boom' in namespace '/' "
                                     "threw: a user's mistake"));
}

/// One whose every call fails.
class broken_adapter final : public adapter {
public:
    explicit broken_adapter(bool starts) : starts_(starts) {}
    void start(adapter_target&) override {
        if (!starts_) throw std::runtime_error("no broker");
    }
    void stop() noexcept override {}
    void publish(std::shared_ptr<const cluster_message>) override {
        throw std::runtime_error("the broker is gone");
    }

private:
    bool starts_;
};

TEST(broken_cluster, an_adapter_that_throws_ends_nothing) {
    options chosen;
    chosen.adapter = std::make_shared<broken_adapter>(true);
    sio_world w(chosen);
    w.start();
    EXPECT_NO_THROW(w.server.emit("hi"));
    EXPECT_NO_THROW(w.server.server_side_emit("hi"));
    w.run();
    EXPECT_EQ(w.metric("weft_socketio_handler_exceptions_total"), 2U);
    EXPECT_THAT(w.lines, testing::Each("an adapter's publish of event 'hi' in namespace "
                                       "'/' threw: the broker is gone"));
}

TEST(broken_cluster, an_adapter_that_cannot_start_is_an_error_of_the_set_up) {
    options chosen;
    chosen.adapter = std::make_shared<broken_adapter>(false);
    sio_world w(chosen);
    EXPECT_FALSE(w.prepare());
}

TEST(cluster_life, starts_and_stops_once) {
    const auto others = std::make_shared<recorder>();
    {
        options chosen;
        chosen.adapter = others;
        sio_world w(chosen);
        w.start();
        EXPECT_EQ(others->started, 1);
        EXPECT_EQ(others->stopped, 0);
    }
    EXPECT_EQ(others->started, 1);
    EXPECT_EQ(others->stopped, 1);
}

}  // namespace
}  // namespace weft::socketio::test
