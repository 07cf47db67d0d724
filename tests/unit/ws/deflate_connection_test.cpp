// permessage-deflate on whole connections: what was agreed on is what is sent, broadcasts are
// compressed once for all, and nobody's bomb keeps the loop from its other connections.

#include <gtest/gtest.h>

#include <zlib.h>

#include <stdexcept>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

options with_deflate(deflate_options chosen = {}) {
    options o;
    o.deflate = chosen;
    return o;
}

std::string json(int number) {
    std::string text = R"({"type":"position","user":"somebody with a name","number":)" +
                       std::to_string(number) + R"(,"tags":["alpha","beta","gamma","delta"]})";
    text.resize(200, ' ');
    return text;
}

/// A client's own zlib: it decodes what a server sends under an agreement, and compresses.
class zlib_client {
public:
    explicit zlib_client(int server_bits = 12, int client_bits = 12, bool server_takeover = true,
                         bool client_takeover = true)
        : server_takeover_(server_takeover), client_takeover_(client_takeover) {
        EXPECT_EQ(inflateInit2(&in_, -server_bits), Z_OK);
        EXPECT_EQ(deflateInit2(&out_, 6, Z_DEFLATED, -client_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    }
    ~zlib_client() {
        inflateEnd(&in_);
        deflateEnd(&out_);
    }
    zlib_client(const zlib_client&) = delete;
    zlib_client& operator=(const zlib_client&) = delete;

    /// The text of a frame, compressed or not.
    std::string text(const server_frame& frame) {
        if ((frame.first & 0x40) == 0) return frame.payload;
        std::string input = frame.payload + std::string("\0\0\xFF\xFF", 4);
        std::string out(4'000'000, '\0');
        in_.next_in = reinterpret_cast<Bytef*>(input.data());
        in_.avail_in = static_cast<uInt>(input.size());
        in_.next_out = reinterpret_cast<Bytef*>(out.data());
        in_.avail_out = static_cast<uInt>(out.size());
        EXPECT_EQ(inflate(&in_, Z_SYNC_FLUSH), Z_OK) << (in_.msg != nullptr ? in_.msg : "");
        EXPECT_EQ(in_.avail_in, 0U);
        out.resize(out.size() - in_.avail_out);
        if (!server_takeover_) inflateReset(&in_);
        return out;
    }
    /// A compressed text message.
    std::string frame(const std::string& text) {
        if (text.empty()) return encode({0xC1, std::string(1, '\0')});
        std::string out(deflateBound(&out_, text.size()) + 1000, '\0');
        out_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        out_.avail_in = static_cast<uInt>(text.size());
        out_.next_out = reinterpret_cast<Bytef*>(out.data());
        out_.avail_out = static_cast<uInt>(out.size());
        deflate(&out_, Z_SYNC_FLUSH);
        out.resize(out.size() - out_.avail_out - 4);
        if (!client_takeover_) deflateReset(&out_);
        return encode({0xC1, out});
    }

private:
    z_stream in_{};
    z_stream out_{};
    bool server_takeover_;
    bool client_takeover_;
};

std::string offer(std::string_view parameters = "") {
    return "Sec-WebSocket-Extensions: permessage-deflate" + std::string(parameters) + "\r\n";
}

struct agreed {
    const char* offered;
    const char* answered;
    int server_bits, client_bits;
    bool server_takeover, client_takeover;
};

TEST(deflate_connection, speaks_what_was_agreed_on) {
    const agreed cases[] = {
        {"", "permessage-deflate\r\n", 12, 15, true, true},
        {"; client_max_window_bits", "permessage-deflate; client_max_window_bits=12\r\n", 12, 12,
         true, true},
        {"; server_max_window_bits=9", "server_max_window_bits=9", 9, 15, true, true},
        {"; client_max_window_bits=10", "client_max_window_bits=10", 12, 10, true, true},
        {"; server_no_context_takeover", "server_no_context_takeover", 12, 15, false, true},
        {"; client_no_context_takeover", "client_no_context_takeover", 12, 15, true, false},
        {"; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; "
         "client_max_window_bits=11",
         "server_max_window_bits=10", 10, 11, false, false}};
    for (const agreed& c : cases) {
        SCOPED_TRACE(c.offered);
        deflate_options chosen;
        chosen.threshold = 0;
        ws_world world(with_deflate(chosen));
        world.endpoint.on_message([](auto& conn, message_view m) { conn.send(m); });
        const auto client = world.open(offer(c.offered));
        EXPECT_NE(world.response.find("Sec-WebSocket-Extensions: permessage-deflate"),
                  std::string::npos);
        EXPECT_NE(world.response.find(c.answered), std::string::npos) << world.response;
        zlib_client zlib(c.server_bits, c.client_bits, c.server_takeover, c.client_takeover);
        std::size_t first = 0;
        std::size_t last = 0;
        for (int i = 0; i < 40; ++i) {
            const std::string said = json(i);
            world.send(client, zlib.frame(said));
            const auto got = world.frames(client);
            ASSERT_EQ(got.size(), 1U);
            EXPECT_EQ(got[0].first, 0xC1);
            ASSERT_EQ(zlib.text(got[0]), said);
            (i == 0 ? first : last) = got[0].payload.size();
        }
        if (c.server_takeover) {
            EXPECT_LT(last, first / 3);
        } else {
            EXPECT_GT(last, first - 10);
        }
    }
}

TEST(deflate_connection, is_declined_without_the_option_and_without_an_offer) {
    ws_world plain;
    plain.open(offer());
    EXPECT_EQ(plain.response.find("permessage-deflate"), std::string::npos);
    ws_world world(with_deflate());
    world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
    const auto client = world.open();
    EXPECT_EQ(world.response.find("permessage-deflate"), std::string::npos);
    world.send(client, encode({0xC1, "x"}));
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].close_code(), 1002);
}

