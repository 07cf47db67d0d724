// The code of docs/guide/socketio.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <thread>

#include <weft/weft.hpp>

namespace guide {

using namespace std::chrono_literals;
using weft::socketio::ack;
using weft::socketio::socket;
using weft::socketio::socket_ref;

enum class side { buy, sell };
WEFT_ENUM(side, buy, sell)

struct order {
    std::string symbol;
    side what;
    double price;
    std::optional<int> size;
};
WEFT_FIELDS(order, symbol, what, price, size)

weft::task<int> place(order wish);
void place_later(order wish, weft::unique_function<void(int)> done);

void answers(weft::socketio::server& io) {
    io.on("price", [](socket&, std::string symbol) -> weft::result<double> {
        if (symbol != "WEFT") return weft::error(weft::errc::invalid_argument, "no such symbol");
        return 311.2;
    });

    io.on("order", [](socket_ref s, order wish) -> weft::task<int> {
        const int number = co_await place(std::move(wish));
        s.to("brokers").emit("ordered", number);
        co_return number;
    });

    io.on("order_later", [](socket&, order wish, ack done) {
        place_later(std::move(wish),
                    [done = std::move(done)](int number) mutable { done(number); });
    });
}

weft::task<void> tell_time(weft::loop_ref loop, weft::socketio::space& io) {
    for (;;) {
        co_await weft::sleep_for(loop, 1s);
        io.emit("time", std::chrono::system_clock::now());
    }
}

void outside_of_handlers(weft::server& server, weft::socketio::server& io) {
    weft::spawn(server.loop(0), tell_time(server.loop(0), io));

    std::thread([&io] { io.to("staff").emit("report", "all is well"); }).join();

    server.loop(0).post([] { /* on the first loop's thread */ });
}

weft::task<void> confirm(socket_ref s) {
    weft::result<bool> yes = co_await s.timeout(30s).emit_with_ack<bool>("confirm", "Really?");
    if (!yes && yes.error().code() == weft::condition::timed_out) s.disconnect();
}

}  // namespace guide
