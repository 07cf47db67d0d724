// The words every layer uses: results, errors and their conditions, callables, the metrics page.

#include <array>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <weft/base/admission.hpp>
#include <weft/base/error.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>

namespace weft {
namespace {

TEST(admission, is_made_of_what_a_function_that_decides_returns) {
    const auto words = [](const admission<>& said) {
        return said.allowed() ? "yes" : said.why().message;
    };
    EXPECT_EQ(words(true), "yes");
    EXPECT_EQ(words(false), "");
    EXPECT_EQ(words(result<void>()), "yes");
    EXPECT_EQ(words(result<void>(errc::timed_out)), "the deadline passed");
    EXPECT_EQ(words(error(errc::timed_out, "too late")), "too late");
    EXPECT_EQ(words(refusal("closed today")), "closed today");
    EXPECT_EQ(words(identity{"ann"}), "yes");
    static_assert(!std::is_convertible_v<const char*, admission<>>);
    static_assert(!std::is_convertible_v<int, admission<>>);

    admission<std::string> data = std::string("seat 7");
    ASSERT_TRUE(data.allowed());
    EXPECT_EQ(data.data(), "seat 7");
    EXPECT_FALSE(data.who());
    const admission<int> refused = refusal(404);
    ASSERT_FALSE(refused.allowed());
    EXPECT_EQ(refused.why().status, 404);
    EXPECT_FALSE(admission<int>(result<int>(errc::timed_out)).allowed());
    EXPECT_EQ(admission<int>(result<int>(3)).data(), 3);
}

TEST(admission, may_say_who_it_is) {
    const time_point noon = time_point() + std::chrono::hours(12);
    const admission<int> said(7, {"ann", noon});
    ASSERT_TRUE(said.who());
    EXPECT_EQ(said.who()->subject, "ann");
    EXPECT_EQ(said.who()->expires, noon);
}

TEST(result, is_a_value_or_an_error) {
    result<std::string> good = std::string("text");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->size(), 4U);
    EXPECT_EQ(*std::move(good), "text");
    const result<std::string> bad = errc::timed_out;
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code(), errc::timed_out);
    EXPECT_EQ(bad.error().message(), "the deadline passed");
    const result<int> explained = error(errc::invalid_argument, "port 70000");
    EXPECT_EQ(explained.error().message(), "port 70000: invalid argument");
}

TEST(result, carries_what_cannot_be_copied_and_nothing_at_all) {
    result<std::unique_ptr<int>> owned = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = *std::move(owned);
    EXPECT_EQ(*taken, 7);
    const result<void> fine;
    EXPECT_TRUE(fine);
    const result<void> wrong = errc::invalid_state;
    EXPECT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code(), condition::misuse);
    const result<result<int>> nested = result<int>(errc::malformed);
    ASSERT_TRUE(nested);
    EXPECT_FALSE(*nested);
}

TEST(conditions, every_code_matches_at_most_one) {
    const condition all[] = {condition::timed_out,          condition::peer_gone,
                             condition::protocol_violation, condition::limit_exceeded,
                             condition::shutting_down,      condition::misuse};
    const auto matches = [&](std::error_code code) {
        int count = 0;
        for (const condition c : all) count += code == c ? 1 : 0;
        return count;
    };
    std::set<std::string> texts;
    for (int value = 1; value <= static_cast<int>(errc::proxy_refused); ++value) {
        const std::error_code code = make_error_code(static_cast<errc>(value));
        EXPECT_LE(matches(code), 1) << code.message();
        EXPECT_NE(code.message(), "unknown error") << value;
        EXPECT_TRUE(texts.insert(code.message()).second) << "same text twice: " << code.message();
    }
    for (int value = 1; value < 134; ++value) {
        EXPECT_LE(matches({value, std::system_category()}), 1) << value;
    }
    EXPECT_EQ(matches({}), 0) << "success";
}

TEST(conditions, system_errors_take_part) {
    const auto system = [](std::errc e) {
        return std::error_code(static_cast<int>(e), std::system_category());
    };
    for (const std::errc gone :
         {std::errc::connection_reset, std::errc::broken_pipe, std::errc::connection_refused}) {
        EXPECT_EQ(system(gone), condition::peer_gone);
        EXPECT_EQ(std::make_error_code(gone), condition::peer_gone);
    }
    EXPECT_EQ(system(std::errc::timed_out), condition::timed_out);
    EXPECT_EQ(system(std::errc::too_many_files_open), condition::limit_exceeded);
    EXPECT_NE(system(std::errc::permission_denied), condition::misuse);
    EXPECT_EQ(make_error_code(errc::closed_by_peer), condition::peer_gone);
    EXPECT_EQ(make_error_code(errc::closed_locally), condition::shutting_down);
    EXPECT_EQ(make_error_code(errc::wrong_thread), condition::misuse);
    EXPECT_EQ(make_error_code(errc::malformed), condition::protocol_violation);
    EXPECT_NE(make_error_code(errc::timed_out), condition::peer_gone);
}