TEST(deflate_connection, what_does_not_shrink_goes_uncompressed_and_harms_no_history) {
    ws_world world(with_deflate());
    world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
    const auto client = world.open(offer());
    zlib_client zlib(12, 15);
    std::string noise;
    std::uint32_t state = 1;
    for (int i = 0; i < 500; ++i) noise += static_cast<char>((state = state * 69069 + 1) >> 24);
    for (int i = 0; i < 20; ++i) {
        const auto reply_to = [&](const std::string& frame) {
            world.send(client, frame);
            return world.frames(client).at(0);
        };
        const server_frame compressed = reply_to(zlib.frame(json(i)));
        EXPECT_EQ(compressed.first, 0xC1);
        ASSERT_EQ(zlib.text(compressed), json(i));
        const server_frame plain = reply_to(binary_frame(noise));
        EXPECT_EQ(plain.first, 0x82);
        EXPECT_EQ(plain.payload, noise);
        EXPECT_EQ(reply_to(zlib.frame("short")).first, 0x81);
        EXPECT_EQ(reply_to(zlib.frame("")).payload, "");
    }
}

TEST(deflate_connection, a_broadcast_is_compressed_once_per_window_size) {
    ws_world world(with_deflate());
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); });
    struct member {
        net::sim_backend::peer peer;
        std::unique_ptr<zlib_client> zlib;
        int bits;
    };
    std::vector<member> members;
    const auto join = [&](std::string_view parameters, int bits, bool takeover) {
        members.push_back({world.open(offer(parameters)),
                           std::make_unique<zlib_client>(bits, 15, takeover), bits});
    };
    for (int i = 0; i < 3; ++i) {
        join("", 12, true);
        join("; server_no_context_takeover", 12, false);
        join("; server_max_window_bits=9", 9, true);
        join("; server_max_window_bits=10; server_no_context_takeover", 10, false);
        members.push_back({world.open(), std::make_unique<zlib_client>(), 0});
    }
    std::string long_text;
    for (int i = 0; i < 50; ++i) long_text += json(i);
    const message shared = message::text(long_text);
    EXPECT_EQ(world.shared.hub.publish(pubsub::program_topic("all"), shared), members.size());
    world.run();
    std::map<int, std::string> by_bits;
    for (member& m : members) {
        const auto got = world.frames(m.peer);
        ASSERT_EQ(got.size(), 1U);
        EXPECT_EQ(got[0].first, m.bits == 0 ? 0x81 : 0xC1);
        EXPECT_EQ(m.zlib->text(got[0]), long_text);
        const auto [entry, fresh] = by_bits.emplace(m.bits, got[0].payload);
        if (!fresh) {
            EXPECT_EQ(entry->second, got[0].payload);
        }
    }
    EXPECT_EQ(by_bits.size(), 4U);
    // Each variant is kept with the message, and no other was made.
    int made = 0;
    for (int bits = 9; bits <= 15; ++bits) {
        (void)shared.encoded(message_encoding::deflated_frame(bits), [&](const message&) {
            ++made;
            return buffer_slice{};
        });
    }
    EXPECT_EQ(made, 4);  // 11, 13, 14, 15
    // What is kept is what everybody gets: a marked variant reaches all of its class.
    const message marked = message::text(long_text);
    (void)marked.encoded(message_encoding::deflated_frame(12), [](const message&) {
        const std::string frame("\x81\x06marked", 8);
        buffer_ref block = shared_buffer::allocate(frame.size());
        std::memcpy(block->data(), frame.data(), frame.size());
        const byte_view bytes(block->data(), frame.size());
        return buffer_slice{std::move(block), bytes};
    });
    world.shared.hub.publish(pubsub::program_topic("all"), marked);
    world.run();
    for (member& m : members) {
        const auto got = world.frames(m.peer);
        ASSERT_EQ(got.size(), 1U);
        EXPECT_EQ(got[0].payload == "marked", m.bits == 12);
    }
}

