// What a server chooses (protocol, certificate, ticket key), what a client checks, reloads, and how
// errors in certificates are told.

#include <cstdio>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tls_peer.hpp"

namespace weft::net::testing {
namespace {

using ::testing::HasSubstr;
using weft::testing::certificate_authority;
using weft::testing::encrypt_key;
using weft::testing::key_kind;

constexpr auto client = openssl_peer::role::client;

constexpr int alert_unrecognized_name = SSL_AD_REASON_OFFSET + SSL_AD_UNRECOGNIZED_NAME;
constexpr int alert_no_protocol = SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL;

struct scratch_file {
    explicit scratch_file(const std::string& content) : path(::testing::TempDir() + "weft_XXXXXX") {
        const int fd = mkstemp(path.data());
        EXPECT_GE(fd, 0);
        close(fd);
        write(content);
    }
    ~scratch_file() { std::remove(path.c_str()); }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    void write(const std::string& content) const {
        std::ofstream(path, std::ios::trunc | std::ios::binary) << content;
    }

    std::string path;
};

// --- ALPN ---

struct alpn_outcome {
    std::string chosen;
    int client_error;
};

alpn_outcome negotiate(std::vector<std::string> ours_speaks, const std::string& offer) {
    const auto server = make_server({.alpn = std::move(ours_speaks)});
    auto ours = accept(*server);
    openssl_peer peer(client);
    if (!offer.empty()) peer.offer_alpn(offer);
    pump(ours, peer);
    if (ours->state() == status::failed) {
        EXPECT_EQ(ours->failure_code(), tls_errc::no_common_protocol);
    }
    return {std::string(ours->alpn()), peer.error_reason};
}

TEST(sec_t4, alpn_picks_the_servers_favourite_among_those_offered) {
    EXPECT_EQ(negotiate({"h2", "http/1.1"}, "\x08http/1.1\x02h2").chosen, "h2");
    EXPECT_EQ(negotiate({"http/1.1"}, "\x02h2\x08http/1.1").chosen, "http/1.1");
}

TEST(sec_t4, alpn_without_overlap_is_refused_with_the_alert) {
    EXPECT_EQ(negotiate({"http/1.1"}, "\x04smtp").client_error, alert_no_protocol);
    EXPECT_EQ(negotiate({"http/1.1"}, "\x08http/1.0").client_error, alert_no_protocol);
    EXPECT_EQ(negotiate({"http/1.1"},
                        "\x03"
                        "ftp\x04imap")
                  .client_error,
              alert_no_protocol);
}

TEST(sec_t4, a_client_without_alpn_is_accepted) {
    const alpn_outcome outcome = negotiate({"http/1.1"}, "");
    EXPECT_EQ(outcome.chosen, "");
    EXPECT_EQ(outcome.client_error, 0);
}

// --- SNI ---

class sec_t4_sni : public ::testing::Test {
protected:
    std::shared_ptr<tls_server_context> server_for(tls_unknown_name unknown) {
        return make_server(
            {.certificates = {as_option(test_ca().issue({.names = {"first.test"}})),
                              as_option(test_ca().issue({.names = {"*.wild.test", "wild.test"}})),
                              as_option(test_ca().issue({.names = {"deep.wild.test"}}))},
             .unknown_name = unknown});
    }

    /// The certificate that a client asking for `host` gets; empty when refused.
    std::string shown(const tls_server_context& server, const std::string& host) {
        auto ours = accept(server);
        openssl_peer peer(client);
        if (!host.empty()) peer.name_host(host);
        pump(ours, peer);
        last_alert = peer.error_reason;
        last_failure = ours->failure_code();
        if (ours->state() != status::open) return {};
        EXPECT_EQ(ours->server_name(), host);
        return peer.shown_name();
    }

