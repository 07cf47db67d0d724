// What the streams adapter keeps, in a real redis-server: places in one order for all servers,
// sockets that one server at a time can take, and what they missed. Two servers on one loop.

#include "cluster/adapter/stream_store.hpp"

#include <algorithm>
#include <map>

#include "unit/cluster/redis_process.hpp"

namespace weft::cluster {
namespace {

using socketio::cluster_message;
using socketio::kept_socket;
using socketio::log_position;
using namespace std::chrono_literals;

/// A server that notes what it is to do.
class noting_server final : public socketio::adapter_target {
public:
    void each_namespace(function_ref<void(std::string_view)>) const override {}
    void apply(const cluster_message& what) override {
        heard.push_back(what.event + (what.at == log_position() ? " unplaced" : ""));
        if (what.at != log_position()) places.push_back(what.at);
    }
    void passed(log_position at) override { last_passed = at; }
    void answer(const cluster_message&, duration,
                std::shared_ptr<socketio::cluster_answers>) override {}

    redis::strings heard;
    std::vector<log_position> places;
    log_position last_passed{};
};

class stream_store_of_servers : public redis::redis_loop {
protected:
    stream_store_of_servers() { where.redis.port = redis::free_port(); }
    ~stream_store_of_servers() override {
        for (auto& one : {&a, &b}) {
            if (*one) (*one)->stop();
        }
    }
    void start_redis(const std::string& more = {}) { server.start(where.redis.port, more); }
    std::shared_ptr<stream_store> make(noting_server& into) {
        where.adapter = adapter_kind::streams;
        auto over = std::make_shared<link>(where, nullptr);
        EXPECT_TRUE(over->join(home()));
        links.push_back(over);
        auto made = std::make_shared<stream_store>(over);
        made->keep_places();
        const auto begun =
            made->start(into, [&into](adapter_message& what) { into.apply(what.content); });
        EXPECT_TRUE(begun);
        return made;
    }
    void start_both() {
        a = make(of_a);
        b = make(of_b);
        await_step(*a, of_a);
        await_step(*b, of_b);
        say(*a, "ready");
        await([&] { return !of_b.heard.empty() && of_b.heard.back() == "ready"; });
        await([&] { return of_a.heard.back() == "ready" && outcomes.back() == "stored"; });
        for (noting_server* one : {&of_a, &of_b}) {
            one->last_passed = one->places.back();
            one->heard.clear();
            one->places.clear();
        }
        outcomes.clear();
        entries_before = std::stoul(redis_says({"XLEN", "socket.io"}));
    }
    /// Lets a say something while its connections are broken.
    void speak_without_redis() {
        redis::client other(home(), where.redis);
        ASSERT_TRUE(other.start());
        await([&] { return other.is_open(); });
        ask(other, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        do {
            const std::size_t before = of_a.heard.size();
            say(*a, std::to_string(before));
            await([&] { return of_a.heard.size() > before; });
        } while (!HasFatalFailure() && !of_a.heard.back().ends_with("unplaced"));
    }
    /// Until what it says waits for its place.
    void await_step(stream_store& by, noting_server& heard_by) {
        const auto in_step = [&] {
            return !heard_by.heard.empty() && heard_by.heard.back().ends_with("probe");
        };
        while (!HasFatalFailure() && !in_step()) {
            const std::size_t before = outcomes.size();
            say(by, "probe");
            await([&] { return outcomes.size() > before; });
        }
    }
    static std::shared_ptr<const cluster_message> event(const std::string& name,
                                                        std::vector<std::string> rooms = {}) {
        auto made = std::make_shared<cluster_message>();
        made->to.nsp = "/";
        made->to.rooms = std::move(rooms);
        made->event = name;
        made->arguments = "1";
        return made;
    }
    void say(stream_store& by, const std::string& name, std::vector<std::string> rooms = {}) {
        by.append(event(name, std::move(rooms)), [this](const result<void>& how) {
            outcomes.push_back(how ? "stored" : how.error().message());
        });
    }
    [[nodiscard]] kept_socket socket(const std::string& id) const {
        kept_socket made;
        made.nsp = "/";
        made.id = "sid-of-twenty-chars1";
        made.recovery_id = id;
        made.rooms = {made.id, "red"};
        made.data = R"({"name":"x"})";
        made.since = made.left = of_a.last_passed;
        return made;
    }
    /// What `take` tells.
    std::unique_ptr<kept_socket> take(stream_store& by, const std::string& id,
                                      std::optional<std::string> offset = {},
                                      const std::string& nsp = "/") {
        bool told = false;
        std::unique_ptr<kept_socket> taken;
        by.take(nsp, id, offset ? std::optional<std::string_view>(*offset) : std::nullopt,
                [&](std::unique_ptr<kept_socket> what) {
                    told = true;
                    taken = std::move(what);
                });
        await([&] { return told; });
        return taken;
    }
    /// The events that it missed; "lost" if nobody knows.
    redis::strings missed(stream_store& by, const kept_socket& whom) {
        std::optional<redis::strings> names;
        by.find_missed(whom, [&](std::unique_ptr<stream_store::missed_list> all) {
            names.emplace();
            if (!all) names->push_back("lost");
            if (all) {
                for (const auto& one : *all) names->push_back(one->event);
            }
        });
        await([&] { return names.has_value(); });
        return *names;
    }
    std::string redis_says(std::initializer_list<std::string_view> words) {
        return answer_to([&](redis::reply_handler done) {
            return links.front()->redis().command(*std::next(words.begin()), words,
                                                  std::move(done));
        });
    }

    redis::redis_process server;
    options where;
    std::vector<std::shared_ptr<link>> links;
    noting_server of_a, of_b;
    std::shared_ptr<stream_store> a, b;
    redis::strings outcomes;
    std::size_t entries_before = 0;
};

TEST_F(stream_store_of_servers, all_servers_apply_all_messages_in_one_order) {
    start_redis();
    start_both();
    redis::strings expected;
    for (int i = 0; i < 300; ++i) {
        say(*(i % 2 == 0 ? a : b), std::to_string(i));
        expected.push_back(std::to_string(i));
    }
    await([&] { return of_a.heard.size() == 300 && of_b.heard.size() == 300; });
    EXPECT_EQ(of_a.heard, of_b.heard);
    EXPECT_EQ(of_a.places, of_b.places);
    EXPECT_TRUE(std::is_sorted(of_a.places.begin(), of_a.places.end()));
    auto sorted = of_a.heard;
    std::sort(sorted.begin(), sorted.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(sorted, expected);
    await([&] { return outcomes.size() == 300; });
    EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "stored"), 300);
}

TEST_F(stream_store_of_servers,
       before_redis_is_there_messages_are_applied_at_once_and_added_later) {
    a = make(of_a);
    say(*a, "early");
    await([&] { return !of_a.heard.empty(); });
    EXPECT_EQ(of_a.heard, redis::strings{"early unplaced"});
    EXPECT_TRUE(outcomes.empty());
    start_redis();
    await([&] { return outcomes.size() == 1; });
    EXPECT_EQ(outcomes, redis::strings{"stored"});
    EXPECT_EQ(of_a.heard.size(), 1U) << "not twice";
    await_step(*a, of_a);
}

TEST_F(stream_store_of_servers,
       what_a_server_says_before_it_has_found_the_log_waits_for_its_place) {
    start_redis();
    start_both();
    noting_server of_c;
    const auto c = make(of_c);
    say(*c, "early");
    say(*c, "too");
    await([&] { return of_b.heard.size() == 2 && of_c.heard.size() == 2; });
    EXPECT_EQ(of_c.heard, (redis::strings{"early", "too"}));
    EXPECT_EQ(of_c.places, of_b.places);
    c->stop();
}

TEST_F(stream_store_of_servers,
       who_comes_back_to_a_server_that_has_just_begun_gets_what_it_missed) {
    start_redis();
    start_both();
    const kept_socket kept = socket("pid");
    say(*a, "missed");
    await([&] { return outcomes.size() == 1; });
    noting_server of_c;
    const auto c = make(of_c);
    EXPECT_EQ(missed(*c, kept), redis::strings{"missed"});
    c->stop();
}

TEST_F(stream_store_of_servers, what_redis_tells_of_the_past_ends_where_this_server_has_read) {
    start_redis();
    start_both();
    const kept_socket kept = socket("pid");
    redis::strings all{"0"};
    say(*a, "0");
    await([&] { return outcomes.size() == 1; });
    noting_server of_c;  // its memory begins here
    const auto c = make(of_c);
    await([&] { return of_c.last_passed != log_position(); });
    for (int i = 1; i <= 300; ++i) {  // more than it reads at once
        all.push_back(std::to_string(i));
        say(*a, all.back());
    }
    redis::strings got;
    c->find_missed(kept, [&](std::unique_ptr<stream_store::missed_list> missed) {
        ASSERT_TRUE(missed);
        for (const auto& one : *missed) got.push_back(one->event);
        of_c.heard.clear();
    });
    await([&] { return !of_c.heard.empty() && of_c.heard.back() == "300"; });
    got.insert(got.end(), of_c.heard.begin(), of_c.heard.end());
    EXPECT_EQ(got, all);
    c->stop();
}

TEST_F(stream_store_of_servers, a_lost_connection_loses_and_doubles_nothing) {
    start_redis();
    start_both();
    redis::client other(home(), where.redis);
    ASSERT_TRUE(other.start());
    await([&] { return other.is_open(); });
    std::size_t said = 0;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 50; ++i) say(*a, std::to_string(said++));
        ask(other, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        for (int i = 0; i < 50; ++i) say(*a, std::to_string(said++));
        await([&] { return of_b.heard.size() == said; });
    }
    await([&] { return of_a.heard.size() == said; });
    redis::strings expected;
    for (std::size_t i = 0; i < said; ++i) expected.push_back(std::to_string(i));
    auto of_all = of_b.heard;
    const auto as_number = [](const std::string& text) { return std::stoi(text); };
    std::sort(of_all.begin(), of_all.end(),
              [&](const auto& x, const auto& y) { return as_number(x) < as_number(y); });
    EXPECT_EQ(of_all, expected);
    const std::size_t more = std::stoul(ask(other, {"XLEN", "socket.io"})) - said - entries_before;
    EXPECT_LE(more, 5U) << "what tells of unplaced messages, once for each time";
}

TEST_F(stream_store_of_servers, who_was_elsewhere_missed_what_a_server_said_without_redis) {
    start_redis();
    start_both();
    b->keep(socket("pid"), 60s);
    speak_without_redis();
    const auto back = take(*a, "pid");
    ASSERT_TRUE(back);
    EXPECT_EQ(missed(*a, *back).size(), of_a.heard.size()) << "it waits for their places";
    await([&] { return of_b.heard.size() == of_a.heard.size(); });
    EXPECT_EQ(missed(*a, *back), of_b.heard);
    EXPECT_EQ(missed(*b, *back), of_b.heard);
}

TEST_F(stream_store_of_servers, nobody_gets_again_what_a_server_said_without_redis) {
    start_redis();
    start_both();
    noting_server of_c;  // its memory begins here
    const auto c = make(of_c);
    await([&] { return of_c.last_passed != log_position(); });
    a->keep(socket("pid"), 60s);
    speak_without_redis();
    // And then it tells that its sockets had some of that.
    await([&] { return !of_b.places.empty() && of_b.last_passed > of_b.places.back(); });
    for (const noting_server* one : {&of_a, &of_c})
        await([&] { return one->last_passed == of_b.last_passed; });
    const auto back = take(*b, "pid");
    ASSERT_TRUE(back);
    for (stream_store* one : {a.get(), b.get(), c.get()})
        EXPECT_EQ(missed(*one, *back), redis::strings{"lost"});
    // Who has heard what came afterwards.
    kept_socket later = *back;
    later.left = of_b.last_passed;
    say(*b, "missed");
    for (const noting_server* one : {&of_a, &of_b, &of_c})
        await([&] { return one->heard.back() == "missed"; });
    for (stream_store* one : {a.get(), b.get(), c.get()})
        EXPECT_EQ(missed(*one, later), redis::strings{"missed"});
    c->stop();
}

TEST_F(stream_store_of_servers, what_redis_refuses_is_applied_here_and_told) {
    start_redis();
    start_both();
    redis_says({"CONFIG", "SET", "maxmemory", "1"});
    say(*a, "refused");
    await([&] { return outcomes.size() == 1; });
    EXPECT_NE(outcomes.front().find("OOM"), std::string::npos) << outcomes.front();
    EXPECT_EQ(of_a.heard, redis::strings{"refused unplaced"});
    redis_says({"CONFIG", "SET", "maxmemory", "0"});
    say(*a, "taken");
    await([&] { return of_b.heard.size() == 1; });
    EXPECT_EQ(of_b.heard, redis::strings{"taken"});
    EXPECT_EQ(links.front()->metrics.dropped.read(), 1U);
}

TEST_F(stream_store_of_servers, too_much_that_waits_is_refused_and_told) {
    where.redis.max_queue = 64 * 1024;
    a = make(of_a);
    for (int i = 0; i < 20; ++i) say(*a, std::string(10'000, 'x'));
    await([&] { return of_a.heard.size() == 20; });
    await([&] { return !outcomes.empty(); });
    EXPECT_NE(outcomes.front().find("max_queue"), std::string::npos) << outcomes.front();
    EXPECT_LT(outcomes.size(), 20U) << "some wait";
}

TEST_F(stream_store_of_servers, a_kept_socket_comes_back_with_what_it_missed) {
    start_redis();
    start_both();
    const kept_socket kept = socket("pid");
    a->keep(kept, 60s);
    say(*a, "to all");
    say(*b, "to red", {"red"});
    say(*b, "to blue", {"blue"});
    await([&] { return of_b.heard.size() == 3 && of_a.heard.size() == 3; });
    const auto back = take(*b, "pid");
    ASSERT_TRUE(back);
    EXPECT_EQ(back->id, kept.id);
    EXPECT_EQ(back->rooms, kept.rooms);
    EXPECT_EQ(back->data, kept.data);
    EXPECT_EQ(missed(*b, *back), (redis::strings{"to all", "to red"}));
    // A client that had heard the first.
    b->keep(kept, 60s);
    const auto again = take(*a, "pid", of_a.places.front().to_string());
    ASSERT_TRUE(again);
    EXPECT_EQ(missed(*a, *again), redis::strings{"to red"});
}

TEST_F(stream_store_of_servers,
       who_shows_the_last_that_was_sent_has_missed_nothing_before_its_leave) {
    start_redis();
    start_both();
    say(*a, "one", {"red"});
    say(*a, "two", {"blue"});
    await([&] { return of_a.places.size() == 2; });
    kept_socket kept = socket("pid");
    kept.rooms.push_back("blue");  // entered after that
    kept.last = of_a.places[0];
    kept.left = of_a.places[1];
    a->keep(kept, 60s);
    const auto back = take(*b, "pid", of_a.places[0].to_string());
    ASSERT_TRUE(back);
    EXPECT_EQ(missed(*b, *back), redis::strings{});
}

TEST_F(stream_store_of_servers, one_server_at_a_time_has_a_kept_socket_and_none_loses_it) {
    start_redis();
    start_both();
    a->keep(socket("pid"), 60s);
    const auto first = take(*b, "pid");
    ASSERT_TRUE(first);
    bool told = false;
    std::unique_ptr<kept_socket> second;
    a->take("/", "pid", {}, [&](std::unique_ptr<kept_socket> what) {
        told = true;
        second = std::move(what);
    });
    redis_says({"GET", "nothing"});
    redis_says({"GET", "nothing"});
    EXPECT_FALSE(told) << "b has it";
    b->keep(*first, 60s);
    await([&] { return told; });
    EXPECT_TRUE(second);
    // Its taker dies: it is there again when its time is over.
    EXPECT_TRUE(take(*b, "pid"));
}

TEST_F(stream_store_of_servers, only_the_right_client_gets_a_kept_socket) {
    start_redis();
    start_both();
    a->keep(socket("pid"), 60s);
    EXPECT_FALSE(take(*b, "pid", {}, "/other"));
    EXPECT_FALSE(take(*b, "pid2"));
    EXPECT_FALSE(take(*b, ""));
    EXPECT_FALSE(take(*b, "pid", "no offset"));
    EXPECT_FALSE(take(*b, std::string(65, 'p')));
    EXPECT_FALSE(take(*b, "p*d"));
    redis_says({"SET", "sio:session:rubbish", "rubbish"});
    EXPECT_FALSE(take(*b, "rubbish"));
    a->forget("pid");
    redis_says({"GET", "nothing"});
    EXPECT_EQ(redis_says({"EXISTS", "sio:session:pid"}), "0");
}

TEST_F(stream_store_of_servers, what_memory_has_no_more_comes_from_redis) {
    where.stream_memory = 3000;  // some ten
    start_redis();
    start_both();
    const kept_socket kept = socket("pid");
    redis::strings expected;
    for (int i = 0; i < 2500; ++i) {
        say(*a, std::to_string(i), {i % 2 == 0 ? "red" : "blue"});
        if (i % 2 == 0) expected.push_back(std::to_string(i));
    }
    await([&] { return of_a.heard.size() == 2500; });
    EXPECT_EQ(missed(*a, kept), expected);
}

TEST_F(stream_store_of_servers, those_who_come_back_together_cost_one_reading_of_redis) {
    where.stream_memory = 3000;
    start_redis();
    start_both();
    std::vector<std::pair<kept_socket, redis::strings>> returners;
    for (int i = 0; i < 2500; ++i) {
        const std::string name = std::to_string(i), room = i % 3 == 0 ? "red" : "blue";
        if (i % 50 == 0) {  // who has heard everything so far
            await([&] { return of_a.heard.size() == static_cast<std::size_t>(i); });
            returners.emplace_back(socket("pid" + name), redis::strings());
            kept_socket& whom = returners.back().first;
            whom.rooms.assign(2, i % 100 == 0 ? "red" : "blue");
            if (i > 0) whom.left = of_a.places.back();
        }
        say(*a, name, {room});
        for (auto& [whom, expected] : returners) {
            if (whom.rooms.front() == room) expected.push_back(name);
        }
    }
    await([&] { return of_a.heard.size() == 2500; });
    kept_socket liar = returners.front().first;
    liar.left.sequence += 1'000'000;  // between two places
    const auto pages_read = [&] {
        const std::string all = redis_says({"INFO", "commandstats"});
        const auto at = all.find("cmdstat_xrange:calls=");
        return at == std::string::npos ? 0 : std::stoi(all.substr(at + 21));
    };
    const int before = pages_read();
    std::map<std::string, redis::strings> found;
    std::reverse(returners.begin(), returners.end());  // their order is not that of their places
    const auto look = [&](const kept_socket& whom, const std::string& name) {
        a->find_missed(whom, [&found, name](std::unique_ptr<stream_store::missed_list> all) {
            redis::strings& names = found[name];
            if (!all) names.push_back("lost");
            if (!all) return;
            for (const auto& one : *all) names.push_back(one->event);
        });
    };
    for (const auto& [whom, expected] : returners) look(whom, whom.recovery_id);
    look(liar, "liar");
    await([&] { return found.size() == returners.size() + 1; });
    for (const auto& [whom, expected] : returners)
        EXPECT_EQ(found[whom.recovery_id], expected) << whom.recovery_id;
    EXPECT_EQ(found["liar"], redis::strings{"lost"});
    EXPECT_LE(pages_read() - before, 4) << "three pages for all";
}

TEST_F(stream_store_of_servers, who_was_away_for_longer_than_the_stream_has_lost_something) {
    where.stream_memory = 3000;
    where.stream_length = 100;
    start_redis("stream-node-max-entries 10\n");
    start_both();
    const kept_socket kept = socket("pid");
    for (int i = 0; i < 500; ++i) say(*a, std::to_string(i));
    await([&] { return of_a.heard.size() == 500; });
    EXPECT_EQ(missed(*a, kept), redis::strings{"lost"});
    kept_socket unknown = kept;
    unknown.left = {};
    EXPECT_EQ(missed(*a, unknown), redis::strings{"lost"});
}

TEST_F(stream_store_of_servers, who_has_heard_more_than_this_server_has_read_waits_for_it) {
    start_redis();
    start_both();
    const log_position heard{of_a.last_passed.time + 1'000'000, 0};
    kept_socket kept = socket("pid");
    kept.left = heard;
    std::optional<std::size_t> missed_count, heard_here;
    b->find_missed(kept, [&](std::unique_ptr<stream_store::missed_list> all) {
        missed_count = all ? all->size() : 99;
        heard_here = of_b.heard.size();
    });
    redis_says({"GET", "nothing"});
    say(*a, "before");
    await([&] { return of_b.heard.size() == 1; });
    EXPECT_FALSE(missed_count);
    redis_says(
        {"XADD", "socket.io", heard.to_string(), "uid", "x", "nsp", "/", "type", "3", "data",
         R"({"packet":{"type":2,"data":["it"]},"opts":{"rooms":[],"except":[],"flags":{}}})"});
    await([&] { return missed_count.has_value(); });
    EXPECT_EQ(missed_count, 0U);
    EXPECT_EQ(heard_here, 2U) << "it enters behind what it has heard";
}

TEST_F(stream_store_of_servers, who_shows_a_place_that_no_stream_has_starts_afresh) {
    start_redis();
    start_both();
    kept_socket kept = socket("pid");
    kept.left = {of_a.last_passed.time + 1'000'000, 0};
    EXPECT_EQ(missed(*b, kept), redis::strings{"lost"});
}

TEST_F(stream_store_of_servers, a_server_that_has_just_begun_knows_what_was_said_before) {
    start_redis();
    start_both();
    const kept_socket kept = socket("pid");
    redis::strings expected;
    for (int i = 0; i < 250; ++i) {
        say(*a, std::to_string(i), {"red"});
        expected.push_back(std::to_string(i));
    }
    await([&] { return of_a.heard.size() == 250; });
    b->stop();
    noting_server of_c;
    b = make(of_c);
    EXPECT_EQ(missed(*b, kept), expected) << "also before it has read all of that";
    await_step(*b, of_c);
    EXPECT_EQ(of_c.heard, redis::strings{"probe"}) << "and delivers none of it";
    say(*a, "later", {"red"});
    await([&] { return of_c.heard.size() == 2; });
    expected.insert(expected.end(), of_c.heard.begin(), of_c.heard.end());
    EXPECT_EQ(missed(*b, kept), expected);
}

TEST_F(stream_store_of_servers, rubbish_in_the_stream_is_counted_and_passed) {
    start_redis();
    start_both();
    redis_says({"XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "3", "data", "{rubbish"});
    redis_says({"XADD", "socket.io", "*", "what", "ever"});
    redis_says({"XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "99"});
    say(*a, "good");
    await([&] { return of_b.heard.size() == 1; });
    EXPECT_EQ(of_b.heard, redis::strings{"good"});
    EXPECT_EQ(links.back()->metrics.ignored.read(), 3U);
}

}  // namespace
}  // namespace weft::cluster
