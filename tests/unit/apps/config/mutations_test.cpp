// A whole good file, broken at each of its lines in each of several ways. Each must be refused with
// the file, the line and a word that helps, or be as good as before.

#include <algorithm>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/apps/config/settings_files.hpp"

namespace {

using namespace weft::config;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text;
}

struct mutation {
    const char* name;
    /// The line in place of `key = value`; empty: it does not apply.
    std::string (*change)(const row& each, const std::string& key, const std::string& value);
    /// What the message has.
    const char* helpful;
};

std::string number_line(const row& each, const std::string& key, std::uint64_t number, bool fits) {
    return fits ? std::string() : key + " = " + to_toml(each.takes, value(number));
}

const mutation mutations[] = {
    {"a letter less",
     [](const row&, const std::string& key, const std::string& value) {
         return key.substr(1) + " = " + value;
     },
     "unknown key"},
    {"two letters swapped",
     [](const row&, const std::string& key, const std::string& value) {
         return std::string{key[1], key[0]} + key.substr(2) + " = " + value;
     },
     "did you mean"},
    {"a date",
     [](const row&, const std::string& key, const std::string&) { return key + " = 2026-01-01"; },
     "found a date"},
    {"a float",
     [](const row&, const std::string& key, const std::string&) { return key + " = 1.5"; },
     "expected"},
    {"a table",
     [](const row&, const std::string& key, const std::string&) { return key + " = {}"; },
     "found a table"},
    {"a list of numbers",
     [](const row&, const std::string& key, const std::string&) { return key + " = [1, 2]"; },
     "found a list"},
    {"a boolean, or a number in place of one",
     [](const row& each, const std::string& key, const std::string&) {
         return key + (each.takes.type == kind::boolean ? " = 1" : " = true");
     },
     "expected"},
    {"less than the least",
     [](const row& each, const std::string& key, const std::string&) {
         const kind type = each.takes.type;
         const bool number = type == kind::integer || type == kind::size;
         return number_line(each, key, each.takes.least - 1, !number || each.takes.least == 0);
     },
     "expected"},
    {"more than the most",
     [](const row& each, const std::string& key, const std::string&) {
         const kind type = each.takes.type;
         const bool number = type == kind::integer || type == kind::size;
         return number_line(each, key, each.takes.most + 1,
                            !number || each.takes.most == UINT64_MAX);
     },
     "expected"},
    {"a unit that there is not",
     [](const row& each, const std::string& key, const std::string&) {
         const bool measured = each.takes.type == kind::size || each.takes.type == kind::time;
         return measured ? key + " = \"5 parsecs\"" : std::string();
     },
     "such as"},
    {"a wrong word",
     [](const row& each, const std::string& key, const std::string&) {
         const bool listed = each.takes.type == kind::texts;
         const bool judged = each.takes.rule != nullptr || !each.takes.choices.empty();
         return judged ? key + (listed ? " = [\"\"]" : " = \"\"") : std::string();
     },
     "expected"},
    {"no value", [](const row&, const std::string& key, const std::string&) { return key + " ="; },
     "Error while parsing"},
    {"no key",
     [](const row&, const std::string&, const std::string& value) { return " = " + value; },
     "Error while parsing"},
    {"a quote too many",
     [](const row&, const std::string& key, const std::string& value) {
         return key + " = " + value + "\"";
     },
     "Error while parsing"},
    {"bad UTF-8",
     [](const row&, const std::string& key, const std::string&) { return key + " = \"\xff\""; },
     "utf-8"},
    {"twice",
     [](const row&, const std::string& key, const std::string& value) {
         return key + " = " + value + "\n" + key + " = " + value;
     },
     "redefine"},
};

TEST(mutations, each_is_refused_with_its_line_and_a_word_that_helps) {
    const std::vector<std::string> good = lines_of(whole_file());
    std::string table;
    std::size_t tried = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
        const std::string& line = good[i];
        if (line.starts_with('[')) {
            table = line.starts_with("[[") ? line.substr(2, line.size() - 4) + "[]"
                                           : line.substr(1, line.size() - 2);
        }
        const std::size_t equals = line.find(" = ");
        if (line.starts_with('#') || equals == std::string::npos) continue;
        const std::string key = line.substr(0, equals);
        const row* each = find_row(table + "." + key);
        if (each == nullptr)  // a secret, by its file
            each = find_row(table + "." + key.substr(0, key.rfind("_file")));
        ASSERT_NE(each, nullptr) << table << "." << key;
        for (const mutation& how : mutations) {
            std::vector<std::string> mutated = good;
            mutated[i] = how.change(*each, key, line.substr(equals + 3));
            if (mutated[i].empty()) continue;
            SCOPED_TRACE(std::string(how.name) + ": " + mutated[i]);
            const loaded got = load_text(joined(mutated));
            ++tried;
            ASSERT_FALSE(got.problems.empty());
            const bool twice = how.helpful == std::string("redefine");
            EXPECT_THAT(got.problems.front(),
                        StartsWith("weft.toml:" + std::to_string(i + (twice ? 2 : 1)) + ": "));
            EXPECT_THAT(got.problems.front(), HasSubstr(how.helpful));
        }
    }
    EXPECT_GT(tried, 1000U);
}

TEST(mutations, a_heading_is_refused_with_its_line) {
    const std::vector<std::string> good = lines_of(whole_file());
    for (std::size_t i = 0; i < good.size(); ++i) {
        const std::string& line = good[i];
        if (!line.starts_with('[')) continue;
        const std::string name =
            line.substr(line.find_last_of('[') + 1, line.find(']') - line.find_last_of('[') - 1);
        const bool list = line.starts_with("[[");
        for (const std::string& wrong :
             {list ? "[[" + name + "x]]" : "[" + name + "x]",
              list ? "[" + name + "]" : "[[" + name + "]]", "[" + name, std::string("[]"), name}) {
            SCOPED_TRACE(wrong);
            std::vector<std::string> mutated = good;
            mutated[i] = wrong;
            const loaded got = load_text(joined(mutated));
            ASSERT_FALSE(got.problems.empty());
            const auto told = [&](const std::string& each) {
                return each.starts_with("weft.toml:" + std::to_string(i + 1) + ": ");
            };
            EXPECT_TRUE(std::any_of(got.problems.begin(), got.problems.end(), told))
                << all_problems(got);
        }
    }
}

TEST(mutations, a_file_cut_anywhere_is_read_or_refused) {
    const std::string good = whole_file();
    for (std::size_t i = 0; i < good.size(); i += 97) {
        for (const std::string& each : load_text(good.substr(0, i)).problems)
            EXPECT_THAT(each, StartsWith("weft.toml:"));
    }
}

}  // namespace
