// The official test suite for JSON Schema, draft-07 (Debian: json-schema-test-suite): every
// required case, and the optional ones for what Weft asserts. What is refused at load is listed,
// one by one.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <weft/schema/schema.hpp>

namespace {

namespace fs = std::filesystem;
using weft::schema;

const fs::path folder = fs::path(WEFT_SCHEMA_SUITE) / "tests/draft7";

struct test_case {
    std::string description;
    std::string data;
    bool valid = false;
};

struct group {
    std::string description;
    std::string schema_text;
    std::vector<test_case> cases;
};

std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<group> groups_of(const fs::path& path) {
    const std::string text = contents(path);
    weft::json_reader json(text);
    std::vector<group> groups;
    std::string scratch;
    std::string_view key;
    std::string_view raw;
    json.begin_array();
    while (json.next_element()) {
        group& g = groups.emplace_back();
        json.begin_object();
        while (json.next_key(key, scratch)) {
            if (key == "description") {
                json.read(g.description);
            } else if (key == "schema") {
                json.raw(raw);
                g.schema_text = raw;
            } else if (key == "tests") {
                json.begin_array();
                while (json.next_element()) {
                    test_case& c = g.cases.emplace_back();
                    json.begin_object();
                    while (json.next_key(key, scratch)) {
                        if (key == "description") {
                            json.read(c.description);
                        } else if (key == "data") {
                            json.raw(raw);
                            c.data = raw;
                        } else if (key == "valid") {
                            json.read(c.valid);
                        } else {
                            json.skip();
                        }
                    }
                }
            } else {
                json.skip();
            }
        }
    }
    EXPECT_TRUE(json.finish()) << path;
    return groups;
}

std::vector<std::string> files_in(const fs::path& where) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(where)) {
        if (entry.is_regular_file()) names.push_back(entry.path().stem());
    }
    std::sort(names.begin(), names.end());
    return names;
}

struct tally {
    std::size_t passed = 0;
    std::size_t refused = 0;
    std::size_t failed = 0;
    std::vector<std::string> refusals{};  // "file: group: why"
};

void run(const std::string& file, tally& all) {
    tally here;
    for (const group& g : groups_of(folder / (file + ".json"))) {
        const auto compiled = schema::make(g.schema_text);
        if (!compiled) {
            here.refused += g.cases.size();
            all.refusals.push_back(file + ": " + g.description + ": " + compiled.error().what());
            continue;
        }
        for (const test_case& c : g.cases) {
            const auto wrong = compiled->check(c.data);
            if (wrong.has_value() == !c.valid) {
                ++here.passed;
                continue;
            }
            ++here.failed;
            ADD_FAILURE() << file << ": " << g.description << ": " << c.description << "\n  schema "
                          << g.schema_text << "\n  data " << c.data << "\n  "
                          << (wrong ? wrong->what() : "accepted");
        }
    }
    std::printf("%-32s %6zu %6zu %6zu\n", file.c_str(), here.passed, here.refused, here.failed);
    all.passed += here.passed;
    all.refused += here.refused;
    all.failed += here.failed;
}

class schema_suite : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(fs::exists(folder / "items.json"))
            << "the test suite is missing: install json-schema-test-suite (./dev setup test)";
#ifndef WEFT_RE2
        GTEST_SKIP() << "built without RE2, so schemas with patterns are refused";
#endif
    }
};

TEST_F(schema_suite, all_cases_of_draft_7_pass_but_those_refused_at_load) {
    std::vector<std::string> files = files_in(folder);
    ASSERT_GT(files.size(), 30U);
    for (const char* name : {"bignum", "format/date", "format/date-time", "format/email",
                             "format/ipv4", "format/ipv6", "format/time", "format/uri"}) {
        files.push_back(std::string("optional/") + name);
    }
    tally all;
    std::printf("%-32s %6s %6s %6s\n", "", "passed", "refused", "failed");
    for (const std::string& file : files) run(file, all);
    std::printf("%-32s %6zu %6zu %6zu\n", "all", all.passed, all.refused, all.failed);

    EXPECT_EQ(all.failed, 0U);
    const std::string elsewhere = ": this leads to another document, and Weft loads none";
    const std::vector<std::string> expected = {
        "definitions: valid definition: schema /$ref" + elsewhere,
        "definitions: invalid definition: schema /$ref" + elsewhere,
        "ref: escaped pointer ref: schema /tilda~0field: this is no keyword of draft-07",
        "ref: remote ref, containing refs itself: schema /$ref" + elsewhere,
        "refRemote: remote ref: schema /$ref" + elsewhere,
        "refRemote: fragment within remote ref: schema /$ref" + elsewhere,
        "refRemote: ref within remote ref: schema /$ref" + elsewhere,
        "refRemote: base URI change: schema /items/items/$ref" + elsewhere,
        "refRemote: base URI change - change folder: schema /definitions/baz/items/$ref" +
            elsewhere,
        "refRemote: base URI change - change folder in subschema: "
        "schema /definitions/baz/definitions/bar/items/$ref" +
            elsewhere,
        "refRemote: root ref in remote ref: schema /properties/name/$ref" + elsewhere,
    };
    EXPECT_EQ(all.refusals, expected);
}

TEST_F(schema_suite, optional_files_that_are_not_run_are_known) {
    const std::vector<std::string> not_run = {
        "content",              // contentEncoding and contentMediaType are annotations
        "ecmascript-regex",     // the format `regex`
        "zeroTerminatedFloats"  // 1.0 is an integer, as in draft-06 and later
    };
    std::vector<std::string> files = files_in(folder / "optional");
    std::erase(files, "bignum");
    EXPECT_EQ(files, not_run);

    for (const std::string& file : files_in(folder / "optional/format")) {
        const auto compiled = schema::make(R"({"format":")" + file + R"("})");
        const std::set<std::string> asserted = {"date", "date-time", "email", "ipv4",
                                                "ipv6", "time",      "uri"};
        EXPECT_EQ(compiled.has_value(), asserted.contains(file)) << file;
    }
}

}  // namespace
