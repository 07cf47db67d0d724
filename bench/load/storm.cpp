// The two kinds of clients of a reconnect storm (storm.py runs them): `healthy` ones that echo all
// the time, and `crowd`, who lose their connections and come back all at once.
//
// Each line on standard input is a command, each answer a line of JSON.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include <weft/net/loop.hpp>
#include <weft/ws/client.hpp>

#include "bench/histogram.hpp"

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point then) {
    return std::chrono::duration<double>(clock::now() - then).count();
}

/// Has `run` called on the loop with each line of standard input, until that ends.
std::thread read_commands(weft::loop& loop, std::function<void(const std::string&)> run) {
    return std::thread([at = loop.ref(), &loop, run = std::move(run)] {
        std::string line;
        while (std::getline(std::cin, line)) at.post([run, line] { run(line); });
        loop.stop();
    });
}

/// Each sends its message every 50 ms, whatever became of the last one; the answer tells when that
/// was.
class healthy {
public:
    static constexpr std::chrono::nanoseconds period = 50ms;

    healthy(weft::loop& loop, const std::string& url, unsigned count) : loop_(loop) {
        const weft::ws::client_context shared(loop.ref());
        for (unsigned i = 0; i < count; ++i) {
            auto& c = clients_.emplace_back(shared, weft::ws::client_options{.url = url});
            c.on_message([this](auto&, weft::message_view answer) { took(answer); });
            c.on_close([this](auto&, const auto&) { ++lost_; });
            c.on_failure([](auto&, const weft::ws::connect_failure& why) {
                std::fprintf(stderr, "storm: %s\n", why.why.message().c_str());
                std::exit(1);
            });
            c.on_open([this](auto&) {
                if (++open_ == clients_.size()) begin();
            });
            if (auto begun = c.connect(); !begun) std::abort();
        }
    }

    /// What was measured since the last command.
    void tell(const std::string& /*any*/) {
        std::printf(R"({"count":%llu,"p50_us":%.0f,"p99_us":%.0f,"max_us":%.0f,"lost":%u})"
                    "\n",
                    static_cast<unsigned long long>(times_.count()),
                    static_cast<double>(times_.quantile(0.5)) / 1e3,
                    static_cast<double>(times_.quantile(0.99)) / 1e3,
                    static_cast<double>(times_.max()) / 1e3, lost_);
        std::fflush(stdout);
        times_.clear();
    }

private:
    /// One after the other, evenly over the period.
    void begin() {
        due_ = clock::now();
        send();
        std::puts("{}");
        std::fflush(stdout);
    }
    void send() {
        const auto step = period / clients_.size();
        for (; due_ <= clock::now(); due_ += step) {
            char text[20]{};
            const auto sent = clock::now().time_since_epoch().count();
            std::memcpy(text, &sent, sizeof sent);
            clients_[next_++ % clients_.size()].send(
                weft::byte_view(reinterpret_cast<const std::byte*>(text), sizeof text));
        }
        loop_.ref().after(1ms, [this] { send(); });
    }
    void took(weft::message_view answer) {
        clock::rep sent{};
        std::memcpy(&sent, answer.bytes().data(), sizeof sent);
        times_.record(static_cast<std::uint64_t>(clock::now().time_since_epoch().count() - sent));
    }

    weft::loop& loop_;
    std::deque<weft::ws::client> clients_;
    weft::bench::histogram times_;
    clock::time_point due_;
    std::size_t next_ = 0;
    std::size_t open_ = 0;
    unsigned lost_ = 0;
};

/// At each command all of them are cut off, and connect at once.
class crowd {
public:
    crowd(weft::loop& loop, const std::string& url, unsigned count) {
        const weft::ws::client_context shared(loop.ref());
        for (unsigned i = 0; i < count; ++i) {
            auto& c = clients_.emplace_back(
                shared, weft::ws::client_options{.url = url, .reconnect = {{}}});
            c.on_open([this](auto&) { came(); });
            c.on_close([this](auto& who, const auto&) {
                if (who.state() == weft::ws::client_state::idle) return begin(who);
                --open_;
                ++lost_;
            });
            c.on_failure([this](auto& who, const weft::ws::connect_failure& why) {
                ++failures_[why.status != 0 ? std::to_string(why.status) : why.why.message()];
                if (const auto wait = who.retry_in())
                    longest_ = std::max(longest_, std::chrono::duration<double>(*wait).count());
            });
        }
    }

    void come(const std::string& /*any*/) {
        const bool again = open_ != 0;
        open_ = lost_ = 0;
        failures_.clear();
        longest_ = 0;
        half_ = 0;
        began_ = clock::now();
        for (auto& c : clients_) {
            if (again) {
                c.terminate();  // `on_close` goes on
            } else {
                begin(c);
            }
        }
    }

private:
    static void begin(weft::ws::client& c) {
        if (auto begun = c.connect(); !begun) std::abort();
    }
    void came() {
        ++open_;
        if (open_ == clients_.size() / 2) half_ = seconds_since(began_);
        if (open_ < clients_.size()) return;
        std::printf(R"({"half_s":%.2f,"all_s":%.2f,"longest_pause_s":%.1f,"lost":%zu,"failures":{)",
                    half_, seconds_since(began_), longest_, lost_);
        const char* comma = "";
        for (const auto& [what, count] : failures_) {
            std::printf("%s\"%s\":%u", comma, what.c_str(), count);
            comma = ",";
        }
        std::puts("}}");
        std::fflush(stdout);
    }

    std::deque<weft::ws::client> clients_;
    std::map<std::string, unsigned> failures_;
    std::size_t open_ = 0;
    std::size_t lost_ = 0;
    double half_ = 0;
    double longest_ = 0;
    clock::time_point began_;
};

template <class Clients>
int run(const std::string& url, unsigned count) {
    auto loop = weft::loop::make();
    if (!loop) return 1;
    Clients all(**loop, url, count);
    std::thread commands = read_commands(**loop, [&](const std::string& line) {
        if constexpr (requires { all.tell(line); })
            all.tell(line);
        else
            all.come(line);
    });
    (*loop)->run();
    commands.join();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view kind = argc == 4 ? argv[1] : "";
    if (kind == "healthy") return run<healthy>(argv[2], static_cast<unsigned>(std::atoi(argv[3])));
    if (kind == "crowd") return run<crowd>(argv[2], static_cast<unsigned>(std::atoi(argv[3])));
    std::fputs("usage: storm healthy|crowd URL COUNT\n", stderr);
    return 2;
}
