// Who a peer is, and that what is charged for it is given back with it.

#include <weft/net/peer.hpp>

#include <gtest/gtest.h>

#include <utility>

#include "base/byte_budget.hpp"

namespace weft {
namespace {

struct owner final : peer_owner {
    byte_budget& memory() noexcept override { return budget; }
    void on_identified() noexcept override { ++identified; }

    byte_budget budget{1000};
    int identified = 0;
};

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

TEST(peer, the_claims_of_an_identity_are_charged) {
    owner connection;
    peer p(&connection, *socket_address::make("127.0.0.1", 1));
    p.identify({"ann"});
    const std::size_t without = p.charged();
    p.identify({.subject = "ann", .claims = std::string(500, ' ')});
    EXPECT_GE(p.charged(), without + 500);
    p.forget();
    EXPECT_EQ(p.charged(), 0U);
}

TEST(peer, gives_back_what_was_charged_for_it) {
    owner connection;
    byte_budget& memory = connection.budget;
    {
        peer p(&connection, *socket_address::make("127.0.0.1", 1));
        EXPECT_TRUE(p.try_charge(960));
        EXPECT_FALSE(p.try_charge(50));
        p.charge(50);
        EXPECT_EQ(p.charged(), 1010U);
        EXPECT_EQ(memory.used(), 1010U);
        p.release(30);
        EXPECT_EQ(memory.used(), 980U);
        const peer other(&connection, p);
        EXPECT_EQ(other.charged(), 0U);
        const peer moved(std::move(p));
        EXPECT_EQ(moved.charged(), 980U);
        EXPECT_EQ(memory.used(), 980U);
    }
    EXPECT_EQ(memory.used(), 0U);
    peer nothing(nullptr, *socket_address::make("127.0.0.1", 1));
    EXPECT_FALSE(nothing.try_charge(1));
    EXPECT_EQ(nothing.charged(), 0U);
}

TEST(peer, is_charged_for_its_identity) {
    owner connection;
    {
        peer p(&connection, *socket_address::make("127.0.0.1", 1));
        p.identify({std::string(100, 'n')});
        const std::size_t one = p.charged();
        EXPECT_GT(one, 100U);
        p.identify({std::string(100, 'm')});
        EXPECT_EQ(p.charged(), one);
        EXPECT_EQ(connection.identified, 2);
        const peer same(&connection, p);
        EXPECT_EQ(connection.budget.used(), 2 * one);
        p.forget();
        EXPECT_EQ(p.who(), nullptr);
        EXPECT_EQ(connection.budget.used(), one);
    }
    EXPECT_EQ(connection.budget.used(), 0U);
}

}  // namespace
}  // namespace weft