TEST(deflate_connection, a_message_that_asks_for_it_goes_uncompressed) {
    deflate_options chosen;
    chosen.threshold = 0;
    ws_world world(with_deflate(chosen));
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); });
    const auto client = world.open(offer());
    const std::string text(500, 'a');
    world.shared.hub.publish(pubsub::program_topic("all"),
                             message::text(text, {.uncompressed = true}));
    world.shared.hub.publish(pubsub::program_topic("all"), message::text(text));
    world.run();
    const auto frames = world.frames(client);
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].first, 0x81);
    EXPECT_EQ(frames[0].payload, text);
    EXPECT_EQ(frames[1].first, 0xC1);
}

TEST(deflate_connection, own_and_shared_messages_mix_on_a_connection_with_history) {
    ws_world world(with_deflate());
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); })
        .on_message([](auto& c, message_view m) { c.send(m); });
    const auto client = world.open(offer());
    zlib_client zlib(12, 15);
    std::uint32_t state = 7;
    int compressed = 0;
    for (int i = 0; i < 300; ++i) {
        state = state * 1664525 + 1013904223;
        std::string text;
        for (std::uint32_t n = 0; n <= state >> 28; ++n) text += json(static_cast<int>(n) + i);
        if ((state >> 20 & 1) != 0) {
            world.shared.hub.publish(pubsub::program_topic("all"), message::text(text));
            world.run();
        } else {
            world.send(client, zlib.frame(text));
        }
        const auto got = world.frames(client);
        ASSERT_EQ(got.size(), 1U);
        ASSERT_EQ(zlib.text(got[0]), text) << i;
        compressed += (got[0].first & 0x40) != 0 ? 1 : 0;
        if (i % 7 == 0) world.pass(100ms);
    }
    EXPECT_GT(compressed, 200);
}

