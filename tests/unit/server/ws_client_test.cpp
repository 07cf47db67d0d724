// Our client against our server in one process, over real sockets: TCP, TLS and unix.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/ws/client.hpp>

#include "server_world.hpp"
#include "support/certificates.hpp"

namespace weft::test {
namespace {

/// A server that echoes at /ws, and a loop for clients on the test's own thread.
class client_and_server : public ::testing::Test {
protected:
    client_and_server() {
        ws::options options;
        options.deflate.emplace();
        options.subprotocols = {"v1"};
        server_.ws("/ws", options).on_message([](auto& c, message_view m) {
            if (m.text() == "bye") return c.close(ws::close_code{4000}, "as you wish");
            c.send(m);
        });
    }
    /// What the server sends back for these messages, in order.
    std::vector<std::string> echo(ws::client_options options, tls_client_options tls,
                                  const std::vector<std::string>& messages) {
        const running run(server_);
        std::vector<std::string> heard;
        ws::client client(*loop_, std::move(options), std::move(tls));
        client
            .on_open([&](ws::client& c) {
                for (const std::string& text : messages) c.send(text);
            })
            .on_message([&](ws::client& c, message_view m) {
                heard.emplace_back(m.text());
                if (heard.size() == messages.size()) c.send("bye");
            })
            .on_close([&](ws::client& c, const ws::close_event& e) {
                closed_ = e;
                closed_->reason = reason_ = e.reason;  // a view into what goes with the session
                subprotocol_ = c.subprotocol();
                loop_->stop();
            })
            .on_failure([&](ws::client&, const ws::connect_failure& failed) {
                failure_.emplace(failed.why);
                loop_->stop();
            });
        EXPECT_TRUE(client.connect());
        loop_->ref().after(20s, [this] { loop_->stop(); });
        loop_->run();
        return heard;
    }
    void expect_good_end() const {
        ASSERT_TRUE(closed_) << (failure_ ? failure_->message() : "nothing happened");
        EXPECT_TRUE(closed_->clean);
        EXPECT_EQ(closed_->code, ws::close_code{4000});
        EXPECT_EQ(closed_->reason, "as you wish");
    }

    server server_;
    std::unique_ptr<loop> loop_ = std::move(*loop::make());
    std::optional<ws::close_event> closed_;
    std::string reason_;
    std::optional<error> failure_;
    std::string subprotocol_;
    const std::vector<std::string> messages_{"hello", "", std::string(600'000, 'x'), "end"};
};

TEST_F(client_and_server, talk_over_tcp) {
    const auto port = server_.listen(loopback());
    ASSERT_TRUE(port);
    ws::client_options options;
    options.url = "ws://localhost:" + std::to_string(*port) + "/ws";
    options.subprotocols = {"v2", "v1"};
    EXPECT_EQ(echo(options, {}, messages_), messages_);
    expect_good_end();
    EXPECT_EQ(subprotocol_, "v1");
}

TEST_F(client_and_server, talk_compressed) {
    const auto port = server_.listen(loopback());
    ASSERT_TRUE(port);
    ws::client_options options;
    options.url = "ws://127.0.0.1:" + std::to_string(*port) + "/ws";
    options.deflate.emplace();
    EXPECT_EQ(echo(options, {}, messages_), messages_);
    expect_good_end();
}

TEST_F(client_and_server, talk_over_tls_and_check_the_certificate) {
    const weft::testing::certificate_authority ca;
    const auto issued = ca.issue({.names = {"localhost"}, .addresses = {"127.0.0.1"}});
    server_address where = loopback();
    where.tls.emplace();
    where.tls->certificates = {{.cert_pem = issued.cert_pem, .key_pem = issued.key_pem}};
    const auto port = server_.listen(where);
    ASSERT_TRUE(port);
    ws::client_options options;
    options.url = "wss://localhost:" + std::to_string(*port) + "/ws";
    tls_client_options tls;
    tls.system_cas = false;
    tls.ca_pem = ca.pem();
    EXPECT_EQ(echo(options, tls, messages_), messages_);
    expect_good_end();
}

TEST_F(client_and_server, a_certificate_of_nobody_we_trust_is_refused) {
    const weft::testing::certificate_authority ca, other;
    const auto issued = ca.issue({.names = {"localhost"}});
    server_address where = loopback();
    where.tls.emplace();
    where.tls->certificates = {{.cert_pem = issued.cert_pem, .key_pem = issued.key_pem}};
    const auto port = server_.listen(where);
    ASSERT_TRUE(port);
    ws::client_options options;
    options.url = "wss://localhost:" + std::to_string(*port) + "/ws";
    tls_client_options tls;
    tls.system_cas = false;
    tls.ca_pem = other.pem();
    EXPECT_TRUE(echo(options, tls, messages_).empty());
    ASSERT_TRUE(failure_);
    EXPECT_EQ(failure_->code(), tls_errc::certificate_untrusted);
}

TEST_F(client_and_server, talk_over_a_unix_socket) {
    std::string folder = std::filesystem::temp_directory_path() / "weft-ws-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    server_address where;
    where.unix_path = folder + "/a.sock";
    ASSERT_TRUE(server_.listen(where));
    ws::client_options options;
    options.url = "ws+unix:" + where.unix_path + ":/ws";
    EXPECT_EQ(echo(options, {}, messages_), messages_);
    expect_good_end();
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weft::test
