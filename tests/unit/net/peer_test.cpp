// Who a peer is, and that what is charged for it is given back with it.

#include <weft/net/peer.hpp>

#include <gtest/gtest.h>

#include <utility>

#include "base/byte_budget.hpp"

namespace weft {
namespace {

TEST(peer, has_the_address_that_it_was_made_with) {
    for (const char* address : {"192.0.2.7", "2001:db8::7"}) {
        const peer p(nullptr, *socket_address::make(address, 4711));
        EXPECT_EQ(p.address().address(), address);
        EXPECT_EQ(p.address().port(), 4711);
        EXPECT_EQ(peer(nullptr, p).address().to_string(), p.address().to_string());
    }
    const peer local(nullptr, *socket_address::make_unix("/run/x"));
    EXPECT_EQ(local.address().to_string(), "unix:");
    EXPECT_TRUE(local.address().is_loopback());
}

TEST(peer, is_nobody_until_an_admission_says_who_it_is) {
    peer p(nullptr, *socket_address::make("127.0.0.1", 1));
    EXPECT_EQ(p.who(), nullptr);
    EXPECT_FALSE(p.secure());
    p.identify({"ann", time_point() + std::chrono::hours(1)});
    p.set_secure();
    const peer same(nullptr, p);
    p.identify({"bob"});
    ASSERT_NE(same.who(), nullptr);
    EXPECT_EQ(same.who()->subject, "ann");
    EXPECT_EQ(same.who()->expires, time_point() + std::chrono::hours(1));
    EXPECT_TRUE(same.secure());
    EXPECT_EQ(p.who()->subject, "bob");
    EXPECT_EQ(p.who()->expires, time_point::max());
}

TEST(peer, gives_back_what_was_charged_for_it) {
    byte_budget memory(100);
    {
        peer p(&memory, *socket_address::make("127.0.0.1", 1));
        EXPECT_TRUE(p.try_charge(60));
        EXPECT_FALSE(p.try_charge(50));
        p.charge(50);
        EXPECT_EQ(p.charged(), 110U);
        EXPECT_EQ(memory.used(), 110U);
        p.release(30);
        EXPECT_EQ(memory.used(), 80U);
        const peer other(&memory, p);
        EXPECT_EQ(other.charged(), 0U);
        const peer moved(std::move(p));
        EXPECT_EQ(moved.charged(), 80U);
        EXPECT_EQ(memory.used(), 80U);
    }
    EXPECT_EQ(memory.used(), 0U);
    peer nothing(nullptr, *socket_address::make("127.0.0.1", 1));
    EXPECT_FALSE(nothing.try_charge(1));
    EXPECT_EQ(nothing.charged(), 0U);
}

}  // namespace
}  // namespace weft
