#include "cluster/adapter/proto/channels.hpp"

#include <gtest/gtest.h>

namespace weft::cluster {
namespace {

std::string parsed(std::string_view channel, std::string_view key = "socket.io") {
    const auto found = parse_channel(channel, key);
    if (!found) return "none";
    constexpr std::string_view kinds[] = {"broadcast", "request", "response"};
    return std::string(kinds[static_cast<std::size_t>(found->kind)]) + ' ' +
           std::string(found->nsp) + ' ' + std::string(found->target);
}

TEST(channels, have_the_names_that_node_gives_them) {
    EXPECT_EQ(broadcast_channel("socket.io", "/"), "socket.io#/#");
    EXPECT_EQ(target_channel("socket.io", "/chat", "room1"), "socket.io#/chat#room1#");
    EXPECT_EQ(id_pattern("socket.io", "/chat"), "socket.io#/chat#????????????????????#");
    EXPECT_EQ(request_channel("socket.io", "/"), "socket.io-request#/#");
    EXPECT_EQ(response_channel("socket.io", "/"), "socket.io-response#/#");
    EXPECT_EQ(response_channel("socket.io", "/", "jfGJ2o"), "socket.io-response#/#jfGJ2o#");
}

TEST(channels, of_a_namespace_that_looks_like_a_pattern_match_only_it) {
    EXPECT_EQ(id_pattern("k", "/a*?[b]\\c"), "k#/a\\*\\?\\[b]\\\\c#????????????????????#");
}

TEST(channels, are_taken_apart) {
    EXPECT_EQ(parsed("socket.io#/#"), "broadcast / ");
    EXPECT_EQ(parsed("socket.io#/chat#room1#"), "broadcast /chat room1");
    EXPECT_EQ(parsed("socket.io#/#a#b##"), "broadcast / a#b#") << "a room's name may hold anything";
    EXPECT_EQ(parsed("socket.io#/##"), "broadcast / ");
    EXPECT_EQ(parsed("socket.io-request#/#"), "request / ");
    EXPECT_EQ(parsed("socket.io-response#/#"), "response / ");
    EXPECT_EQ(parsed("socket.io-response#/chat#jfGJ2o#"), "response /chat jfGJ2o");
    EXPECT_EQ(parsed("k-request-request#/#", "k-request"), "request / ");
}

TEST(channels, of_others_are_left_alone) {
    for (const std::string_view channel :
         {"", "socket.io", "socket.io#", "socket.io#/", "socket.iox#/#", "socket.i#/#",
          "socket.io-requests#/#", "socket.io#/#room", "other#/#"}) {
        EXPECT_EQ(parsed(channel), "none") << channel;
    }
}

TEST(channels, read_back_what_is_written) {
    const std::string nsp = "/chat";
    EXPECT_EQ(parsed(broadcast_channel("k", nsp), "k"), "broadcast /chat ");
    EXPECT_EQ(parsed(target_channel("k", nsp, "r"), "k"), "broadcast /chat r");
    EXPECT_EQ(parsed(request_channel("k", nsp), "k"), "request /chat ");
    EXPECT_EQ(parsed(response_channel("k", nsp), "k"), "response /chat ");
    EXPECT_EQ(parsed(response_channel("k", nsp, "u"), "k"), "response /chat u");
}

}  // namespace
}  // namespace weft::cluster