    int last_alert = 0;
    std::error_code last_failure;
};

TEST_F(sec_t4_sni, the_name_chooses_the_certificate) {
    const auto server = server_for(tls_unknown_name::alert);
    EXPECT_EQ(shown(*server, "first.test"), "first.test");
    EXPECT_EQ(shown(*server, "FIRST.Test"), "first.test");
    EXPECT_EQ(shown(*server, "a.wild.test"), "*.wild.test");
    EXPECT_EQ(shown(*server, "wild.test"), "*.wild.test");
    EXPECT_EQ(shown(*server, "deep.wild.test"), "deep.wild.test") << "exact before wildcard";
}

TEST_F(sec_t4_sni, a_wildcard_stands_for_one_label) {
    const auto server = server_for(tls_unknown_name::alert);
    EXPECT_EQ(shown(*server, "a.b.wild.test"), "");
    EXPECT_EQ(shown(*server, ".wild.test"), "");
    EXPECT_EQ(shown(*server, "xwild.test"), "");
}

TEST_F(sec_t4_sni, an_unknown_name_gets_the_alert_or_the_default_certificate) {
    EXPECT_EQ(shown(*server_for(tls_unknown_name::alert), "other.test"), "");
    EXPECT_EQ(last_alert, alert_unrecognized_name);
    EXPECT_EQ(last_failure, tls_errc::unknown_name);
    const auto lenient = server_for(tls_unknown_name::default_certificate);
    EXPECT_EQ(shown(*lenient, "other.test"), "first.test");
    EXPECT_EQ(shown(*lenient, std::string(255, 'a')), "first.test");
}

TEST_F(sec_t4_sni, a_client_that_names_no_host_gets_the_default_certificate) {
    EXPECT_EQ(shown(*server_for(tls_unknown_name::alert), ""), "first.test");
}

TEST_F(sec_t4_sni, configured_names_replace_those_of_the_certificate) {
    auto option = as_option(test_ca().issue({.names = {"in-certificate.test"}}));
    option.host_names = {"*.Configured.test"};
    const auto server =
        make_server({.certificates = {option}, .unknown_name = tls_unknown_name::alert});
    EXPECT_EQ(shown(*server, "a.configured.test"), "in-certificate.test");
    EXPECT_EQ(shown(*server, "in-certificate.test"), "");
}

TEST(tls_server, sends_the_chain_that_follows_the_certificate) {
    auto option = as_option(test_ca().issue({.names = {"example.test"}}));
    option.cert_pem += test_ca().pem();
    const auto server = make_server({.certificates = {option}});
    auto ours = accept(*server);
    openssl_peer peer(client);
    pump(ours, peer);
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(peer.ssl())), 2);
}

TEST(tls_server, the_earlier_of_two_certificates_serves_a_shared_name) {
    const auto first = as_option(test_ca().issue({.names = {"first.test", "shared.test"}}));
    const auto second = as_option(test_ca().issue({.names = {"second.test", "shared.test"}}));
    const auto server = make_server({.certificates = {first, second}});
    auto ours = accept(*server);
    openssl_peer peer(client);
    peer.name_host("shared.test");
    pump(ours, peer);
    EXPECT_EQ(peer.shown_name(), "first.test");
}

// --- Tickets ---

class sec_t5 : public ::testing::TestWithParam<int> {
protected:
    static std::function<void(SSL_CTX*)> version() {
        return [](SSL_CTX* ctx) { SSL_CTX_set_max_proto_version(ctx, GetParam()); };
    }

    /// One connection at `now`; true when `earlier`'s ticket was good.
    static bool connects(const tls_server_context& server, time_point now, openssl_peer& peer) {
        auto ours = accept(server);
        ours.now = now;
        pump(ours, peer);
        pump(ours, peer, peer.write("x"));
        EXPECT_EQ(ours->state(), status::open);
        EXPECT_EQ(ours->resumed(), SSL_session_reused(peer.ssl()) == 1);
        return ours->resumed();
    }
};

TEST_P(sec_t5, a_ticket_resumes_on_any_loop) {
    const auto server = make_server();
    openssl_peer first(client, version());
    EXPECT_FALSE(connects(*server, {}, first));
    openssl_peer second(client, version());
    second.resume(first);
    EXPECT_TRUE(connects(*server, {}, second));
}

TEST_P(sec_t5, a_ticket_survives_one_rotation_and_is_replaced) {
    const auto server = make_server({.ticket_rotation = std::chrono::hours(1)});
    const time_point start{};
    openssl_peer first(client, version());
    connects(*server, start, first);
    // Somebody else's connection rotates the key.
    openssl_peer stranger(client, version());
    connects(*server, start + std::chrono::minutes(70), stranger);

    openssl_peer second(client, version());
    second.resume(first);
    EXPECT_TRUE(connects(*server, start + std::chrono::minutes(80), second));

    openssl_peer third(client, version());
    third.resume(first);
    EXPECT_FALSE(connects(*server, start + std::chrono::minutes(121), third)) << "key gone";
    openssl_peer fourth(client, version());
    fourth.resume(second);
    EXPECT_TRUE(connects(*server, start + std::chrono::minutes(121), fourth)) << "was replaced";
}

