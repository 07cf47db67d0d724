#include "config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/apps/config/settings_files.hpp"

namespace {

using namespace weft::config;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(load, later_sources_win) {
    sources from{.file = "weft.toml", .text = "[server]\nthreads = 2\n"};
    EXPECT_EQ(load(from).values.server.threads, 2U);
    from.environment = {"WEFT_SERVER__THREADS=3", "WEFT_BIN=/x", "HOME=/root"};
    EXPECT_EQ(load(from).values.server.threads, 3U);
    from.sets = {"server.threads=4"};
    EXPECT_EQ(load(from).values.server.threads, 4U);
    from.flags = {{find_row("server.threads"), {"5"}}};
    const loaded got = load(from);
    EXPECT_EQ(got.values.server.threads, 5U);
    EXPECT_EQ(got.origins.at("server.threads"), "--threads");
}

TEST(load, lists_of_tables_replace_the_default_one) {
    EXPECT_EQ(load({}).values.listeners.size(), 1U);
    const loaded two = load_text("[[listen]]\nport = 1\n[[listen]]\nport = 2\n");
    ASSERT_EQ(two.values.listeners.size(), 2U);
    EXPECT_EQ(two.values.listeners[1].address.port, 2);
    EXPECT_EQ(two.origins.at("listen[1].port"), "weft.toml:4");
    EXPECT_THAT(load_text("endpoint = []\n").values.endpoints, IsEmpty());
    EXPECT_EQ(load_text("[[endpoint]]\n").values.endpoints.size(), 1U);
    sources one_more{.file = "weft.toml", .text = "[[listen]]\nport = 1\n"};
    one_more.sets = {"listen[1].port=2", "listen[0].host=::1"};
    EXPECT_EQ(load(one_more).values.listeners[1].address.port, 2);
    EXPECT_EQ(load(one_more).values.listeners[0].address.port, 1);
    EXPECT_THAT(load({.sets = {"listen[5].port=2"}}).problems,
                ElementsAre(HasSubstr("expected the number of an element that is there")));
    EXPECT_EQ(load({.sets = {"listen[99999].port=2"}}).problems.size(), 1U);
}

TEST(load, only_the_file_replaces_what_a_command_begins_with) {
    sources from;
    from.initial.listeners.front().address.port = 9001;
    from.flags = {{find_row("listen[].host"), {"::1"}}};
    EXPECT_EQ(load(from).values.listeners.front().address.port, 9001);
    from.environment = {"WEFT_LISTEN__0__PROXY_PROTOCOL=true"};
    from.sets = {"listen[0].tls_cert=x"};
    EXPECT_EQ(load(from).values.listeners.front().address.port, 9001);
    from.file = "weft.toml";
    from.text = "[[listen]]\n";
    EXPECT_EQ(load(from).values.listeners.front().address.port, 8080);
}

TEST(load, texts_may_have_variables) {
    sources from{.file = "weft.toml", .environment = {"A=left", "AB=no", "B=right", "E="}};
    from.text =
        "[http]\nallowed_hosts = ['${env:A}.example.org']\n[cluster]\nprefix = "
        "'${env:A}-${env:B}${env:E}'\n";
    const loaded got = load(from);
    EXPECT_EQ(all_problems(got), "");
    EXPECT_THAT(got.values.server.http.allowed_hosts, ElementsAre("left.example.org"));
    EXPECT_EQ(got.values.cluster.options.prefix, "left-right");
    from.text = "[cluster]\nprefix = '${env:C}'\n";
    EXPECT_THAT(load(from).problems,
                ElementsAre("weft.toml:2: cluster.prefix: expected a variable 'C' in the "
                            "environment, found none"));
    from.text = "[cluster]\nprefix = '${env:A'\n";
    EXPECT_EQ(load(from).problems.size(), 1U);
    // What comes by the environment is taken as it is.
    EXPECT_EQ(
        load({.environment = {"WEFT_CLUSTER__PREFIX=${env:A}"}}).values.cluster.options.prefix,
        "${env:A}");
}

TEST(load, names_of_files_are_relative_to_the_file) {
    sources from{.file = "/etc/weft/weft.toml",
                 .text =
                     "[[listen]]\ntls_cert = 'cert.pem'\ntls_key = '/keys/key.pem'\n"
                     "[cluster]\nredis_password_file = 'secret'\n"};
    from.sets = {"cluster.redis_ca=ca.pem"};
    const settings got = load(from).values;
    EXPECT_EQ(got.listeners[0].tls_cert, "/etc/weft/cert.pem");
    EXPECT_EQ(got.listeners[0].tls_key, "/keys/key.pem");
    EXPECT_EQ(got.cluster.password, secret{.file = "/etc/weft/secret"});
    EXPECT_EQ(got.cluster.ca_file, "ca.pem");
}

TEST(load, a_secret_is_said_once_and_the_last_source_counts) {
    EXPECT_THAT(load_text("[cluster]\nredis_password = 'a'\nredis_password_file = 'b'\n").problems,
                ElementsAre(HasSubstr("found both")));
    sources from{.file = "weft.toml", .text = "[cluster]\nredis_password = 'a'\n"};
    from.environment = {"WEFT_CLUSTER__REDIS_PASSWORD_FILE=b"};
    EXPECT_EQ(load(from).values.cluster.password, secret{.file = "b"});
}

TEST(load, a_folder_and_schemas_of_the_command_line_come_first) {
    sources from{.file = "weft.toml",
                 .text =
                     "[[static]]\nfolder = '/a'\n[[static]]\npath = '/b'\nfolder = '/b'\n"
                     "[[topic]]\nmatch = 'x'\n"};
    from.folder = "here";
    from.schemas = {"news=news.json", "a*=a.json"};
    const loaded got = load(from);
    EXPECT_EQ(all_problems(got), "");
    ASSERT_EQ(got.values.folders.size(), 2U);
    EXPECT_EQ(got.values.folders[0].folder, "here");
    ASSERT_EQ(got.values.patterns.size(), 3U);
    EXPECT_EQ(got.values.patterns[0].schema_file, "news.json");
    EXPECT_EQ(got.origins.at("topic[0].match"), "--schema");
    EXPECT_EQ(got.origins.at("topic[2].match"), "weft.toml:7");
    EXPECT_THAT(load({.schemas = {"news"}}).problems, ElementsAre(HasSubstr("PATTERN=FILE")));
}

TEST(load, all_mistakes_are_told_but_not_too_many) {
    const loaded got = load_text("[server]\nthreads = 0\nslow_turn = 5\n[oops]\nx = 1\n");
    EXPECT_THAT(got.problems, ElementsAre(HasSubstr("weft.toml:2: server.threads: expected"),
                                          HasSubstr("weft.toml:3: server.slow_turn: expected"),
                                          HasSubstr("weft.toml:4: oops: unknown key"),
                                          HasSubstr("weft.toml:5: oops.x: unknown key")));
    std::string many = "[x]\n";
    for (int i = 0; i < 1000; ++i) many += "k" + std::to_string(i) + " = 1\n";
    EXPECT_EQ(load_text(many).problems.size(), 21U);
}

TEST(load, tables_in_place_of_values_and_the_reverse_are_told) {
    for (const char* const wrong :
         {"server = 5\n", "[[server]]\nthreads = 1\n", "[listen]\nport = 1\n", "listen = 5\n",
          "listen = [1]\n", "[server.threads]\nx = 1\n", "server = []\n",
          "[server]\nthreads = []\n", "[[listen]]\nport = {}\n", "x = 1\n", "[auth]\nissuer = 1\n",
          "[[auth]]\n"}) {
        const loaded got = load_text(wrong);
        ASSERT_FALSE(got.problems.empty()) << wrong;
        EXPECT_THAT(got.problems.front(), testing::StartsWith("weft.toml:")) << wrong;
    }
    EXPECT_THAT(load_text("[listen]\nport = 1\n").problems.front(), HasSubstr("[[listen]]"));
}

TEST(load, what_is_no_TOML_is_refused_with_its_line) {
    std::string deep = "[server]\nthreads = ";
    for (int i = 0; i < 100'000; ++i) deep += '[';
    for (const std::string& wrong :
         {std::string("[server]\nthreads = 1\nthreads = 2\n"), std::string("[server]\n\xff = 1\n"),
          std::string("[server]\nthreads = \n"), std::string("[server]\nx = '\xc3\x28'\n"), deep,
          std::string("[server]\n\0", 10)}) {
        const loaded got = load_text(wrong);
        ASSERT_FALSE(got.problems.empty()) << wrong.substr(0, 40);
        EXPECT_THAT(got.problems.front(), testing::MatchesRegex("weft.toml:[123]: .+"))
            << wrong.substr(0, 40);
    }
}

TEST(load, deep_nesting_is_refused) {
    const auto nested = [](int depth) {
        std::string text = "a = ";
        for (int i = 0; i < depth; ++i) text += i % 2 == 0 ? "[" : "{ b.c = ";
        text += "1";
        for (int i = depth; i-- > 0;) text += i % 2 == 0 ? "]" : " }";
        return text + "\n";
    };
    EXPECT_THAT(load_text(nested(16)).problems, Each(Not(HasSubstr("16 brackets"))));
    const loaded deep = load_text("\n" + nested(17));
    ASSERT_EQ(deep.problems.size(), 1U);
    EXPECT_THAT(deep.problems.front(), AllOf(HasSubstr(":2: "), HasSubstr("16 brackets")));
    EXPECT_THAT(load_text("[http]\nallowed_hosts = [\"" + std::string(99, '[') + "\"]\n").problems,
                Each(Not(HasSubstr("16 brackets"))));
}

TEST(load, keys_of_many_parts_are_refused_wherever_they_hide) {
    std::string parts;
    for (int i = 0; i < 200'000; ++i) parts += i % 2 == 0 ? "a." : "'b' . ";
    for (const char* const before :
         {"\n", "# '\n", "x = \"\\\"#\"\n", "x = ''\n", "x = '''\n#\n'''\ny = {z = \"#\", ",
          "x = \"\"\"\\\"\"\"\n\"\"\"\n[", "x = {y = '#', ", "x = {y = \"\"\"z\"\"\"\"\", "}) {
        const loaded got = load_text(before + parts + "a = 1\n");
        ASSERT_EQ(got.problems.size(), 1U) << before;
        EXPECT_THAT(got.problems.front(), HasSubstr("at most 16 parts")) << before;
    }
    const std::string dots = "'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t'";
    EXPECT_EQ(all_problems(
                  load_text("# " + parts + "\n[http]\nallowed_hosts = [" + dots + "] # " + parts)),
              "");
}

TEST(load, a_file_has_at_most_one_MiB_and_can_be_read) {
    EXPECT_THAT(load({.file = "/nowhere/weft.toml"}).problems,
                ElementsAre("/nowhere/weft.toml: cannot read it: No such file or directory"));
    EXPECT_THAT(load({.file = "/etc"}).problems,
                ElementsAre("/etc: cannot read it: Is a directory"));
    EXPECT_THAT(load({.file = "/dev/zero"}).problems,
                ElementsAre("/dev/zero: cannot read it: expected at most 1 MiB, found more"));
}

}  // namespace
