// sec_w11: subscribers that do not read, among healthy ones. Whatever the policy: the healthy ones
// get everything in order, what waits for the others stays within the limit, each loss is counted,
// and who never reads on is dropped.

#include <gtest/gtest.h>

#include <algorithm>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

constexpr std::size_t stuck_count = 200;
constexpr std::size_t healthy_count = 20;
constexpr std::size_t max_queue = 128 * 1024;
constexpr int messages = 200;
constexpr std::size_t payload_size = 2000;  // 400 KB: thrice the limit

std::string text_of(int number) {
    std::string text = std::to_string(number) + ' ';
    text.resize(payload_size, '.');
    return text;
}
int number_of(const server_frame& frame) {
    return std::stoi(frame.payload);
}

struct crowd {
    explicit crowd(overflow_policy policy, std::size_t stuck_members = stuck_count)
        : world(chosen(policy)) {
        world.endpoint.on_open([](auto& c) { c.subscribe("news"); })
            .on_close([this](auto&, const close_event& e) { causes.push_back(e.cause); });
        for (std::size_t i = 0; i < stuck_members; ++i) {
            stuck.push_back(world.open());
            world.io.peer_window(stuck.back(), 2048);
        }
        for (std::size_t i = 0; i < healthy_count; ++i) healthy.push_back(world.open());
        received.resize(healthy.size());
    }
    static options chosen(overflow_policy policy) {
        options o;
        o.overflow = policy;
        o.max_queue = max_queue;
        return o;
    }

    std::size_t queued() {
        std::size_t sum = 0;
        world.shared.connections.for_each([&](const connection_core& open) {
            EXPECT_LE(open.queued(), max_queue);
            sum += open.queued();
        });
        return sum;
    }
    void publish_all(int keys = 0) {
        for (int i = 0; i < messages; ++i) {
            const std::string key = keys == 0 ? "" : "key " + std::to_string(i % keys);
            world.shared.hub.publish(pubsub::program_topic("news"),
                                     message::text(text_of(i), {.key = key}));
            if (i % 10 != 9) continue;
            world.run(2);
            most_queued = std::max(most_queued, queued());
            for (std::size_t h = 0; h < healthy.size(); ++h) {
                for (const server_frame& frame : world.frames(healthy[h]))
                    received[h].push_back(number_of(frame));
            }
        }
    }
    void expect_healthy_got_everything() {
        std::vector<int> all(messages);
        for (int i = 0; i < messages; ++i) all[static_cast<std::size_t>(i)] = i;
        for (const auto& numbers : received) EXPECT_EQ(numbers, all);
        EXPECT_LE(most_queued, stuck.size() * max_queue);
        EXPECT_GT(most_queued, stuck.size() * max_queue / 2);
        for (const auto peer : healthy) EXPECT_FALSE(world.ended(peer));
    }
    /// The stuck client reads on: the numbers of all that waited for it.
    std::vector<int> read_on(net::sim_backend::peer peer) {
        std::vector<int> numbers;
        std::string bytes;
        for (int i = 0; i < 200; ++i) {
            bytes += world.io.peer_take(peer);
            world.run(2);
        }
        for (const server_frame& frame : take_frames(bytes)) {
            if (frame.op() == 8) {
                closed_with = frame.close_code();
            } else {
                numbers.push_back(number_of(frame));
            }
        }
        EXPECT_EQ(bytes, "") << "part of a frame";
        return numbers;
    }
    /// All that never read are gone once nothing has moved for the stall time-out.
    void expect_gone_at_write_stall() {
        world.pass(29s);
        EXPECT_GT(world.loop.connections(), healthy.size());
        world.pass(1100ms);
        EXPECT_EQ(world.loop.connections(), healthy.size());
        EXPECT_EQ(world.shared.metrics.open.read(), healthy.size());
        EXPECT_EQ(queued(), 0U);
        for (const auto peer : stuck) EXPECT_TRUE(world.ended(peer));
        for (const auto peer : healthy) EXPECT_FALSE(world.ended(peer));
    }
    pubsub::queue_metrics& counters() { return world.shared.hub.metrics(); }

