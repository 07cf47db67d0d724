#pragma once

// A Redis client against a server that the test plays by hand, on the sim backend.

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cluster/redis/client.hpp"
#include "cluster/redis/proto/command_writer.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster::redis {

using namespace std::chrono_literals;
using net::sim_backend;
using strings = std::vector<std::string>;

inline constexpr std::string_view greeting = "%1\r\n+proto\r\n:3\r\n";

/// A command as it is on the wire.
inline std::string wire(std::initializer_list<std::string_view> words) {
    std::string out;
    append_command(out, std::span(words.begin(), words.size()));
    return out;
}

/// What the server sends: a push in RESP3, an array in RESP2.
inline std::string pushed(std::initializer_list<std::string_view> words, char type = '>') {
    std::string out = wire(words);
    out[0] = type;
    return out;
}
inline std::string confirmed(std::string_view kind, std::string_view channel, char type = '>') {
    return type + std::string("3\r\n$") + std::to_string(kind.size()) + "\r\n" + std::string(kind) +
           "\r\n$" + std::to_string(channel.size()) + "\r\n" + std::string(channel) + "\r\n:1\r\n";
}

/// Keeps what is logged.
class kept_log final : public log_sink {
public:
    void write(const log_record& record) noexcept override { lines.emplace_back(record.message); }
    strings lines;
};

class redis_world : public ::testing::Test {
protected:
    redis_world()
        : io(*new sim_backend),
          core(std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io),
                                                loop_options{.log = &log})) {
        core->start();
        io.serve_port(6379);
    }
    ~redis_world() override {  // handlers may note until then
        subject.reset();
        core.reset();
    }

    void run(int iterations = 4) {
        while (iterations-- > 0) core->turn(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    client& make(redis_options wanted = {}) {
        subject = std::make_unique<client>(core->ref(), std::move(wanted));
        subject->on_gap([this](gap which) {
            note(which == gap::begins ? "gap begins" : "gap ends");
            if (at_gap) at_gap();
        });
        return *subject;
    }
    /// The ends of the two connections, in the order they were made.
    void serve() {
        run();
        const auto taken = io.taken_connections(6379);
        ASSERT_EQ(taken.size(), 2U);
        commands = taken[0];
        channels = taken[1];
        run();
    }
    void open(redis_options wanted = {}) {
        ASSERT_TRUE(make(std::move(wanted)).start());
        serve();
        say(commands, greeting);
        say(channels, greeting);
        ASSERT_TRUE(subject->is_open());
        said(commands);
        said(channels);
    }
    void say(sim_backend::peer from, std::string_view bytes) {
        io.peer_send(from, bytes);
        run();
    }
    /// What the client has sent since last asked.
    std::string said(sim_backend::peer to) { return io.peer_take(to); }

    void note(std::string what) { seen.push_back(std::move(what)); }
    /// A handler of replies that notes what it gets.
    reply_handler noting(std::string name) {
        return [this, name](const result<reply_view>& outcome) {
            if (!outcome) return note(name + ": " + outcome.error().message());
            note(name + " = " +
                 (outcome->type() == reply_type::integer ? std::to_string(outcome->integer())
                                                         : std::string(outcome->text())));
        };
    }
    subscribed_handler noting_subscribed(std::string name) {
        return [this, name](const result<void>& outcome) {
            note(name + (outcome ? " subscribed" : ": " + outcome.error().message()));
        };
    }
    message_handler noting_messages(std::string name) {
        return [this, name](std::string_view channel, std::string_view payload) {
            note(name + " got " + std::string(payload) + " on " + std::string(channel));
        };
    }
    void subscribe(std::string name, channel_kind kind = channel_kind::plain) {
        ASSERT_TRUE(subject->subscribe(kind, name, noting_messages(name), noting_subscribed(name)));
        run();
    }
    strings take_seen() { return std::exchange(seen, {}); }

    kept_log log;
    sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    std::unique_ptr<client> subject;
    sim_backend::peer commands = -1, channels = -1;
    strings seen;
    std::function<void()> at_gap;
};

}  // namespace weft::cluster::redis
