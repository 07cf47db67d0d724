#include "config/difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/apps/config/settings_files.hpp"

namespace {

using namespace weft::config;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> told(const std::string& before, const std::string& after) {
    std::vector<std::string> lines;
    for (const changed_key& each : difference(load_text(before).values, load_text(after).values))
        lines.push_back((each.counts == change::on_reload ? "now: " : "later: ") + each.text);
    return lines;
}

TEST(difference, names_each_key_that_is_other) {
    EXPECT_THAT(told("", ""), IsEmpty());
    EXPECT_THAT(told("[log]\nlevel = 'info'\n", "[server]\nthreads = 4\n"),
                ElementsAre("later: server.threads: 1, now 4",
                            "now: log.level: \"info\", now \"warning\""));
    EXPECT_THAT(told("[internal]\n", "[internal]\nport = 1\n"),
                ElementsAre("later: internal.port: none, now 1"));
}

TEST(difference, names_tables_that_came_or_went) {
    EXPECT_THAT(
        told("", "[[listen]]\nport = 1\n[[listen]]\n"),
        ElementsAre("later: listen[]: 1 tables, now 2", "later: listen[0].port: 8080, now 1"));
    EXPECT_THAT(told("[[topic]]\nmatch = 'a'\n", ""), ElementsAre("now: topic[]: 1 tables, now 0"));
}

TEST(difference, shows_no_secret) {
    for (const std::string& line :
         told("[cluster]\nredis_password = 'old'\n", "[cluster]\nredis_password = 'new'\n"))
        EXPECT_EQ(line, "later: cluster.redis_password: (not shown), now (not shown)");
}

TEST(difference, of_what_was_taken_over_only_that_is_left_which_needs_a_restart) {
    const settings before = load_text("").values;
    const settings after = load_text(whole_file()).values;
    settings running = before;
    take_over(running, after);
    std::size_t later = 0;
    for (const changed_key& each : difference(before, after))
        later += each.counts == change::on_restart ? 1 : 0;
    EXPECT_EQ(difference(running, after).size(), later);
    for (const changed_key& each : difference(running, after))
        EXPECT_EQ(each.counts, change::on_restart) << each.text;
    for (const changed_key& each : difference(before, running))
        EXPECT_EQ(each.counts, change::on_reload) << each.text;
}

}  // namespace