TEST_P(sec_t5, nothing_is_opened_after_a_long_pause) {
    const auto server = make_server({.ticket_rotation = std::chrono::hours(1)});
    openssl_peer first(client, version());
    connects(*server, {}, first);
    openssl_peer second(client, version());
    second.resume(first);
    EXPECT_FALSE(connects(*server, time_point{} + std::chrono::hours(2), second));
}

TEST_P(sec_t5, a_ticket_survives_a_reload_of_the_same_certificates_only) {
    const auto issue = [](const char* name) {
        return as_option(test_ca().issue({.names = {name}}));
    };
    const auto one = issue("example.test");
    const auto two = issue("other.test");
    const auto server = make_server({.certificates = {one, two}});
    openssl_peer first(client, version());
    connects(*server, {}, first);
    ASSERT_TRUE(server->reload());
    openssl_peer second(client, version());
    second.resume(first);
    EXPECT_TRUE(connects(*server, {}, second));
    const std::vector<std::vector<tls_certificate>> changes{
        {issue("example.test"), two}, {one, issue("other.test")}, {one}, {two, one}};
    for (const auto& change : changes) {
        ASSERT_TRUE(server->reload({one, two}));
        openssl_peer before(client, version());  // TLS 1.3 uses a ticket once
        connects(*server, {}, before);
        ASSERT_TRUE(server->reload(change));
        openssl_peer third(client, version());
        third.resume(before);
        EXPECT_FALSE(connects(*server, {}, third));
    }
}

TEST_P(sec_t5, a_ticket_of_a_named_host_resumes) {
    const auto server =
        make_server({.certificates = {as_option(test_ca().issue({.names = {"example.test"}})),
                                      as_option(test_ca().issue({.names = {"other.test"}}))}});
    openssl_peer first(client, version());
    first.name_host("other.test");
    connects(*server, {}, first);
    EXPECT_EQ(first.shown_name(), "other.test");
    openssl_peer second(client, version());
    second.name_host("other.test");
    second.resume(first);
    EXPECT_TRUE(connects(*server, {}, second));
}

TEST_P(sec_t5, another_servers_ticket_means_a_full_handshake) {
    openssl_peer first(client, version());
    connects(*make_server(), {}, first);
    openssl_peer second(client, version());
    second.resume(first);
    EXPECT_FALSE(connects(*make_server(), {}, second));
}

TEST_P(sec_t5, tickets_can_be_switched_off) {
    const auto server = make_server({.tickets = tls_tickets::off});
    openssl_peer first(client, version());
    connects(*server, {}, first);
    if (GetParam() == TLS1_3_VERSION) {
        EXPECT_EQ(first.ticket, nullptr);
        return;
    }
    // OpenSSL hands out a TLS 1.2 session by number all the same: it must not be found again.
    openssl_peer second(client, version());
    second.resume(first);
    EXPECT_FALSE(connects(*server, {}, second));
}

INSTANTIATE_TEST_SUITE_P(versions, sec_t5, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

// --- Reload ---

TEST(sec_t8, a_thousand_reloads_under_living_sessions) {
    const tls_certificate versions[] = {as_option(test_ca().issue({.names = {"one.test"}})),
                                        as_option(test_ca().issue({.names = {"two.test"}}))};
    const auto server = make_server({.certificates = {versions[0]}});
    struct pair {
        our_end ours;
        openssl_peer peer;
    };
    std::vector<std::unique_ptr<pair>> living;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(server->reload({versions[i % 2]}));
        if (i % 100 != 0 && i % 100 != 51) continue;
        living.emplace_back(new pair{accept(*server), openssl_peer(client)});
        pump(living.back()->ours, living.back()->peer);
        EXPECT_EQ(living.back()->peer.shown_name(), i % 2 == 0 ? "one.test" : "two.test");
        for (const auto& one : living) {
            one->ours.send("ping");
            pump(one->ours, one->peer, one->peer.write("pong"));
        }
    }
    ASSERT_EQ(living.size(), 20U);
    EXPECT_EQ(living.front()->ours.plain.size(), 4U * 20U);
    EXPECT_EQ(living.front()->peer.plain.size(), 4U * 20U);
}