TEST(deflate_connection, frees_its_compressors_when_idle_and_goes_on_afterwards) {
    ws_world world(with_deflate());
    world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
    const auto client = world.open(offer("; client_max_window_bits=12"));
    zlib_client zlib;
    std::vector<std::size_t> sizes;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 5; ++i) {
            world.send(client, zlib.frame(json(i)));
            const auto got = world.frames(client);
            ASSERT_EQ(got.size(), 1U);
            ASSERT_EQ(zlib.text(got[0]), json(i));
            sizes.push_back(got[0].payload.size());
        }
        world.send(client, encode({0x89, "half a ping"}).substr(0, 8));
        world.pass(25100ms);
        auto got = world.frames(client);
        ASSERT_EQ(got.size(), 1U) << round;
        EXPECT_EQ(got[0].op(), 9);
        world.send(client, encode({0x89, "half a ping"}).substr(8) + encode({0x8A, ""}));
        got = world.frames(client);
        ASSERT_EQ(got.size(), 1U) << round;
        EXPECT_EQ(got[0].payload, "half a ping");
    }
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (i % 5 == 0) {
            EXPECT_EQ(sizes[i], sizes[0]) << "the history went with the stream";
        } else {
            EXPECT_LT(sizes[i], sizes[0] / 3);
        }
    }
}

std::string bomb_of(std::size_t size) {
    zlib_client zlib;
    return zlib.frame(std::string(size, '\0'));
}

TEST(deflate_connection, sec_w7_a_bomb_ends_its_connection_with_1009_and_little_memory) {
    for (const std::size_t size : {std::size_t{2} << 20, std::size_t{16} << 20}) {
        for (const std::size_t split : {SIZE_MAX, std::size_t{1000}}) {
            ws_world world(with_deflate());
            std::error_code cause;
            int received = 0;
            world.endpoint.on_message([&](auto&, message_view) { ++received; })
                .on_close([&](auto&, const close_event& e) { cause = e.cause; });
            const auto client = world.open(offer("; client_max_window_bits=12"));
            world.io.limit_receive(split);
            const std::string bomb = bomb_of(size);
            world.io.peer_send(client, bomb);
            std::uint64_t most = 0;
            for (int i = 0; i < 400 && !world.ended(client); ++i) {
                world.run(1);
                most = std::max(most, world.shared.budget.used());
            }
            const auto got = world.frames(client);
            ASSERT_EQ(got.size(), 1U);
            EXPECT_EQ(got[0].close_code(), 1009);
            EXPECT_EQ(cause, make_error_code(errc::message_too_big));
            EXPECT_EQ(received, 0);
            EXPECT_LE(most, 2 * (1024 * 1024 + 64 * 1024));
            EXPECT_EQ(world.shared.budget.used(), 0U);
        }
    }
}

TEST(deflate_connection, sec_w7_others_are_served_between_the_slices) {
    options chosen = with_deflate();
    chosen.max_message = 64 << 20;
    ws_world world(chosen);
    std::size_t received = 0;
    world.endpoint.on_message([&](auto& c, message_view m) {
        received += m.size();
        if (m.size() < 100) c.send(m);
    });
    const auto bomber = world.open(offer("; client_max_window_bits=12"));
    const auto healthy = world.open();
    zlib_client zlib;
    world.io.peer_send(bomber, zlib.frame(std::string(16 << 20, 'z')));
    int turns = 0;
    int answered = 0;
    for (; received < std::size_t{16} << 20 && turns < 1000; ++turns) {
        world.io.peer_send(healthy, text_frame("?"));
        world.run(1);
        answered += static_cast<int>(world.frames(healthy).size());
    }
    EXPECT_GE(turns, 8);  // turn_work each: 2 MiB
    EXPECT_GE(answered, turns - 2);
}

