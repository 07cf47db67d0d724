// The table "What an acknowledgement holds" of docs/design/socketio.md, row by row, and awaited
// acknowledgements: what they give, and that whoever does not answer frees who waits.

#include <weft/socketio/detail/typed.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <weft/socketio/detail/reply_awaitable.hpp>

namespace weft::socketio {
namespace {

struct peer;
struct peer_ref {
    peer* who = nullptr;
};
struct peer {
    using ref_type = peer_ref;
    peer_ref ref() { return {this}; }
    int seen = 0;
};

/// Notes what became of acknowledgements.
class route final : public detail::ack_route {
public:
    void acknowledge(std::uint64_t who, std::uint64_t id,
                     const encoded_arguments& what) noexcept override {
        log.push_back("ack " + std::to_string(who) + "/" + std::to_string(id) + " [" + what.json +
                      "]");
    }
    void acknowledge(std::uint64_t who, std::uint64_t id,
                     encoded_arguments&& what) noexcept override {
        acknowledge(who, id, std::as_const(what));
    }
    void refuse(std::uint64_t, std::optional<std::uint64_t> id,
                const error& why) noexcept override {
        log.push_back((id ? "refuse " : "report ") + why.what());
    }
    void failed(std::uint64_t, std::optional<std::uint64_t> id, std::exception_ptr,
                std::string_view) noexcept override {
        log.push_back(id ? "fail" : "report throw");
    }

