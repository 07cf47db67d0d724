// Where requests have their token, through real requests on the sim backend.

#include <weft/auth/token_sources.hpp>

#include <string>

#include <gtest/gtest.h>

#include <weft/auth/error.hpp>
#include <weft/http/handshake.hpp>
#include <weft/http/request.hpp>

#include "unit/http/http_world.hpp"

namespace weft::auth {
namespace {

using http::testing::get;
using http::testing::has;

/// Asks with these lines; "place:token", or the error. Request and handshake must agree.
class finder : public http::testing::http_world {
public:
    explicit finder(token_sources where) : from_(std::move(where)) {
        EXPECT_TRUE(routes.get("/", [this](const http::request& asked) {
            found_ = text(find_token(asked, from_));
            EXPECT_EQ(text(find_token(http::handshake(asked), from_)), found_);
            return http::response(200);
        }));
    }
    ~finder() { shut_down(); }
    std::string find(std::string_view lines, std::string_view target = "/") {
        found_.clear();
        EXPECT_TRUE(has(ask(get(target, lines)), "200 OK"));
        return found_;
    }

private:
    static std::string text(const result<found_token>& got) {
        static constexpr const char* names[] = {"authorization", "subprotocol", "cookie", "query"};
        if (got) return std::string(names[static_cast<int>(got->from)]) + ':' + got->token;
        return got.error().code() == errc::token_missing     ? "missing"
               : got.error().code() == errc::token_ambiguous ? "ambiguous"
                                                             : "other";
    }

    token_sources from_;
    std::string found_;
};

token_sources all_places() {
    token_sources all;
    all.subprotocol = true;
    all.cookie = "__Host-token";
    all.query = "ticket";
    return all;
}

TEST(token_sources, each_place_is_found) {
    finder in(all_places());
    EXPECT_EQ(in.find("Authorization: Bearer a.b.c\r\n"), "authorization:a.b.c");
    EXPECT_EQ(in.find("authorization: bearer   a.b.c  \r\n"), "authorization:a.b.c");
    EXPECT_EQ(in.find("Sec-WebSocket-Protocol: our.v1, bearer.a.b.c\r\n"), "subprotocol:a.b.c");
    EXPECT_EQ(in.find("Sec-WebSocket-Protocol: our.v1\r\nSec-WebSocket-Protocol: bearer.x\r\n"),
              "subprotocol:x");
    EXPECT_EQ(in.find("Cookie: a=1; __Host-token=a.b.c; b=2\r\n"), "cookie:a.b.c");
    EXPECT_EQ(in.find("", "/?x=1&ticket=a.b%2Ec"), "query:a.b.c");
}

TEST(token_sources, other_things_are_no_token) {
    finder in(all_places());
    for (const char* const lines :
         {"", "Authorization: Basic YTpi\r\n", "Authorization: Bearer\r\n",
          "Authorization: Bearer \r\n", "Authorization: Bearerx\r\n",
          "X-Authorization: Bearer x\r\n", "Sec-WebSocket-Protocol: our.v1\r\n",
          "Sec-WebSocket-Protocol: Bearer.x\r\n", "Sec-WebSocket-Protocol: bearer.\r\n",
          "Cookie: token=x\r\n", "Cookie: __host-token=x\r\n", "Cookie: __Host-token=\r\n",
          "Cookie: x=\"__Host-token=y\"\r\n"}) {
        EXPECT_EQ(in.find(lines), "missing") << lines;
    }
    for (const char* const target :
         {"/", "/?", "/?ticket", "/?ticket=", "/?tickets=x", "/?Ticket=x", "/?ticket=%zz"}) {
        EXPECT_EQ(in.find("", target), "missing") << target;
    }
}

TEST(token_sources, a_place_that_is_switched_off_is_not_looked_at) {
    finder usual(token_sources{});
    EXPECT_EQ(
        usual.find("Sec-WebSocket-Protocol: bearer.x\r\nCookie: __Host-token=x\r\n", "/?ticket=x"),
        "missing");
    token_sources cookie;
    cookie.authorization = false;
    cookie.cookie = "__Host-token";
    finder in(cookie);
    EXPECT_EQ(in.find("Authorization: Bearer x\r\nCookie: __Host-token=y\r\n"), "cookie:y");
}

TEST(token_sources, two_tokens_are_refused_wherever_they_are) {
    finder in(all_places());
    for (const char* const lines :
         {"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
          "Authorization: Bearer a\r\nAuthorization: Bearer a\r\n",
          "Authorization: Bearer a\r\nCookie: __Host-token=a\r\n",
          "Authorization: Bearer a\r\nSec-WebSocket-Protocol: bearer.a\r\n",
          "Sec-WebSocket-Protocol: bearer.a, bearer.b\r\n",
          "Sec-WebSocket-Protocol: bearer.a\r\nSec-WebSocket-Protocol: bearer.b\r\n",
          "Cookie: __Host-token=a; __Host-token=b\r\n",
          "Cookie: __Host-token=a\r\nCookie: __Host-token=b\r\n"}) {
        EXPECT_EQ(in.find(lines), "ambiguous") << lines;
    }
    EXPECT_EQ(in.find("", "/?ticket=a&ticket=b"), "ambiguous");
    EXPECT_EQ(in.find("Authorization: Bearer a\r\n", "/?ticket=b"), "ambiguous");
    EXPECT_EQ(in.find("Authorization: Basic YTpi\r\nAuthorization: Bearer a\r\n"),
              "authorization:a");
}

TEST(token_sources, only_the_prefix_makes_a_subprotocol_a_token) {
    token_sources from;
    EXPECT_FALSE(carries_token("bearer.x", from)) << "not switched on";
    from.subprotocol = true;
    EXPECT_TRUE(carries_token("bearer.x", from));
    EXPECT_FALSE(carries_token("Bearer.x", from));
    EXPECT_FALSE(carries_token("our.v1", from));
    from.subprotocol_prefix = "base64url.bearer.";
    EXPECT_TRUE(carries_token("base64url.bearer.x", from));
    EXPECT_FALSE(carries_token("bearer.x", from));
}

TEST(token_sources, wrong_options_are_named) {
    const auto complains_of = [](std::string_view name, auto change) {
        token_sources from;
        change(from);
        const auto checked = from.check();
        ASSERT_FALSE(checked) << name;
        EXPECT_TRUE(has(checked.error().what(), name)) << checked.error().what();
    };
    EXPECT_TRUE(token_sources{}.check());
    complains_of("subprotocol_prefix", [](token_sources& s) { s.subprotocol_prefix = ""; });
    complains_of("subprotocol_prefix", [](token_sources& s) { s.subprotocol_prefix = "a b"; });
    complains_of("cookie", [](token_sources& s) { s.cookie = "a=b"; });
    complains_of("first_message_timeout",
                 [](token_sources& s) { s.first_message_timeout = duration::zero(); });
}

}  // namespace
}  // namespace weft::auth