TEST(deflate_connection, sec_w7_compressing_counts_as_work_of_the_turn) {
    ws_world world(with_deflate());
    int handled = 0;
    world.endpoint.on_message([&](auto& c, message_view) {
        ++handled;
        c.send(std::string(64 * 1024, 'x'));
    });
    const auto client = world.open(offer(""));
    std::string flood;
    for (int i = 0; i < 200; ++i) flood += text_frame("?");
    world.io.peer_send(client, flood);
    world.run(1);
    EXPECT_LE(handled, 1 + 2 * 1024 / (4 * 64) + 1);
    world.run(40);
    EXPECT_EQ(handled, 200);
}

TEST(deflate_connection, sec_w7_compressing_what_many_share_counts_as_work_of_the_turn) {
    ws_world world(with_deflate());
    int handled = 0;
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); });
    world.endpoint.on_message([&](auto& c, message_view) {
        ++handled;
        c.publish("all", std::string(64 * 1024, 'x'));
    });
    const auto client = world.open(offer(""));
    const auto member = world.open(offer(""));
    world.io.peer_window(member, 100'000'000);
    std::string flood;
    for (int i = 0; i < 200; ++i) flood += text_frame("?");
    world.io.peer_send(client, flood);
    world.run(1);
    EXPECT_LE(handled, 1 + 2 * 1024 / (4 * 64) + 1);
    world.run(40);
    EXPECT_EQ(handled, 200);
}

