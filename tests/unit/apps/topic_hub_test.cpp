// Conversations of several clients with one hub, over sinks that deliver in memory.

#include "topics/topic_hub.hpp"

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::topics {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The connections of one server, and what each has received.
class room_of_clients {
public:
    class member final : public topic_sink {
    public:
        explicit member(room_of_clients& all) : all_(all) { all_.hub.open(client); }

        void send(std::string_view text) override { received.emplace_back(text); }
        bool subscribe(std::string_view topic) override {
            return topics.size() < most_topics && topics.emplace(topic).second;
        }
        void unsubscribe(std::string_view topic) override { topics.erase(std::string(topic)); }
        void publish(std::string_view topic, const message& what) override {
            last = what;
            publish_here(topic, what.text());
        }
        void publish_here(std::string_view topic, std::string_view text) override {
            for (const auto& other : all_.members) {
                if (other.get() != this && other->topics.count(std::string(topic)) != 0) {
                    other->received.emplace_back(text);
                }
            }
        }
        std::optional<schema::violation> check(const schema& rules,
                                               std::string_view json) override {
            return rules.check(json);
        }
        const identity* who() const override { return id ? &*id : nullptr; }
        // Asks, and takes everything received since the last time.
        std::vector<std::string> ask(std::string_view text) {
            all_.hub.handle(client, text, all_.now, *this);
            return take();
        }
        std::vector<std::string> take() { return std::exchange(received, {}); }

        topic_client client;
        std::optional<identity> id;
        message last;  // published
        std::size_t most_topics = 1000;
        std::set<std::string> topics;
        std::vector<std::string> received;

    private:
        room_of_clients& all_;
    };

    explicit room_of_clients(const hub_options& options = {}) : hub(options) {}

    member& add() { return *members.emplace_back(std::make_unique<member>(*this)); }

    void use(std::vector<topic_rule> rules, topic_rules::others otherwise) {
        hub.change({.rules = topic_rules(std::move(rules), otherwise)});
    }

    topic_hub hub;
    topic_hub::time_point now{std::chrono::hours(1)};
    std::vector<std::unique_ptr<member>> members;
};

TEST(topic_hub, relays_a_message_to_the_other_subscribers) {
    room_of_clients all;
    auto& ada = all.add();
    auto& bob = all.add();
    auto& eve = all.add();
    EXPECT_THAT(ada.ask(R"({"type":"hello","name":"Ada","id":1})"),
                ElementsAre(R"({"type":"welcome","id":1,"you":{"id":"c1","name":"Ada"}})"));
    EXPECT_THAT(ada.ask(R"({"type":"subscribe","topic":"t"})"),
                ElementsAre(R"({"type":"subscribed","topic":"t","count":1,"version":1})"));
    EXPECT_THAT(bob.ask(R"({"type":"subscribe","topic":"t"})"),
                ElementsAre(R"({"type":"subscribed","topic":"t","count":2,"version":2})"));
    EXPECT_THAT(ada.take(),
                ElementsAre(R"({"type":"presence","topic":"t","count":2,"version":2})"));

    EXPECT_THAT(ada.ask(R"({"type":"publish","topic":"t","data":{"text":"hi"},"id":2})"),
                ElementsAre(R"({"type":"published","id":2,"topic":"t"})"));
    EXPECT_THAT(
        bob.take(),
        ElementsAre(
            R"({"type":"message","topic":"t","from":{"id":"c1","name":"Ada"},"data":{"text":"hi"}})"));
    EXPECT_THAT(eve.take(), IsEmpty());
}

TEST(topic_hub, acknowledges_a_publish_only_when_it_has_an_id) {
    room_of_clients all;
    EXPECT_THAT(all.add().ask(R"({"type":"publish","topic":"t","data":1})"), IsEmpty());
}

TEST(topic_hub, relays_only_what_meets_the_schema_of_the_topic) {
    room_of_clients all;
    const auto rule = [](const char* pattern, const char* text) {
        return topic_rule{.topics = *topic_pattern::make(pattern), .rules = *schema::make(text)};
    };
    all.use({rule("prices/*", R"({"type":"number","maximum":9})"),
             rule("prices/all", "false"),  // behind one that matches
             rule("news", R"({"type":"string"})")},
            topic_rules::others::allowed);
    auto& ada = all.add();
    auto& bob = all.add();
    for (const char* const topic : {"prices/all", "prices", "news", "newspaper"}) {
        ada.ask(R"({"type":"subscribe","topic":")" + std::string(topic) + "\"}");
    }
    const auto publish = [&](std::string_view topic, std::string_view data) {
        return bob.ask(R"({"type":"publish","id":7,"topic":")" + std::string(topic) +
                       R"(","data":)" + std::string(data) + "}");
    };
    EXPECT_THAT(publish("prices/all", "10"),
                ElementsAre(R"({"type":"error","id":7,"code":"invalid_data",)"
                            R"("message":"the data breaks the schema of the topic",)"
                            R"("request":"publish","path":"","rule":"maximum","kind":"number"})"));
    EXPECT_THAT(publish("news", "1"), ElementsAre(HasSubstr("\"rule\":\"type\"")));
    EXPECT_THAT(ada.take(), IsEmpty());
    publish("prices/all", "9");
    publish("prices", "10");
    publish("newspaper", "10");
    EXPECT_EQ(ada.take().size(), 3U);
}

