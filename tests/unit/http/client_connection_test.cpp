// Requests of a client against a server that the test plays by hand, on the sim backend.

#include "http/client_connection.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <weft/http/error.hpp>

#include "http/user_agent.hpp"
#include "net/backend/sim/sim_backend.hpp"

namespace weft::http {
namespace {

using namespace std::chrono_literals;
using net::sim_backend;

class client_connection_test : public ::testing::Test {
protected:
    client_connection_test()
        : io(*new sim_backend),
          core(std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io),
                                                loop_options{})) {
        core->start();
        io.serve_port(80);
        client_origin origin;
        origin.to.host = "127.0.0.1";
        origin.to.port = 80;
        origin.authority = "example.org";
        subject = std::make_unique<client_connection>(*core, std::move(origin));
    }

    void ask(std::string_view target, client_request what = {}) {
        what.target = target;
        ASSERT_TRUE(subject->request(what, [this](result<client_response> got) {
            seen.push_back(got ? std::to_string(got->head.status()) + ' ' + std::string(got->body)
                               : got.error().code().message());
            if (at_outcome) at_outcome();
        }));
        run();
    }
    void run(int iterations = 4) {
        while (iterations-- > 0) core->turn(duration::zero());
    }
    /// The server's end of the newest connection.
    void accept() {
        run();
        const auto taken = io.taken_connections(80);
        ASSERT_EQ(taken.size(), 1U);
        server = taken[0];
        run();
    }
    void answer(std::string_view body, std::string_view lines = {}) {
        io.peer_send(server, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                                 "\r\n" + std::string(lines) + "\r\n" + std::string(body));
        run();
    }
    [[nodiscard]] bool connects_again() {
        run();
        const auto taken = io.taken_connections(80);
        if (!taken.empty()) server = taken[0];
        run();
        return !taken.empty();
    }

    sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    std::unique_ptr<client_connection> subject;
    std::vector<std::string> seen;
    sim_backend::peer server = -1;
    std::function<void()> at_outcome;
};

using strings = std::vector<std::string>;

TEST_F(client_connection_test, asks_one_after_the_other_on_one_connection) {
    const std::string named = "User-Agent: " + std::string(user_agent) + "\r\n";
    ask("/a?b=c");
    accept();
    EXPECT_EQ(io.peer_take(server),
              "GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n" + named + "\r\n");
    answer("one");
    const header_field type{"Content-Type", "text/plain"};
    client_request post{.method = method::post, .target = {}, .body = "data"};
    post.headers = {&type, 1};
    ask("/d", post);
    EXPECT_EQ(io.peer_take(server),
              "POST /d HTTP/1.1\r\nHost: example.org\r\nContent-Type: text/plain\r\n" + named +
                  "Content-Length: 4\r\n\r\ndata");
    answer("two");
    EXPECT_EQ(seen, (strings{"200 one", "200 two"}));
    EXPECT_FALSE(connects_again());
}

TEST_F(client_connection_test, one_request_at_a_time) {
    ask("/");
    EXPECT_TRUE(subject->busy());
    EXPECT_FALSE(subject->request({.target = "/"}, [](result<client_response>) {}));
}

TEST_F(client_connection_test, a_header_that_would_end_the_line_is_not_sent) {
    const header_field bad{"X", "a\r\nHost: b"};
    client_request what{.target = "/"};
    what.headers = {&bad, 1};
    EXPECT_FALSE(subject->request(what, [](result<client_response>) {}));
    EXPECT_FALSE(subject->busy());
}

TEST_F(client_connection_test, connects_again_when_the_server_closed_meanwhile) {
    ask("/");
    accept();
    answer("one");
    io.peer_end(server);
    run();
    ask("/");
    ASSERT_TRUE(connects_again());
    answer("two");
    EXPECT_EQ(seen, (strings{"200 one", "200 two"}));
}

TEST_F(client_connection_test, a_kept_connection_is_left_before_the_server_leaves_it) {
    ask("/");
    accept();
    answer("one", "Keep-Alive: max=100, timeout=5\r\n");
    io.advance(3900ms);
    run();
    ask("/");
    EXPECT_FALSE(connects_again());
    answer("two", "Keep-Alive: timeout=5\r\n");
    io.advance(4100ms);
    run();
    ask("/");
    EXPECT_TRUE(connects_again());
}

TEST_F(client_connection_test, a_response_that_closes_is_whole_and_the_last) {
    ask("/");
    accept();
    answer("one", "Connection: close\r\n");
    EXPECT_EQ(seen, (strings{"200 one"}));
    ask("/");
    ASSERT_TRUE(connects_again());
    io.peer_send(server, "HTTP/1.1 200 OK\r\n\r\nuntil the");
    io.peer_send(server, " end");
    io.peer_end(server);
    run();
    EXPECT_EQ(seen.back(), "200 until the end");
}

