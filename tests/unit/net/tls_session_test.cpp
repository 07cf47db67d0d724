// TLS sessions against OpenSSL as its users drive it: versions and ciphers, limits, truncation,
// input in single bytes, memory.

#include <malloc.h>

#include <gtest/gtest.h>

#include "tls_peer.hpp"

namespace weft::net::testing {
namespace {

using weft::testing::key_kind;
using role = openssl_peer::role;

constexpr auto client = role::client;

std::function<void(SSL_CTX*)> only_version(int version) {
    return [version](SSL_CTX* ctx) {
        SSL_CTX_set_min_proto_version(ctx, version);
        SSL_CTX_set_max_proto_version(ctx, version);
    };
}

TEST(tls_session, exchanges_data_both_ways_and_closes_cleanly) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    ASSERT_EQ(ours->state(), status::open);
    EXPECT_EQ(ours->version(), "TLSv1.3");
    EXPECT_EQ(ours->alpn(), "");

    pump(ours, peer, peer.write("question"));
    EXPECT_EQ(ours.plain, "question");
    ours.send("answer");
    ours.shutdown();
    pump(ours, peer);
    EXPECT_EQ(peer.plain, "answer");
    EXPECT_EQ(SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);

    pump(ours, peer, peer.write("last words"));
    EXPECT_EQ(ours.plain, "questionlast words");
    SSL_shutdown(peer.ssl());
    pump(ours, peer, peer.take_output());
    EXPECT_EQ(ours->state(), status::closed);
    EXPECT_EQ(ours->receive_end(), status::closed);
    EXPECT_FALSE(ours->failure_code());
}

TEST(tls_session, sends_after_the_peer_closed_its_half) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    SSL_shutdown(peer.ssl());
    pump(ours, peer, peer.take_output());
    ASSERT_EQ(ours->state(), status::closed);
    ours.send("still here");
    pump(ours, peer);
    EXPECT_EQ(peer.plain, "still here");
}

TEST(tls_session, sends_nothing_before_the_handshake_and_after_shutdown) {
    const auto server = make_server();
    auto ours = accept(*server);
    EXPECT_EQ(ours.send("too early"), status::handshaking);
    EXPECT_EQ(ours.shutdown(), status::handshaking);
    EXPECT_EQ(ours.cipher, "");
    openssl_peer peer(client);
    pump(ours, peer);
    ours.shutdown();
    ours.take_cipher();
    EXPECT_EQ(ours.send("too late"), status::open);
    EXPECT_EQ(ours.shutdown(), status::open);
    EXPECT_EQ(ours.cipher, "");
}

TEST(tls_session, packs_large_writes_into_full_records) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    const std::string large(100'000, 'x');
    ours.send(large);
    EXPECT_LT(ours.cipher.size(), large.size() + 7 * 30);
    pump(ours, peer);
    EXPECT_EQ(peer.plain, large);
}

TEST(tls_session, delivers_many_records_in_few_calls) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    std::string records;
    for (int i = 0; i < 100; ++i) records += peer.write("0123456789");
    ours.receive(records);
    EXPECT_EQ(ours.plain.size(), 1000U);
    EXPECT_EQ(ours.plain_calls, 1U);
}

TEST(tls_session, delivers_through_a_scratch_smaller_than_a_record) {
    const auto server = make_server();
    auto ours = accept(*server, 7);
    openssl_peer peer(client);
    pump(ours, peer);
    pump(ours, peer, peer.write(std::string(1000, 'y')));
    EXPECT_EQ(ours.plain, std::string(1000, 'y'));
}

TEST(tls_session, sends_from_inside_the_delivery_of_data) {
    const auto server = make_server();
    auto ours = accept(*server, 10);
    openssl_peer peer(client);
    pump(ours, peer);
    ours.during_plain = [&] { ours.send("<" + ours.plain + ">"), ours.plain.clear(); };
    const std::string first = peer.write("0123456789");
    pump(ours, peer, first + peer.write("abcdefghij"));
    EXPECT_EQ(peer.plain, "<0123456789><abcdefghij>");
}

struct suite_row {
    int version;
    const char* suite;  // null: the client's defaults
    key_kind key;
    std::error_code refused = {};

    friend void PrintTo(const suite_row& row, std::ostream* out) {
        *out << "version " << (row.version & 0xFF)
             << (row.key == key_kind::rsa_2048 ? " rsa" : " ec") << ' '
             << (row.suite != nullptr ? row.suite : "any");
    }
};

