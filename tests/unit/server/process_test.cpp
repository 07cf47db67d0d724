// What concerns the whole process: signals, in a forked child, and certificates that change on
// disk.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

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
    /// `first` runs in the child before its server.
    explicit child(
        unsigned threads, void (*first)() = [] {}) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            first();
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

/// A thread of the user's, older than the server, which blocks no signal.
void start_a_thread() {
    std::thread([] {
        for (;;) ::pause();
    }).detach();
}

// With the signals blocked in our threads only, the kernel gave them to that one, and the process
// ended without a drain.
TEST(server_signals, drain_also_when_another_thread_gets_them) {
    for (const auto first : {&start_a_thread, +[] {
                                 start_a_thread();
                                 sigset_t all;  // so that it must be the other one
                                 sigfillset(&all);
                                 ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
                             }}) {
        child process(1, first);
        client open(process.port());
        open.handshake();
        open.send(text_frame("ready"));
        EXPECT_EQ(open.frame().payload, "ready");
        process.signal(SIGHUP);
        process.signal(SIGTERM);
        EXPECT_EQ(open.frame().close_code(), 1001);
        open.send(close_frame(1001));
        EXPECT_EQ(open.rest(), "");
        EXPECT_EQ(process.wait(), 0);
    }
}

using disposition = void (*)(int);
disposition handler_of(int which) {
    struct sigaction now {};
    ::sigaction(which, nullptr, &now);
    return now.sa_handler;
}
bool is_blocked(int which) {
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, which) == 1;
}

int count_of_hangups = 0;

TEST(server_signals, leave_handlers_and_masks_as_they_were) {
    const auto hang_up = ::signal(SIGHUP, [](int) { ++count_of_hangups; });
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    const disposition terminate = handler_of(SIGTERM);
    const disposition hang_up_here = handler_of(SIGHUP);

    server s(with_threads(2));
    ASSERT_TRUE(s.listen(loopback()));
    bool ours = false;
    s.loop(0).post([&] {
        ours = handler_of(SIGTERM) != terminate && handler_of(SIGHUP) != hang_up_here &&
               !is_blocked(SIGINT);
        ::raise(SIGINT);  // this thread's
    });
    EXPECT_EQ(s.run(signal_handling::drain, 10s), 0);
    EXPECT_TRUE(ours);
    EXPECT_EQ(handler_of(SIGTERM), terminate);
    EXPECT_TRUE(is_blocked(SIGINT));
    ::raise(SIGHUP);
    EXPECT_EQ(count_of_hangups, 1);

    ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
    ::signal(SIGHUP, hang_up);
}

TEST(server_signals, sighup_calls_the_handler_of_reloads_on_the_first_loop) {
    server s(with_threads(2));
    int reloads = 0;
    s.on_reload([&] {
        EXPECT_TRUE(s.loop(0).in_loop_thread());
        ++reloads;
        s.stop();
    });
    ASSERT_TRUE(s.listen(loopback()));
    s.loop(0).post([] { ::raise(SIGHUP); });
    EXPECT_EQ(s.run(), 0);
    EXPECT_EQ(reloads, 1);
}

TEST(server_signals, reach_every_server_of_the_process) {
    const disposition before = handler_of(SIGTERM);
    server one(with_threads(1));
    server two(with_threads(1));
    ASSERT_TRUE(one.listen(loopback()));
    ASSERT_TRUE(two.listen(loopback()));
    inbox<int> running_now;
    for (server* s : {&one, &two}) s->loop(0).post([&] { running_now.put(1); });
    inbox<int> ends;
    std::thread first([&] { ends.put(one.run(signal_handling::drain, 10s)); });
    std::thread second([&] { ends.put(two.run(signal_handling::drain, 10s)); });
    running_now.wait_for(2);
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(ends.wait_for(2), (std::vector<int>{0, 0}));
    first.join();
    second.join();
    EXPECT_EQ(handler_of(SIGTERM), before);
}

TEST(server_signals, of_a_forked_child_are_its_own) {
    server s(with_threads(1));
    ASSERT_TRUE(s.listen(loopback()));
    int status = -1;
    bool drains = true;
    s.loop(0).post([&] {
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::raise(SIGTERM);  // what it would do without us: end it
            ::_exit(7);
        }
        ::waitpid(pid, &status, 0);
        s.loop(0).post([&] {
            drains = false;
            s.stop();
        });
    });
    EXPECT_EQ(s.run(signal_handling::drain, 10s), 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
    EXPECT_FALSE(drains) << "the child's signal drained its parent";
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