TEST(topic_hub, tells_a_client_that_there_is_no_room_for_one_more_topic) {
    room_of_clients all({.listing = topic_listing::on});
    auto& ada = all.add();
    ada.most_topics = 1;
    ada.ask(R"({"type":"subscribe","topic":"a"})");
    EXPECT_THAT(ada.ask(R"({"type":"subscribe","topic":"b"})"),
                ElementsAre(HasSubstr("too_many_topics")));
    EXPECT_EQ(ada.client.topic_count(), 1U);
    EXPECT_THAT(ada.ask(R"({"type":"list"})"), ElementsAre(Not(HasSubstr("\"b\""))));
}

TEST(topic_hub, lets_clients_do_what_the_rules_of_a_topic_allow) {
    room_of_clients all;
    auto& ada = all.add();
    auto& bob = all.add();
    ada.id = identity{.subject = "ada"};
    const auto answer = [](room_of_clients::member& to, const char* type, const char* topic) {
        const auto told = to.ask(R"({"id":1,"data":1,"type":")" + std::string(type) +
                                 R"(","topic":")" + topic + "\"}");
        return told.empty() ? "" : told.front();
    };
    all.use({{.topics = *topic_pattern::make("news"), .publish = {}},
             {.topics = *topic_pattern::make("user.{sub}")}},
            topic_rules::others::refused);
    EXPECT_THAT(answer(bob, "subscribe", "news"), HasSubstr("\"subscribed\""));
    EXPECT_EQ(answer(bob, "publish", "news"),
              R"({"type":"error","id":1,"code":"not_allowed",)"
              R"("message":"the rights of this topic do not allow it to this connection",)"
              R"("request":"publish"})");
    EXPECT_THAT(answer(bob, "subscribe", "user.ada"), HasSubstr("not_allowed"));
    EXPECT_THAT(answer(bob, "publish", "user.ada"), HasSubstr("not_allowed"));
    EXPECT_THAT(answer(ada, "subscribe", "user.ada"), HasSubstr("\"subscribed\""));
    EXPECT_THAT(answer(ada, "subscribe", "user.bob"), HasSubstr("not_allowed"));
    EXPECT_THAT(answer(ada, "subscribe", "other"), HasSubstr("not_allowed"));

    all.use({{.topics = *topic_pattern::make("news")}}, topic_rules::others::refused);
    ada.take();
    all.hub.review(ada.client, ada);
    all.hub.review(bob.client, bob);
    EXPECT_THAT(ada.take(),
                ElementsAre(R"({"type":"unsubscribed","topic":"user.ada","code":"not_allowed"})"));
    EXPECT_THAT(ada.topics, IsEmpty());
    EXPECT_THAT(bob.take(), IsEmpty());
    EXPECT_THAT(answer(bob, "publish", "news"), HasSubstr("\"published\""));
}

TEST(topic_hub, delivers_messages_as_their_topic_wants) {
    room_of_clients all;
    auto& ada = all.add();
    all.use({{.topics = *topic_pattern::make("ticker.*"), .max_data = 40, .latest_by = "symbol"},
             {.topics = *topic_pattern::make("noise"), .overflow = topic_overflow::drop}},
            topic_rules::others::allowed);
    const auto publish = [&](const char* topic, const std::string& data) {
        ada.last = {};
        const auto told = ada.ask(R"({"type":"publish","topic":")" + std::string(topic) +
                                  R"(","data":)" + data + "}");
        return told.empty() ? ada.last : message();
    };
    const message price = publish("ticker.us", R"({"price":1,"symbol":"A\n"})");
    EXPECT_TRUE(price.latest());
    EXPECT_EQ(price.key(), "ticker.us\n\"A\\n\"") << "of one topic only";
    EXPECT_FALSE(price.droppable());
    EXPECT_FALSE(publish("ticker.us", R"({"price":1})").latest());
    EXPECT_FALSE(publish("ticker.us", R"({"symbol":[1]})").latest());
    EXPECT_FALSE(publish("ticker.us", "\"" + std::string(39, 'x') + "\"")) << "41 bytes";
    EXPECT_TRUE(publish("ticker.us", "\"" + std::string(38, 'x') + "\""));
    EXPECT_TRUE(publish("noise", "1").droppable());
    EXPECT_FALSE(publish("other", "1").droppable());
}

