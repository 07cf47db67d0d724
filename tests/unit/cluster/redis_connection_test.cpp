// Greeting, commands, time-outs, losses: the connection for commands of a client.

#include "unit/cluster/redis_world.hpp"

namespace weft::cluster::redis {
namespace {

class redis_connection : public redis_world {};

TEST_F(redis_connection, greets_with_version_user_name_and_database) {
    ASSERT_TRUE(make({.user = "u", .password = "p", .client_name = "n", .database = 2}).start());
    serve();
    EXPECT_EQ(said(commands), wire({"HELLO", "3", "AUTH", "u", "p", "SETNAME", "n"}));
    EXPECT_EQ(said(channels), wire({"HELLO", "3", "AUTH", "u", "p", "SETNAME", "n"}));
    say(commands, greeting);
    say(channels, greeting);
    EXPECT_EQ(said(commands), wire({"SELECT", "2"}));
    EXPECT_FALSE(subject->is_open());
    say(commands, "+OK\r\n");
    say(channels, "+OK\r\n");
    EXPECT_TRUE(subject->is_open());
}

TEST_F(redis_connection, greets_as_the_default_user_with_a_password_alone) {
    ASSERT_TRUE(make({.password = "p"}).start());
    serve();
    EXPECT_EQ(said(commands), wire({"HELLO", "3", "AUTH", "default", "p"}));
}

TEST_F(redis_connection, falls_back_to_resp2_for_a_server_that_does_not_know_hello) {
    for (const std::string_view answer :
         {"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n",
          "-NOPROTO unsupported protocol version\r\n"}) {
        ASSERT_TRUE(make({.user = "u", .password = "p", .client_name = "n"}).start());
        serve();
        said(commands);
        say(commands, answer);
        EXPECT_EQ(said(commands),
                  wire({"AUTH", "u", "p"}) + wire({"CLIENT", "SETNAME", "n"}) + wire({"PING"}));
        say(channels, answer);
        for (const auto peer : {commands, channels}) say(peer, "+OK\r\n-ERR no names\r\n+OK\r\n");
        EXPECT_TRUE(subject->is_open());
    }
}

TEST_F(redis_connection, speaks_resp2_from_the_start_when_asked_to) {
    ASSERT_TRUE(make({.protocol = redis_protocol::resp2}).start());
    serve();
    EXPECT_EQ(said(commands), wire({"PING"}));
}

TEST_F(redis_connection, tries_again_when_it_is_refused_and_keeps_the_password_secret) {
    ASSERT_TRUE(make({.password = "s3cret"}).start());
    serve();
    say(commands, "-ERR bad arguments: 's3cret'\r\n");
    EXPECT_TRUE(io.peer_sees_reset(commands));
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_EQ(log.lines[0],
              "Redis at 127.0.0.1:6379: the greeting was refused: the Redis server refused the "
              "command; trying again");
    EXPECT_EQ(subject->metrics().connect_failures.read(), 1U);
    pass(51ms);
    EXPECT_EQ(io.taken_connections(6379).size(), 1U);
}

TEST_F(redis_connection, gives_a_greeting_connect_timeout) {
    ASSERT_TRUE(make().start());
    serve();
    pass(1400ms);
    EXPECT_FALSE(io.peer_sees_reset(commands));
    pass(200ms);
    EXPECT_TRUE(io.peer_sees_reset(commands));
    EXPECT_NE(log.lines.at(0).find("connect_timeout"), std::string::npos);
}

TEST_F(redis_connection, pipelines_commands_and_answers_them_in_order) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    ASSERT_TRUE(subject->command({"INCR", "b"}, noting("b")));
    ASSERT_TRUE(subject->command({"GET", "c"}, noting("c")));
    EXPECT_EQ(take_seen(), strings{}) << "no handler is called inside of a call";
    run();
    EXPECT_EQ(said(commands), wire({"GET", "a"}) + wire({"INCR", "b"}) + wire({"GET", "c"}));
    say(commands, "$1\r\n1\r\n:2\r\n-WRONGTYPE no\r\n");
    EXPECT_EQ(take_seen(),
              (strings{"a = 1", "b = 2", "c: WRONGTYPE no: the Redis server refused the command"}));
    EXPECT_EQ(subject->metrics().server_refused.read(), 1U);
    EXPECT_EQ(subject->metrics().queued.read(), 0U);
}

TEST_F(redis_connection, keeps_commands_until_there_is_a_connection) {
    ASSERT_TRUE(make().start());
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    serve();
    EXPECT_EQ(said(commands), wire({"HELLO", "3"}));
    say(commands, greeting);
    EXPECT_EQ(said(commands), wire({"GET", "a"}));
    say(commands, "_\r\n");
    EXPECT_EQ(take_seen(), strings{"a = "});
}

TEST_F(redis_connection, times_out_a_command_and_drops_its_late_reply) {
    open({.command_timeout = 1s});
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    pass(999ms);
    ASSERT_TRUE(subject->command({"GET", "b"}, noting("b")));
    EXPECT_EQ(take_seen(), strings{});
    pass(2ms);
    EXPECT_EQ(take_seen(),
              strings{"a: command_timeout: " + make_error_code(weft::errc::timed_out).message()});
    EXPECT_GT(subject->metrics().queued.read(), 0U);
    say(commands, "+late\r\n+in time\r\n");
    EXPECT_EQ(take_seen(), strings{"b = in time"});
    EXPECT_EQ(subject->metrics().timed_out.read(), 1U);
}

TEST_F(redis_connection, does_not_send_what_timed_out_while_there_was_no_connection) {
    ASSERT_TRUE(make({.command_timeout = 1s}).start());
    serve();
    said(commands);
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    pass(500ms);
    ASSERT_TRUE(subject->command({"GET", "b"}, noting("b")));
    pass(501ms);
    EXPECT_EQ(take_seen().size(), 1U);
    say(commands, greeting);
    EXPECT_EQ(said(commands), wire({"GET", "b"}));
}

TEST_F(redis_connection, refuses_more_than_max_queue_and_counts_it) {
    open({.max_queue = 64 * 1024});
    const std::string half(32 * 1024, 'x');
    ASSERT_TRUE(subject->command({"SET", "a", half}, noting("a")));
    const auto refused = subject->command({"SET", "b", half}, noting("b"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::queue_full);
    EXPECT_NE(refused.error().message().find("max_queue"), std::string::npos);
    EXPECT_EQ(subject->metrics().refused.read(), 1U);
    say(commands, "+OK\r\n");
    EXPECT_EQ(take_seen(), strings{"a = OK"});
    EXPECT_TRUE(subject->command({"SET", "b", half}, noting("b"))) << "there is room again";
}

TEST_F(redis_connection, bounds_what_waits_without_a_connection) {
    ASSERT_TRUE(make({.max_queue = 64 * 1024}).start());
    std::size_t taken = 0;
    while (taken < 10'000 && subject->command({"PUBLISH", "c", "m"}, noting("x"))) ++taken;
    EXPECT_GT(taken, 100U);
    EXPECT_LE(subject->metrics().queued.read(), 64U * 1024);
    subject.reset();
    run();
    EXPECT_EQ(take_seen().size(), taken) << "each is answered, the refused one is not";
}

TEST_F(redis_connection, answers_what_was_sent_when_the_connection_is_lost_and_comes_back) {
    open();
    ASSERT_TRUE(subject->command({"INCR", "a"}, noting("a")));
    run();
    said(commands);
    io.peer_reset(commands);
    run();
    EXPECT_EQ(subject->metrics().losses.read(), 1U);
    EXPECT_EQ(subject->metrics().lost.read(), 1U);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_NE(take_seen()[0].find("may have been executed"), std::string::npos);
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    pass(51ms);
    const auto taken = io.taken_connections(6379);
    ASSERT_EQ(taken.size(), 1U);
    say(taken[0], greeting);
    EXPECT_EQ(said(taken[0]), wire({"HELLO", "3"}) + wire({"GET", "a"}))
        << "what may have been executed is not sent again";
    say(taken[0], "$1\r\n1\r\n");
    EXPECT_EQ(take_seen(), strings{"a = 1"});
    EXPECT_EQ(log.lines.size(), 2U);
    EXPECT_EQ(log.lines.back(), "Redis at 127.0.0.1:6379 is back");
}

TEST_F(redis_connection, ends_a_connection_that_breaks_the_protocol) {
    for (const std::string_view broken : {"?\r\n", "+to no command\r\n", "*1\r\n>1\r\n"}) {
        open();
        say(commands, broken);
        EXPECT_TRUE(io.peer_sees_reset(commands)) << broken;
        EXPECT_FALSE(subject->is_open());
        subject.reset();
        run();
    }
}

TEST_F(redis_connection, ignores_pushes_that_it_does_not_know) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    say(commands, pushed({"invalidate", "k"}) + ">1\r\n:5\r\n" + ">0\r\n" + "+yes\r\n");
    EXPECT_EQ(take_seen(), strings{"a = yes"});
    EXPECT_EQ(subject->metrics().ignored.read(), 3U);
}

TEST_F(redis_connection, asks_a_silent_server_for_a_sign_of_life) {
    open({.command_timeout = 60s, .ping_interval = 10s, .ping_timeout = 5s});
    pass(9s);
    EXPECT_EQ(said(commands), "");
    pass(1001ms);
    EXPECT_EQ(said(commands), wire({"PING"}));
    EXPECT_EQ(said(channels), wire({"PING"}));
    say(commands, "+PONG\r\n");
    pass(5001ms);
    EXPECT_FALSE(io.peer_sees_reset(commands));
    EXPECT_TRUE(io.peer_sees_reset(channels)) << "no answer for ping_timeout";
    pass(5s);
    EXPECT_EQ(said(commands), wire({"PING"})) << "ten seconds after the last byte";
}

TEST_F(redis_connection, doubles_the_pause_up_to_reconnect_max) {
    const redis_options how;
    const auto pause = [&](unsigned failures, std::uint32_t random) {
        return std::chrono::round<std::chrono::milliseconds>(
            pause_before_retry(how, failures, random));
    };
    EXPECT_EQ(pause(0, 0), 50ms);
    EXPECT_EQ(pause(1, 0), 50ms);
    EXPECT_EQ(pause(2, 0), 100ms);
    EXPECT_EQ(pause(5, 0), 800ms);
    EXPECT_EQ(pause(6, 0), 1s);
    EXPECT_EQ(pause(4'000'000'000U, 0), 1s);
    EXPECT_EQ(pause(2, UINT32_MAX), 50ms) << "up to a half is taken off";
}

TEST_F(redis_connection, notices_within_two_seconds_that_the_server_is_back_after_a_long_outage) {
    // The outage ends at any moment of an attempt or of a pause.
    for (const bool silent : {false, true}) {
        for (int moment = 0; moment < 15; ++moment) {
            open();
            io.peer_reset(commands);
            io.peer_reset(channels);
            io.close_port(6379);
            if (silent) io.mute_port(6379);
            run();
            for (int step = 0; step < 300; ++step) pass(100ms);
            for (int i = 0; i < moment; ++i) pass(100ms);
            io.serve_port(6379);
            int waited = 0;
            std::size_t back = 0;
            for (; back < 2 && waited < 3000; waited += 10) {
                pass(10ms);
                for (const auto peer : io.taken_connections(6379)) {
                    say(peer, greeting);
                    ++back;
                }
            }
            EXPECT_TRUE(subject->is_open()) << silent << ' ' << moment;
            EXPECT_LE(waited, silent ? 1600 : 1000) << moment;
            subject.reset();
            run();
            seen.clear();
        }
    }
}

TEST_F(redis_connection, notices_a_server_that_goes_without_a_word) {
    open();
    pass(1001ms);  // a sign of life is asked for
    for (int i = 0; i < 40; ++i) pass(100ms);
    EXPECT_TRUE(io.peer_sees_reset(commands));
    EXPECT_TRUE(io.peer_sees_reset(channels));
}

TEST_F(redis_connection, begins_an_attempt_at_once_when_the_last_has_waited_in_vain) {
    ASSERT_TRUE(make().start());
    serve();
    pass(1501ms);
    EXPECT_EQ(io.taken_connections(6379).size(), 2U) << "connect_timeout was pause enough";
}

TEST_F(redis_connection, answers_all_when_the_client_goes) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    ASSERT_TRUE(subject->command({"GET", "b"}));
    subject.reset();
    EXPECT_EQ(take_seen(), strings{}) << "not inside of the destructor";
    run();
    EXPECT_EQ(take_seen(), strings{"a: " + make_error_code(weft::errc::closed_locally).message()});
    EXPECT_EQ(said(commands), wire({"GET", "a"}) + wire({"GET", "b"})) << "what was given goes out";
    EXPECT_TRUE(io.peer_sees_end(commands));
}

TEST_F(redis_connection, answers_all_when_the_loop_goes) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    run();
    io.peer_reset(commands);
    run();
    seen.clear();
    ASSERT_TRUE(subject->command({"GET", "b"}, noting("b")));  // in the pause
    ASSERT_TRUE(
        subject->subscribe(channel_kind::plain, "c", noting_messages("c"), noting_subscribed("c")));
    core.reset();
    const std::string why = make_error_code(weft::errc::shutting_down).message();
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(take_seen(), (strings{"b: " + why, "c: " + why}));
    EXPECT_EQ(subject->command({"GET", "c"}, noting("c")).error().code(),
              weft::errc::shutting_down);
    subject.reset();
    EXPECT_EQ(take_seen(), strings{});
}

TEST_F(redis_connection, answers_all_when_the_loop_goes_right_after_the_client) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, noting("a")));
    subject.reset();
    core.reset();
    EXPECT_EQ(seen.size(), 1U);
}

