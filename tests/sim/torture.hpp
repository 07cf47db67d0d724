#pragma once

// Torture. A scenario is played over a fresh world: unharmed; then with a failure at each of its
// allocations; then with each call of the system going wrong, in each way that fits the call. What
// goes wrong costs at most the connections that take part: no crash, nothing that never ends,
// nothing left behind, and the bystanders are served as if nothing had been. Every single failure
// is tried; two at once are not.

#include <array>
#include <cctype>
#include <cstdio>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/torture_world.hpp"

namespace weft::test {

struct scenario {
    const char* name;
    void (*play)(torture_world&);

    friend void PrintTo(const scenario& what, std::ostream* out) { *out << what.name; }
};

/// For the test's name.
inline std::string name_of(const ::testing::TestParamInfo<scenario>& played) {
    std::string name = played.param.name;
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return name;
}

using net_call = net::sim_backend::call;
using net_fault = net::sim_backend::fault;

/// How this call can go wrong.
inline const std::vector<net_fault>& faults_of(net_call what) {
    using kind = net_fault::kind;
    using std::errc;
    static const std::vector<net_fault> listening{{kind::error, errc::address_in_use},
                                                  {kind::error, errc::too_many_files_open}};
    static const std::vector<net_fault> accepting{
        {kind::error, errc::too_many_files_open},
        {kind::error, errc::connection_aborted},
        {kind::error, errc::too_many_files_open_in_system},
        {kind::error, errc::no_buffer_space},
        {kind::error, errc::not_enough_memory},
        {kind::error, errc::operation_not_permitted},
        {kind::nothing}};
    static const std::vector<net_fault> connecting{
        {kind::error, errc::too_many_files_open},   {kind::error, errc::no_buffer_space},
        {kind::error, errc::address_not_available}, {kind::error, errc::network_unreachable},
        {kind::error, errc::not_enough_memory},     {kind::late_error, errc::connection_refused},
        {kind::late_error, errc::timed_out},        {kind::late_error, errc::connection_reset}};
    static const std::vector<net_fault> asking{{kind::error, errc::connection_refused},
                                               {kind::error, errc::timed_out}};
    static const std::vector<net_fault> watching{{kind::error, errc::no_space_on_device},
                                                 {kind::error, errc::not_enough_memory}};
    static const std::vector<net_fault> receiving{{kind::error, errc::connection_reset},
                                                  {kind::error, errc::timed_out},
                                                  {kind::error, errc::no_buffer_space},
                                                  {kind::error, errc::not_enough_memory},
                                                  {kind::nothing},
                                                  {kind::one},
                                                  {kind::half},
                                                  {kind::end}};
    static const std::vector<net_fault> sending{{kind::error, errc::broken_pipe},
                                                {kind::error, errc::connection_reset},
                                                {kind::error, errc::no_buffer_space},
                                                {kind::error, errc::not_enough_memory},
                                                {kind::late_error, errc::broken_pipe},
                                                {kind::nothing},
                                                {kind::one},
                                                {kind::half}};
    static const std::vector<net_fault> shedding{{kind::error, errc::too_many_files_open}};
    static const std::vector<net_fault> waiting{{kind::nothing}, {kind::one}};
    switch (what) {
        case net_call::listen: return listening;
        case net_call::accept: return accepting;
        case net_call::connect: return connecting;
        case net_call::take_error: return asking;
        case net_call::watch_listener:
        case net_call::watch_stream: return watching;
        case net_call::receive: return receiving;
        case net_call::send: return sending;
        case net_call::shed: return shedding;
        case net_call::wait: break;
    }
    return waiting;
}

/// What goes wrong in one play.
struct mishap {
    std::size_t allocation = SIZE_MAX;
    std::size_t call = SIZE_MAX;
    net_fault how{};
    bool late = false;  ///< On a backend that completes late.

    [[nodiscard]] std::string text() const {
        std::string out = late ? "late backend, " : "";
        if (allocation != SIZE_MAX) return out + "allocation " + std::to_string(allocation);
        if (call == SIZE_MAX) return out + "nothing goes wrong";
        return out + "call " + std::to_string(call) + " goes wrong: " +
               std::array{
                   "error", "late error", "nothing", "one", "half", "end"}[static_cast<std::size_t>(
                   how.how)] +
               ", " + std::make_error_code(how.why).message();
    }
};

class torture {
public:
    /// `after` looks at a world whose bystanders have been served.
    explicit torture(const scenario& what, const guard* doors = nullptr,
                     std::function<void(torture_world&)> after = {})
        : what_(what), guard_(doors), after_(std::move(after)) {}

    void run() {
        play({});  // what is made once per process
        fail_allocations();
        for (const bool late : {false, true}) fail_calls(late);
        tried_.scenarios = 1;
        tried_.print(what_.name);
        all().add(tried_);
        ::testing::Test::RecordProperty("plays", static_cast<int>(tried_.plays));
        ::testing::Test::RecordProperty("failures",
                                        static_cast<int>(tried_.allocations + tried_.faults));
    }

