#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "ws/proto/extensions.hpp"

namespace weft::ws {
namespace {

extension_outcome accept(std::string_view offer, const deflate_wishes& wishes = {}) {
    const std::string_view headers[] = {offer};
    return accept_extensions(headers, wishes);
}

/// The answer to an offer; empty when it is declined, "400" when the header is malformed.
std::string answer(std::string_view offer, const deflate_wishes& wishes = {}) {
    const extension_outcome outcome = accept(offer, wishes);
    if (outcome.error) return "400";
    return outcome.deflate ? deflate_response(*outcome.deflate) : "";
}

const deflate_wishes full_windows{false, false, 15, 15};

TEST(extensions, answers_the_offers_of_browsers) {
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"),
              "permessage-deflate; client_max_window_bits=12");
    EXPECT_EQ(answer("permessage-deflate"), "permessage-deflate");
    EXPECT_EQ(answer("permessage-deflate", full_windows), "permessage-deflate");
}

TEST(extensions, the_window_of_the_server_is_named_when_it_was_offered_and_only_then) {
    const auto outcome = accept("permessage-deflate");
    EXPECT_EQ(outcome.deflate, (deflate_agreement{false, false, 12, false, 15}));
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=15"),
              "permessage-deflate; server_max_window_bits=12");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=15", full_windows),
              "permessage-deflate; server_max_window_bits=15");
}

