// A market of invented prices. A symbol is a room and the key of its quotes: for a client that is
// behind only the latest quote of each symbol waits, so it never works off a backlog of old prices.
//
// One coroutine moves the market, four times a second, on the server's first loop; the handlers of
// other loops read it, hence the lock.
//
// In a cluster one server moves it and the others follow: whoever has heard of no move for a second
// begins to move, and of two that move the one with the greater number yields.

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
#include <weft/socketio/json.hpp>

namespace examples {

struct quote {
    std::string symbol;
    double price;
    double change;  ///< Since the market opened, in percent.
};
WEFT_FIELDS(quote, symbol, price, change)

/// What the server that moves the market tells the others.
struct market_move {
    unsigned mover;
    std::vector<quote> quotes;
};
WEFT_FIELDS(market_move, mover, quotes)

namespace {

using namespace std::chrono_literals;
using weft::socketio::socket;

constexpr auto pace = 250ms;
constexpr auto patience = 1s;

class market {
public:
    /// False while another server does.
    bool move() {
        const std::lock_guard lock(mutex_);
        if (!moves_ && weft::steady_clock::now() - heard_ < patience) return false;
        moves_ = true;
        std::normal_distribution<double> step(0.0, 0.0008);
        for (stock& each : stocks_) {
            each.price = std::clamp(each.price * (1.0 + step(random_)), 1.0, 10'000.0);
        }
        return true;
    }

    /// False when it is ours to move.
    bool follow(const market_move& other) {
        const std::lock_guard lock(mutex_);
        if (moves_ && other.mover > number_) return false;
        moves_ = false;
        heard_ = weft::steady_clock::now();
        for (std::size_t i = 0; i < std::min(stocks_.size(), other.quotes.size()); ++i)
            stocks_[i].price = other.quotes[i].price;
        return true;
    }
    [[nodiscard]] unsigned number() const noexcept { return number_; }

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
    const unsigned number_ = std::random_device{}();
    bool moves_ = false;
    weft::time_point heard_ = weft::steady_clock::now();
};

std::string room_of(const std::string& symbol) {
    return "symbol:" + symbol;
}

void tell(weft::socketio::space& io, const std::vector<quote>& quotes) {
    for (const quote& each : quotes)
        io.local().to(room_of(each.symbol)).latest(each.symbol).emit("quote", each);
}

weft::task<void> run_market(weft::loop_ref loop, weft::socketio::space& io,
                            std::shared_ptr<market> all) {
    for (;;) {
        co_await weft::sleep_for(loop, pace);
        if (!all->move()) continue;
        tell(io, all->quotes());
        io.server_side_emit("move", market_move{all->number(), all->quotes()});
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
    io.on_server_side("move", [&io, all](const weft::socketio::raw_arguments& args) {
        const auto told = weft::from_json<market_move>(args.json);
        if (told && all->follow(*told)) tell(io, told->quotes);
    });
    io.on("symbols", [all](socket&) {
        std::vector<std::string> symbols;
        for (quote& each : all->quotes()) symbols.push_back(std::move(each.symbol));
        return symbols;
    });
    io.on("watch",
          [all](socket& s, std::vector<std::string> symbols) { return watch(s, symbols, *all); });
}

}  // namespace examples