/// Made once for each kind: RSA keys take long.
const tls_certificate& certificate_with(key_kind kind) {
    static const tls_certificate ecdsa = as_option(test_ca().issue({.names = {"example.test"}}));
    static const tls_certificate rsa =
        as_option(test_ca().issue({.names = {"example.test"}, .key = key_kind::rsa_2048}));
    return kind == key_kind::rsa_2048 ? rsa : ecdsa;
}

class sec_t1 : public ::testing::TestWithParam<suite_row> {};

TEST_P(sec_t1, takes_only_modern_versions_and_suites) {
    const suite_row& row = GetParam();
    const auto server = make_server({.certificates = {certificate_with(row.key)}});
    ASSERT_NE(server, nullptr);
    auto ours = accept(*server);
    openssl_peer peer(client, [&](SSL_CTX* ctx) {
        only_version(row.version)(ctx);
        if (row.suite == nullptr) return;
        ASSERT_EQ(row.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, row.suite)
                                                : SSL_CTX_set_cipher_list(ctx, row.suite),
                  1);
    });
    pump(ours, peer);
    EXPECT_EQ(ours->failure_code(), row.refused) << ours->failure().message();
    EXPECT_EQ(ours->state(), row.refused ? status::failed : status::open);
    EXPECT_EQ(SSL_is_init_finished(peer.ssl()), row.refused ? 0 : 1);
    EXPECT_EQ(peer.error_reason >= SSL_AD_REASON_OFFSET, static_cast<bool>(row.refused)) << "alert";
    EXPECT_EQ(SSL_get_current_compression(peer.ssl()), nullptr);
}

constexpr auto ec = key_kind::ecdsa_p256;
constexpr auto rsa = key_kind::rsa_2048;
const std::error_code old_version = tls_errc::unsupported_version;
const std::error_code no_cipher = tls_errc::no_common_cipher;

