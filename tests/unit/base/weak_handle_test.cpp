#include <weft/base/weak_handle.hpp>

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace weft {
namespace {

template <class F>
void elsewhere(F what) {
    std::thread(what).join();
}

TEST(thread_owner, is_nobodys_until_claimed_and_one_threads_then) {
    thread_owner owner;
    EXPECT_FALSE(owner.here());
    ASSERT_TRUE(owner.try_claim());
    EXPECT_TRUE(owner.here());
    EXPECT_FALSE(owner.try_claim());
    elsewhere([&] {
        EXPECT_FALSE(owner.here());
        EXPECT_FALSE(owner.try_claim());
    });
    owner.release();
    EXPECT_FALSE(owner.here());
    elsewhere([&] { EXPECT_TRUE(owner.try_claim()); });
    EXPECT_FALSE(owner.here());
}

TEST(thread_owner, is_never_claimed_again_once_it_has_ended) {
    thread_owner owner;
    ASSERT_TRUE(owner.try_claim());
    owner.end();
    EXPECT_TRUE(owner.here()) << "until it is released";
    owner.release();
    EXPECT_FALSE(owner.try_claim());
    EXPECT_FALSE(owner.here());
}

TEST(owner_scope, nests_and_gives_back_what_it_took) {
    const auto owner = std::make_shared<thread_owner>();
    {
        const owner_scope outer(owner);
        EXPECT_TRUE(outer);
        {
            const owner_scope inner(owner);
            EXPECT_TRUE(inner);
        }
        EXPECT_TRUE(owner->here());
        elsewhere([&] { EXPECT_FALSE(owner_scope(owner)); });
    }
    EXPECT_FALSE(owner->here());
    EXPECT_FALSE(owner_scope(nullptr));
}

TEST(weak_handle, leads_to_a_thing_on_its_owners_thread_while_it_is_there) {
    const auto owner = std::make_shared<thread_owner>();
    int thing = 7;
    auto anchor = std::make_unique<weak_anchor<int>>(owner, &thing);
    const weak_handle<int> handle = anchor->handle();
    EXPECT_EQ(handle.get(), nullptr) << "it is nobody's";
    ASSERT_TRUE(owner->try_claim());
    EXPECT_EQ(handle.get(), &thing);
    elsewhere([&] { EXPECT_EQ(handle.get(), nullptr); });
    anchor.reset();
    EXPECT_EQ(handle.get(), nullptr);
    EXPECT_EQ(weak_handle<int>().get(), nullptr);
}

TEST(weak_handle, follows_an_anchor_that_moves) {
    const auto owner = std::make_shared<thread_owner>();
    ASSERT_TRUE(owner->try_claim());
    int thing = 7;
    weak_anchor<int> first(owner, nullptr);
    const weak_handle<int> handle = first.handle();
    EXPECT_EQ(handle.get(), nullptr);
    {
        weak_anchor<int> second(std::move(first));
        second.set(&thing);
        EXPECT_EQ(handle.get(), &thing);
    }
    EXPECT_EQ(handle.get(), nullptr);
}

}  // namespace
}  // namespace weft