TEST(topic_hub, announces_what_is_good_for_the_topic_whoever_may_publish) {
    room_of_clients all;
    all.use({{.topics = *topic_pattern::make("news"),
              .publish = {},
              .max_data = 10,
              .rules = *schema::make(R"({"type":"string"})")}},
            topic_rules::others::refused);
    EXPECT_EQ(all.hub.announce("news", "\"hi\"").what.text(),
              R"({"type":"message","topic":"news","from":{"id":"server","name":""},"data":"hi"})");
    const auto why = [&](std::string_view topic, std::string_view data) {
        const auto told = all.hub.announce(topic, data);
        EXPECT_FALSE(told.what);
        return told.why;
    };
    EXPECT_EQ(why("news", "1"), refusal::invalid_data);
    EXPECT_EQ(why("news", "\"0123456789\""), refusal::too_large);
    EXPECT_EQ(why("news", "\"hi"), refusal::bad_json);
    EXPECT_EQ(why("news", "\"\xff\""), refusal::bad_json);
    EXPECT_EQ(why("news", ""), refusal::bad_json);
    EXPECT_EQ(why("", "1"), refusal::bad_topic);
    EXPECT_TRUE(all.hub.announce("other", "1").what);
}

TEST(topic_hub, tells_the_others_when_a_connection_leaves_or_is_gone) {
    room_of_clients all;
    auto& ada = all.add();
    auto& bob = all.add();
    auto& eve = all.add();
    for (auto* each : {&ada, &bob, &eve}) each->ask(R"({"type":"subscribe","topic":"t"})");
    ada.take();
    EXPECT_THAT(bob.ask(R"({"type":"unsubscribe","topic":"t","id":5})").back(),
                R"({"type":"unsubscribed","id":5,"topic":"t"})");
    EXPECT_TRUE(bob.topics.empty());
    EXPECT_THAT(ada.take(), ElementsAre(HasSubstr(R"("count":2)")));
    eve.topics.clear();
    all.hub.close(eve.client, eve);
    all.hub.close(eve.client, eve);
    EXPECT_THAT(ada.take(), ElementsAre(HasSubstr(R"("count":1)")));
    EXPECT_THAT(bob.ask(R"({"type":"subscribe","topic":"t"})"),
                ElementsAre(HasSubstr(R"("count":2)")));
}

TEST(topic_hub, refuses_what_breaks_the_rules_and_stays_usable) {
    hub_options options;
    options.max_topics_per_client = 1;
    room_of_clients all(options);
    auto& ada = all.add();
    EXPECT_THAT(ada.ask("{"), ElementsAre(HasSubstr("bad_json")));
    EXPECT_THAT(ada.ask(R"({"type":"unsubscribe","topic":"t"})"),
                ElementsAre(HasSubstr("not_subscribed")));
    ada.ask(R"({"type":"subscribe","topic":"t"})");
    EXPECT_THAT(ada.ask(R"({"type":"subscribe","topic":"t"})"),
                ElementsAre(HasSubstr("already_subscribed")));
    EXPECT_THAT(ada.ask(R"({"type":"subscribe","topic":"u"})"),
                ElementsAre(HasSubstr("too_many_topics")));
    EXPECT_EQ(ada.client.topic_count(), 1U);
    EXPECT_THAT(ada.ask(R"({"type":"list","id":2})"), ElementsAre(HasSubstr("list_disabled")));
    EXPECT_THAT(ada.ask(R"({"type":"ping","id":3})"), ElementsAre(R"({"type":"pong","id":3})"));
}