TEST_F(client_connection_test, tells_how_it_failed) {
    ask("/");
    accept();
    io.peer_end(server);
    run();
    EXPECT_EQ(seen.back(), make_error_code(weft::errc::closed_by_peer).message());
    ask("/");
    ASSERT_TRUE(connects_again());
    io.peer_reset(server);
    run();
    EXPECT_EQ(seen.size(), 2U);
    ask("/");
    ASSERT_TRUE(connects_again());
    io.peer_send(server, "HTTP/1.1 200 OK\nContent-Length: 0\n\n");
    run();
    EXPECT_EQ(seen.back(), make_error_code(errc::bad_line_end).message());
    ask("/", {.max_body = 4});
    ASSERT_TRUE(connects_again());
    answer("12345");
    EXPECT_EQ(seen.back(), make_error_code(errc::body_too_large).message());
}

TEST_F(client_connection_test, nobody_there) {
    io.serve_port(81);
    client_origin origin;
    origin.to.host = "127.0.0.1";
    origin.to.port = 82;
    subject = std::make_unique<client_connection>(*core, std::move(origin));
    ask("/");
    run();
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_FALSE(subject->busy());
}

TEST_F(client_connection_test, a_deadline_ends_the_wait) {
    ask("/", {.timeout = 3s});
    accept();
    io.peer_send(server, "HTTP/1.1 200 OK\r\n");
    run();
    io.advance(2900ms);
    run();
    EXPECT_TRUE(seen.empty());
    io.advance(200ms);
    run();
    EXPECT_EQ(seen, strings{make_error_code(weft::errc::timed_out).message()});
    EXPECT_TRUE(io.peer_sees_reset(server) || io.peer_sees_end(server));
}

TEST_F(client_connection_test, what_is_cancelled_is_not_told) {
    ask("/");
    subject->cancel();  // still connecting
    accept();
    run();
    EXPECT_TRUE(io.peer_sees_reset(server) || io.peer_sees_end(server));
    ask("/");
    ASSERT_TRUE(connects_again());
    subject->cancel();
    run();
    EXPECT_TRUE(io.peer_sees_reset(server));
    EXPECT_TRUE(seen.empty());
    ask("/");
    ASSERT_TRUE(connects_again());
    answer("fine");
    EXPECT_EQ(seen, strings{"200 fine"});
}

TEST_F(client_connection_test, may_be_destroyed_where_it_reports) {
    at_outcome = [this] { subject.reset(); };
    ask("/");
    accept();
    answer("bye");
    EXPECT_EQ(seen, strings{"200 bye"});
    EXPECT_TRUE(io.peer_sees_end(server) || io.peer_sees_reset(server));
}

TEST_F(client_connection_test, asks_again_where_it_reports) {
    bool again = true;
    at_outcome = [&] {
        if (!std::exchange(again, false)) return;
        ASSERT_TRUE(subject->request({.target = "/second"}, [this](result<client_response> got) {
            seen.push_back(got ? "second" : "failed");
        }));
    };
    ask("/first");
    accept();
    answer("one");
    EXPECT_NE(io.peer_take(server).find("/second"), std::string::npos);
    answer("two");
    EXPECT_EQ(seen, (strings{"200 one", "second"}));
}

TEST_F(client_connection_test, the_loop_may_end_first) {
    ask("/");
    accept();
    core->shut_down();
    EXPECT_TRUE(seen.empty());
    subject.reset();
}

TEST_F(client_connection_test, survives_a_failure_at_every_operation) {
    for (std::size_t at = 0; at < 40; ++at) {
        seen.clear();
        subject->cancel();
        run();
        (void)io.taken_connections(80);
        io.fail_operation(io.operations() + at, std::errc::io_error);
        client_request what{.target = "/", .timeout = 5s};
        if (!subject->request(what, [this](result<client_response> got) {
                seen.push_back(got ? "fine" : "failed");
            })) {
            continue;
        }
        run();
        if (const auto taken = io.taken_connections(80); !taken.empty()) {
            server = taken[0];
            run();
            answer("fine");
        }
        io.advance(6s);
        run();
        EXPECT_EQ(seen.size(), 1U) << "failure at operation " << at;
        EXPECT_FALSE(subject->busy());
    }
    EXPECT_EQ(seen, strings{"fine"}) << "the last failure came too late to matter";
}

}  // namespace
}  // namespace weft::http