    std::vector<net::sim_backend::peer> stuck;
    std::vector<net::sim_backend::peer> healthy;
    std::vector<std::vector<int>> received;
    std::vector<std::error_code> causes;
    std::size_t most_queued = 0;
    int closed_with = 0;
    ws_world<> world;  // last: its end still tells of closes
};

bool is_consecutive(const std::vector<int>& numbers, std::size_t from, std::size_t to) {
    for (std::size_t i = from + 1; i < to; ++i) {
        if (numbers[i] != numbers[i - 1] + 1) return false;
    }
    return true;
}

TEST(sec_w11, close_ends_the_slow_with_1013) {
    crowd c(overflow_policy::close);
    c.publish_all();
    c.expect_healthy_got_everything();
    EXPECT_EQ(c.counters().closed.read(), stuck_count);
    EXPECT_EQ(c.world.shared.metrics.errors.read(errc::slow_consumer), stuck_count);
    EXPECT_EQ(c.world.shared.hub.subscribers(pubsub::program_topic("news")),
              healthy_count + stuck_count);
    EXPECT_LE(c.queued(), stuck_count * (max_queue + 200));

    // Who reads on in time learns why.
    const std::vector<int> got = c.read_on(c.stuck[0]);
    EXPECT_TRUE(is_consecutive(got, 0, got.size()));
    EXPECT_EQ(got.at(0), 0);
    EXPECT_EQ(c.closed_with, 1013);

    c.world.pass(5100ms);
    EXPECT_EQ(c.world.loop.connections(), healthy_count);
    EXPECT_EQ(c.world.shared.hub.subscribers(pubsub::program_topic("news")), healthy_count);
    EXPECT_EQ(c.queued(), 0U);
    ASSERT_EQ(c.causes.size(), stuck_count);
    for (const std::error_code& cause : c.causes) {
        EXPECT_EQ(cause, make_error_code(errc::slow_consumer));
    }
    for (const auto peer : c.healthy) EXPECT_FALSE(c.world.ended(peer));
}

TEST(sec_w11, close_lets_nobody_drip_the_rest_for_longer_than_the_close_time_out) {
    crowd c(overflow_policy::close, 1);
    c.publish_all();
    std::string bytes;
    for (int i = 0; i < 12; ++i) {  // half a window each half second: always some progress
        c.world.io.peer_window(c.stuck[0], 1);
        c.world.pass(500ms);
        bytes += c.world.io.peer_take(c.stuck[0]);
    }
    EXPECT_TRUE(c.world.ended(c.stuck[0]));
    EXPECT_EQ(c.world.loop.connections(), healthy_count);
}

TEST(sec_w11, drop_newest_keeps_what_came_first) {
    crowd c(overflow_policy::drop_newest);
    c.publish_all();
    c.expect_healthy_got_everything();
    const std::vector<int> got = c.read_on(c.stuck[0]);
    EXPECT_TRUE(is_consecutive(got, 0, got.size()));
    EXPECT_EQ(got.at(0), 0);
    EXPECT_EQ(c.counters().dropped_newest.read(), stuck_count * (messages - got.size()));
    EXPECT_FALSE(c.world.ended(c.stuck[0]));
    c.world.shared.hub.publish(pubsub::program_topic("news"), message::text("1000 now"));
    c.world.run();
    EXPECT_EQ(c.read_on(c.stuck[0]), std::vector<int>{1000});
    c.healthy.push_back(c.stuck[0]);
    c.stuck.erase(c.stuck.begin());
    c.expect_gone_at_write_stall();
    for (const std::error_code& cause : c.causes) EXPECT_EQ(cause, condition::timed_out);
}

TEST(sec_w11, drop_oldest_keeps_what_came_last) {
    crowd c(overflow_policy::drop_oldest);
    c.publish_all();
    c.expect_healthy_got_everything();
    const std::vector<int> got = c.read_on(c.stuck[0]);
    EXPECT_EQ(got.at(0), 0);
    EXPECT_EQ(got.back(), messages - 1);
    // One gap: between what the stream had already and what is left of what waited.
    std::size_t gaps = 0;
    for (std::size_t i = 1; i < got.size(); ++i) gaps += got[i] != got[i - 1] + 1 ? 1 : 0;
    EXPECT_EQ(gaps, 1U);
    EXPECT_EQ(c.counters().dropped_oldest.read() + c.counters().dropped_newest.read(),
              stuck_count * (messages - got.size()));
    c.healthy.push_back(c.stuck[0]);
    c.stuck.erase(c.stuck.begin());
    c.expect_gone_at_write_stall();
}

