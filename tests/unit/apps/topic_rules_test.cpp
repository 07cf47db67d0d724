// Which rule a topic has, and whom it allows what.

#include "topics/topic_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::topics {
namespace {

using testing::HasSubstr;

/// "no", or what `{sub}` and `*` stand for.
std::string found(const char* pattern, std::string_view topic) {
    const auto match = topic_pattern::make(pattern)->find_in(topic);
    return match ? std::string(match->subject) + "|" + std::string(match->rest) : "no";
}

TEST(topic_pattern, is_a_name_or_the_beginning_of_names) {
    EXPECT_EQ(found("news", "news"), "|");
    EXPECT_EQ(found("news", "newspaper"), "no");
    EXPECT_EQ(found("news", "new"), "no");
    EXPECT_EQ(found("news*", "newspaper"), "|paper");
    EXPECT_EQ(found("news*", "news"), "|");
    EXPECT_EQ(found("*", "anything"), "|anything");
}

TEST(topic_pattern, has_a_subject_that_nobody_can_stretch) {
    EXPECT_EQ(found("user.{sub}", "user.ada"), "ada|");
    EXPECT_EQ(found("user.{sub}", "user."), "no");
    EXPECT_EQ(found("user.{sub}", "user.a.b"), "a.b|");
    EXPECT_EQ(found("user.{sub}.in", "user.ada.in"), "ada|");
    EXPECT_EQ(found("user.{sub}.in", "user..in"), "no");
    EXPECT_EQ(found("user.{sub}.in", "user.in"), "no");
    EXPECT_EQ(found("user.{sub}.in", "user.ada.in.in"), "ada.in|");
    EXPECT_EQ(found("user.{sub}.*", "user.ada.in.x"), "ada|in.x");
    EXPECT_EQ(found("user.{sub}.*", "user..x"), "no");
    EXPECT_EQ(found("user.{sub}.*", "user.ada"), "no");
    EXPECT_EQ(found("{sub}", "ada"), "ada|");
}

TEST(topic_pattern, says_what_is_wrong) {
    const auto wrong = [](const char* text) { return topic_pattern::make(text).error().what(); };
    EXPECT_THAT(wrong(""), HasSubstr("a name"));
    EXPECT_THAT(wrong("a*b"), HasSubstr("at the end"));
    EXPECT_THAT(wrong("a**"), HasSubstr("at the end"));
    EXPECT_THAT(wrong("{sub}.{sub}"), HasSubstr("once"));
    EXPECT_THAT(wrong("{sub}*"), HasSubstr("between"));
}

bool allows(const char* right, const identity* who, std::string_view rest = {}) {
    return topic_right::make(right)->allows(who, rest);
}

TEST(topic_right, is_nobodys_anyones_or_that_of_who_is_known) {
    const identity ada{.subject = "ada"};
    EXPECT_FALSE(topic_right().allows(&ada, ""));
    EXPECT_FALSE(allows("nobody", &ada));
    EXPECT_TRUE(allows("anyone", nullptr));
    EXPECT_FALSE(allows("authenticated", nullptr));
    EXPECT_TRUE(allows("authenticated", &ada));
}

TEST(topic_right, may_depend_on_a_claim) {
    const identity ada{.subject = "ada",
                       .claims = R"({"role":"admin","rooms":["red","a b",7],"level":3,)"
                                 R"("scope":"read write","ok":true,"deep":{"role":"x"}})"};
    EXPECT_TRUE(allows("claim role equals admin", &ada));
    EXPECT_FALSE(allows("claim role equals adm", &ada));
    EXPECT_FALSE(allows("claim role equals admin", nullptr));
    EXPECT_TRUE(allows("claim level equals 3", &ada));
    EXPECT_TRUE(allows("claim ok equals true", &ada));
    EXPECT_TRUE(allows("claim scope contains write", &ada));
    EXPECT_FALSE(allows("claim scope contains wri", &ada));
    EXPECT_TRUE(allows("claim rooms contains a b", &ada));
    EXPECT_TRUE(allows("claim rooms contains {*}", &ada, "red"));
    EXPECT_FALSE(allows("claim rooms contains {*}", &ada, "blue"));
    EXPECT_FALSE(allows("claim rooms contains {*}", &ada, ""));
    EXPECT_TRUE(allows("claim rooms contains 7", &ada));
    EXPECT_FALSE(allows("claim none contains red", &ada));
    EXPECT_FALSE(allows("claim deep contains x", &ada));
    EXPECT_FALSE(allows("claim level contains 3", &ada));
    const identity broken{.subject = "x", .claims = R"({"rooms":["red",)"};
    EXPECT_FALSE(allows("claim rooms contains red", &broken));
    const identity bare{.subject = "x"};
    EXPECT_FALSE(allows("claim rooms contains red", &bare));
}

TEST(topic_right, says_what_may_stand_there) {
    for (const char* const text : {"", "everyone", "claim", "claim role", "claim role equals",
                                   "claim role is admin", "Anyone", "anyone else"}) {
        EXPECT_THAT(topic_right::make(text).error().what(), HasSubstr("claim NAME equals VALUE"))
            << text;
    }
}

TEST(topic_rules, the_first_rule_that_matches_counts_whoever_asks) {
    const topic_rules rules({{.topics = *topic_pattern::make("user.{sub}")},
                             {.topics = *topic_pattern::make("user.*"), .max_data = 7}},
                            topic_rules::others::allowed);
    const identity ada{.subject = "ada"};
    const auto of_bob = rules.find("user.bob");
    EXPECT_FALSE(of_bob.may_subscribe(&ada)) << "the second rule would";
    EXPECT_FALSE(of_bob.may_subscribe(nullptr));
    EXPECT_TRUE(rules.find("user.ada").may_subscribe(&ada));
    EXPECT_EQ(rules.find("user.").rule.max_data, 7U);
    EXPECT_TRUE(rules.find("other").may_publish(nullptr));
    EXPECT_FALSE(topic_rules({}, topic_rules::others::refused).find("x").may_publish(&ada));
}

TEST(topic_rules, a_key_is_a_plain_value_as_it_is_written) {
    EXPECT_EQ(key_of(R"({"a":1,"k":"x\u0041"})", "k"), R"("x\u0041")");
    EXPECT_EQ(key_of(R"({"k": 12.5 })", "k"), "12.5");
    EXPECT_EQ(key_of(R"({"k":null})", "k"), "null");
    EXPECT_EQ(key_of(R"({"k":{}})", "k"), "");
    EXPECT_EQ(key_of(R"({"a":{"k":1}})", "k"), "");
    EXPECT_EQ(key_of("[1]", "k"), "");
}

}  // namespace
}  // namespace weft::topics