TEST(sec_t8, a_handshake_begun_before_a_reload_ends_with_the_old_certificate) {
    const auto server =
        make_server({.certificates = {as_option(test_ca().issue({.names = {"old.test"}}))}});
    auto ours = accept(*server);
    openssl_peer peer(client);
    ASSERT_TRUE(server->reload({as_option(test_ca().issue({.names = {"new.test"}}))}));
    pump(ours, peer);
    EXPECT_EQ(peer.shown_name(), "old.test");
}

TEST(sec_t8, sessions_outlive_their_context) {
    auto server = make_server();
    auto ours = accept(*server);
    server.reset();
    openssl_peer peer(client);
    pump(ours, peer);
    EXPECT_EQ(ours->state(), status::open);
}

TEST(sec_t8, reloading_reads_the_files_again_and_a_bad_file_changes_nothing) {
    const auto first = test_ca().issue({.names = {"first.test"}});
    const auto second = test_ca().issue({.names = {"second.test"}});
    const scratch_file cert(first.cert_pem);
    const scratch_file key(first.key_pem);
    const auto server =
        make_server({.certificates = {{.cert_file = cert.path, .key_file = key.path}}});
    const auto shown = [&] {
        auto ours = accept(*server);
        openssl_peer peer(client);
        pump(ours, peer);
        return peer.shown_name();
    };
    EXPECT_EQ(shown(), "first.test");
    cert.write(second.cert_pem);
    const auto half = server->reload();
    ASSERT_FALSE(half);
    EXPECT_EQ(half.error().code(), tls_errc::invalid_key);
    EXPECT_EQ(shown(), "first.test");
    key.write(second.key_pem);
    ASSERT_TRUE(server->reload());
    EXPECT_EQ(shown(), "second.test");
}

TEST(sec_t8, reloads_and_handshakes_run_in_different_threads) {
    const auto certificate = as_option(test_ca().issue({.names = {"example.test"}}));
    const auto server = make_server({.certificates = {certificate}});
    std::thread reloader([&] {
        for (int i = 0; i < 100; ++i) EXPECT_TRUE(server->reload({certificate}));
    });
    for (int i = 0; i < 20; ++i) {
        auto ours = accept(*server);
        openssl_peer peer(client);
        pump(ours, peer);
        EXPECT_EQ(ours->state(), status::open);
    }
    reloader.join();
}

// --- Errors at load ---

error load_error(tls_certificate certificate) {
    auto made = tls_server_context::make({.certificates = {std::move(certificate)}});
    EXPECT_FALSE(made);
    return made ? error(errc::invalid_state) : made.error();
}

class load_errors : public ::testing::Test {
protected:
    const weft::testing::issued_certificate good = test_ca().issue({.names = {"example.test"}});
    const weft::testing::issued_certificate other = test_ca().issue({.names = {"example.test"}});
    const scratch_file cert{good.cert_pem};
    const scratch_file key{good.key_pem};
};