INSTANTIATE_TEST_SUITE_P(
    matrix, sec_t1,
    ::testing::Values(suite_row{TLS1_VERSION, nullptr, ec, old_version},
                      suite_row{TLS1_VERSION, nullptr, rsa, old_version},
                      suite_row{TLS1_1_VERSION, nullptr, ec, old_version},
                      suite_row{TLS1_1_VERSION, nullptr, rsa, old_version},
                      suite_row{TLS1_2_VERSION, nullptr, ec},
                      suite_row{TLS1_2_VERSION, nullptr, rsa},
                      suite_row{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", ec},
                      suite_row{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", ec},
                      suite_row{TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", ec},
                      suite_row{TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", rsa},
                      suite_row{TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", rsa},
                      suite_row{TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", rsa},
                      suite_row{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", ec, no_cipher},
                      suite_row{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA", ec, no_cipher},
                      suite_row{TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", rsa, no_cipher},
                      suite_row{TLS1_2_VERSION, "ECDHE-RSA-NULL-SHA", rsa, no_cipher},
                      suite_row{TLS1_2_VERSION, "AES128-GCM-SHA256", rsa, no_cipher},
                      suite_row{TLS1_2_VERSION, "AES128-SHA", rsa, no_cipher},
                      suite_row{TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", rsa, no_cipher},
                      suite_row{TLS1_2_VERSION, "AECDH-AES128-SHA", ec, no_cipher},
                      suite_row{TLS1_2_VERSION, "PSK-AES128-GCM-SHA256:AES128-SHA", ec, no_cipher},
                      suite_row{TLS1_3_VERSION, nullptr, ec},
                      suite_row{TLS1_3_VERSION, nullptr, rsa},
                      suite_row{TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", ec},
                      suite_row{TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", ec},
                      suite_row{TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", ec},
                      suite_row{TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256", ec, no_cipher}));

TEST(sec_t1_early_data, is_never_allowed_by_a_ticket) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    ASSERT_NE(peer.ticket, nullptr);
    EXPECT_EQ(SSL_SESSION_get_max_early_data(peer.ticket.get()), 0U);
}

TEST(sec_t2, renegotiation_gets_an_alert_and_the_session_lives) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client, only_version(TLS1_2_VERSION));
    pump(ours, peer);
    ASSERT_EQ(ours->state(), status::open);
    const std::string before = peer.write("before");
    SSL_renegotiate(peer.ssl());
    SSL_do_handshake(peer.ssl());
    ours.receive(before + peer.take_output());
    EXPECT_EQ(ours->state(), status::open);
    EXPECT_EQ(ours.plain, "before");
    ASSERT_NE(ours.cipher, "");
    peer.step(ours.take_cipher());
    EXPECT_EQ(peer.error_reason, SSL_R_NO_RENEGOTIATION);
    EXPECT_EQ(ours.send("after"), status::open);
    EXPECT_NE(ours.cipher, "");
}

TEST(sec_t3, the_17th_key_update_in_a_minute_closes) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    for (int i = 0; i < 16; ++i) {
        ASSERT_EQ(ours.receive(peer.key_updates(1)), status::open) << i;
    }
    EXPECT_EQ(ours.receive(peer.write("data flows")), status::open);
    EXPECT_EQ(ours.plain, "data flows");
    ours.now += std::chrono::seconds(59);
    EXPECT_EQ(ours.receive(peer.key_updates(1)), status::failed);
    EXPECT_EQ(ours->failure_code(), tls_errc::too_many_handshake_records);
    EXPECT_EQ(ours->failure_code(), condition::limit_exceeded);
    EXPECT_EQ(ours.receive(peer.write("more")), status::failed);
    EXPECT_EQ(ours.plain, "data flows");
}

TEST(sec_t3, key_updates_at_a_quiet_pace_go_on_for_ever) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    for (int minute = 0; minute < 5; ++minute) {
        ASSERT_EQ(ours.receive(peer.key_updates(16)), status::open) << minute;
        ours.now += std::chrono::minutes(1);
    }
}

TEST(sec_t3, a_flood_in_one_read_is_not_worked_through) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    std::string flood;
    for (int i = 0; i < 200; ++i) {
        SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(peer.ssl());
        flood += peer.take_output();
    }
    EXPECT_EQ(ours.receive(flood + peer.write("behind it")), status::failed);
    EXPECT_EQ(ours.plain, "");
    EXPECT_LE(ours.cipher.size(), 16U * 40U) << "answers to requested updates";
}

/// Counts the KeyUpdates that a peer has received.
void count_key_updates(openssl_peer& peer, int& count) {
    SSL_set_msg_callback(peer.ssl(), [](int is_write, int, int type, const void* bytes,
                                        std::size_t size, SSL*, void* to) {
        const bool update = is_write == 0 && type == SSL3_RT_HANDSHAKE && size > 0 &&
                            static_cast<const unsigned char*>(bytes)[0] == SSL3_MT_KEY_UPDATE;
        if (update) ++*static_cast<int*>(to);
    });
    SSL_set_msg_callback_arg(peer.ssl(), &count);
}

TEST(tls_session, renews_its_key_before_it_has_protected_too_much) {
    const auto server = make_server();
    our_end ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    int updates = 0;
    count_key_updates(peer, updates);
    ours->limit_key(3);
    std::string sent;
    const auto send = [&](std::size_t size) {
        const std::string text(size, static_cast<char>('a' + sent.size() % 26));
        sent += text;
        ours.send(text);
        peer.step(ours.take_cipher());
    };
    for (int i = 0; i < 3; ++i) send(10);
    EXPECT_EQ(updates, 0) << "at the limit";
    send(10);
    EXPECT_EQ(updates, 1);
    ours->limit_key(2);
    send(40'000);  // three records
    EXPECT_EQ(updates, 2);
    EXPECT_EQ(peer.plain, sent);
    EXPECT_EQ(ours->state(), status::open);
}

TEST(tls_session, keeps_its_key_where_the_version_has_no_update) {
    const auto server = make_server();
    our_end ours = accept(*server);
    openssl_peer peer(client, only_version(TLS1_2_VERSION));
    pump(ours, peer);
    ours->limit_key(1);
    for (int i = 0; i < 3; ++i) ours.send("x");
    peer.step(ours.take_cipher());
    EXPECT_EQ(peer.plain, "xxx");
}

TEST(sec_t3, a_server_cannot_flood_our_client_with_tickets) {
    openssl_peer peer(role::server, [](SSL_CTX* ctx) {
        SSL_CTX_set_num_tickets(ctx, 17);
        use_issued(ctx, test_ca().issue({.names = {"example.test"}}));
    });
    const auto context = tls_client_context::make({.system_cas = false, .ca_pem = test_ca().pem()});
    ASSERT_TRUE(context);
    our_end ours(*(*context)->make_session("example.test"));
    ours.start();
    pump(ours, peer);
    EXPECT_EQ(ours->failure_code(), tls_errc::too_many_handshake_records);
}

TEST(sec_t6, an_end_without_close_notify_is_truncation) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    const std::string record = peer.write("half a message");
    EXPECT_EQ(ours.receive(record.substr(0, record.size() - 1)), status::open);
    EXPECT_EQ(ours.plain, "");
    EXPECT_EQ(ours->receive_end(), status::failed);
    EXPECT_EQ(ours->failure_code(), tls_errc::truncated);
    EXPECT_EQ(ours->failure_code(), condition::peer_gone);
}

TEST(sec_t6, an_end_during_the_handshake_is_a_failed_handshake) {
    const auto server = make_server();
    auto ours = accept(*server);
    EXPECT_EQ(ours->receive_end(), status::failed);
    EXPECT_EQ(ours->failure_code(), tls_errc::handshake_failed);
}

class sec_t7 : public ::testing::TestWithParam<int> {};

TEST_P(sec_t7, a_whole_life_in_single_bytes) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client, only_version(GetParam()));
    pump(ours, peer, {}, 1);
    ASSERT_EQ(ours->state(), status::open);
    std::string large(40'000, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7);
    ours.send(large);
    pump(ours, peer, peer.write(large), 1);
    if (GetParam() == TLS1_3_VERSION) pump(ours, peer, peer.key_updates(3), 1);
    pump(ours, peer, peer.write("end"), 1);
    ours.send("end");
    pump(ours, peer, {}, 1);
    EXPECT_TRUE(ours.plain == large + "end");
    EXPECT_TRUE(peer.plain == large + "end");
    SSL_shutdown(peer.ssl());
    pump(ours, peer, peer.take_output(), 1);
    EXPECT_EQ(ours->state(), status::closed);
}

INSTANTIATE_TEST_SUITE_P(versions, sec_t7, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST(tls_session, a_flipped_bit_anywhere_in_a_record_ends_it) {
    const auto server = make_server();
    for (std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{12}}) {
        auto ours = accept(*server);
        openssl_peer peer(client);
        pump(ours, peer);
        std::string record = peer.write("secret");
        record[at] = static_cast<char>(record[at] ^ 1);
        EXPECT_EQ(ours.receive(record), status::failed) << at;
        EXPECT_EQ(ours->failure_code(), tls_errc::bad_record) << ours->failure().message();
        EXPECT_EQ(ours.plain, "");
    }
}

TEST(tls_session, data_before_a_bad_record_is_still_delivered) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    EXPECT_EQ(ours.receive(peer.write("good") + std::string(40, 'x')), status::failed);
    EXPECT_EQ(ours.plain, "good");
}

TEST(tls_session, one_sessions_failure_is_not_seen_by_another) {
    const auto server = make_server();
    auto healthy = accept(*server);
    openssl_peer peer(client);
    pump(healthy, peer);
    auto sick = accept(*server);
    EXPECT_EQ(sick.receive(std::string(100, 'x')), status::failed);
    EXPECT_EQ(healthy.receive(peer.write("fine")), status::open);
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(tls_session, plain_http_is_named_as_such) {
    const auto server = make_server();
    auto ours = accept(*server);
    EXPECT_EQ(ours.receive("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"), status::failed);
    EXPECT_EQ(ours->failure_code(), tls_errc::not_tls);
    EXPECT_EQ(ours->failure_code(), condition::protocol_violation);
}

TEST(tls_session, a_fatal_alert_of_the_peer_is_named) {
    const auto server = make_server();
    auto ours = accept(*server);
    openssl_peer peer(client, [](SSL_CTX* ctx) { SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, {}); });
    pump(ours, peer);
    EXPECT_EQ(ours->failure_code(), tls_errc::refused_by_peer);
    EXPECT_NE(ours->failure().message().find("unknown CA"), std::string::npos)
        << ours->failure().message();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(tls_session, idle_server_session_has_the_size_we_charge) {
    constexpr std::size_t count = 1000;
    const auto server = make_server();
    std::vector<std::unique_ptr<tls_session>> sessions;
    sessions.reserve(count);
    std::size_t before = 0;
    for (std::size_t i = 0; i <= count; ++i) {
        auto ours = accept(*server);
        {
            openssl_peer peer(client);
            pump(ours, peer);
            pump(ours, peer, peer.write("hello"));
            ours.send("hello");
            ours.take_cipher();
        }
        ASSERT_EQ(ours->state(), status::open);
        if (i == 0) {  // what OpenSSL allocates once
            before = mallinfo2().uordblks;
            continue;
        }
        sessions.push_back(ours.release());
    }
    const std::size_t per_session = (mallinfo2().uordblks - before) / count;
    RecordProperty("bytes_per_idle_session", static_cast<int>(per_session));
    std::printf("[ measured ] %zu bytes per idle TLS 1.3 server session\n", per_session);
    EXPECT_NEAR(static_cast<double>(per_session), tls_session::idle_size,
                0.1 * tls_session::idle_size);
}
#endif

}  // namespace
}  // namespace weft::net::testing