    std::vector<std::string> log;
};

/// Gives an event to a handler and returns what was acknowledged, in words.
template <class F>
std::string handle(F handler, std::string_view json, std::optional<std::uint64_t> id = 7) {
    const auto to = std::make_shared<route>();
    peer from;
    auto typed = detail::make_event_handler<peer>(std::move(handler));
    typed(from, "say", raw_arguments{json, {}}, raw_ack(to, 3, id));
    std::string all;
    for (const auto& line : to->log) all += all.empty() ? line : "; " + line;
    return all;
}

using namespace std::literals;

TEST(socketio_typed, acknowledges_with_the_returned_value) {
    EXPECT_EQ(handle([](peer&, int a, int b) { return a + b; }, "1,2"), "ack 3/7 [3]");
    EXPECT_EQ(handle([](peer&) { return std::tuple<int, std::string>(1, "x"); }, ""),
              "ack 3/7 [1,\"x\"]");
    EXPECT_EQ(handle([] { return 5; }, ""), "ack 3/7 [5]");
    EXPECT_EQ(handle([](peer& p) -> const int& { return p.seen; }, ""), "ack 3/7 [0]");
    EXPECT_EQ(handle([](peer_ref, int a) -> task<int> { co_return a; }, "4"), "ack 3/7 [4]");
    EXPECT_EQ(handle([](int a) -> task<std::tuple<int, int>> { co_return std::tuple(a, a); }, "4"),
              "ack 3/7 [4,4]");
}

int doubled(peer&, int number) {
    return number * 2;
}

TEST(socketio_typed, takes_functions_and_functors) {
    EXPECT_EQ(handle(&doubled, "4"), "ack 3/7 [8]");
    auto counter = [count = 0](peer&) mutable noexcept { return ++count; };
    EXPECT_EQ(handle(counter, ""), "ack 3/7 [1]");
    auto owner = [only = std::make_unique<int>(9)](peer&) { return *only; };
    EXPECT_EQ(handle(std::move(owner), ""), "ack 3/7 [9]");
}

TEST(socketio_typed, acknowledges_nothing_returned_without_an_argument) {
    EXPECT_EQ(handle([](peer&) {}, ""), "ack 3/7 []");
    EXPECT_EQ(handle([](peer_ref) -> task<void> { co_return; }, ""), "ack 3/7 []");
    EXPECT_EQ(handle([](peer&) -> result<void> { return {}; }, ""), "ack 3/7 []");
}

TEST(socketio_typed, sends_nothing_that_was_not_asked_for) {
    EXPECT_EQ(handle([](peer&, int a) { return a; }, "1", std::nullopt), "");
    EXPECT_EQ(handle([](peer&) {}, "", std::nullopt), "");
    EXPECT_EQ(handle([](peer&, ack done) { done(1); }, "", std::nullopt), "");
    EXPECT_EQ(handle([](peer&, int) {}, "\"x\"", std::nullopt),
              "report say: argument 1: expected an integer");
}

TEST(socketio_typed, refuses_what_does_not_decode_before_the_handler) {
    bool called = false;
    EXPECT_EQ(handle([&](peer&, int, std::string) { called = true; }, "1,2"),
              "refuse say: argument 2: expected a string");
    EXPECT_EQ(handle([&](peer&, int) { called = true; }, ""), "refuse say: argument 1: missing");
    EXPECT_EQ(handle([&](peer&) { called = true; }, "1"), "refuse say: argument 1: surplus");
    EXPECT_EQ(handle([&](peer&, int, ack) { called = true; }, "{}"),
              "refuse say: argument 1: expected an integer");
    EXPECT_FALSE(called);
}

TEST(socketio_typed, refuses_with_the_returned_error) {
    const auto no = [](peer&) -> result<int> { return error(errc::bad_argument, "no"); };
    EXPECT_EQ(handle(no, ""), "refuse no");
    EXPECT_EQ(handle(no, "", std::nullopt), "report no");
    EXPECT_EQ(handle([](peer&) -> result<int> { return 2; }, ""), "ack 3/7 [2]");
    EXPECT_EQ(
        handle([](peer_ref) -> task<result<int>> { co_return error(errc::bad_json, "no"); }, ""),
        "refuse no");
    EXPECT_EQ(handle([](peer_ref) -> task<result<int>> { co_return 3; }, ""), "ack 3/7 [3]");
}

TEST(socketio_typed, reports_what_is_thrown) {
    EXPECT_EQ(handle([](peer&) -> int { throw std::runtime_error("x"); }, ""), "fail");
    EXPECT_EQ(handle(
                  [](peer_ref) -> task<int> {
                      throw std::runtime_error("x");
                      co_return 1;
                  },
                  ""),
              "fail");
    EXPECT_EQ(handle(
                  [](peer&, ack done) {
                      done(1);
                      throw std::runtime_error("x");
                  },
                  ""),
              "ack 3/7 [1]; report throw");
    EXPECT_EQ(handle(
                  [](peer_ref, ack done) -> task<void> {
                      done(1);
                      throw std::runtime_error("x");
                      co_return;
                  },
                  ""),
              "ack 3/7 [1]; report throw");
}

TEST(socketio_typed, gives_the_acknowledgement_to_who_asks_for_it) {
    EXPECT_EQ(handle([](peer&, int a, ack done) { done(a, "x"); }, "1"), "ack 3/7 [1,\"x\"]");
    EXPECT_EQ(handle([](peer&, ack done) { done(); }, ""), "ack 3/7 []");
    EXPECT_EQ(handle(
                  [](peer&, ack done) {
                      EXPECT_TRUE(done);
                      done(1);
                      EXPECT_FALSE(done);
                      done(2);
                  },
                  ""),
              "ack 3/7 [1]");
    EXPECT_EQ(handle([](peer&, ack done) { done.refuse(error(errc::bad_argument, "no")); }, ""),
              "refuse no");
    EXPECT_EQ(handle([](peer&, ack) {}, ""), "");

    const auto to = std::make_shared<route>();
    std::optional<ack> later;
    auto keep =
        detail::make_event_handler<peer>([&](peer&, ack done) { later.emplace(std::move(done)); });
    peer from;
    keep(from, "say", {}, raw_ack(to, 3, 7));
    EXPECT_TRUE(to->log.empty());
    (*later)(5);
    EXPECT_EQ(to->log, std::vector<std::string>{"ack 3/7 [5]"});
}

TEST(socketio_typed, passes_arguments_as_the_handler_takes_them) {
    EXPECT_EQ(handle([](peer&, const std::string& a, std::string&& b, std::string_view c,
                        std::string& d) { return a + b + std::string(c) + d; },
                     R"("1","2","\u0033","4")"),
              R"(ack 3/7 ["1234"])");
    EXPECT_EQ(handle(
                  [](peer&, std::optional<int> a, rest<json_view> more) {
                      EXPECT_FALSE(a);
                      return more;
                  },
                  "null,[1],\"x\""),
              "ack 3/7 [[1],\"x\"]");
}

// ---- Awaited acknowledgements ----

using answer = const result<raw_arguments>&;
using told = unique_function<void(answer)>;

template <class R>
task<void> ask(told& slot, std::optional<result<R>>& got, std::shared_ptr<int> alive) {
    result<R> outcome = co_await detail::await_reply<result<R>>([&slot](auto callback) {
        slot = [callback = std::move(callback)](answer what) mutable {
            callback(detail::decode_answer<R>(what));
        };
    });
    got.emplace(std::move(outcome));
    *alive = 2;
}

template <class R>
result<R> awaited(answer what) {
    told slot;
    std::optional<result<R>> got;
    const auto alive = std::make_shared<int>(1);
    weft::detail::spawn(ask<R>(slot, got, alive), [](std::exception_ptr) { FAIL(); });
    EXPECT_FALSE(got);
    slot(what);
    EXPECT_EQ(*alive, 2);
    EXPECT_EQ(alive.use_count(), 1);
    return *std::move(got);
}

TEST(socketio_typed, awaits_an_acknowledgement) {
    EXPECT_EQ(*awaited<int>(raw_arguments{"5", {}}), 5);
    EXPECT_EQ((*awaited<std::tuple<int, std::string>>(raw_arguments{"5,\"x\"", {}})),
              std::tuple(5, "x"s));
    EXPECT_TRUE(awaited<void>(raw_arguments{"", {}}));
    EXPECT_TRUE(awaited<void>(raw_arguments{"null,1", {}}));
    EXPECT_EQ(awaited<int>(raw_arguments{"\"x\"", {}}).error().what(),
              "acknowledgement: argument 1: expected an integer");
    EXPECT_EQ(awaited<int>(error(weft::errc::timed_out)).error().code(), condition::timed_out);
}

TEST(socketio_typed, recognises_an_error_as_acknowledgement) {
    const auto refused =
        awaited<json_text>(raw_arguments{R"({"error":{"code":"app.no","message":"not now"}})", {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::refused_by_peer);
    EXPECT_EQ(refused.error().what(), "app.no: not now");
    EXPECT_FALSE(awaited<void>(raw_arguments{R"({"error":{"message":"m","code":"c"}})", {}}));
    for (const std::string_view other :
         {R"({"error":"text"})", R"({"error":{"message":"m"}})",
          R"({"error":{"code":"c"},"more":1})", R"({"more":1,"error":{"code":"c"}})",
          R"({"error":{"code":1,"message":"m"}})"}) {
        EXPECT_TRUE(awaited<json_text>(raw_arguments{other, {}})) << other;
    }
    EXPECT_TRUE(awaited<void>(raw_arguments{R"({"error":{"code":"c"}},1)", {}}));
}

TEST(socketio_typed, frees_who_waits_for_an_answer_that_never_comes) {
    told slot;
    std::optional<result<int>> got;
    const auto alive = std::make_shared<int>(1);
    weft::detail::spawn(ask<int>(slot, got, alive), [](std::exception_ptr) { FAIL(); });
    EXPECT_EQ(alive.use_count(), 2);
    slot = nullptr;
    EXPECT_EQ(alive.use_count(), 1);
    EXPECT_FALSE(got);
}

TEST(socketio_typed, awaits_an_answer_that_comes_at_once) {
    std::optional<result<int>> got;
    const auto run = [](std::optional<result<int>>& into) -> task<void> {
        result<int> outcome =
            co_await detail::await_reply<result<int>>([](auto callback) { callback(8); });
        into.emplace(std::move(outcome));
    };
    weft::detail::spawn(run(got), [](std::exception_ptr) { FAIL(); });
    ASSERT_TRUE(got && *got);
    EXPECT_EQ(**got, 8);
}

}  // namespace
}  // namespace weft::socketio
