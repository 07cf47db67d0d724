// A market of invented prices. A symbol is a room and the key of its quotes: for a client that is
// behind only the latest quote of each symbol waits, so it never works off a backlog of old prices.
//
// One coroutine moves the market, four times a second, on the server's first loop; the handlers of
// other loops read it, hence the lock.

#include "ticker/ticker.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <weft/net/awaitable.hpp>

namespace examples {

struct quote {
    std::string symbol;
    double price;
    double change;  ///< Since the market opened, in percent.
};
WEFT_FIELDS(quote, symbol, price, change)

namespace {

using namespace std::chrono_literals;
using weft::socketio::socket;

constexpr auto pace = 250ms;

class market {
public:
    void move() {
        const std::lock_guard lock(mutex_);
        std::normal_distribution<double> step(0.0, 0.0008);
        for (stock& each : stocks_) {
            each.price = std::clamp(each.price * (1.0 + step(random_)), 1.0, 10'000.0);
        }
    }

    std::vector<quote> quotes() const {
        const std::lock_guard lock(mutex_);
        std::vector<quote> all;
        for (const stock& each : stocks_) {
            const auto cents = [](double number) { return std::round(number * 100.0) / 100.0; };
            all.push_back(
                {each.symbol, cents(each.price), cents((each.price / each.opening - 1.0) * 100.0)});
        }
        return all;
    }

private:
    struct stock {
        const char* symbol;
        double opening;
        double price = opening;
    };

    mutable std::mutex mutex_;
    std::array<stock, 8> stocks_{{{"LOOM", 120.0},
                                  {"WARP", 48.5},
                                  {"WEFT", 311.2},
                                  {"SILK", 76.3},
                                  {"WOOL", 22.8},
                                  {"FLAX", 15.4},
                                  {"DYE", 203.7},
                                  {"YARN", 64.1}}};
    std::mt19937 random_{std::random_device{}()};
};

std::string room_of(const std::string& symbol) {
    return "symbol:" + symbol;
}

weft::task<void> run_market(weft::loop_ref loop, weft::socketio::space& io,
                            std::shared_ptr<market> all) {
    for (;;) {
        co_await weft::sleep_for(loop, pace);
        all->move();
        for (const quote& each : all->quotes()) {
            io.to(room_of(each.symbol)).latest(each.symbol).emit("quote", each);
        }
    }
}

weft::result<std::vector<quote>> watch(socket& s, const std::vector<std::string>& symbols,
                                       const market& all) {
    const std::vector<quote> known = all.quotes();
    const auto find = [&](const std::string& symbol) {
        return std::find_if(known.begin(), known.end(),
                            [&](const quote& each) { return each.symbol == symbol; });
    };
    std::vector<quote> wanted;
    for (const std::string& symbol : symbols) {
        const auto found = find(symbol);
        if (found == known.end())
            return weft::error(weft::errc::invalid_argument, "no such symbol");
        wanted.push_back(*found);
        if (wanted.size() > known.size())
            return weft::error(weft::errc::limit_exceeded, "more symbols than there are");
    }
    for (const quote& each : known) s.leave(room_of(each.symbol));
    for (const quote& each : wanted) s.join(room_of(each.symbol));
    return wanted;
}

}  // namespace

void serve_ticker(weft::server& server, weft::socketio::space& io) {
    const auto all = std::make_shared<market>();
    const weft::loop_ref first = server.loop(0);
    weft::spawn(first, run_market(first, io, all));
    io.on("symbols", [all](socket&) {
        std::vector<std::string> symbols;
        for (quote& each : all->quotes()) symbols.push_back(std::move(each.symbol));
        return symbols;
    });
    io.on("watch",
          [all](socket& s, std::vector<std::string> symbols) { return watch(s, symbols, *all); });
}

}  // namespace examples
