// What concerns the whole process: signals, in a forked child, and certificates that change on
// disk.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "server_world.hpp"
#include "support/certificates.hpp"

namespace weft::test {
namespace {

/// A child process with a server; it tells its port over a pipe.
class child {
public:
    explicit child(unsigned threads) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            ::_exit(serve(threads, ends[1]));
        }
        ::close(ends[1]);
        EXPECT_EQ(::read(ends[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
        ::close(ends[0]);
    }
    ~child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    void signal(int which) const { ::kill(pid_, which); }
    /// The exit status, or -1 for another end.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    static int serve(unsigned threads, int tell) {
        server s(with_threads(threads));
        s.ws("/ws").on_message([](auto& c, message_view m) { c.send(m); });
        const auto port = s.listen(loopback());
        if (!port || ::write(tell, &*port, sizeof *port) < 0) return 99;
        return s.run(signal_handling::drain, 10s);
    }
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

TEST(server_signals, sigterm_and_sigint_drain_and_end_with_0) {
    for (const unsigned threads : {1U, 3U}) {
        for (const int which : {SIGTERM, SIGINT}) {
            child process(threads);
            {
                client open(process.port());
                open.handshake();
                open.send(text_frame("ready"));
                EXPECT_EQ(open.frame().payload, "ready");  // so it runs: signals are its own now
                process.signal(which);
                EXPECT_EQ(open.frame().close_code(), 1001);
                open.send(close_frame(1001));
                EXPECT_EQ(open.rest(), "");
            }
            EXPECT_EQ(process.wait(), 0);
        }
    }
}

TEST(server_signals, a_second_one_stops_at_once) {
    child process(3);
    client silent(process.port());
    silent.handshake();
    silent.send(text_frame("ready"));
    EXPECT_EQ(silent.frame().payload, "ready");
    const auto began = std::chrono::steady_clock::now();
    process.signal(SIGTERM);
    EXPECT_EQ(silent.frame().close_code(), 1001);
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
}

/// The name in the certificate that a server shows; empty when the handshake fails.
std::string shown_name(std::uint16_t port) {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                               SSL_CTX_free);
    const std::unique_ptr<BIO, void (*)(BIO*)> bio(BIO_new_ssl_connect(context.get()),
                                                   BIO_free_all);
    BIO_set_conn_hostname(bio.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
    if (BIO_do_connect(bio.get()) != 1) return {};
    SSL* ssl = nullptr;
    BIO_get_ssl(bio.get(), &ssl);
    X509* const certificate = SSL_get0_peer_certificate(ssl);
    for (const std::string name : {"before.test", "after.test"}) {
        if (X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1) return name;
    }
    return "?";
}

TEST(server_certificates, are_read_again_and_bad_ones_change_nothing) {
    const weft::testing::certificate_authority ca;
    const std::string base = ::testing::TempDir() + "weft_reload." + std::to_string(::getpid());
    const auto put = [&](const std::string& name, const std::string& pem) {
        std::ofstream(base + name) << pem;
    };
    const auto issue = [&](const std::string& name) {
        const auto made = ca.issue({.names = {name}});
        put(".crt", made.cert_pem);
        put(".key", made.key_pem);
    };
    issue("before.test");
    server s(with_threads(2));
    s.ws("/ws");
    server_address where = loopback();
    where.tls.emplace();
    where.tls->certificates = {{.cert_file = base + ".crt", .key_file = base + ".key"}};
    const auto port = s.listen(where);
    ASSERT_TRUE(port) << port.error().message();
    running run(s);
    EXPECT_EQ(shown_name(*port), "before.test");
    put(".crt", "not a certificate");
    const auto refused = s.reload_certificates();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find(base + ".crt"), std::string::npos)
        << refused.error().message();
    EXPECT_EQ(shown_name(*port), "before.test");
    issue("after.test");
    EXPECT_TRUE(s.reload_certificates());
    EXPECT_EQ(shown_name(*port), "after.test");
    ::unlink((base + ".crt").c_str());
    ::unlink((base + ".key").c_str());
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Leaves room for so many more descriptors while it lives.
class few_descriptors {
public:
    explicit few_descriptors(unsigned more) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int lowest = ::dup(0);  // all below are taken
        ::close(lowest);
        rlimit few = before_;
        few.rlim_cur = static_cast<rlim_t>(lowest) + more;
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;

private:
    rlimit before_{};
};

TEST(server_listen, a_loop_that_cannot_listen_takes_the_others_sockets_with_it) {
    server s(with_threads(3));
    const auto first = s.listen(loopback());  // makes the loops
    ASSERT_TRUE(first);
    const std::size_t before = open_descriptors();
    std::error_code why;
    {
        const few_descriptors two(2);
        const auto refused = s.listen(loopback());
        if (!refused) why = refused.error().code();
    }
    EXPECT_EQ(why, std::errc::too_many_files_open);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_TRUE(s.listen(loopback()));
    EXPECT_EQ(open_descriptors(), before + 3);
}

}  // namespace
}  // namespace weft::test
