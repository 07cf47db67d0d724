#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "ws/proto/handshake.hpp"

namespace weft::ws {
namespace {

using header_list = std::vector<http::header_field>;

const std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

header_list good_headers() {
    return {{"Host", "server.example.com"},
            {"Upgrade", "websocket"},
            {"Connection", "Upgrade"},
            {"Sec-WebSocket-Key", sample_key},
            {"Sec-WebSocket-Version", "13"}};
}

header_list with(std::string_view name, std::string_view value) {
    header_list headers = good_headers();
    for (http::header_field& header : headers) {
        if (header.name == name) {
            header.value = value;
            return headers;
        }
    }
    headers.push_back({name, value});
    return headers;
}

header_list without(std::string_view name) {
    header_list headers = good_headers();
    std::erase_if(headers, [&](const http::header_field& header) { return header.name == name; });
    return headers;
}

header_list twice(std::string_view name, std::string_view value) {
    header_list headers = good_headers();
    headers.push_back({name, value});
    return headers;
}

errc error_of(const header_list& headers, std::string_view method = "GET", int major = 1,
              int minor = 1, bool has_body = false) {
    return check_upgrade({method, major, minor, has_body, headers}).error.value_or(errc{});
}

TEST(server_handshake, accepts_the_example_of_the_rfc) {
    header_list headers = good_headers();
    headers.push_back({"Origin", "http://example.com"});
    headers.push_back({"Sec-WebSocket-Protocol", "chat, superchat"});
    const upgrade_check check = check_upgrade({"GET", 1, 1, false, headers});
    ASSERT_FALSE(check.error);
    EXPECT_EQ(check.facts.key, sample_key);
    ASSERT_EQ(check.facts.subprotocols.view().size(), 2U);
    EXPECT_EQ(check.facts.subprotocols.view()[1], "superchat");
    auto sha1 = sha1_digest::make();
    ASSERT_TRUE(sha1);
    const auto accept = accept_value(*sha1, check.facts.key);
    ASSERT_TRUE(accept);
    EXPECT_EQ(std::string_view((*accept).data(), accept_size), sample_accept);
}

TEST(server_handshake, is_strict_about_every_part) {
    struct row {
        const char* what;
        errc got, expected;
        int status;
    };
    const row rows[] = {
        {"POST", error_of(good_headers(), "POST"), errc::bad_method, 405},
        {"get", error_of(good_headers(), "get"), errc::bad_method, 405},
        {"1.0", error_of(good_headers(), "GET", 1, 0), errc::bad_http_version, 400},
        {"body", error_of(good_headers(), "GET", 1, 1, true), errc::body_in_upgrade, 400},
        {"no Upgrade", error_of(without("Upgrade")), errc::bad_upgrade, 426},
        {"h2c", error_of(with("Upgrade", "h2c")), errc::bad_upgrade, 426},
        {"websockets", error_of(with("Upgrade", "websockets")), errc::bad_upgrade, 426},
        {"no Connection", error_of(without("Connection")), errc::bad_connection, 400},
        {"close", error_of(with("Connection", "close")), errc::bad_connection, 400},
        {"no version", error_of(without("Sec-WebSocket-Version")), errc::bad_version, 400},
        {"two versions", error_of(twice("Sec-WebSocket-Version", "13")), errc::bad_version, 400},
        {"8", error_of(with("Sec-WebSocket-Version", "8")), errc::unsupported_version, 426},
        {"777", error_of(with("Sec-WebSocket-Version", "777")), errc::unsupported_version, 426},
        {"list", error_of(with("Sec-WebSocket-Version", "13, 8")), errc::unsupported_version, 426},
        {"013", error_of(with("Sec-WebSocket-Version", "013")), errc::unsupported_version, 426},
        {"no key", error_of(without("Sec-WebSocket-Key")), errc::bad_key, 400},
        {"two keys", error_of(twice("Sec-WebSocket-Key", sample_key)), errc::bad_key, 400},
    };
    for (const row& r : rows) {
        EXPECT_EQ(r.got, r.expected) << r.what;
        EXPECT_EQ(describe(r.expected).status, r.status) << r.what;
    }
    EXPECT_EQ(refusal_headers(errc::bad_method).front().value, "GET");
    EXPECT_EQ(refusal_headers(errc::unsupported_version).back().value, "13");
    EXPECT_TRUE(refusal_headers(errc::bad_key).empty());
}

TEST(server_handshake, takes_lists_and_any_case_where_the_rfc_does) {
    EXPECT_EQ(error_of(with("Upgrade", "WebSocket")), errc{});
    EXPECT_EQ(error_of(with("Upgrade", "h2c, websocket")), errc{});
    EXPECT_EQ(error_of(with("Connection", "keep-alive, Upgrade")), errc{});
    EXPECT_EQ(error_of(with("Connection", "keep-alive,upgrade")), errc{});
    header_list split = with("Connection", "keep-alive");
    split.push_back({"connection", "UPGRADE"});
    EXPECT_EQ(error_of(split), errc{});
    header_list lower = good_headers();
    std::vector<std::string> names;
    names.reserve(lower.size());
    for (http::header_field& header : lower) {
        std::string& name = names.emplace_back(header.name);
        for (char& c : name) c = static_cast<char>(std::tolower(c));
        header.name = name;
    }
    EXPECT_EQ(error_of(lower), errc{});
}

TEST(server_handshake, sec_w13_the_key_must_be_16_bytes_in_base64) {
    for (const std::string_view key :
         {"", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
          "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ===",
          "dGhlIHNhbXBsZSBub25jZXo=", "dGhlIHNhbXBsZSBub25jZXp6", "dGhlIHNhbXBsZSBub25jZ_==",
          "dGhl IHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="}) {
        EXPECT_EQ(error_of(with("Sec-WebSocket-Key", key)), errc::bad_key) << key;
    }
    EXPECT_EQ(error_of(with("Sec-WebSocket-Key", "  dGhlIHNhbXBsZSBub25jZQ== ")), errc{});
}

TEST(server_handshake, the_bits_behind_the_key_do_not_matter) {
    for (const char last : std::string_view("QRZafgz09+/")) {
        const std::string key = std::string("dGhlIHNhbXBsZSBub25jZ") + last + "==";
        EXPECT_EQ(error_of(with("Sec-WebSocket-Key", key)), errc{}) << key;
    }
}

TEST(server_handshake, subprotocols_are_distinct_tokens) {
    const auto parsed = [](std::string_view value) {
        return error_of(with("Sec-WebSocket-Protocol", value));
    };
    EXPECT_EQ(parsed("a"), errc{});
    EXPECT_EQ(parsed("a,b ,\tc,,d"), errc{});
    for (const std::string_view bad :
         {"", " ", ",", "a b", "a;b", "a, a", "a/b", "\"a\"", "a\x01"}) {
        EXPECT_EQ(parsed(bad), errc::bad_subprotocol) << bad;
    }
    header_list split = with("Sec-WebSocket-Protocol", "a");
    split.push_back({"Sec-WebSocket-Protocol", "b"});
    EXPECT_EQ(error_of(split), errc{});
    split.push_back({"Sec-WebSocket-Protocol", "a"});
    EXPECT_EQ(error_of(split), errc::bad_subprotocol);
    std::string many;
    for (int i = 0; i < 32; ++i) many += "p" + std::to_string(i) + ",";
    EXPECT_EQ(parsed(many), errc{});
    EXPECT_EQ(parsed(many + "one-more"), errc::bad_subprotocol);
}

TEST(server_handshake, sec_w13_a_long_subprotocol_list_is_parsed_in_linear_time) {
    const std::string spaces(32 * 1024, ' ');
    for (const std::string& value : {spaces, "a" + spaces + "b", "a," + spaces + ",b",
                                     std::string(32 * 1024, ','), std::string(32 * 1024, 'a')}) {
        auto best = std::chrono::steady_clock::duration::max();
        for (int round = 0; round < 5; ++round) {
            text_list<max_subprotocols> list;
            const auto start = std::chrono::steady_clock::now();
            (void)parse_subprotocols(value, list);
            best = std::min(best, std::chrono::steady_clock::now() - start);
        }
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        EXPECT_LT(best, std::chrono::microseconds(100));
#else
        EXPECT_LT(best, std::chrono::milliseconds(5));
#endif
    }
}

TEST(server_handshake, tells_the_headers_of_the_response) {
    std::string lines;
    each_upgrade_header({sample_accept, "chat", deflate_agreement{false, false, 12, true, 15}},
                        [&](std::string_view name, std::string_view value) {
                            lines.append(name).append(": ").append(value).append("\n");
                        });
    EXPECT_EQ(lines,
              "Upgrade: websocket\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"
              "Sec-WebSocket-Protocol: chat\n"
              "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12\n");
}

class client_handshake : public testing::Test {
protected:
    header_list good() const {
        return {{"Upgrade", "websocket"},
                {"Connection", "Upgrade"},
                {"Sec-WebSocket-Accept", sample_accept}};
    }
    client_outcome check(const header_list& headers, int status = 101) {
        return check_response(status, headers, request, *sha1);
    }