TEST_F(load_errors, a_missing_file_is_named) {
    const error why = load_error({.cert_file = "/nonexistent/x.pem", .key_file = key.path});
    EXPECT_EQ(why.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(why.message(), HasSubstr("certificate file /nonexistent/x.pem"));
    EXPECT_THAT(load_error({.cert_file = cert.path, .key_file = "/nonexistent/k.pem"}).message(),
                HasSubstr("key file /nonexistent/k.pem"));
}

TEST_F(load_errors, a_folder_is_no_file) {
    EXPECT_EQ(load_error({.cert_file = "/tmp", .key_file = key.path}).code(),
              std::errc::is_a_directory);
}

TEST_F(load_errors, a_key_of_another_certificate) {
    const scratch_file wrong(other.key_pem);
    const error why = load_error({.cert_file = cert.path, .key_file = wrong.path});
    EXPECT_EQ(why.code(), tls_errc::invalid_key);
    EXPECT_EQ(why.code(), condition::misuse);
    EXPECT_THAT(why.message(), HasSubstr("key file " + wrong.path + " does not belong"));
    EXPECT_THAT(why.message(), HasSubstr(cert.path));
}

TEST_F(load_errors, files_given_the_wrong_way_round) {
    const error why = load_error({.cert_file = key.path, .key_file = cert.path});
    EXPECT_EQ(why.code(), tls_errc::invalid_certificate);
    EXPECT_THAT(why.message(), HasSubstr("holds no PEM certificate"));
}

TEST_F(load_errors, an_encrypted_key_is_not_asked_for) {
    const scratch_file locked(encrypt_key(good.key_pem, "secret"));
    const error why = load_error({.cert_file = cert.path, .key_file = locked.path});
    EXPECT_EQ(why.code(), tls_errc::invalid_key);
    EXPECT_THAT(why.message(), HasSubstr("is encrypted"));
}

TEST_F(load_errors, damaged_pem) {
    std::string cut = good.cert_pem;
    cut.erase(cut.size() / 2);
    const scratch_file chain(good.cert_pem + cut);
    const error why = load_error({.cert_file = chain.path, .key_file = key.path});
    EXPECT_EQ(why.code(), tls_errc::invalid_certificate);
    EXPECT_THAT(why.message(), HasSubstr("damaged after 1 readable"));
    const scratch_file noise("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    EXPECT_THAT(load_error({.cert_file = cert.path, .key_file = noise.path}).message(),
                HasSubstr("no readable PEM private key"));
}

TEST_F(load_errors, a_key_too_weak_for_the_security_level) {
    const error why =
        load_error(as_option(test_ca().issue({.names = {"weak.test"}, .key = key_kind::rsa_1024})));
    EXPECT_EQ(why.code(), tls_errc::invalid_certificate);
    EXPECT_THAT(why.message(), HasSubstr("ee key too small"));
}

TEST_F(load_errors, too_large_a_file) {
    const scratch_file large(std::string(1024 * 1024 + 1, ' '));
    EXPECT_EQ(load_error({.cert_file = large.path, .key_file = key.path}).code(),
              errc::limit_exceeded);
    EXPECT_EQ(load_error({.cert_file = cert.path, .key_file = large.path}).code(),
              errc::limit_exceeded);
}

TEST_F(load_errors, wrong_options) {
    EXPECT_EQ(tls_server_context::make({}).error().code(), errc::invalid_argument);
    auto both = as_option(good);
    both.cert_file = cert.path;
    EXPECT_THAT(load_error(both).message(), HasSubstr("either a certificate file or its PEM text"));
    auto named = as_option(good);
    named.host_names = {"a*.test"};
    EXPECT_THAT(load_error(named).message(), HasSubstr("host name \"a*.test\""));
    EXPECT_EQ(
        tls_server_context::make({.certificates = {as_option(good)}, .alpn = {""}}).error().code(),
        errc::invalid_argument);
    const auto unnamed = as_option(test_ca().issue({.names = {}}));
    EXPECT_TRUE(tls_server_context::make({.certificates = {unnamed}}));
    EXPECT_THAT(
        tls_server_context::make({.certificates = {as_option(good), unnamed}}).error().message(),
        HasSubstr("never be used"));
}

// --- Client ---

struct client_outcome {
    std::error_code failure;
    std::string server_saw_name;
    std::string alpn;
};

client_outcome connect(const tls_server_context& server, tls_client_options options,
                       std::string_view host) {
    options.system_cas = false;
    const auto context = tls_client_context::make(options);
    EXPECT_TRUE(context);
    auto session = (*context)->make_session(host);
    EXPECT_TRUE(session) << host;
    our_end ours(*std::move(session));
    auto theirs = accept(server);
    ours.start();
    pump(ours, theirs);
    if (ours->failure_code()) {
        EXPECT_EQ(theirs->failure_code(), tls_errc::refused_by_peer);
    } else {
        ours.send("hello");
        pump(ours, theirs);
        EXPECT_EQ(theirs.plain, "hello");
    }
    return {ours->failure_code(), std::string(theirs->server_name()), std::string(ours->alpn())};
}

tls_client_options trusting() {
    return {.ca_pem = test_ca().pem()};
}

TEST(tls_client, connects_to_the_right_name_and_sends_it) {
    const auto server = make_server();
    for (const char* host : {"example.test", "Example.Test", "example.test."}) {
        const client_outcome outcome = connect(*server, trusting(), host);
        EXPECT_FALSE(outcome.failure) << outcome.failure.message();
        EXPECT_EQ(outcome.server_saw_name, "example.test");
        EXPECT_EQ(outcome.alpn, "http/1.1");
    }
}

TEST(tls_client, connects_to_addresses_without_sending_a_name) {
    const auto server = make_server();
    for (const char* host : {"127.0.0.1", "::1", "[::1]"}) {
        const client_outcome outcome = connect(*server, trusting(), host);
        EXPECT_FALSE(outcome.failure) << host << " " << outcome.failure.message();
        EXPECT_EQ(outcome.server_saw_name, "");
    }
}

TEST(tls_client, refuses_another_name_or_address) {
    const auto server = make_server();
    for (const char* host : {"other.test", "sub.example.test", "127.0.0.2", "::2"}) {
        EXPECT_EQ(connect(*server, trusting(), host).failure, tls_errc::certificate_name_mismatch)
            << host;
    }
}

TEST(tls_client, refuses_an_unknown_authority) {
    const certificate_authority stranger;
    const auto server =
        make_server({.certificates = {as_option(stranger.issue({.names = {"example.test"}}))}});
    EXPECT_EQ(connect(*server, trusting(), "example.test").failure,
              tls_errc::certificate_untrusted);
    EXPECT_EQ(connect(*make_server(), {}, "example.test").failure, tls_errc::certificate_untrusted);
}

TEST(tls_client, refuses_expired_and_future_certificates) {
    for (const auto& [from, to] : {std::pair(-10, -1), std::pair(1, 10)}) {
        const auto server = make_server(
            {.certificates = {as_option(test_ca().issue(
                 {.names = {"example.test"}, .valid_from_days = from, .valid_to_days = to}))}});
        EXPECT_EQ(connect(*server, trusting(), "example.test").failure,
                  tls_errc::certificate_expired);
    }
}

TEST(tls_client, verification_can_be_switched_off_by_name) {
    const auto server = make_server();
    EXPECT_FALSE(
        connect(*server, {.verification = tls_verification::insecure_none}, "other.test").failure);
}

TEST(tls_client, reads_authorities_from_a_file) {
    const scratch_file file(test_ca().pem());
    EXPECT_FALSE(connect(*make_server(), {.ca_file = file.path}, "example.test").failure);
    const auto missing = tls_client_context::make({.ca_file = "/nonexistent/ca.pem"});
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message(), HasSubstr("CA file /nonexistent/ca.pem"));
    EXPECT_FALSE(tls_client_context::make({.ca_pem = "no certificate"}));
}

