// One world. A step is: somebody acts, or the network or the clock does something; the server gets
// some turns; what must be true is looked at. At times all is calm: everybody reads and answers
// until nothing is left to do, and then what is due must have come. In the end all go, one way or
// another, and nothing may be left.

#include "simulation.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <weft/testing/world.hpp>

#include "client_actor.hpp"
#include "http_actor.hpp"
#include "net/loop_core.hpp"
#include "rough_actor.hpp"
#include "served.hpp"
#include "testing/network_of.hpp"
#include "ws_actor.hpp"

namespace weft::simulation {
namespace {

using namespace std::chrono_literals;

/// Counts what must not be in the log.
class log_watch final : public log_sink {
public:
    explicit log_watch(model& all) : all_(all) {}

private:
    void write(const log_record& record) noexcept override {
        try {
            if (record.level == log_level::error &&
                record.message.find("as the client asked") == std::string_view::npos &&
                all_.excuse.empty())
                all_.verdict.fail("an error in the log: " + std::string(record.message));
        } catch (...) {
            return;
        }
    }
    model& all_;
};

class simulation {
public:
    simulation(choices from, const limits& within)
        : from_(from),
          within_(within),
          log_(all_),
          options_(draw_options(from_, all_, &log_)),
          world_(options_),
          io_(network_of(world_)) {
        if (within.tells) all_.verdict.tell_story();
        served_.emplace(world_, all_, from_);
    }

    outcome play() {
        began_ = world_.now();
        try {
            live();
        } catch (const std::logic_error& endless) {
            all_.verdict.fail(endless.what());
        }
        return {all_.verdict.broken(), step_,         world_.now() - began_,
                all_.verdict.hash(),   all_.messages, all_.sessions.size()};
    }

private:
    [[nodiscard]] bool good() const noexcept { return all_.verdict.broken().empty(); }
    [[nodiscard]] std::uint64_t used() const { return world_.loop().core()->budget().used(); }

    void live() {
        if (!world_.start()) all_.verdict.fail("the server does not start");
        base_ = used();
        for (; step_ < within_.steps && !from_.spent() && good(); ++step_) {
            act();
            turn(from_.below(4));
            watch();
        }
        if (good()) calm();
        if (good()) end();
    }

    void turn(std::size_t times) {
        while (times-- > 0) (void)world_.server().turn();
    }

    void act() {
        const std::size_t what = from_.below(32);
        all_.verdict.tell("step " + std::to_string(step_), step_name(what));
        if (actors_.empty() || (what < 4 && actors_.size() < within_.clients)) return connect();
        switch (what) {
            case 4: calm(); break;
            case 5:
            case 6: pass(std::chrono::milliseconds(from_.size(4000))); break;
            case 7:
                if (from_.one_in(3)) pass(std::chrono::seconds(from_.size(600)));
                break;
            case 8: change_network(); break;
            default: {
                actor& chosen = *actors_[from_.below(actors_.size())];
                for (std::size_t left = 1 + from_.below(8); left > 0; --left) chosen.act(from_);
                break;
            }
        }
    }

    static std::string_view step_name(std::size_t what) {
        constexpr std::string_view names[] = {"connect", "connect", "connect",   "connect", "calm",
                                              "pass",    "pass",    "pass long", "network"};
        return what < std::size(names) ? names[what] : "act";
    }

    void connect() {
        const std::string address = "10.0.0." + std::to_string(1 + from_.below(4));
        switch (from_.below(12)) {
            case 0:
            case 1: {
                session& mine = all_.add("http");
                mine.opened = true;
                actors_.push_back(std::make_unique<http_actor>(all_, mine, io_, address));
                break;
            }
            case 2:
                actors_.push_back(
                    std::make_unique<event_actor>(all_, all_.add("events"), io_, address, from_));
                break;
            case 3:
            case 4:
                actors_.push_back(std::make_unique<client_actor>(
                    all_, all_.add("client"), endpoints[from_.below(endpoints.size())],
                    world_.loop(), from_));
                break;
            case 5: actors_.push_back(std::make_unique<rough_actor>(io_, address)); break;
            case 6:
            case 7:
                if (!served_->has_socketio()) break;
                actors_.push_back(std::make_unique<socketio_actor>(all_, world_.loop(), from_));
                break;
            default:
                actors_.push_back(std::make_unique<ws_actor>(
                    all_, all_.add("ws"), endpoints[from_.below(endpoints.size())], io_, address,
                    from_));
                break;
        }
    }

