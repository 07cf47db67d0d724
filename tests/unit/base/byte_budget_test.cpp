// Budgets of loops and the account of the process that they report to.

#include "base/byte_budget.hpp"

#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "base/heap_cost.hpp"

namespace weft {
namespace {

constexpr std::uint64_t step = byte_budget::step;

TEST(byte_budget, has_an_exact_limit_of_its_own) {
    byte_budget budget(100);
    EXPECT_TRUE(budget.try_charge(99));
    EXPECT_FALSE(budget.try_charge(2));
    EXPECT_FALSE(budget.try_charge(UINT64_MAX));
    EXPECT_TRUE(budget.try_charge(1));
    EXPECT_EQ(budget.used(), 100U);
    budget.release(100);
    EXPECT_TRUE(budget.try_charge(100));
}

TEST(byte_charge, moves_with_what_it_stands_for) {
    byte_budget budget(100), other;
    {
        byte_charge first(budget, 40);
        byte_charge second(std::move(first));
        EXPECT_EQ(budget.used(), 40U);
        EXPECT_TRUE(second.has_room(60));
        EXPECT_FALSE(second.has_room(61));
        EXPECT_EQ(budget.used(), 40U) << "asking charges nothing";
        byte_charge third(other, 7);
        third = std::move(second);
        EXPECT_EQ(other.used(), 0U);
        EXPECT_EQ(budget.used(), 40U);
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST(heap_cost, is_what_the_allocator_takes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    for (std::size_t size = 1; size < 70'000; size += size < 200 ? 1 : 997) {
        void* const block = std::malloc(size);
        const std::size_t taken = malloc_usable_size(block) + sizeof(std::size_t);
        EXPECT_GE(taken, heap_cost(size)) << size;
        EXPECT_LE(taken, heap_cost(size) + 16) << size << ": the rest of what was there";
        std::free(block);
    }
#endif
    EXPECT_EQ(heap_cost(std::string("short")), 0U);
    EXPECT_EQ(heap_cost(std::string(100, 'x')), 112U);
    EXPECT_EQ(heap_cost(std::vector<int>{}), 0U);
    EXPECT_EQ(heap_cost_of<std::uint64_t>, 32U);
}

TEST(byte_budget, reports_in_steps_and_its_end) {
    memory_account process(UINT64_MAX);
    {
        byte_budget budget;
        budget.report_to(process, [] {});
        budget.charge(step - 1);
        EXPECT_EQ(process.used(), 0U);
        budget.charge(1);
        EXPECT_EQ(process.used(), step);
        budget.charge(10 * step);
        EXPECT_EQ(process.used(), 11 * step);
        budget.release(step - 1);
        EXPECT_EQ(process.used(), 11 * step);
        budget.release(1);
        EXPECT_EQ(process.used(), 10 * step);
        budget.release(10 * step);
        EXPECT_EQ(process.used(), 0U) << "nothing is exact";
        budget.charge(5 * step);
    }
    EXPECT_EQ(process.used(), 0U) << "what a budget leaves behind is gone with it";
}

TEST(byte_budget, tells_of_excess_and_refuses_more) {
    memory_account process(4 * step);
    int told = 0;
    byte_budget budget;
    budget.report_to(process, [&] { ++told; });
    EXPECT_TRUE(budget.try_charge(4 * step));
    EXPECT_EQ(told, 0) << "at the limit";
    EXPECT_FALSE(process.exceeded());
    EXPECT_FALSE(budget.try_charge(1));
    EXPECT_EQ(told, 1);
    EXPECT_EQ(budget.used(), 4 * step);
    budget.charge(step);
    EXPECT_EQ(told, 2);
    EXPECT_TRUE(process.exceeded());
    EXPECT_EQ(process.excess(), step);
    budget.release(step);
    EXPECT_FALSE(process.exceeded());
}

TEST(byte_budget, budgets_of_many_threads_add_up) {
    memory_account process(UINT64_MAX);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&process] {
            byte_budget budget;
            budget.report_to(process, [] {});
            for (int n = 0; n < 10'000; ++n) budget.charge(1000);
            for (int n = 0; n < 10'000; ++n) budget.release(1000);
            EXPECT_EQ(budget.used(), 0U);
        });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(process.used(), 0U);
}

TEST(byte_charge, gives_back_what_it_has) {
    byte_budget budget(10);
    {
        byte_charge charge(budget);
        EXPECT_TRUE(charge.try_add(8));
        EXPECT_FALSE(charge.try_add(3));
        charge.set(20);  // bounded elsewhere
        EXPECT_EQ(budget.used(), 20U);
        charge.set(5);
        EXPECT_EQ(budget.used(), 5U);
    }
    EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace weft