TEST_F(redis_connection, may_be_destroyed_in_the_handler_of_a_reply) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, [&](const result<reply_view>&) {
        note("a");
        subject.reset();
    }));
    ASSERT_TRUE(subject->command({"GET", "b"}, noting("b")));
    say(commands, "+1\r\n+2\r\n+3\r\n");
    EXPECT_EQ(take_seen(),
              (strings{"a", "b: " + make_error_code(weft::errc::closed_locally).message()}));
}

TEST_F(redis_connection, may_be_destroyed_in_the_handler_of_a_time_out_or_a_loss) {
    for (const bool by_loss : {false, true}) {
        open({.command_timeout = 1s});
        ASSERT_TRUE(subject->command({"GET", "a"}, [&](const result<reply_view>&) {
            note("a");
            subject.reset();
        }));
        ASSERT_TRUE(subject->command({"GET", "b"}, noting("b")));
        run();
        if (by_loss) io.peer_reset(commands);
        by_loss ? run() : pass(1001ms);
        EXPECT_EQ(take_seen().size(), 2U);
    }
}

TEST_F(redis_connection, survives_what_handlers_throw) {
    open();
    ASSERT_TRUE(subject->command({"GET", "a"}, [](const result<reply_view>&) { throw 1; }));
    ASSERT_TRUE(subject->command({"GET", "b"}, noting("b")));
    say(commands, "+1\r\n+2\r\n");
    EXPECT_EQ(take_seen(), strings{"b = 2"});
    EXPECT_EQ(subject->metrics().handler_exceptions.read(), 1U);
}

TEST_F(redis_connection, refuses_calls_out_of_place) {
    client& c = make();
    EXPECT_EQ(c.command({"PING"}).error().code(), weft::errc::invalid_state);
    ASSERT_TRUE(c.start());
    EXPECT_EQ(c.start().error().code(), weft::errc::invalid_state);
    EXPECT_EQ(c.publish(channel_kind::pattern, "p*", "m").error().code(),
              weft::errc::invalid_argument);
    EXPECT_EQ(make({.max_queue = 1}).start().error().what(),
              "cluster::redis_options::max_queue is 1: it must be at least 65536");
    std::error_code elsewhere;
    client& other = make();
    std::thread([&] { elsewhere = other.start().error().code(); }).join();
    EXPECT_EQ(elsewhere, weft::errc::wrong_thread);
}

}  // namespace
}  // namespace weft::cluster::redis
