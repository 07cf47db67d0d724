#include "cluster/redis/proto/topology.hpp"

#include <gtest/gtest.h>

#include "cluster/redis/proto/reply_reader.hpp"
#include "cluster/redis/proto/slot.hpp"

namespace weft::cluster::redis {
namespace {

TEST(slot, is_the_crc16_of_the_specification) {
    EXPECT_EQ(slot_of("123456789"), 0x31C3);
    EXPECT_EQ(slot_of(""), 0);
    EXPECT_EQ(slot_of("foo"), 12182);
    EXPECT_EQ(slot_of("bar"), 5061);
    EXPECT_EQ(slot_of("\xFF\x80"), slot_of(std::string("\xFF\x80")));
}

TEST(slot, is_that_of_the_hash_tag) {
    EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
    EXPECT_EQ(slot_of("a{user1000}{b}"), slot_of("user1000"));
    EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
    EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar")) << "an empty tag is none";
    EXPECT_NE(slot_of("foo{bar"), slot_of("bar"));
    EXPECT_NE(slot_of("foo}bar{"), slot_of("bar"));
}

TEST(redirection, is_read_from_an_error) {
    auto found = read_redirection("MOVED 3999 127.0.0.1:6381");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->what, redirection::kind::moved);
    EXPECT_EQ(found->slot, 3999);
    EXPECT_EQ(found->host, "127.0.0.1");
    EXPECT_EQ(found->port, 6381);
    found = read_redirection("ASK 16383 ::1:65535");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->what, redirection::kind::ask);
    EXPECT_EQ(found->host, "::1");
    EXPECT_EQ(found->port, 65535);
    for (const char* own : {"MOVED 0 :1", "MOVED 0 ?:1"}) {
        found = read_redirection(own);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->host, "") << "that of the node itself";
    }
}

TEST(redirection, is_nothing_else) {
    for (const std::string text :
         {"", "ERR no", "MOVED", "MOVED ", "MOVED 1", "MOVED 16384 a:1", "MOVED -1 a:1",
          "MOVED x a:1", "MOVED 1 a", "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536",
          "MOVED 1 a:1x", "MOVED 1 a b:1", "MOVED 1  a:1", "moved 1 a:1", "MOVED1 a:1"}) {
        EXPECT_FALSE(read_redirection(text)) << text;
    }
    EXPECT_TRUE(read_redirection("MOVED 1 " + std::string(253, 'a') + ":1"));
    EXPECT_FALSE(read_redirection("MOVED 1 " + std::string(254, 'a') + ":1"));
}

std::optional<std::vector<slot_range>> read(std::string_view wire) {
    reply_reader reader({});
    EXPECT_EQ(reader.feed(wire).status, reply_status::complete) << wire;
    return read_slots(reader.reply());
}

TEST(slot_map, names_the_master_of_each_range) {
    const auto map = read(
        "*2\r\n"
        "*4\r\n:0\r\n:8191\r\n*4\r\n$1\r\na\r\n:7000\r\n$2\r\nid\r\n*0\r\n*3\r\n$1\r\nb\r\n:1\r\n+"
        "x\r\n"
        "*3\r\n:8192\r\n:16383\r\n*2\r\n_\r\n:7001\r\n");
    ASSERT_TRUE(map);
    ASSERT_EQ(map->size(), 2U);
    EXPECT_EQ((*map)[0].first, 0);
    EXPECT_EQ((*map)[0].last, 8191);
    EXPECT_EQ((*map)[0].host, "a");
    EXPECT_EQ((*map)[0].port, 7000);
    EXPECT_EQ((*map)[1].last, 16383);
    EXPECT_EQ((*map)[1].host, "") << "that of the node that was asked";
}

TEST(slot_map, is_refused_as_a_whole) {
    for (const std::string_view wire :
         {"+OK\r\n", "%0\r\n", "*1\r\n:1\r\n", "*1\r\n*2\r\n:0\r\n:1\r\n",
          "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n+a\r\n:1\r\n",
          "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n+a\r\n:1\r\n",
          "*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n+a\r\n:1\r\n",
          "*1\r\n*3\r\n+0\r\n:1\r\n*2\r\n+a\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n+a\r\n",
          "*1\r\n*3\r\n:0\r\n:1\r\n+a\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n:0\r\n",
          "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n:65536\r\n",
          "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a b\r\n:1\r\n",
          "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n*1\r\n+a\r\n:1\r\n",
          "*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n:1\r\n+x\r\n"}) {
        EXPECT_FALSE(read(wire)) << wire;
    }
    EXPECT_EQ(read("*0\r\n")->size(), 0U);
}

}  // namespace
}  // namespace weft::cluster::redis