    client_request request{"example.com:81", "/chat?x=1", sample_key, {}, nullptr, {}};
    result<sha1_digest> sha1 = sha1_digest::make();
};

TEST_F(client_handshake, writes_the_request) {
    const std::string_view protocols[] = {"chat", "superchat"};
    const http::header_field extra[] = {{"Origin", "https://example.com"}};
    const deflate_wishes wishes{false, false, 15, 15};
    request.subprotocols = protocols;
    request.extra = extra;
    request.deflate = &wishes;
    const auto text = write_upgrade_request(request);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "GET /chat?x=1 HTTP/1.1\r\nHost: example.com:81\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Protocol: chat, superchat\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
              "Origin: https://example.com\r\n\r\n");
}

TEST_F(client_handshake, writes_no_request_that_could_be_split) {
    for (const std::string_view target : {"", "/a b", "/a\r\nX: y", "/\x7F", "/\xC3\xA9"}) {
        request.target = target;
        EXPECT_FALSE(write_upgrade_request(request)) << target;
    }
    request.target = "/";
    request.host = "a\r\nb";
    EXPECT_FALSE(write_upgrade_request(request));
    request.host = "a";
    const http::header_field own[] = {{"sec-websocket-KEY", "x"}};
    request.extra = own;
    EXPECT_FALSE(write_upgrade_request(request));
    request.extra = {};
    const std::string_view protocols[] = {"a", "a"};
    request.subprotocols = protocols;
    EXPECT_FALSE(write_upgrade_request(request));
}

TEST_F(client_handshake, accepts_a_right_response) {
    EXPECT_FALSE(check(good()).error);
}

TEST_F(client_handshake, refuses_a_wrong_response) {
    EXPECT_EQ(check(good(), 200).error, errc::not_switching);
    EXPECT_EQ(check({{"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", sample_accept}}).error,
              errc::not_switching);
    EXPECT_EQ(check({{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", sample_accept}}).error,
              errc::not_switching);
    EXPECT_EQ(check({{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}).error, errc::bad_accept);
    header_list wrong = good();
    wrong[2].value = "s3pPLMBiTxaQ9kYGzzhZRbK+xOP=";
    EXPECT_EQ(check(wrong).error, errc::bad_accept);
    header_list repeated = good();
    repeated.push_back(repeated[2]);
    EXPECT_EQ(check(repeated).error, errc::bad_accept);
    header_list protocol = good();
    protocol.push_back({"Sec-WebSocket-Protocol", "chat"});
    EXPECT_EQ(check(protocol).error, errc::unexpected_subprotocol);
    header_list extension = good();
    extension.push_back({"Sec-WebSocket-Extensions", "permessage-deflate"});
    EXPECT_EQ(check(extension).error, errc::unexpected_extensions);
}

TEST_F(client_handshake, takes_one_of_the_offered_subprotocols) {
    const std::string_view protocols[] = {"chat", "superchat"};
    request.subprotocols = protocols;
    EXPECT_EQ(check(good()).error, errc::unexpected_subprotocol);  // as browsers do
    header_list chosen = good();
    chosen.push_back({"Sec-WebSocket-Protocol", "superchat"});
    EXPECT_EQ(check(chosen).subprotocol, "superchat");
    EXPECT_FALSE(check(chosen).error);
    chosen.back().value = "chat, superchat";
    EXPECT_EQ(check(chosen).error, errc::unexpected_subprotocol);
    chosen.back().value = "other";
    EXPECT_EQ(check(chosen).error, errc::unexpected_subprotocol);
}

TEST_F(client_handshake, keys_are_fresh_and_valid) {
    random_pool random;
    std::set<std::string> keys;
    for (int i = 0; i < 1000; ++i) {
        const auto key = make_key(random);
        ASSERT_TRUE(key);
        EXPECT_EQ(error_of(with("Sec-WebSocket-Key", *key)), errc{});
        keys.insert(*key);
    }
    EXPECT_EQ(keys.size(), 1000U);
}

}  // namespace
}  // namespace weft::ws