TEST(deflate_connection, sec_w7_a_large_message_goes_uncompressed_while_others_wait) {
    constexpr std::uint8_t compressed = 0x40;
    constexpr int count = 40;
    ws_world world(with_deflate());
    world.endpoint.on_message([&](auto& c, message_view m) {
        c.send(std::string(m.text() == "large" ? 100'000 : 1000, 'x'));
    });
    const auto client = world.open(offer(""));
    world.io.peer_window(client, 100'000'000);
    const auto ask = [&](int times) {
        std::string flood;
        for (int i = 0; i < times; ++i) flood += text_frame("large") + text_frame("small");
        world.io.peer_send(client, flood);
        std::string bytes = world.take_all(client);
        return take_frames(bytes);
    };
    const auto answers = ask(count);
    ASSERT_EQ(answers.size(), 2U * count);
    int plain = 0;
    for (std::size_t i = 0; i < answers.size(); i += 2) {
        plain += (answers[i].first & compressed) == 0 ? 1 : 0;
        EXPECT_NE(answers[i + 1].first & compressed, 0) << "a small one is compressed always";
    }
    EXPECT_NE(answers.front().first & compressed, 0) << "nobody waited yet";
    EXPECT_GT(plain, count / 2);
    EXPECT_NE(ask(1).front().first & compressed, 0) << "nobody waits any more";
}

TEST(deflate_connection, what_came_behind_a_long_inflation_keeps_its_order) {
    options chosen = with_deflate();
    chosen.max_message = 8 << 20;
    ws_world world(chosen);
    std::vector<std::string> received;
    close_event ended;
    world.endpoint
        .on_message([&](auto&, message_view m) {
            received.push_back(m.size() > 100 ? std::to_string(m.size()) : std::string(m.text()));
        })
        .on_close([&](auto&, const close_event& e) { ended = e; });
    const auto client = world.open(offer("; client_max_window_bits=12"));
    zlib_client zlib;
    std::vector<std::string> expected;
    std::string burst;
    const auto say = [&](std::string text) {
        burst += zlib.frame(text);
        expected.push_back(text.size() > 100 ? std::to_string(text.size()) : text);
    };
    for (int i = 0; i < 5; ++i) {
        say(std::string(3'000'000 + static_cast<std::size_t>(i), 'k'));
        say("small " + std::to_string(i));
        burst += text_frame("plain");
        expected.emplace_back("plain");
    }
    // In pieces that arrive while earlier ones are still being inflated.
    world.io.limit_receive(900);
    for (std::size_t at = 0; at < burst.size(); at += 500) {
        world.io.peer_send(client, burst.substr(at, 500));
        world.run(1);
    }
    world.io.peer_send(client, close_frame(1000));
    world.io.peer_end(client);
    world.run(200);
    EXPECT_EQ(received, expected);
    EXPECT_TRUE(ended.clean);
    EXPECT_EQ(ended.code, close_code::normal);
}

TEST(deflate_connection, messages_inflated_in_slices_count_towards_the_rate) {
    options chosen = with_deflate();
    chosen.rate = receive_rate{10, 1'000'000};
    ws_world world(chosen);
    int received = 0;
    world.endpoint.on_message([&](auto&, message_view) { ++received; });
    const auto client = world.open(offer("; client_max_window_bits=12"));
    zlib_client zlib;
    std::string burst;
    for (int i = 0; i < 60; ++i) burst += zlib.frame(std::string(30'000, 'r'));
    world.send(client, burst);
    world.run(20);
    // Two seconds' worth and the rest of a slice; then ten per second.
    EXPECT_GE(received, 20);
    EXPECT_LE(received, 30);
    EXPECT_EQ(world.shared.metrics.throttled.read(), 1U);
    world.send(client, zlib.frame("one more"));
    for (int i = 0; i < 30; ++i) {
        EXPECT_LE(received, 30 + i);
        world.pass(100ms);
    }
    world.pass(1s);
    world.pass(1s);
    EXPECT_EQ(received, 61);
}

TEST(deflate_connection, what_waits_to_be_inflated_also_waits_for_a_peer_that_does_not_read) {
    options chosen = with_deflate();
    chosen.deflate->threshold = SIZE_MAX;
    ws_world world(chosen);
    int received = 0;
    world.endpoint.on_message([&](auto& c, message_view m) {
        ++received;
        c.send(m);
    });
    const auto client = world.open(offer("; client_max_window_bits=12"));
    world.io.peer_window(client, 0);
    zlib_client zlib;
    for (int i = 0; i < 100; ++i) world.io.peer_send(client, zlib.frame(std::string(500'000, 'r')));
    world.run(300);
    EXPECT_GE(received, 2);
    EXPECT_LE(received, 4);  // pause_reading_at is 1 MiB
    world.io.peer_window(client, SIZE_MAX);
    std::string bytes;
    for (int i = 0; i < 500; ++i) {
        bytes += world.io.peer_take(client);
        world.run(1);
    }
    EXPECT_EQ(received, 100);
    EXPECT_EQ(take_frames(bytes).size(), 100U);
}

TEST(deflate_connection, may_end_amid_an_inflation) {
    for (const std::string how : {"reset", "end", "close handler", "terminate"}) {
        SCOPED_TRACE(how);
        options chosen = with_deflate();
        chosen.max_message = 64 << 20;
        ws_world world(chosen);
        int closed = 0;
        conn_id id;
        world.endpoint.on_open([&](auto& c) { id = c.id(); })
            .on_message([](auto& c, message_view m) {
                if (m.text() == "close") c.close();
                if (m.text() == "terminate") c.terminate();
            })
            .on_close([&](auto&, const close_event&) { ++closed; });
        const auto client = world.open(offer("; client_max_window_bits=12"));
        zlib_client zlib;
        world.io.peer_send(client, zlib.frame(std::string(4 << 20, 'z')) +
                                       zlib.frame(how == "terminate" ? "terminate" : "close") +
                                       zlib.frame(std::string(4 << 20, 'z')));
        world.run(10);
        if (how == "reset") world.io.peer_reset(client);
        if (how == "end") world.io.peer_end(client);
        world.run(400);
        world.pass(31s);
        EXPECT_EQ(closed, 1);
        EXPECT_EQ(world.loop.connections(), 0U);
        EXPECT_EQ(world.shared.budget.used(), 0U);
    }
}

}  // namespace
}  // namespace weft::ws::test