    /// How much was tried.
    struct figures {
        std::size_t scenarios = 0, plays = 0;
        std::size_t allocations = 0;  ///< That failed, each in a play of its own.
        std::size_t calls = 0;        ///< Of the system: places that went wrong.
        std::size_t faults = 0;       ///< The ways in which they did, each in a play of its own.
        std::set<std::pair<net_call, std::pair<int, int>>> kinds;  ///< Of call and fault.

        void add(const figures& more) {
            scenarios += more.scenarios;
            plays += more.plays;
            allocations += more.allocations;
            calls += more.calls;
            faults += more.faults;
            kinds.insert(more.kinds.begin(), more.kinds.end());
        }
        void print(const char* of) const {
            std::printf(
                "torture: %s: %zu scenarios, %zu plays: %zu allocations failed; %zu calls went "
                "wrong in %zu ways, of %zu kinds\n",
                of, scenarios, plays, allocations, calls, faults, kinds.size());
        }
    };
    /// Of this program.
    static figures& all() {
        static figures counted;
        return counted;
    }

private:
    void fail_allocations() {
        for (std::size_t number = 0;; ++number) {
            ASSERT_LT(number, 5'000U);
            if (!play_whole({.allocation = number})) return;
            ++tried_.allocations;
        }
    }
    void fail_calls(bool late) {
        std::vector<net_call> calls;
        play({.late = late}, &calls);
        if (::testing::Test::HasFailure()) return;
        tried_.calls += calls.size();
        for (std::size_t number = 0; number < calls.size(); ++number) {
            for (const net_fault& how : faults_of(calls[number])) {
                if (how.how == net_fault::kind::late_error && calls[number] == net_call::send &&
                    !late)
                    continue;
                if (play_whole({.call = number, .how = how, .late = late})) {
                    ++tried_.faults;
                    tried_.kinds.emplace(calls[number], std::pair(static_cast<int>(how.how),
                                                                  static_cast<int>(how.why)));
                }
                if (::testing::Test::HasFailure()) return;
            }
        }
    }
    /// Plays and sees that nothing leaked. False when nothing went wrong, or a test failed.
    bool play_whole(const mishap& wrong) {
        SCOPED_TRACE(wrong.text());
        const std::size_t living = allocations::living;
        const bool met = play(wrong);
        if (::testing::Test::HasFailure()) return false;  // its report is allocated, too
        EXPECT_EQ(allocations::living, living) << "leaked";
        return met;
    }
    /// Plays once; false when what was to go wrong did not come.
    bool play(const mishap& wrong, std::vector<net_call>* calls = nullptr) {
        ++tried_.plays;
        torture_world w(guard_, wrong.late);
        w.let_bystanders_in();
        const std::size_t begin = w.sim.operations();
        if (wrong.call != SIZE_MAX) w.sim.fail_operation(begin + wrong.call, wrong.how);
        w.sim.note_operations(calls);
        allocations::fail_at(wrong.allocation);
        w.watching = true;
        what_.play(w);
        w.watching = false;
        const bool met = allocations::failed || w.sim.operations() - begin > wrong.call;
        w.sim.note_operations(nullptr);
        w.sim.fail_operation(SIZE_MAX, std::errc::io_error);
        w.waiting.clear();

        EXPECT_TRUE(w.bystanders_answer());
        w.let_all_end();
        EXPECT_EQ(w.loop.connections(), 2U) << "connections that never end";
        EXPECT_EQ(w.sessions(), 1U) << "sessions that never end";
        EXPECT_EQ(w.closed + 1, w.opened);
        EXPECT_EQ(w.streams_closed, w.streams_opened);
        EXPECT_TRUE(w.bystanders_answer());
        if (after_) after_(w);
        if (guard_ == nullptr) {
            const auto fresh = w.open_ws();
            EXPECT_NE(w.ask(fresh, text_frame("a new one?")).find("a new one?"), std::string::npos);
        }
        w.end();
        EXPECT_EQ(w.closed, w.opened);
        EXPECT_EQ(w.sim.open_descriptors(), 0U);
        EXPECT_EQ(w.sim.damaged_sends(), 0U);
        EXPECT_EQ(w.shared.metrics.open.read(), 0U);
        EXPECT_EQ(w.shared.hub.metrics().subscriptions.read(), 0U);
        return met;
    }

    const scenario& what_;
    const guard* guard_;
    std::function<void(torture_world&)> after_;
    figures tried_;
};

/// Says at the end how much was tried.
class torture_figures final : public ::testing::Environment {
    void TearDown() override { torture::all().print("all"); }
};
inline const auto* const figures =
    ::testing::AddGlobalTestEnvironment(new torture_figures);  // NOLINT: googletest owns it

}  // namespace weft::test