TEST(topic_hub, limits_the_rate_and_lets_it_recover) {
    hub_options options;
    options.requests_per_second = 10;
    options.burst = 3;
    room_of_clients all(options);
    auto& ada = all.add();
    const auto ping = [&] { return ada.ask(R"({"type":"ping"})").front(); };
    for (int i = 0; i < 3; ++i) EXPECT_THAT(ping(), HasSubstr("pong"));
    EXPECT_THAT(ping(), HasSubstr("rate_limited"));
    EXPECT_THAT(ada.ask("{").front(), HasSubstr("rate_limited"));
    all.now += milliseconds(99);
    EXPECT_THAT(ping(), HasSubstr("rate_limited"));
    all.now += milliseconds(1);
    EXPECT_THAT(ping(), HasSubstr("pong"));
    EXPECT_THAT(ping(), HasSubstr("rate_limited"));
    all.now += milliseconds(10'000);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(ping(), HasSubstr("pong"));
    EXPECT_THAT(ping(), HasSubstr("rate_limited"));
}

TEST(topic_hub, other_options_count_for_those_who_are_there) {
    room_of_clients all({.listing = topic_listing::on, .node = "n."});
    auto& ada = all.add();
    (void)ada.ask(R"({"type":"subscribe","topic":"a"})");
    (void)ada.ask(R"({"type":"subscribe","topic":"b"})");
    hub_options other{.max_topics_per_client = 1};
    other.rules = topic_rules(
        {{.topics = *topic_pattern::make("a"), .rules = *schema::make(R"({"type":"number"})")}},
        topic_rules::others::allowed);
    all.hub.change(std::move(other));
    EXPECT_THAT(ada.ask(R"({"type":"list"})"), ElementsAre(HasSubstr("list_disabled")));
    EXPECT_THAT(ada.ask(R"({"type":"subscribe","topic":"c"})"),
                ElementsAre(HasSubstr("too_many_topics")));
    EXPECT_THAT(ada.ask(R"({"type":"publish","topic":"a","data":"text"})"),
                ElementsAre(HasSubstr("invalid")));
    EXPECT_EQ(ada.topics.size(), 2U) << "she stays where she was";
    EXPECT_EQ(all.add().client.id(), "n.c2") << "the name of the node does not change";
}

TEST(topic_hub, lists_the_fullest_topics_first) {
    hub_options options;
    options.listing = topic_listing::on;
    options.max_topics_listed = 2;
    room_of_clients all(options);
    auto& ada = all.add();
    auto& bob = all.add();
    for (const char topic : {'z', 'y', 'x'}) {
        ada.ask(std::string(R"({"type":"subscribe","topic":")") + topic + "\"}");
    }
    bob.ask(R"({"type":"subscribe","topic":"z"})");
    ada.take();
    EXPECT_THAT(
        ada.ask(R"({"type":"list"})"),
        ElementsAre(
            R"({"type":"topics","topics":[{"topic":"z","count":2},{"topic":"x","count":1}]})"));
}

TEST(topic_hub, spares_a_crowd_some_of_its_presence_messages) {
    room_of_clients all;
    auto& first = all.add();
    for (int i = 0; i < 200; ++i) all.add();
    for (auto& each : all.members) each->ask(R"({"type":"subscribe","topic":"t"})");
    EXPECT_GT(first.received.size(), 126U);
    EXPECT_LT(first.received.size(), 170U);
}

TEST(presence_board, tells_every_change_of_a_small_topic_and_few_of_a_large_one) {
    presence_board board;
    std::size_t told = 0;
    for (int i = 0; i < 127; ++i) told += board.join("t").tell ? 1U : 0U;
    EXPECT_EQ(told, 127U);
    for (int i = 127; i < 6400; ++i) told += board.join("t").tell ? 1U : 0U;
    EXPECT_LT(told, 500U);
}

TEST(presence_board, versions_grow_even_when_a_topic_is_forgotten) {
    presence_board board;
    const auto joined = board.join("t").now.version;
    const auto left = board.leave("t").now;
    EXPECT_EQ(left.count, 0U);
    EXPECT_TRUE(board.list(10).empty());
    EXPECT_LT(joined, left.version);
    EXPECT_LT(left.version, board.join("t").now.version);
}

TEST(presence_board, counts_right_when_several_threads_join_and_leave) {
    presence_board board;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 2000; ++i) {
                board.join("t");
                board.join("u");
                board.leave("t");
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const auto topics = board.list(10);
    ASSERT_EQ(topics.size(), 1U);
    EXPECT_EQ(topics[0].topic, "u");
    EXPECT_EQ(topics[0].count, 8000U);
}

}  // namespace
}  // namespace weft::topics