TEST(tls_client, refuses_what_is_no_host) {
    const auto context = tls_client_context::make({});
    ASSERT_TRUE(context);
    for (const char* host : {"", "a b", "*.example.test", "a..b", "::1%lo", "exa\nmple"}) {
        EXPECT_FALSE((*context)->make_session(host)) << host;
    }
}

TEST(tls_client, shows_its_own_certificate_when_asked) {
    openssl_peer peer(openssl_peer::role::server, [](SSL_CTX* ctx) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           [](int, X509_STORE_CTX*) { return 1; });
        use_issued(ctx, test_ca().issue({.names = {"example.test"}}));
    });
    tls_client_options options = trusting();
    options.certificate = as_option(test_ca().issue({.names = {"client.test"}}));
    const auto context = tls_client_context::make(options);
    ASSERT_TRUE(context);
    our_end ours(*(*context)->make_session("example.test"));
    ours.start();
    pump(ours, peer);
    EXPECT_EQ(ours->state(), status::open) << ours->failure().message();
    EXPECT_EQ(peer.shown_name(), "client.test");
}

TEST(tls_client, refuses_old_versions_and_a_protocol_it_did_not_offer) {
    const auto context = tls_client_context::make(trusting());
    ASSERT_TRUE(context);
    const auto issued = test_ca().issue({.names = {"example.test"}});
    openssl_peer old(openssl_peer::role::server, [&](SSL_CTX* ctx) {
        SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
        use_issued(ctx, issued);
    });
    our_end ours(*(*context)->make_session("example.test"));
    ours.start();
    pump(ours, old);
    EXPECT_EQ(ours->state(), status::failed);

    openssl_peer pushy(openssl_peer::role::server, [&](SSL_CTX* ctx) {
        use_issued(ctx, issued);
        const auto push = [](SSL*, const unsigned char** out, unsigned char* size,
                             const unsigned char*, unsigned, void*) {
            *out = reinterpret_cast<const unsigned char*>("smtp");
            *size = 4;
            return SSL_TLSEXT_ERR_OK;
        };
        SSL_CTX_set_alpn_select_cb(ctx, push, nullptr);
    });
    our_end second(*(*context)->make_session("example.test"));
    second.start();
    pump(second, pushy);
    EXPECT_EQ(second->failure_code(), tls_errc::handshake_failed);
    EXPECT_GE(pushy.error_reason, SSL_AD_REASON_OFFSET) << "no alert came";
}

}  // namespace
}  // namespace weft::net::testing
