// Which addresses a list of networks has.

#include <gtest/gtest.h>

#include "net/network_list.hpp"

namespace weft::net {
namespace {

bool has(const std::vector<std::string>& texts, std::string_view address) {
    const auto made = network_list::make(texts);
    if (!made) ADD_FAILURE() << made.error().message();
    return made->has(*socket_address::make(address, 1));
}

TEST(network_list, compares_the_bits_of_the_prefix) {
    EXPECT_TRUE(has({"10.0.0.0/8"}, "10.255.1.2"));
    EXPECT_FALSE(has({"10.0.0.0/8"}, "11.0.0.0"));
    EXPECT_TRUE(has({"172.16.0.0/12"}, "172.31.255.255"));
    EXPECT_FALSE(has({"172.16.0.0/12"}, "172.32.0.0"));
    EXPECT_TRUE(has({"172.16.9.9/12"}, "172.20.0.1")) << "bits behind the prefix do not count";
    EXPECT_TRUE(has({"192.0.2.1"}, "192.0.2.1"));
    EXPECT_FALSE(has({"192.0.2.1"}, "192.0.2.2"));
    EXPECT_TRUE(has({"192.0.2.2/31"}, "192.0.2.3"));
    EXPECT_TRUE(has({"fd00::/8"}, "fdff::1"));
    EXPECT_FALSE(has({"fd00::/8"}, "fe80::1"));
    EXPECT_FALSE(has({"2001:db8::/127"}, "2001:db8::2"));
    EXPECT_TRUE(has({"10.0.0.0/8", "::1"}, "::1"));
}

TEST(network_list, an_ipv4_address_is_the_same_when_mapped_to_ipv6) {
    EXPECT_TRUE(has({"10.0.0.0/8"}, "::ffff:10.1.2.3"));
    EXPECT_TRUE(has({"::ffff:10.1.2.3"}, "10.1.2.3"));
    EXPECT_TRUE(has({"::ffff:10.0.0.0/104"}, "10.1.2.3"));
    EXPECT_FALSE(has({"::ffff:10.0.0.0/104"}, "11.1.2.3"));
}

TEST(network_list, no_network_of_one_family_has_addresses_of_the_other) {
    EXPECT_TRUE(has({"0.0.0.0/0"}, "203.0.113.9"));
    EXPECT_FALSE(has({"0.0.0.0/0"}, "2001:db8::1"));
    EXPECT_TRUE(has({"::/0"}, "2001:db8::1"));
    EXPECT_FALSE(has({"::/0"}, "203.0.113.9"));
    EXPECT_FALSE(has({"::/0"}, "::ffff:203.0.113.9"));
}

TEST(network_list, unix_sockets_are_named_by_a_word) {
    const auto unix_socket = socket_address::make_unix("/run/x");
    EXPECT_TRUE(network_list::make(std::vector<std::string>{"unix"})->has(*unix_socket));
    EXPECT_FALSE(network_list::make(std::vector<std::string>{"::/0"})->has(*unix_socket));
    EXPECT_FALSE(network_list::make(std::vector<std::string>{"unix"})->has(socket_address()));
    EXPECT_FALSE(network_list::make(std::vector<std::string>{"unix"})->empty());
    EXPECT_TRUE(network_list::make({})->empty());
}

TEST(network_list, says_which_text_is_wrong) {
    for (const char* bad :
         {"", "localhost", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "/8", "10.0.0.0/8/8",
          "10.0/8", "::/129", "::ffff:10.0.0.0/95", "[::1]", "10.0.0.0/ 8", "10.0.0.1:80", "*",
          "UNIX", "10.0.0.0/18446744073709551617"}) {
        const auto made = network_list::make(std::vector<std::string>{"::1", bad});
        ASSERT_FALSE(made) << bad;
        EXPECT_TRUE(made.error().what().starts_with("'" + std::string(bad) + "' is neither"));
    }
}

}  // namespace
}  // namespace weft::net