struct counted {
    explicit counted(int& n) : alive(&n) { ++*alive; }
    counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
    counted(const counted&) = delete;
    ~counted() { --*alive; }
    int* alive;
};

TEST(unique_function, owns_small_and_large_callables) {
    int alive = 0;
    {
        unique_function<int(int)> small = [c = counted(alive)](int x) { return x + *c.alive; };
        EXPECT_EQ(alive, 1);
        EXPECT_EQ(small(10), 11);
        std::array<char, 200> block{};
        unique_function<int(int)> large = [c = counted(alive), block](int x) {
            return x + static_cast<int>(block.size());
        };
        EXPECT_EQ(alive, 2);
        unique_function<int(int)> moved = std::move(large);
        EXPECT_FALSE(large);  // NOLINT(bugprone-use-after-move): empty is what is promised
        EXPECT_EQ(moved(1), 201);
        small = std::move(moved);
        EXPECT_EQ(alive, 1) << "the old one is gone";
        EXPECT_EQ(small(2), 202);
        auto& self = small;
        small = std::move(self);
        EXPECT_EQ(small(2), 202);
        small = nullptr;
        EXPECT_FALSE(small);
        EXPECT_EQ(alive, 0);
    }
    EXPECT_EQ(alive, 0);
}

TEST(unique_function, passes_references_moves_and_exceptions_through) {
    unique_function<void(std::string&)> append = [](std::string& s) { s += "!"; };
    std::string text = "a";
    append(text);
    EXPECT_EQ(text, "a!");
    unique_function<int(std::unique_ptr<int>)> take = [](std::unique_ptr<int> p) { return *p; };
    EXPECT_EQ(take(std::make_unique<int>(5)), 5);
    unique_function<void()> throws = [] { throw std::runtime_error("x"); };
    EXPECT_THROW(throws(), std::runtime_error);
}

TEST(function_ref, borrows) {
    int calls = 0;
    const auto twice = [](function_ref<int(int)> f) { return f(f(1)); };
    auto add = [&](int x) {
        ++calls;
        return x + 1;
    };
    EXPECT_EQ(twice(add), 3);
    EXPECT_EQ(twice([](int x) { return x * 10; }), 100);
    const auto constant = [](int) { return 7; };
    EXPECT_EQ(twice(constant), 7);
    EXPECT_EQ(calls, 2);
}

TEST(metrics_page, sums_loops_and_keeps_families_together) {
    metrics_page page;
    page.add({"weft_a_total", {}, "Counts a.", metric_kind::counter, 1});
    page.add({"weft_closed_total", "code=\"1000\"", "Closed.", metric_kind::counter, 2});
    page.add({"weft_open", {}, "Open now.", metric_kind::gauge, 5});
    page.add({"weft_closed_total", "code=\"1009\"", "Closed.", metric_kind::counter, 3});
    page.add({"weft_a_total", {}, "Counts a.", metric_kind::counter, 10});
    page.add({"weft_closed_total", "code=\"1000\"", "Closed.", metric_kind::counter, 20});
    EXPECT_EQ(page.text(),
              "# HELP weft_a_total Counts a.\n"
              "# TYPE weft_a_total counter\n"
              "weft_a_total 11\n"
              "# HELP weft_closed_total Closed.\n"
              "# TYPE weft_closed_total counter\n"
              "weft_closed_total{code=\"1000\"} 22\n"
              "weft_closed_total{code=\"1009\"} 3\n"
              "# HELP weft_open Open now.\n"
              "# TYPE weft_open gauge\n"
              "weft_open 5\n");
    EXPECT_EQ(metrics_page().text(), "");
}

TEST(metrics_page, tells_a_histogram_as_one_family_in_its_unit) {
    metrics_page page;
    const auto kind = metric_kind::histogram;
    page.add({"weft_t_seconds_bucket", "le=\"1\"", "Times.", kind, 1});
    page.add({"weft_t_seconds_bucket", "le=\"+Inf\"", "Times.", kind, 2});
    page.add({"weft_t_seconds_sum", {}, "Times.", kind, 1'500'000'001, 1'000'000'000});
    page.add({"weft_t_seconds_count", {}, "Times.", kind, 2});
    page.add({"weft_t_seconds_sum", {}, "Times.", kind, 2'500'000'000, 1'000'000'000});
    EXPECT_EQ(page.text(),
              "# HELP weft_t_seconds Times.\n"
              "# TYPE weft_t_seconds histogram\n"
              "weft_t_seconds_bucket{le=\"1\"} 1\n"
              "weft_t_seconds_bucket{le=\"+Inf\"} 2\n"
              "weft_t_seconds_sum 4.000000001\n"
              "weft_t_seconds_count 2\n");
}

TEST(counter, counts_up_and_down) {
    counter c;
    c.add();
    c.add(10);
    c.sub(3);
    EXPECT_EQ(c.read(), 8U);
}

}  // namespace
}  // namespace weft
