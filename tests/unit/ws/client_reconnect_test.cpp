// The pauses between a client's attempts, dying at any moment, and waiting in a coroutine.

#include "client_world.hpp"

namespace weft::ws {
namespace {

// ---- Coming back ----

TEST(backoff_test, grows_to_the_limit_and_spreads) {
    const backoff plain{.spread = jitter::none};
    EXPECT_EQ(detail::pause_before_retry(plain, 0, 0), 500ms);
    EXPECT_EQ(detail::pause_before_retry(plain, 1, 0), 500ms);
    EXPECT_EQ(detail::pause_before_retry(plain, 2, 0), 1s);
    EXPECT_EQ(detail::pause_before_retry(plain, 7, 0), 30s);
    EXPECT_EQ(detail::pause_before_retry(plain, UINT32_MAX, 0), 30s);
    const backoff half{.spread = jitter::half};
    EXPECT_EQ(detail::pause_before_retry(half, 1, 0), 250ms);
    EXPECT_EQ(detail::pause_before_retry(half, 1, UINT32_MAX), 500ms);
    const backoff full{};
    EXPECT_EQ(detail::pause_before_retry(full, 1, 0), 0ms);
    EXPECT_EQ(detail::pause_before_retry(full, 1, UINT32_MAX), 500ms);
}

TEST_F(client_test, tries_again_with_growing_pauses) {
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    for (const duration pause : {duration(500ms), duration(1s), duration(2s), duration(4s)}) {
        EXPECT_EQ(subject->state(), client_state::waiting);
        EXPECT_EQ(subject->retry_in(), pause);
        const std::size_t before = seen.size();
        pass(pause - 2ms);
        EXPECT_EQ(seen.size(), before);
        pass(4ms);
        EXPECT_EQ(seen.size(), before + 1);
    }
    EXPECT_EQ(seen.back(), "failure 5");
}

TEST_F(client_test, gives_up_after_max_attempts) {
    client_options options = reconnecting({.spread = jitter::none, .max_attempts = 2});
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    pass(501ms);
    EXPECT_EQ(subject->state(), client_state::idle);
    pass(1min);
    EXPECT_EQ(seen, (strings{"failure 1", "failure 2"}));
    EXPECT_TRUE(subject->connect());
    run();
    EXPECT_EQ(subject->state(), client_state::waiting) << "a new beginning";
}

TEST_F(client_test, comes_back_after_a_lost_connection) {
    at_close = [this](client& me) { note(me.state() == client_state::waiting ? "again" : "over"); };
    open(reconnecting());
    io.advance(11s);
    io.peer_reset(server);
    run();
    EXPECT_EQ(seen, (strings{"open", "close 1006", "again"}));
    EXPECT_EQ(subject->send("x"), send_status::closed);
    pass(501ms);
    serve();
    answer(answer_to(request));
    EXPECT_EQ(seen.back(), "open");
}

TEST_F(client_test, a_server_that_drops_its_clients_is_not_hammered) {
    open(reconnecting());
    for (const duration pause : {duration(500ms), duration(1s), duration(2s)}) {
        io.peer_reset(server);
        run();
        EXPECT_EQ(subject->retry_in(), pause);
        pass(pause + 2ms);
        serve();
        answer(answer_to(request));
    }
    io.advance(10s);
    io.peer_reset(server);
    run();
    EXPECT_EQ(subject->retry_in(), 500ms) << "a connection that lasted begins anew";
}

TEST_F(client_test, close_ends_reconnecting) {
    for (const bool at_once : {false, true}) {
        client_options options = reconnecting();
        options.url = "ws://127.0.0.1:81/";
        begin(options);
        run();
        ASSERT_EQ(subject->state(), client_state::waiting);
        at_once ? subject->terminate() : subject->close();
        EXPECT_EQ(subject->state(), client_state::idle);
        seen.clear();
        pass(1min);
        EXPECT_TRUE(seen.empty());
    }
    open(reconnecting());
    at_close = [](client& me) { me.close(); };
    io.peer_reset(server);
    run();
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, connect_while_waiting_connects_now) {
    open(reconnecting());
    at_close = [](client& me) { EXPECT_TRUE(me.connect()); };
    io.peer_reset(server);
    run();
    serve();
    answer(answer_to(request));
    EXPECT_TRUE(subject->is_open());
    pass(5s);
    EXPECT_TRUE(io.taken_connections(80).empty()) << "the pause's own attempt must not come too";
}

TEST_F(client_test, close_while_connecting_is_silent) {
    begin();
    subject->close();
    EXPECT_EQ(subject->state(), client_state::idle);
    run();
    EXPECT_EQ(io.taken_connections(80).size(), 1U);
    begin();
    serve();
    subject->close();
    run();
    EXPECT_TRUE(server_sees_end());
    pass(1min);
    EXPECT_TRUE(seen.empty());
}

TEST_F(client_test, a_late_connection_of_a_given_up_attempt_is_dropped) {
    begin();
    subject->close();
    ASSERT_TRUE(subject->connect());
    run();
    const auto taken = io.taken_connections(80);
    ASSERT_EQ(taken.size(), 2U);
    run();
    EXPECT_TRUE(io.peer_sees_reset(taken[0]));
    EXPECT_FALSE(io.peer_sees_reset(taken[1]));
}

// ---- Dying at any moment ----

TEST_F(client_test, may_be_destroyed_in_each_of_its_handlers) {
    const auto destroy = [this](client&) { subject.reset(); };
    at_open = destroy;
    begin();
    serve();
    answer(answer_to(request) + frame(0x81, "never heard"));
    EXPECT_EQ(seen, (strings{"open"}));
    auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload, "\x03\xE9") << "1001";
    at_open = nullptr;