TEST(extensions, follows_the_offer) {
    EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover", full_windows),
              "permessage-deflate; server_no_context_takeover");
    EXPECT_EQ(answer("permessage-deflate; client_no_context_takeover", full_windows),
              "permessage-deflate; client_no_context_takeover");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10", full_windows),
              "permessage-deflate; server_max_window_bits=10");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=9"),
              "permessage-deflate; client_max_window_bits=9");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=8", full_windows),
              "permessage-deflate; client_max_window_bits=8");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"10\"", full_windows),
              "permessage-deflate; server_max_window_bits=10");
    EXPECT_EQ(answer("permessage-deflate", {true, true, 15, 9}),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(extensions, sec_w9_unacceptable_offers_are_declined_and_the_next_one_tried) {
    for (const std::string_view offer :
         {"x-webkit-deflate-frame",
          "constructor",
          "__proto__",
          "toString",
          "permessage-deflate; constructor",
          "permessage-deflate; __proto__=1",
          "permessage-deflate; server_max_window_bits=8",
          "permessage-deflate; server_max_window_bits=16",
          "permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; server_max_window_bits=007",
          "permessage-deflate; server_max_window_bits=010",
          "permessage-deflate; server_max_window_bits=-1",
          "permessage-deflate; server_max_window_bits=1e1",
          "permessage-deflate; server_max_window_bits=+9",
          "permessage-deflate; server_max_window_bits",
          "permessage-deflate; client_max_window_bits=16",
          "permessage-deflate; client_max_window_bits=0",
          "permessage-deflate; client_max_window_bits=256",
          "permessage-deflate; client_max_window_bits; client_max_window_bits",
          "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
          "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
          "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
          "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; client_no_context_takeover=true",
          "permessage-deflate; server_max_window_bits=\"1\\0\"",
          "Permessage-Deflate"}) {
        EXPECT_EQ(answer(offer), "") << offer;
        EXPECT_EQ(answer(std::string(offer) + ", permessage-deflate", full_windows),
                  "permessage-deflate")
            << offer;
    }
}

TEST(extensions, sec_w9_malformed_headers_are_an_error) {
    for (const std::string_view offer :
         {";", "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=",
          "permessage-deflate; a=\"", "permessage-deflate; a=\"x", "permessage-deflate; a=\"\"",
          "permessage-deflate; a=\"x\\", "permessage-deflate; a=\"x y\"", "permessage-deflate a",
          "permessage-deflate; a=b c", "permessage-deflate; a==b", "perm/essage", "\"quoted\"",
          "permessage-deflate; a=b\x01", "\xC3\xA9"}) {
        EXPECT_EQ(answer(offer), "400") << offer;
    }
    for (const std::string_view offer : {"", " ", ",", " , ,, "}) EXPECT_EQ(answer(offer), "");
}

TEST(extensions, several_headers_are_one_list) {
    const std::string_view headers[] = {
        "foo; bar=1", "permessage-deflate; server_max_window_bits=16", " permessage-deflate "};
    const extension_outcome outcome = accept_extensions(headers, full_windows);
    EXPECT_FALSE(outcome.error);
    EXPECT_TRUE(outcome.deflate);
}

TEST(extensions, sec_w9_long_headers_take_linear_time) {
    std::string many = "permessage-deflate";
    for (int i = 0; i < 10'000; ++i) many += ";a=b";
    std::string backslashes = "permessage-deflate; a=\"";
    for (int i = 0; i < 20'000; ++i) backslashes += "\\x";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(answer(many), "");
    EXPECT_EQ(answer(backslashes), "400");
    EXPECT_EQ(answer(backslashes + "\""), "");
    EXPECT_EQ(answer(std::string(40'000, ',')), "");
    EXPECT_EQ(answer(std::string(40'000, '"')), "400");
    // Quadratic work would need seconds.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
}

extension_outcome check(std::string_view response, const deflate_wishes* offered) {
    const std::string_view headers[] = {response};
    return check_extensions(headers, offered);
}

TEST(extensions, a_client_takes_what_it_offered) {
    const deflate_wishes wishes{false, false, 15, 15};
    const extension_outcome plain = check("permessage-deflate", &wishes);
    EXPECT_EQ(plain.deflate, (deflate_agreement{false, false, 15, false, 15}));
    const extension_outcome all = check(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=9; client_max_window_bits=10",
        &wishes);
    EXPECT_EQ(all.deflate, (deflate_agreement{true, true, 9, true, 10}));
    EXPECT_EQ(check("permessage-deflate; server_max_window_bits=8", &wishes).deflate,
              (deflate_agreement{false, false, 8, true, 15}));
    EXPECT_FALSE(check_extensions({}, &wishes).deflate);
    EXPECT_FALSE(check_extensions({}, &wishes).error);
}

TEST(extensions, a_client_keeps_to_the_window_that_it_announced) {
    const deflate_wishes wishes{false, false, 12, 10};
    EXPECT_EQ(deflate_offer(wishes),
              "permessage-deflate; server_max_window_bits=12; client_max_window_bits=10");
    EXPECT_EQ(check("permessage-deflate; server_max_window_bits=12", &wishes).deflate,
              (deflate_agreement{false, false, 12, true, 10}));
}

TEST(extensions, a_client_refuses_what_it_did_not_offer) {
    const deflate_wishes wishes{true, false, 12, 12};
    const std::string good =
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=12";
    EXPECT_TRUE(check(good, &wishes).deflate);
    EXPECT_EQ(check(good, nullptr).error, errc::unexpected_extensions);
    for (const std::string& bad :
         {std::string("permessage-deflate; server_max_window_bits=12"),
          std::string("permessage-deflate; server_no_context_takeover"),
          std::string("permessage-deflate; server_no_context_takeover; server_max_window_bits=13"),
          good + "; client_max_window_bits=13", good + "; client_max_window_bits",
          good + "; unknown", good + ", " + good, good + ", foo", std::string("foo"), good + ";",
          good + "; client_max_window_bits=16"}) {
        EXPECT_EQ(check(bad, &wishes).error, errc::unexpected_extensions) << bad;
    }
}

TEST(extensions, server_and_client_agree_with_each_other) {
    for (const auto server_bits : std::initializer_list<std::uint8_t>{9, 12, 15}) {
        for (const auto client_bits : std::initializer_list<std::uint8_t>{9, 12, 15}) {
            for (const bool no_takeover : {false, true}) {
                const deflate_wishes client{no_takeover, !no_takeover, server_bits, client_bits};
                const deflate_wishes server{false, no_takeover, 12, 11};
                const extension_outcome accepted = accept(deflate_offer(client), server);
                ASSERT_TRUE(accepted.deflate);
                const extension_outcome seen = check(deflate_response(*accepted.deflate), &client);
                ASSERT_FALSE(seen.error);
                deflate_agreement expected = *accepted.deflate;
                if (server_bits == 15) expected.server_max_window_bits = 15;  // was not named
                EXPECT_EQ(seen.deflate, expected);
            }
        }
    }
}

}  // namespace
}  // namespace weft::ws
