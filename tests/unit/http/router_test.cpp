// Which pattern wins, and which patterns are refused.

#include <weft/http/router.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

// Registers patterns, each answering with its own text and its parameters.
struct pattern_world : http_world {
    explicit pattern_world(const std::vector<std::string>& patterns) {
        for (const auto& pattern : patterns) {
            EXPECT_TRUE(routes.get(pattern, [pattern](const request& r) {
                std::string out = pattern;
                for (const std::string_view name : {"a", "b", "rest"}) {
                    if (!r.param(name).empty())
                        out += " " + std::string(name) + "=" + std::string(r.param(name));
                }
                return response::text(200, out);
            }));
        }
    }
    std::string winner(std::string_view path) {
        const std::string reply = ask(testing::get(path));
        return statuses(reply) == std::vector{200} ? body_of(reply)
                                                   : std::to_string(statuses(reply).at(0));
    }
};

TEST(router, text_beats_parameter_beats_wildcard_in_any_order_of_registration) {
    std::vector<std::string> patterns{"/*rest",   "/:a",   "/x",    "/x/:a",
                                      "/x/*rest", "/:a/y", "/x/y/z"};
    for (int turn = 0; turn < 2; ++turn) {
        pattern_world world(patterns);
        EXPECT_EQ(world.winner("/x"), "/x");
        EXPECT_EQ(world.winner("/q"), "/:a a=q");
        EXPECT_EQ(world.winner("/"), "/*rest");
        EXPECT_EQ(world.winner("/q/r/s"), "/*rest rest=q/r/s");
        EXPECT_EQ(world.winner("/x/y"), "/x/:a a=y");
        EXPECT_EQ(world.winner("/x/y/z"), "/x/y/z");
        EXPECT_EQ(world.winner("/x/y/q"), "/x/*rest rest=y/q");
        EXPECT_EQ(world.winner("/q/y"), "/:a/y a=q");
        EXPECT_EQ(world.winner("/x/"), "/x/*rest");
        std::reverse(patterns.begin(), patterns.end());
    }
}

TEST(router, goes_back_when_the_more_specific_branch_leads_nowhere) {
    pattern_world world({"/a/b/c", "/a/:b/d", "/:a/b/*rest"});
    EXPECT_EQ(world.winner("/a/b/c"), "/a/b/c");
    EXPECT_EQ(world.winner("/a/b/d"), "/a/:b/d b=b");
    EXPECT_EQ(world.winner("/a/b/e"), "/:a/b/*rest a=a rest=e");
    EXPECT_EQ(world.winner("/a/c/e"), "404");
}

TEST(router, a_trailing_slash_is_a_segment_and_parameters_are_not_empty) {
    pattern_world world({"/a", "/b/", "/c/:a"});
    EXPECT_EQ(world.winner("/a/"), "404");
    EXPECT_EQ(world.winner("/b"), "404");
    EXPECT_EQ(world.winner("/b/"), "/b/");
    EXPECT_EQ(world.winner("/c/"), "404");
    EXPECT_EQ(world.winner("/c/%C3%A4"), "/c/:a a=\xC3\xA4");
    EXPECT_EQ(world.winner("/A"), "404");
}

TEST(router, refuses_bad_patterns_and_doubles) {
    router r;
    const auto add = [&](std::string_view pattern) {
        return r.get(pattern, [](const request&) { return response(200); });
    };
    EXPECT_TRUE(add("/a/:b"));
    for (const std::string_view pattern :
         {"", "a", "/a/:b", "/a/:c", "/*rest/x", "/:a/:a/:a/:a/:a/:a/:a/:a/:a"}) {
        const auto made = add(pattern);
        ASSERT_FALSE(made) << pattern;
        EXPECT_EQ(made.error().code(), condition::misuse) << pattern;
    }
    EXPECT_TRUE(add("/:a/:b/:c/:d/:e/:f/:g/:h"));
    EXPECT_TRUE(r.upgrade("/a/:b", [](const request&, upgrade) {}));
    EXPECT_FALSE(r.upgrade("/a/:b", [](const request&, upgrade) {}));
}

TEST(router, has_a_name_for_each_method_and_one_for_the_rest) {
    http_world world;
    const auto say = [](std::string text) {
        return [text = std::move(text)](const request&) { return response::text(200, text); };
    };
    ASSERT_TRUE(world.routes.put("/a", say("put")));
    ASSERT_TRUE(world.routes.patch("/a", say("patch")));
    ASSERT_TRUE(world.routes.del("/a", say("del")));
    ASSERT_TRUE(world.routes.post("/a", say("post")));
    ASSERT_TRUE(world.routes.get("/b", say("get")));
    ASSERT_TRUE(world.routes.any("/b", say("any")));
    EXPECT_FALSE(world.routes.any("/b", say("any")));
    const auto ask = [&](std::string_view method, std::string_view path) {
        return world.ask(std::string(method) + " " + std::string(path) +
                         " HTTP/1.1\r\nHost: x\r\n\r\n");
    };
    EXPECT_EQ(body_of(ask("PUT", "/a")), "put");
    EXPECT_EQ(body_of(ask("PATCH", "/a")), "patch");
    EXPECT_EQ(body_of(ask("DELETE", "/a")), "del");
    EXPECT_EQ(body_of(ask("POST", "/a")), "post");
    EXPECT_TRUE(has(ask("GET", "/a"), "Allow: PUT, PATCH, DELETE, POST, OPTIONS\r\n"));
    EXPECT_EQ(body_of(ask("GET", "/b")), "get");
    EXPECT_EQ(body_of(ask("DELETE", "/b")), "any");
    EXPECT_TRUE(has(ask("HEAD", "/b"), "Content-Length: 3\r\n")) << "of GET";
}

TEST(router, paths_of_thousands_of_segments_are_cheap) {
    pattern_world world({"/:a/:b", "/x/*rest"});
    std::string path;
    while (path.size() < 8'000) path += "/x";
    EXPECT_TRUE(world.winner(path).starts_with("/x/*rest rest=x/x"));
}

}  // namespace
}  // namespace weft::http
