// A Socket.IO server: waiters log in, serve tables (rooms) and order (typed events). A thread
// cooks, a timer tells the time, and SIGTERM sends everyone home.
//
//     weft_example_kitchen [PORT]

#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include <weft/weft.hpp>

using namespace std::chrono_literals;
using weft::socketio::socket;

struct credentials {
    std::string name;
    std::string password;
};
WEFT_FIELDS(credentials, name, password)

struct order {
    int table;
    std::string dish;
};
WEFT_FIELDS(order, table, dish)

int main(int argc, char** argv) {
    weft::server server;
    weft::socketio::server io{server};
    std::mutex mutex;  // handlers run on threads of the server, the cook on its own
    std::condition_variable_any changed;
    std::deque<order> orders;
    const auto room_of = [](int table) { return "table:" + std::to_string(table); };

    io.use([](socket& s) -> weft::admission<> {
        const auto who = s.auth<credentials>();
        if (!who) return who.error();
        if (who->password != "weft") return weft::refusal("wrong name or password");
        return weft::identity{.subject = who->name};
    });
    io.on("serve", [&](socket& s, int table) { return s.join(room_of(table)); });
    io.on("order", [&](socket& s, order what) -> weft::result<void> {
        const std::string room = room_of(what.table);
        if (!s.in_room(room)) return weft::error(weft::errc::invalid_state, "not your table");
        s.to(room).emit("ordered", what, s.peer().who()->subject);
        const std::lock_guard lock(mutex);
        orders.push_back(std::move(what));
        changed.notify_one();
        return {};
    });
    server.loop(0).every(1s, [&] { io.emit("time", std::chrono::system_clock::now()); });

    const std::jthread cook([&](const std::stop_token& end) {
        std::unique_lock lock(mutex);
        while (changed.wait(lock, end, [&] { return !orders.empty(); })) {
            const order next = std::move(orders.front());
            orders.pop_front();
            lock.unlock();
            std::this_thread::sleep_for(100ms);  // it may block: no connection waits for it
            io.to(room_of(next.table)).emit("ready", next);
            lock.lock();
        }
    });

    std::uint16_t port = 8080;
    if (argc > 1) std::from_chars(argv[1], argv[1] + std::string_view(argv[1]).size(), port);
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening)
        return std::fprintf(stderr, "kitchen: %s\n", listening.error().message().c_str()), 1;
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