    at_message = destroy;
    open();
    answer(frame(0x81, "x") + frame(0x81, "never heard"));
    EXPECT_EQ(seen.back(), "message x");

    at_message = nullptr;
    at_close = destroy;
    open(reconnecting());
    io.peer_reset(server);
    run();
    EXPECT_EQ(seen.back(), "close 1006");

    at_failure = destroy;
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    EXPECT_EQ(seen.back(), "failure 1");
    pass(1min);
    EXPECT_EQ(seen.back(), "failure 1");
}

TEST_F(client_test, may_be_destroyed_in_each_state) {
    make();
    subject.reset();
    begin();
    subject.reset();  // connecting
    run();
    EXPECT_EQ(io.taken_connections(80).size(), 1U);
    begin();
    serve();
    subject.reset();  // waiting for the answer
    run();
    EXPECT_TRUE(server_sees_end());
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    subject.reset();  // waiting for the next attempt
    open();
    subject->close();
    subject.reset();  // closing
    pass(1min);
    EXPECT_EQ(seen, (strings{"failure 1", "open"}));
    EXPECT_EQ(core->connections(), 0U);
}

TEST_F(client_test, handlers_die_with_the_client) {
    const auto resource = std::make_shared<int>(1);
    open();
    subject->on_pong([resource](client&, byte_view) {});
    EXPECT_EQ(resource.use_count(), 2);
    subject.reset();  // its closing handshake goes on
    EXPECT_EQ(resource.use_count(), 1);
    open();
    subject->on_message([this, resource](client&, message_view) {
        subject.reset();
        EXPECT_EQ(resource.use_count(), 2) << "not while it runs";
    });
    answer(frame(0x81, "x"));
    EXPECT_EQ(resource.use_count(), 1);
}

TEST_F(client_test, the_loop_may_go_first) {
    const auto survive = [&](auto prepare) {
        prepare();
        core.reset();
        EXPECT_EQ(subject->state(), client_state::idle);
        EXPECT_EQ(subject->send("x"), send_status::misuse);
        EXPECT_EQ(subject->connect().error().code(), weft::errc::shutting_down);
        subject->ping();
        subject->close();
        subject->terminate();
        EXPECT_EQ(subject->retry_in(), std::nullopt);
    };
    survive([this] { open(reconnecting()); });
    EXPECT_EQ(seen, (strings{"open", "close 1006"}));
    EXPECT_EQ(cause, weft::errc::shutting_down);
}

TEST_F(client_test, the_loop_may_go_while_connecting) {
    begin(reconnecting());
    core.reset();
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, the_loop_may_go_while_the_answer_is_awaited) {
    begin(reconnecting());
    serve();
    core.reset();
    EXPECT_EQ(subject->state(), client_state::idle);
    EXPECT_TRUE(seen.empty());
}

TEST_F(client_test, the_loop_may_go_while_waiting) {
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    core.reset();
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, survives_a_failure_at_every_operation) {
    for (std::size_t at = 0;; ++at) {
        SCOPED_TRACE(at);
        seen.clear();
        begin(reconnecting());
        const std::size_t first = io.operations();
        io.fail_operation(first + at, std::errc::connection_reset);
        const auto play = [this] {
            run();
            for (const auto peer : io.taken_connections(80)) {
                server = peer;
                run();
                request = io.peer_take(server);
                if (request.find("\r\n\r\n") != std::string::npos) answer(answer_to(request));
            }
            run();
        };
        play();
        if (subject->is_open()) {
            answer(frame(0x81, "a"));
            subject->send("b");
            run();
        }
        const bool reached = io.operations() > first + at;
        for (int i = 0; i < 8 && !subject->is_open(); ++i) {
            pass(31s);
            play();
        }
        EXPECT_TRUE(subject->is_open()) << "it came back";
        subject.reset();
        pass(1min);
        EXPECT_EQ(core->connections(), 0U);
        if (!reached) break;
        ASSERT_LT(at, 200U);
    }
}

// ---- Coroutines ----

task<void> wait_for(client& who, std::vector<std::string>& log) {
    const auto outcome = co_await who.open();
    log.push_back(outcome ? "opened" : outcome.error().code().message());
}
void spawn(task<void> what) {
    weft::detail::spawn(std::move(what), [](std::exception_ptr) { ADD_FAILURE(); });
}

TEST_F(client_test, open_waits_for_the_connection) {
    strings log;
    make();
    spawn(wait_for(*subject, log));
    EXPECT_TRUE(log.empty());
    serve();
    answer(answer_to(request));
    EXPECT_EQ(log, (strings{"opened"}));
    spawn(wait_for(*subject, log));
    EXPECT_EQ(log.size(), 2U) << "open already";
}

TEST_F(client_test, open_waits_for_the_last_failure) {
    strings log;
    client_options options = reconnecting({.spread = jitter::none, .max_attempts = 2});
    options.url = "ws://127.0.0.1:81/";
    make(options);
    spawn(wait_for(*subject, log));
    run();
    EXPECT_TRUE(log.empty());
    pass(501ms);
    ASSERT_EQ(log.size(), 1U);
    EXPECT_NE(log[0], "opened");
    options.url = "nonsense";
    make(options);
    spawn(wait_for(*subject, log));
    EXPECT_EQ(log.size(), 2U) << "at once";
}

TEST_F(client_test, open_ends_with_close_and_with_the_client) {
    strings log;
    const std::string closed = make_error_code(weft::errc::closed_locally).message();
    make();
    spawn(wait_for(*subject, log));
    spawn(wait_for(*subject, log));
    EXPECT_EQ(log.size(), 1U) << "one at a time";
    subject->close();
    run();
    EXPECT_EQ(log.back(), closed);
    spawn(wait_for(*subject, log));
    subject.reset();
    run();
    EXPECT_EQ(log.size(), 3U);
    EXPECT_EQ(log.back(), closed);
}

task<void> own_client(client_context context, std::string url,
                      [[maybe_unused]] std::shared_ptr<int> alive) {
    client mine(context, {.url = url, .reconnect = backoff{}});
    (void)co_await mine.open();
    ADD_FAILURE() << "never resumed";
}

TEST_F(client_test, a_coroutine_that_waits_dies_with_the_loop) {
    const auto alive = std::make_shared<int>(0);
    spawn(own_client(context, "ws://127.0.0.1/silent", alive));
    spawn(own_client(context, "ws://127.0.0.1:81/retrying", alive));
    run();
    spawn(own_client(context, "ws://127.0.0.1/just-begun", alive));
    EXPECT_GT(alive.use_count(), 1);
    core.reset();
    EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace weft::ws
