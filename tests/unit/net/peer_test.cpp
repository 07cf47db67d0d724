// Who a peer is, and that what is charged for it is given back with it.

#include <weft/net/peer.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_budget.hpp"

namespace weft {
namespace {

struct owner final : peer_owner {
    byte_budget& memory() noexcept override { return budget; }
    known_peers& peers() noexcept override { return known; }
    void on_identified() noexcept override { ++identified; }

    byte_budget budget{2000};
    known_peers known;
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
        EXPECT_TRUE(p.try_charge(1960));
        EXPECT_FALSE(p.try_charge(50));
        p.charge(50);
        EXPECT_EQ(p.charged(), 2010U);
        EXPECT_EQ(memory.used(), 2010U);
        p.release(30);
        EXPECT_EQ(memory.used(), 1980U);
        const peer other(&connection, p);
        EXPECT_EQ(other.charged(), 0U);
        const peer moved(std::move(p));
        EXPECT_EQ(moved.charged(), 1980U);
        EXPECT_EQ(memory.used(), 1980U);
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

TEST(peer, is_found_by_its_identity_as_long_as_it_has_one) {
    owner home;
    const auto address = *socket_address::make("127.0.0.1", 1);
    peer ann(&home, address);
    auto bob = std::make_unique<peer>(&home, address);
    peer nobody(&home, address);
    const auto names = [&] {
        std::vector<std::string> found;
        (void)home.known.expire([&](const identity& who) {
            found.push_back(who.subject);
            return false;
        });
        return found;
    };
    ann.identify({"ann"});
    bob->identify({"bob"});
    const peer apart(nullptr, ann);
    EXPECT_EQ(names(), (std::vector<std::string>{"bob", "ann"}));
    ann.identify({"eve"});
    peer session(&home, *bob);
    EXPECT_EQ(names(), (std::vector<std::string>{"bob", "eve", "bob"}));
    bob = nullptr;
    EXPECT_EQ(names(), (std::vector<std::string>{"bob", "eve"}));
    peer moved(std::move(session));
    moved.forget();
    EXPECT_EQ(names(), std::vector<std::string>{"eve"});
    home.identified = 0;
    EXPECT_EQ(home.known.expire([](const identity& who) { return who.subject == "eve"; }), 1U);
    EXPECT_EQ(ann.who()->expires, time_point::min());
    EXPECT_EQ(home.identified, 1);
    EXPECT_EQ(home.known.expire([](const identity&) { return true; }), 0U) << "once";
}

TEST(peer, renews_only_what_it_is_already) {
    owner home;
    peer p(&home, *socket_address::make("127.0.0.1", 1));
    EXPECT_FALSE(p.renew({"ann"}));
    p.identify({"ann", time_point(std::chrono::hours(1))});
    EXPECT_FALSE(p.renew({"bob"}));
    EXPECT_EQ(p.who()->subject, "ann");
    EXPECT_TRUE(p.renew({"ann", time_point(std::chrono::hours(2))}));
    EXPECT_EQ(p.who()->expires, time_point(std::chrono::hours(2)));
}

}  // namespace
}  // namespace weft
