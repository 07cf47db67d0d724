// Slots with generations, connection ids, the queue of bytes on their way out, and a loop for which
// there is no memory.

#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <new>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>
#include <weft/net/conn_id.hpp>

#include "net/send_queue.hpp"
#include "net/slab.hpp"
#include "support/sim_world.hpp"

namespace {
std::size_t allocations = 0;  // NOLINT: counted for this program's one thread
std::size_t refused_from = SIZE_MAX, refused_to = SIZE_MAX;

bool refused() noexcept {
    const std::size_t number = allocations++;
    return number >= refused_from && number < refused_to;
}

/// Lets `count` allocations fail, the `first`-th from now and those behind it.
void refuse(std::size_t first, std::size_t count = 1) noexcept {
    refused_from = allocations + first;
    refused_to = refused_from + count;
}
}  // namespace

// Not inlined: g++ would see half of a pair and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (refused()) throw std::bad_alloc();
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return refused() ? nullptr : std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace weft::net {
namespace {

struct thing {
    thing(std::uint32_t s, std::uint32_t g, int* alive) : slot(s), generation(g), live(alive) {
        ++*live;
    }
    thing(const thing&) = delete;
    ~thing() { --*live; }
    std::uint32_t slot, generation;
    int* live;
};

TEST(slab, finds_only_the_living_of_the_right_generation) {
    int alive = 0;
    slab<thing> things;
    EXPECT_EQ(things.find(0, 1), nullptr);
    thing* first = things.make(&alive);
    EXPECT_EQ(things.find(first->slot, first->generation), first);
    EXPECT_EQ(things.find(first->slot, first->generation + 1), nullptr);
    EXPECT_EQ(things.find(first->slot + 1, first->generation), nullptr);
    EXPECT_EQ(things.find(0xFF'FFFF, first->generation), nullptr);
    const auto slot = first->slot, generation = first->generation;
    things.free(slot);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(things.find(slot, generation), nullptr);
    EXPECT_EQ(things.find(slot, generation + 1), nullptr) << "free";
    thing* second = things.make(&alive);
    EXPECT_EQ(second->slot, slot) << "reused";
    EXPECT_EQ(things.find(slot, generation), nullptr) << "stale";
    EXPECT_EQ(things.find(slot, second->generation), second);
}

TEST(slab, objects_stay_where_they_are) {
    int alive = 0;
    {
        slab<thing> things;
        std::vector<thing*> made;
        for (int i = 0; i < 1000; ++i) made.push_back(things.make(&alive));
        for (thing* t : made) EXPECT_EQ(things.find(t->slot, t->generation), t);
        EXPECT_EQ(things.size(), 1000U);
        std::size_t seen = 0;
        things.for_each([&](thing& t, std::uint32_t slot) {
            EXPECT_EQ(t.slot, slot);
            if (++seen % 2 == 0) things.free(slot);
        });
        EXPECT_EQ(seen, 1000U);
        EXPECT_EQ(alive, 500);
    }
    EXPECT_EQ(alive, 0);
}

TEST(slab, generation_wraps_past_zero) {
    struct small {
        small(std::uint32_t, std::uint8_t g) : generation(g) {}
        std::uint8_t generation;
    };
    slab<small, std::uint8_t> things;
    std::unordered_set<int> seen;
    for (int i = 0; i < 255; ++i) {
        seen.insert(things.make()->generation);
        things.free(0);
    }
    EXPECT_EQ(seen.size(), 255U);
    EXPECT_EQ(seen.count(0), 0U) << "would make an id that names nothing";
    EXPECT_EQ(things.make()->generation, 1);
}

TEST(conn_id, packs_and_unpacks) {
    const conn_id id(7, 0xABCDEF, 0x12345678);
    EXPECT_EQ(id.loop(), 7);
    EXPECT_EQ(id.slot(), 0xABCDEFU);
    EXPECT_EQ(id.generation(), 0x12345678U);
    EXPECT_EQ(conn_id::from_value(id.value()), id);
    EXPECT_TRUE(id);
    EXPECT_FALSE(conn_id());
    EXPECT_TRUE(conn_id(0, 0, 1));
    EXPECT_NE(id, conn_id(6, 0xABCDEF, 0x12345678));
    EXPECT_EQ(conn_id(0, 0xFFFF'FFFF, 1).slot(), conn_id::max_slot) << "no spill into the loop";
    EXPECT_EQ(conn_id(0, 0xFFFF'FFFF, 1).loop(), 0);
    EXPECT_EQ(std::unordered_set<conn_id>({id, id}).size(), 1U);
}

std::string text_of(const send_queue& queue) {
    std::array<iovec, 2000> pieces;
    const std::size_t used = queue.gather(pieces).pieces;
    std::string all;
    for (std::size_t i = 0; i < used; ++i) {
        all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    }
    return all;
}

TEST(send_queue, is_a_string_with_other_costs) {
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
        std::mt19937 random(seed);
        send_memory memory;
        send_queue queue;
        std::string model;
        auto shared = shared_buffer::allocate(4000);
        std::memset(shared->data(), 's', 4000);
        for (int step = 0; step < 3000; ++step) {
            const std::size_t size = random() % (1U << (random() % 15));
            switch (random() % 4) {
                case 3: {  // built in place, smaller than the room that was asked for
                    std::byte* const room = queue.prepare(size, memory);
                    ASSERT_NE(room, nullptr);
                    std::memset(room, 'r', size);
                    queue.commit(size / 2);
                    model.append(size / 2, 'r');
                    break;
                }
                case 0: {
                    std::string bytes(size, static_cast<char>('a' + random() % 26));
                    ASSERT_TRUE(queue.append(as_bytes(bytes), memory));
                    model += bytes;
                    break;
                }
                case 1: {
                    const std::size_t part = size % 4000;
                    ASSERT_TRUE(queue.append(buffer_slice{shared, {shared->data(), part}}, memory));
                    model.append(part, 's');
                    break;
                }
                default: {
                    const std::size_t count = std::min(model.size(), size * 3);
                    queue.consume(count, memory);
                    model.erase(0, count);
                }
            }
            ASSERT_EQ(queue.size(), model.size());
            ASSERT_EQ(queue.empty(), model.empty());
            if (step % 50 == 0) {
                ASSERT_EQ(text_of(queue), model);
                std::vector<std::byte> some(random() % 5000);
                ASSERT_EQ(queue.peek(some), std::min(some.size(), model.size()));
                ASSERT_EQ(as_text(some).substr(0, model.size()), model.substr(0, some.size()));
            }
        }
        queue.clear(memory);
        EXPECT_TRUE(queue.empty());
        EXPECT_EQ(text_of(queue), "");
        EXPECT_TRUE(shared->unique());
    }
}

TEST(send_queue, gathers_only_as_many_pieces_as_fit) {
    send_memory memory;
    send_queue queue;
    auto shared = shared_buffer::allocate(10);
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(queue.append(buffer_slice{shared, {shared->data(), 10}}, memory));
    }
    std::array<iovec, 3> pieces;
    EXPECT_EQ(queue.gather(pieces).pieces, 3U);
    queue.consume(25, memory);
    EXPECT_EQ(queue.gather(pieces).pieces, 3U);
    EXPECT_EQ(pieces[0].iov_len, 5U);
    queue.clear(memory);
}

TEST(send_queue, gives_room_up_to_its_largest_block) {
    send_memory memory;
    send_queue queue;
    EXPECT_NE(queue.prepare(64 * 1024, memory), nullptr);
    EXPECT_EQ(queue.prepare(64 * 1024 + 1, memory), nullptr);
    ASSERT_TRUE(queue.append(as_bytes("ab"), memory));
    EXPECT_EQ(text_of(queue), "ab");
    queue.clear(memory);
}

TEST(send_queue, small_writes_share_a_block_and_steady_flow_allocates_nothing) {
    send_memory memory;
    std::deque<send_queue> queues(50);
    const std::string bytes(300, 'x');
    auto shared = shared_buffer::allocate(100);
    std::size_t after_warm_up = 0;
    for (int round = 0; round < 200; ++round) {
        if (round == 20) after_warm_up = allocations;
        for (send_queue& q : queues) {
            for (int i = 0; i < 3; ++i) ASSERT_TRUE(q.append(as_bytes(bytes), memory));
            std::array<iovec, 4> pieces;
            ASSERT_EQ(q.gather(pieces).pieces, 1U);
            ASSERT_TRUE(q.append(buffer_slice{shared, {shared->data(), 100}}, memory));
        }
        for (send_queue& q : queues) q.clear(memory);
    }
    EXPECT_EQ(allocations, after_warm_up);
}

TEST(loop_without_memory, pauses_accepting_for_want_of_descriptors) {
    test::sim_world world;
    world.run(2);
    world.io.limit_descriptors(1);  // the listener's
    const auto first = world.io.connect_client(80);
    refuse(0, 1000);
    world.run();
    refuse(0, 0);
    EXPECT_TRUE(world.io.peer_sees_reset(first));
    world.io.limit_descriptors(10);
    world.pass(std::chrono::milliseconds(60));
    world.io.connect_client(80);
    world.run(2);
    EXPECT_EQ(world.core.connections(), 1U);
}

TEST(loop_without_memory, tells_once_a_minute_that_descriptors_ran_out) {
    struct sink final : log_sink {
        void write(const log_record& record) noexcept override {
            lines += record.level >= log_level::warning ? 1 : 0;
            last = record.message;
        }
        int lines = 0;
        std::string last;
    } told;
    test::sim_world world({.log = &told});
    world.run(2);
    world.io.limit_descriptors(1);
    for (int i = 0; i < 100; ++i) {  // each pause is 50 ms
        world.io.connect_client(80);
        world.run(2);
        world.pass(std::chrono::milliseconds(60));
    }
    EXPECT_EQ(told.lines, 1);
    EXPECT_NE(told.last.find("descriptors ran out"), std::string::npos) << told.last;
    world.pass(std::chrono::minutes(1));
    world.io.connect_client(80);
    world.run(2);
    EXPECT_EQ(told.lines, 2);
}

TEST(loop_without_memory, tells_that_it_cannot_connect) {
    int connected = 0;
    int failed = 0;
    for (std::size_t missing = 0; missing < 30; ++missing) {
        test::sim_world world;
        world.io.serve_port(90);
        net::connect_options to;
        to.host = "127.0.0.1";
        to.port = 90;
        int told = 0;
        world.core.connect(to, [&](result<byte_stream*> got) {
            ++told;
            ++(got ? connected : failed);
            if (got) (*got)->abort(make_error_code(errc::closed_locally));
        });
        refuse(missing);
        world.run(3);
        refuse(0, 0);
        world.run(3);
        EXPECT_EQ(told, 1) << "allocation " << missing;
        EXPECT_EQ(world.core.connections(), 0U) << "allocation " << missing;
        EXPECT_EQ(world.io.open_descriptors(), 1U) << "allocation " << missing;
    }
    EXPECT_GT(connected, 0);
    EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace weft::net
