#include <gtest/gtest.h>

#include <weft/auth/claims.hpp>

#include "auth/revocation_table.hpp"
#include "auth_world.hpp"

namespace weft::auth::test {
namespace {

constexpr algorithm es = algorithm::es256;

std::int64_t present() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
}

/// Claims of now: revoking uses the real clock.
members claims_of_now(std::int64_t issued) {
    return good_claims()
        .set("iat", std::to_string(issued))
        .set("exp", std::to_string(issued + 600));
}

TEST(revocation, a_revoked_token_is_refused_also_by_the_cache) {
    const verifier v = make(good_options(es));
    const std::int64_t now = present();
    const std::string token = sign(es, claims_of_now(now));
    const std::string other = sign(es, claims_of_now(now).set("jti", "\"t2\""));
    const auto who = v.verify(token);
    const auto other_who = v.verify(other);
    ASSERT_TRUE(who);
    ASSERT_TRUE(other_who);
    EXPECT_FALSE(v.revoked(*who));
    EXPECT_TRUE(v.revoke_token("t1"));
    EXPECT_EQ(why(v, token, now), errc::revoked);
    EXPECT_EQ(why(v, other, now), errc{});
    EXPECT_TRUE(v.revoked(*who));
    EXPECT_FALSE(v.revoked(*other_who));
    EXPECT_FALSE(v.revoke_token(""));
}

TEST(revocation, a_subject_is_revoked_up_to_now) {
    const verifier v = make(good_options(es));
    const std::int64_t now = present();
    EXPECT_TRUE(v.revoke_subject("ada"));
    EXPECT_EQ(why(v, sign(es, claims_of_now(now)), now), errc::revoked);
    EXPECT_EQ(why(v, sign(es, claims_of_now(now).without("iat")), now), errc::revoked);
    EXPECT_EQ(why(v, sign(es, claims_of_now(now + 5)), now + 5), errc{});
    EXPECT_EQ(why(v, sign(es, claims_of_now(now).set("sub", "\"bob\"")), now), errc{});
    EXPECT_FALSE(v.revoke_subject(""));
}

TEST(revocation, everybody_is_revoked_up_to_a_time) {
    const verifier v = make(good_options(es));
    const std::int64_t now = present();
    EXPECT_TRUE(v.revoke_issued_before(wall(now - 100)));
    EXPECT_EQ(why(v, sign(es, claims_of_now(now - 100)), now), errc::revoked);
    EXPECT_EQ(why(v, sign(es, claims_of_now(now - 99)), now), errc{});
    EXPECT_TRUE(v.revoke_issued_before(std::chrono::system_clock::time_point::max()));
    EXPECT_EQ(why(v, sign(es, claims_of_now(now)), now), errc::revoked);
}

TEST(revocation, copies_of_a_verifier_share_it) {
    const verifier v = make(good_options(es));
    const verifier copy = v;
    EXPECT_TRUE(copy.revoke_token("t1"));
    const std::int64_t now = present();
    EXPECT_EQ(why(v, sign(es, claims_of_now(now)), now), errc::revoked);
}

TEST(revocation, listeners_are_told_until_they_are_gone) {
    const verifier v = make(good_options(es));
    const auto who = v.verify(sign(es, claims_of_now(present())));
    ASSERT_TRUE(who);
    identity other = *who;
    other.subject = "bob";
    int told = 0;
    auto listening = v.on_revocation([&](const revocation& what) {
        ++told;
        EXPECT_TRUE(what.covers(*who));
        EXPECT_TRUE(v.revoked(*who)) << "it holds when it is told";
        EXPECT_EQ(what.covers(other), what.subject.empty());
        EXPECT_FALSE(what.covers(identity{"ada"})) << "came from no token";
    });
    EXPECT_TRUE(v.revoke_token("t1"));
    EXPECT_TRUE(v.revoke_subject("ada"));
    EXPECT_EQ(told, 2);
    listening.reset();
    EXPECT_TRUE(v.revoke_subject("ada"));
    EXPECT_EQ(told, 2);
}

TEST(revocation, a_full_table_refuses_and_forgets_what_has_ended) {
    revocation_table table(2);
    EXPECT_TRUE(table.empty());
    EXPECT_TRUE(table.add_token("a", 100, 0));
    EXPECT_TRUE(table.add_issued("ada", 5, 200, 0));
    EXPECT_TRUE(table.add_token("a", 90, 0)) << "known already; it does not get shorter";
    const auto refused = table.add_token("b", 100, 100);
    EXPECT_FALSE(refused);
    EXPECT_NE(refused.error().what().find("max_revocations"), std::string::npos);
    EXPECT_TRUE(table.covers("a", "", 1));
    EXPECT_TRUE(table.add_token("b", 300, 101));
    EXPECT_FALSE(table.covers("a", "", 1));
    EXPECT_TRUE(table.covers("b", "", 1));
    EXPECT_TRUE(table.covers("", "ada", 5));
    EXPECT_FALSE(table.covers("", "ada", 6));
    EXPECT_TRUE(table.covers("", "ada", std::nullopt));
    EXPECT_EQ(table.size(), 2U);
}

}  // namespace
}  // namespace weft::auth::test