    void change_network() {
        switch (from_.below(6)) {
            case 0: io_.limit_receive(from_.one_in(2) ? SIZE_MAX : 1 + from_.size(5000)); break;
            case 1: io_.limit_send(from_.one_in(2) ? SIZE_MAX : 1 + from_.size(5000)); break;
            case 2: {
                const bool late = from_.one_in(2);
                io_.behave({.completes_late = late, .lends_buffers = from_.one_in(2)});
                break;
            }
            case 3: io_.hold_sends(from_.one_in(2)); break;
            case 4: {
                if (!from_.one_in(4)) break;
                constexpr std::errc faults[] = {std::errc::connection_reset, std::errc::broken_pipe,
                                                std::errc::no_buffer_space, std::errc::timed_out,
                                                std::errc::not_enough_memory};
                all_.excuse = "an operation failed";
                const std::size_t when = io_.operations() + from_.below(20);
                io_.fail_operation(when, faults[from_.below(std::size(faults))]);
                break;
            }
            default:
                if (!from_.one_in(4) || !io_.break_own_connection(from_.below(256))) break;
                all_.network_broke = true;
                for (session& s : all_.sessions) {
                    if (s.name.starts_with("client") || s.name.starts_with("socketio"))
                        s.excuse_for("the network broke a connection");
                }
                break;
        }
    }

    /// Time passes, in parts that leave those alive who are served meanwhile.
    void pass(duration time) {
        io_.hold_sends(false);
        std::vector<actor*> busy;
        for (const auto& a : actors_) {
            if (from_.one_in(8)) {
                a->neglect();
            } else {
                busy.push_back(a.get());
            }
        }
        while (time > duration::zero() && good()) {
            for (int i = 0; i < 2; ++i) {
                for (actor* const a : busy) a->serve();
                world_.run();
            }
            const duration part = std::min<duration>(time, 5s);
            world_.pass(part);
            time -= part;
        }
    }

    /// Everybody reads and answers until there is nothing left to do.
    void calm() {
        io_.hold_sends(false);
        io_.limit_receive(SIZE_MAX);
        io_.limit_send(SIZE_MAX);
        for (const auto& a : actors_) {
            if (!from_.one_in(8)) a->wake_up();
        }
        const time_point end = world_.now() + 500ms;  // an upgrade looks for its poll every 100 ms
        for (int quiet = 0; quiet < 3 && good();) {
            const std::uint64_t before = all_.verdict.events();
            for (const auto& a : actors_) a->serve();
            world_.run();
            quiet = all_.verdict.events() == before ? quiet + 1 : 0;
            if (quiet == 2 && world_.now() < end) {
                world_.pass(end - world_.now());
                quiet = 0;
            }
        }
        for (const auto& a : actors_) a->check_calm();
        served_->check();
        std::erase_if(actors_, [](const auto& a) { return a->over(); });
    }

    /// What holds at any time.
    void watch() {
        const std::uint64_t most = 4ULL * 1024 * 1024 + options_.memory_limit;
        if (used() > most) all_.verdict.fail("memory_limit is exceeded: " + std::to_string(used()));
        if (io_.damaged_sends() > 0) all_.verdict.fail("bytes changed while they were in flight");
    }

    /// All go. After a while nothing is left of them.
    void end() {
        const bool drains = from_.one_in(4);
        if (drains) {
            all_.excuse = "the server drains";
            world_.server().drain(30s);
        }
        for (const auto& a : actors_) {
            if (from_.one_in(2)) a->leave(from_);
        }
        turn(from_.below(5));
        for (const auto& a : actors_) {
            if (from_.one_in(2)) a->serve();
        }
        all_.excuse = "all is over";
        actors_.clear();  // who is left falls silent
        io_.hold_sends(false);
        world_.pass(15min);
        if (drains) world_.server().finish();
        for (const session& s : all_.sessions) {
            if (s.live() && !s.name.starts_with("http"))
                all_.verdict.fail(s.name + ": still open after 15 minutes of silence");
        }
        if (const auto* core = world_.loop().core(); core != nullptr && core->connections() != 0)
            all_.verdict.fail(std::to_string(core->connections()) + " connections are left");
        if (const std::size_t open = io_.open_descriptors(); open > (drains ? 0U : 1U))
            all_.verdict.fail(std::to_string(open) + " descriptors are left");
        if (!drains && used() != base_)
            all_.verdict.fail(std::to_string(used()) + " bytes are still charged, at first " +
                              std::to_string(base_));
        if (io_.damaged_sends() > 0) all_.verdict.fail("bytes changed while they were in flight");
        served_->check();
    }

    choices from_;
    limits within_;
    model all_;
    log_watch log_;
    server_options options_;
    std::optional<served> served_;  // outlives the handlers
    test_world world_;
    net::sim_backend& io_;
    std::vector<std::unique_ptr<actor>> actors_;
    time_point began_;
    std::size_t step_ = 0;
    std::uint64_t base_ = 0;
};

}  // namespace

outcome play(choices from, const limits& within) {
    const auto world = std::make_unique<simulation>(from, within);
    return world->play();
}

}  // namespace weft::simulation
