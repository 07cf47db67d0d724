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
    result<void> start(adapter_target& target, loop_ref) override {
        ++started;
        server = &target;
        return {};
    }
    void stop() noexcept override { ++stopped; }
    void publish(std::shared_ptr<const cluster_message> what) override {
        told.push_back(std::move(what));
    }
    void ask(std::shared_ptr<const cluster_message> what, duration limit,
             std::shared_ptr<cluster_answers> to) override {
        questions.push_back({std::move(what), limit, std::move(to)});
    }
    void on_used(std::string_view nsp, std::string_view room) override {
        used.push_back("+" + std::string(nsp) + " " + std::string(room));
    }
    void on_unused(std::string_view nsp, std::string_view room) noexcept override {
        used.push_back("-" + std::string(nsp) + " " + std::string(room));
    }

    struct question {
        std::shared_ptr<const cluster_message> what;
        duration limit;
        std::shared_ptr<cluster_answers> to;
    };
    std::vector<question> questions;
    std::vector<std::string> used;
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
    result<void> start(adapter_target&, loop_ref) override {
        if (!starts_) throw std::runtime_error("no broker");
        return {};
    }
    void stop() noexcept override {}
    void publish(std::shared_ptr<const cluster_message>) override {
        throw std::runtime_error("the broker is gone");
    }
    void ask(std::shared_ptr<const cluster_message>, duration,
             std::shared_ptr<cluster_answers>) override {
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

TEST(broken_cluster, questions_are_answered_by_this_process_alone) {
    options chosen;
    chosen.adapter = std::make_shared<broken_adapter>(true);
    sio_world w(chosen);
    w.start();
    sio_world::peer a{};
    w.connect(a);
    std::size_t sockets = 0;
    int ends = 0;
    w.server.fetch_sockets([&](const fetched_sockets& all) { sockets = all.sockets.size(); });
    w.server.server_side_emit_with_ack<int>("hi", [&](const server_replies<int>&) { ++ends; });
    w.server.emit_with_ack<int>("hi", [&](const broadcast_replies<int>&) { ++ends; });
    w.run();
    EXPECT_EQ(sockets, 1U);
    EXPECT_EQ(ends, 1);
    w.say(a, "430[1]");
    EXPECT_EQ(ends, 2);
}

/// Writes down what it is told.
struct answer_log final : cluster_answers {
    void expect(std::size_t sockets) override {
        told.push_back("expect " + std::to_string(sockets));
    }
    void reply(const raw_arguments& what) override {
        told.push_back("reply " + std::string(what.json) + "/" +
                       std::to_string(what.attachments.size()));
    }
    void found(std::vector<remote_socket> sockets) override {
        for (const remote_socket& one : sockets) told.push_back("found " + one.id);
    }
    void end(const silent_servers&) override { told.emplace_back("end"); }
    std::vector<std::string> told;
};

TEST_F(cluster, sockets_of_all_servers_are_fetched) {
    w.start();
    const std::string first = w.connect(a);
    fetched_sockets found;
    int called = 0;
    w.server.in("r").except("x").fetch_sockets([&](fetched_sockets all) {
        ++called;
        found = std::move(all);
    });
    w.run();
    EXPECT_EQ(called, 0);
    ASSERT_EQ(others->questions.size(), 1U);
    const auto& asked = others->questions[0];
    EXPECT_EQ(asked.what->what, kind::fetch_sockets);
    EXPECT_THAT(asked.what->to.rooms, ElementsAre("r"));
    EXPECT_THAT(asked.what->to.except, ElementsAre("x"));
    EXPECT_GT(asked.limit, duration::zero());
    asked.to->found({remote_socket{.id = "b"}});
    asked.to->found({remote_socket{.id = "c"}});
    asked.to->end({.count = 1, .names = {"slow"}});
    w.run();
    EXPECT_EQ(called, 1);
    ASSERT_EQ(found.sockets.size(), 3U);
    EXPECT_EQ(found.sockets[0].id, first);
    EXPECT_EQ(found.sockets[2].id, "c");
    EXPECT_EQ(found.silent.count, 1U);
    EXPECT_THAT(found.silent.names, ElementsAre("slow"));

    w.server.local().fetch_sockets([&](fetched_sockets all) { found = std::move(all); });
    w.run();
    EXPECT_EQ(others->questions.size(), 1U);
    EXPECT_EQ(found.sockets.size(), 1U);
}

TEST_F(cluster, sockets_of_all_servers_acknowledge) {
    w.start();
    w.connect(a);
    broadcast_replies<int> replies;
    int called = 0;
    const auto ask = [&] {
        w.server.to("r").timeout(2s).emit_with_ack<int>("e", 7, [&](broadcast_replies<int> all) {
            ++called;
            replies = std::move(all);
        });
        w.run();
        return others->questions.back();
    };
    auto asked = ask();
    EXPECT_EQ(asked.what->what, kind::broadcast);
    EXPECT_EQ(asked.what->event, "e");
    EXPECT_EQ(asked.what->arguments, "7");
    EXPECT_EQ(asked.limit, 2s);
    EXPECT_THAT(others->told, IsEmpty()) << "it is asked, not told as well";
    asked.to->expect(2);
    asked.to->reply({"21", {}});
    asked.to->reply({"22", {}});
    w.say(a, "430[20]");
    EXPECT_EQ(called, 0);
    asked.to->end({});
    w.run();
    EXPECT_EQ(called, 1);
    EXPECT_EQ(replies.answers.size(), 3U);
    EXPECT_EQ(replies.missing, 0U);

    // Nobody but one answers, and the adapter's end comes last.
    asked = ask();
    asked.to->expect(1);
    asked.to->reply({"21", {}});
    w.pass(2s);
    EXPECT_EQ(called, 1);
    asked.to->end({.count = 1, .names = {"slow"}});
    w.run();
    EXPECT_EQ(called, 2);
    EXPECT_EQ(replies.answers.size(), 1U);
    EXPECT_EQ(replies.missing, 1U);
    EXPECT_THAT(replies.silent.names, ElementsAre("slow"));
}

/// One that has no other servers to ask.
class lonely_adapter final : public adapter {
public:
    result<void> start(adapter_target&, loop_ref) override { return {}; }
    void stop() noexcept override {}
    void publish(std::shared_ptr<const cluster_message>) override {}
    void ask(std::shared_ptr<const cluster_message>, duration,
             std::shared_ptr<cluster_answers> to) override {
        to->end({});
    }
};

TEST(lonely_cluster, an_end_that_comes_at_once_is_not_missed) {
    options chosen;
    chosen.adapter = std::make_shared<lonely_adapter>();
    sio_world w(chosen);
    w.start();
    sio_world::peer a{};
    w.connect(a);
    int ends = 0;
    w.server.emit_with_ack<int>("e", [&](const broadcast_replies<int>&) { ++ends; });
    w.server.fetch_sockets([&](const fetched_sockets&) { ++ends; });
    w.server.server_side_emit_with_ack<int>("e", [&](const server_replies<int>&) { ++ends; });
    w.run();
    EXPECT_EQ(ends, 2);
    w.say(a, "430[1]");
    EXPECT_EQ(ends, 3);
}

TEST_F(cluster, servers_answer_among_themselves) {
    w.server.on_server_side(
        "sum", [](const raw_arguments& args, ack done) { done(std::string(args.json)); });
    w.server.on_server_side("sum", [](const raw_arguments&, ack done) { done("too late"); });
    w.server.on_server_side("fails", [](const raw_arguments&, ack done) {
        done.refuse(error(errc::bad_argument, "no"));
    });
    w.start();
    server_replies<int> replies;
    int called = 0;
    w.server.server_side_emit_with_ack<int>("q", 1, [&](server_replies<int> all) {
        ++called;
        replies = std::move(all);
    });
    ASSERT_EQ(others->questions.size(), 1U);
    const auto& asked = others->questions[0];
    EXPECT_EQ(asked.what->what, kind::server_side_emit);
    EXPECT_EQ(asked.what->arguments, "1");
    asked.to->reply({"5", {}});
    asked.to->end({.count = 2, .names = {}});
    w.run();
    EXPECT_EQ(called, 1);
    ASSERT_EQ(replies.answers.size(), 1U);
    EXPECT_EQ(*replies.answers[0], 5);
    EXPECT_EQ(replies.silent.count, 2U);

    const auto log = std::make_shared<answer_log>();
    cluster_message what;
    what.what = kind::server_side_emit;
    what.to.nsp = "/";
    what.event = "sum";
    what.arguments = "1,2";
    others->server->answer(what, 1s, log);
    w.run();
    EXPECT_THAT(log->told, ElementsAre(R"(reply "1,2"/0)", "end"));
    what.event = "fails";
    others->server->answer(what, 1s, log);
    w.run();
    EXPECT_THAT(log->told.at(2), testing::StartsWith(R"(reply {"error":{"code":)"));
    what.event = "nobody";
    log->told.clear();
    others->server->answer(what, 1s, log);
    w.run();
    EXPECT_THAT(log->told, IsEmpty()) << "nobody has answered, nor will";
}

TEST_F(cluster, answers_for_its_own_sockets) {
    w.start();
    const std::string first = w.connect(a);
    const std::string second = w.connect(b);
    const auto log = std::make_shared<answer_log>();
    cluster_message what;
    what.to.nsp = "/";
    what.to.rooms = {"r"};
    what.to.except = {second};
    what.what = kind::fetch_sockets;
    others->server->answer(what, 1s, log);
    w.run();
    EXPECT_THAT(log->told, ElementsAre("found " + first, "end"));

    log->told.clear();
    what.what = kind::broadcast;
    what.to.except = {};
    what.event = "e";
    others->server->answer(what, 1s, log);
    w.run();
    w.say(b, "430[6]");
    EXPECT_THAT(log->told, ElementsAre("expect 2", "reply 6/0"));
    w.pass(1s);
    EXPECT_THAT(log->told, ElementsAre("expect 2", "reply 6/0", "end"));
    EXPECT_THAT(others->told, IsEmpty());
    EXPECT_THAT(others->questions, IsEmpty());
}

TEST_F(cluster, hears_which_rooms_are_used) {
    w.start();
    std::vector<std::string> named;
    others->server->each_namespace([&](std::string_view name) { named.emplace_back(name); });
    EXPECT_THAT(named, ElementsAre("/"));
    const std::string first = w.connect(a);
    EXPECT_THAT(others->used, testing::UnorderedElementsAre("+/ ", "+/ " + first, "+/ r"));
    const std::string second = w.connect(b);
    others->used.clear();
    w.say(a, "41");
    EXPECT_THAT(others->used, ElementsAre("-/ " + first));
    w.say(b, "41");
    EXPECT_THAT(others->used,
                testing::UnorderedElementsAre("-/ " + first, "-/ " + second, "-/ r", "-/ "));
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
