// What must be true of each row of the table, so that a new one is right in every place that is
// made from it.

#include "config/table.hpp"

#include <set>

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "unit/apps/config/settings_files.hpp"

namespace {

using namespace weft::config;

/// The example of a row as TOML, in its table.
std::string as_file(const row& each) {
    const section& table = *find_section(each.section());
    const std::string name(table.name.substr(0, table.name.find("[]")));
    const auto example = from_text(each.takes, std::string(each.example));
    const std::string text =
        each.takes.type == kind::secret ? in_quotes(each.example) : to_toml(each.takes, *example);
    return (table.resize != nullptr ? "[[" + name + "]]\n" : "[" + name + "]\n") +
           std::string(each.key()) + " = " + text + "\n";
}

/// The value of a row's example.
value wanted(const row& each) {
    auto made = from_text(each.takes, std::string(each.example));
    EXPECT_TRUE(made) << each.name << ": " << made.error().what();
    return made ? *made : value();
}

void expect_set(const row& each, const loaded& got, const char* by) {
    EXPECT_EQ(all_problems(got), "") << each.name << " by " << by;
    EXPECT_EQ(each.where.get(got.values, 0), wanted(each)) << each.name << " by " << by;
}

TEST(table, every_key_can_be_set_by_file_environment_and_set) {
    for (const row& each : rows()) {
        SCOPED_TRACE(each.name);
        EXPECT_NE(wanted(each), each.where.get(defaults(), 0)) << "the example is the default";
        expect_set(each, load_text(as_file(each)), "file");
        expect_set(
            each,
            load({.environment = {environment_name(each.name) + "=" + std::string(each.example)}}),
            "environment");
        expect_set(each, load({.sets = {concrete(each.name, 0) + "=" + std::string(each.example)}}),
                   "--set");
    }
}

TEST(table, a_key_sets_nothing_but_itself) {
    for (const row& each : rows()) {
        settings all = defaults();
        each.where.set(all, 0, wanted(each));
        for (const row& other : rows()) {
            if (&other == &each) continue;
            EXPECT_EQ(other.where.get(all, 0), other.where.get(defaults(), 0))
                << each.name << " sets " << other.name;
        }
    }
}

TEST(table, every_flag_sets_its_key) {
    std::set<std::string_view> flags;
    for (const row& each : rows()) {
        if (each.flag.empty()) continue;
        EXPECT_TRUE(flags.insert(each.flag).second) << each.flag << " is there twice";
        given_flag used{.sets = row_of_flag(each.flag), .values = {std::string(each.example)}};
        if (each.takes.type == kind::boolean) used.values.clear();
        if (each.takes.type == kind::texts)
            used.values = std::get<std::vector<std::string>>(wanted(each));
        const loaded got = load({.flags = {used}});
        if (each.takes.type == kind::secret) {
            EXPECT_EQ(each.where.get(got.values, 0),
                      value(secret{.file = std::string(each.example)}));
        } else {
            expect_set(each, got, "flag");
        }
    }
    EXPECT_GT(flags.size(), 20U);
}

TEST(table, a_member_can_have_every_value_of_its_range) {
    for (const row& each : rows()) {
        const kind type = each.takes.type;
        if (type != kind::integer && type != kind::size && type != kind::mode) continue;
        for (const std::uint64_t number : {each.takes.least, each.takes.most}) {
            settings all = defaults();
            each.where.set(all, 0, value(number));
            EXPECT_EQ(each.where.get(all, 0), value(number)) << each.name;
        }
    }
}

TEST(table, defaults_are_in_their_range) {
    for (const row& each : rows()) {
        const value found = each.where.get(defaults(), 0);
        const bool nothing = std::holds_alternative<std::monostate>(found) ||
                             found == value(secret()) || found == value(std::string());
        if (nothing) continue;
        EXPECT_TRUE(from_text(each.takes, to_words(each.takes, found))) << each.name;
    }
}

TEST(table, names_are_unique_and_belong_to_a_section_in_its_order) {
    std::set<std::string_view> names, seen;
    std::string_view current;
    std::size_t next = 0;
    for (const row& each : rows()) {
        EXPECT_TRUE(names.insert(each.name).second) << each.name << " is there twice";
        EXPECT_NE(find_section(each.section()), nullptr) << each.name;
        if (each.section() == current) continue;
        current = each.section();
        ASSERT_LT(next, sections().size());
        EXPECT_EQ(sections()[next++].name, current) << "rows and sections have different orders";
    }
    EXPECT_EQ(next, sections().size());
}

TEST(table, help_is_a_sentence_without_its_full_stop) {
    for (const row& each : rows()) {
        EXPECT_FALSE(each.help.empty() || each.help.ends_with('.')) << each.name;
        EXPECT_TRUE(each.help.empty() || std::isupper(static_cast<unsigned char>(each.help[0])) ||
                    each.help[0] == '`')
            << each.name;
    }
}

TEST(table, finds_what_was_meant) {
    EXPECT_EQ(nearest("server.thread"), "server.threads");
    EXPECT_EQ(nearest("listen[].prot"), "listen[].port");
    EXPECT_EQ(nearest("lisen"), "listen");
    EXPECT_EQ(nearest("server.port"), "listen[].port");
    EXPECT_EQ(nearest("wholly.different"), "");
    EXPECT_EQ(nearest(std::string(100'000, 'x')), "");
}

TEST(table, takes_keys_apart) {
    EXPECT_EQ(parse_key("listen[3].port").pattern, "listen[].port");
    EXPECT_EQ(parse_key("listen[3].port").index, 3U);
    for (const char* const odd : {"listen[", "listen[]", "listen[x].port", "listen[1", "[0]", "",
                                  "listen[99999999999999999999].port"})
        (void)parse_key(odd);  // no crash; nothing is found
    EXPECT_EQ(find_row(parse_key("listen[x].port").pattern), nullptr);
    EXPECT_EQ(environment_name("auth.issuer[].iss"), "WEFT_AUTH__ISSUER__0__ISS");
}

}  // namespace
