#include "config/pages.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/apps/config/settings_files.hpp"

namespace {

using namespace weft::config;
using testing::HasSubstr;

TEST(pages, the_reference_is_made_from_the_table) {
    std::ifstream in(WEFT_REFERENCE_PAGE, std::ios::binary);
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    EXPECT_TRUE(page == reference_page())
        << "run: weft config reference > docs/operations/configuration.md";
    for (const row& each : rows())
        EXPECT_THAT(page, HasSubstr("| `" + std::string(each.key()) + "` |"));
}

TEST(pages, the_commented_file_says_what_counts_without_it) {
    const loaded got = load_text(commented_file());
    EXPECT_EQ(all_problems(got), "");
    EXPECT_TRUE(got.origins.empty());
    for (const row& each : rows()) {
        const auto* const list = find_section(each.section());
        if (list->size != nullptr && list->size(got.values) == 0) continue;
        EXPECT_EQ(each.where.get(got.values, 0), each.where.get(defaults(), 0)) << each.name;
    }
}

TEST(pages, the_commented_file_has_every_key_with_a_good_value) {
    const loaded got = load_text(whole_file());
    EXPECT_EQ(all_problems(got), "");
    EXPECT_EQ(got.origins.size(), rows().size());
}

TEST(pages, the_effective_file_means_the_same_settings) {
    for (const std::string& text : {std::string(), whole_file(), std::string("endpoint = []\n"),
                                    std::string("[[listen]]\nport = 1\n[[listen]]\nport = 2\n")}) {
        const loaded before = load_text(text);
        ASSERT_EQ(all_problems(before), "");
        const loaded after = load_text(effective_file(before.values));
        EXPECT_EQ(all_problems(after), "") << effective_file(before.values);
        for (const section& table : sections()) {
            const std::size_t elements = table.size != nullptr ? table.size(before.values) : 1;
            ASSERT_EQ(table.size != nullptr ? table.size(after.values) : 1, elements);
            for (const row& each : rows()) {
                if (each.section() != table.name || each.takes.type == kind::secret) continue;
                for (std::size_t i = 0; i < elements; ++i)
                    EXPECT_EQ(each.where.get(before.values, i), each.where.get(after.values, i))
                        << each.name;
            }
        }
    }
}

TEST(pages, secrets_are_not_shown) {
    for (const row& each : rows()) {
        if (each.takes.type != kind::secret) continue;
        const std::string secret(each.example);
        const loaded got = load({.sets = {concrete(each.name, 0) + "=" + secret}});
        EXPECT_EQ(effective_file(got.values).find(secret), std::string::npos) << each.name;
        EXPECT_THAT(effective_file(got.values),
                    HasSubstr("# " + std::string(each.key()) + " is set and not shown"));
        EXPECT_EQ(commented_file().find(secret), std::string::npos) << each.name;
    }
}

TEST(pages, every_key_and_section_is_explained) {
    for (const row& each : rows()) {
        const auto text = explain(each.name);
        ASSERT_TRUE(text) << each.name;
        EXPECT_THAT(*text, HasSubstr(std::string(each.help)));
        EXPECT_THAT(*text, HasSubstr(environment_name(each.name)));
    }
    for (const section& each : sections()) EXPECT_TRUE(explain(each.name)) << each.name;
    EXPECT_TRUE(explain("listen"));
    EXPECT_TRUE(explain("listen[0].port"));
    EXPECT_THAT(explain("listen[0].prot").error().what(),
                HasSubstr("did you mean 'listen[].port'"));
}

}  // namespace