TEST(sec_w11, latest_per_key_keeps_the_last_of_each) {
    crowd c(overflow_policy::latest_per_key);
    constexpr int keys = 5;
    c.publish_all(keys);
    for (const auto& numbers : c.received) EXPECT_EQ(numbers.size(), std::size_t{messages});
    const std::vector<int> got = c.read_on(c.stuck[0]);
    EXPECT_EQ(c.counters().conflated.read() + c.counters().dropped_newest.read(),
              stuck_count * (messages - got.size()));
    ASSERT_GE(got.size(), std::size_t{keys});
    // A replacement takes the place of what it replaces.
    std::vector<int> last(got.end() - keys, got.end());
    std::sort(last.begin(), last.end());
    EXPECT_EQ(last, (std::vector<int>{195, 196, 197, 198, 199}));
    EXPECT_EQ(c.counters().dropped_newest.read(), 0U);
    c.healthy.push_back(c.stuck[0]);
    c.stuck.erase(c.stuck.begin());
    c.expect_gone_at_write_stall();
}

/// The same for a connection's own sends: the status tells of each policy.
send_status first_refusal(overflow_policy policy, std::size_t& accepted) {
    ws_world world(crowd::chosen(policy));
    send_status status = send_status::sent;
    world.endpoint.on_message([&](auto& c, message_view) {
        while (accepted < 1000) {
            status = c.send(text_of(0));
            if (status != send_status::sent && status != send_status::queued) return;
            ++accepted;
        }
    });
    const auto client = world.open();
    world.io.peer_window(client, 0);
    world.send(client, text_frame("go"));
    return status;
}

TEST(sec_w11, send_tells_what_became_of_the_message) {
    for (const auto policy : {overflow_policy::drop_newest, overflow_policy::drop_oldest,
                              overflow_policy::latest_per_key}) {
        std::size_t accepted = 0;
        EXPECT_EQ(first_refusal(policy, accepted), send_status::dropped);
        EXPECT_LE(accepted * payload_size, max_queue);
        EXPECT_GT(accepted * payload_size, max_queue * 9 / 10);
    }
    std::size_t accepted = 0;
    EXPECT_EQ(first_refusal(overflow_policy::close, accepted), send_status::closed);
    EXPECT_LE(accepted * payload_size, max_queue);
}

TEST(sec_w11, a_peer_that_does_not_read_is_not_read_from) {
    options chosen;
    chosen.pause_reading_at = 32 * 1024;
    ws_world world(chosen);
    world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
    const auto client = world.open();
    world.io.peer_window(client, 0);
    world.io.limit_receive(4096);
    for (int i = 0; i < 100; ++i) world.send(client, text_frame(text_of(i)));
    world.shared.connections.for_each([&](const connection_core& open) {
        EXPECT_LE(open.queued(), chosen.pause_reading_at + 8192);
        EXPECT_GE(open.queued(), chosen.pause_reading_at);
    });
    world.io.peer_window(client, SIZE_MAX);
    std::vector<int> numbers;
    std::string bytes;
    for (int i = 0; i < 50; ++i) {
        bytes += world.io.peer_take(client);
        world.run();
    }
    for (const server_frame& frame : take_frames(bytes)) numbers.push_back(number_of(frame));
    ASSERT_EQ(numbers.size(), 100U);
    EXPECT_TRUE(is_consecutive(numbers, 0, numbers.size()));
}

TEST(sec_w11, pings_of_ours_do_not_pile_up_either) {
    ws_world world(crowd::chosen(overflow_policy::drop_newest));
    std::size_t most = 0;
    world.endpoint.on_message([&](auto& c, message_view) {
        const std::string payload(125, 'p');
        for (int i = 0; i < 2000; ++i) c.ping(as_bytes(payload));
        most = c.queued();
    });
    const auto client = world.open();
    world.io.peer_window(client, 0);
    world.send(client, text_frame("go"));
    EXPECT_LE(most, max_queue);
    EXPECT_GT(most, 0U);
}

}  // namespace
}  // namespace weft::ws::test
