// The URLs that a client takes and the redirects it resolves.

#include "client_world.hpp"

namespace weft::ws {
namespace {

TEST(client_url_test, takes_urls_apart) {
    const auto url = client_url::parse("wss://us%40er:p%3aw@Example.ORG:8443/a/b?c=d");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->secure);
    EXPECT_EQ(url->host, "example.org");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/a/b?c=d");
    EXPECT_EQ(url->user_info, "us@er:p:w");
    EXPECT_EQ(url->authority(), "example.org:8443");
    EXPECT_EQ(client_url::parse("ws://h")->target, "/");
    EXPECT_EQ(client_url::parse("HTTP://h?x")->target, "/?x");
    EXPECT_EQ(client_url::parse("ws://h")->authority(), "h");
    EXPECT_EQ(client_url::parse("https://h")->port, 443);
    EXPECT_EQ(client_url::parse("ws://[::1]:81/")->host, "::1");
    EXPECT_EQ(client_url::parse("ws://[::1]:81/")->authority(), "[::1]:81");
    EXPECT_EQ(client_url::parse("ws://user@h")->user_info, "user:");
    const auto local = client_url::parse("ws+unix:/run/x.sock:/y?z");
    ASSERT_TRUE(local);
    EXPECT_EQ(local->unix_path, "/run/x.sock");
    EXPECT_EQ(local->target, "/y?z");
    EXPECT_EQ(client_url::parse("ws+unix:/run/x.sock")->target, "/");
}

TEST(client_url_test, refuses_what_cannot_be_asked_for) {
    for (const char* const bad : {"",
                                  "ws",
                                  "ws:",
                                  "ws:/h",
                                  "ws://",
                                  "ws:///p",
                                  "ftp://h/",
                                  "//h/",
                                  "/p",
                                  "ws://h/#f",
                                  "ws://h#f",
                                  "ws://h/a b",
                                  "ws://h/\r\nX: y",
                                  "ws://h/\x7f",
                                  "ws://h:0/",
                                  "ws://h:65536/",
                                  "ws://h:x/",
                                  "ws://::1/",
                                  "ws://[::1/",
                                  "ws://[h]/",
                                  "ws://u%4@h/",
                                  "ws://u%zz@h/",
                                  "ws://h\xC3\xA4/",
                                  "ws+unix:",
                                  "ws+unix::/x",
                                  "ws+unix:/s:x"}) {
        EXPECT_FALSE(client_url::parse(bad)) << bad;
    }
    EXPECT_FALSE(client_url::parse("ws://h/" + std::string(9000, 'a')));
    const auto secret = client_url::parse("ws://user:secret@h:x/");
    EXPECT_EQ(secret.error().message().find("secret"), std::string::npos);
}

TEST(client_url_test, resolves_redirects) {
    const auto from = *client_url::parse("ws://h:81/a/b/c?q");
    const std::map<std::string, std::string> cases{{"d", "/a/b/d"},
                                                   {"/d?e", "/d?e"},
                                                   {"?e", "/a/b/c?e"},
                                                   {"../d", "/a/d"},
                                                   {"../../../d", "/d"},
                                                   {"./d/", "/a/b/d/"},
                                                   {"..", "/a/"},
                                                   {"", "/a/b/c?q"},
                                                   {"d#f", "/a/b/d"},
                                                   {"http://i/x", "/x"},
                                                   {"//i", "/"},
                                                   {"/a/./b/../c", "/a/c"},
                                                   {"d?u=http://x/", "/a/b/d?u=http://x/"}};
    for (const auto& [location, target] : cases) {
        const auto to = from.resolve(location);
        ASSERT_TRUE(to) << location;
        EXPECT_EQ(to->target, target) << location;
    }
    EXPECT_TRUE(from.resolve("x")->same_origin(from));
    EXPECT_TRUE(from.resolve("http://H:81/")->same_origin(from));
    EXPECT_FALSE(from.resolve("ws://h/")->same_origin(from));
    EXPECT_FALSE(from.resolve("wss://h:81/")->same_origin(from));
    EXPECT_FALSE(from.resolve("//i:81/")->same_origin(from));
    for (const char* const bad : {"ftp://h/", "javascript:x", "ws+unix:/s:/x", "http:x",
                                  "ws://u@h/", "ws://h:0/", "/a b", "\xFF"}) {
        EXPECT_FALSE(from.resolve(bad)) << bad;
    }
    EXPECT_FALSE(client_url::parse("wss://h/")->resolve("ws://h/"));
    EXPECT_TRUE(client_url::parse("wss://h/")->resolve("//i/")->secure);
    EXPECT_EQ(client_url::parse("ws+unix:/s:/x")->resolve("/y")->unix_path, "/s");
    EXPECT_FALSE(client_url::parse("ws+unix:/s:/x")->resolve("//h/y"));
}

}  // namespace
}  // namespace weft::ws
