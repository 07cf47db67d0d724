// Whatever the headers call "any thread" holds before `run`, while running, during the drain, after
// `run` returned and after the server is gone: it works or does nothing. Threads call all of it
// while servers start and end. Meant for the sanitizers; WEFT_ROUNDS=200 makes it long.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include <weft/net/awaitable.hpp>
#include <weft/socketio/client_thread.hpp>
#include <weft/socketio/server.hpp>
#include <weft/ws/client.hpp>

#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using namespace socketio;

int rounds() {
    const char* const wanted = std::getenv("WEFT_ROUNDS");
    return wanted != nullptr ? std::atoi(wanted) : 8;
}

/// What threads have from a server, and may use whatever becomes of it.
struct handles {
    std::vector<loop_ref> loops;
    std::vector<socket_ref> names;
    std::vector<ack> acks;  // each of them is used once
    std::vector<conn_id> ids;
    std::vector<client_socket_ref> clients;
};

class hammered_server {
public:
    hammered_server() : server_(with_threads(2)), io_(server_) {
        server_.ws("/ws").on_open([this](auto& c) { keep([&] { kept_.ids.push_back(c.id()); }); });
        server_.sse("/events");
        io_.on_connect([this](socketio::socket& s) {
            s.join("room");
            keep([&] { kept_.names.push_back(s.ref()); });
        });
        io_.on("ask", [this](socketio::socket&, int, ack done) {
            keep([&] {
                ++asked_;
                kept_.acks.push_back(std::move(done));
            });
        });
        io_.on_any_outgoing([](std::string_view, const raw_arguments&) {});
        for (unsigned i = 0; i < server_.loops(); ++i)
            keep([&] { kept_.loops.push_back(server_.loop(i)); });
    }

    /// Runs with a client of each kind, and returns once all of them have been seen.
    void run() {
        const auto port = server_.listen(loopback());
        ASSERT_TRUE(port) << port.error().message();
        const std::string address = "127.0.0.1:" + std::to_string(*port);
        thread_ = std::thread([this] { server_.run(signal_handling::none); });
        server_.loop(0).post([this, address] {
            feed_.emplace(server_.loop(0), ws::client_options{.url = "ws://" + address + "/ws"});
            (void)feed_->connect();
        });
        server_.loop(1).post([this, address] {
            inside_.emplace(server_.loop(1),
                            client_options{.url = "http://" + address,
                                           .transports = {engineio::transport_kind::websocket}});
            keep([&] { kept_.clients.push_back(inside_->socket().ref()); });
        });
        auto made = client_thread::make(
            {.url = "http://" + address, .transports = {engineio::transport_kind::websocket}});
        ASSERT_TRUE(made);
        outside_ = std::move(*made);
        keep([&] { kept_.clients.push_back(outside_->socket()); });
        for (int i = 0; i < 4; ++i) outside_->emit_with_ack<int>("ask", i, [](result<int>) {});
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] {
            return kept_.names.size() == 2 && kept_.ids.size() == 1 && asked_ == 4 &&
                   kept_.clients.size() == 2;
        }));
    }
    void end(bool gently) {
        if (gently) {
            server_.drain(5ms);
        } else {
            server_.stop();
        }
    }
    void join() {
        thread_.join();
        outside_.reset();
    }

    weft::server& server() noexcept { return server_; }
    space& io() noexcept { return io_; }
    /// What has been given out by now; the acknowledgements go to whoever asks first.
    handles copy() {
        const std::lock_guard lock(mutex_);
        return {kept_.loops, kept_.names, std::exchange(kept_.acks, {}), kept_.ids, kept_.clients};
    }

private:
    template <class F>
    void keep(F what) {
        const std::lock_guard lock(mutex_);
        what();
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    handles kept_;
    int asked_ = 0;
    weft::server server_;
    socketio::server io_;
    std::optional<ws::client> feed_;          // on loop 0
    std::optional<socketio::client> inside_;  // on loop 1
    std::unique_ptr<client_thread> outside_;
    std::thread thread_;
};

task<void> sleeper(loop_ref on, std::shared_ptr<int>) {
    co_await sleep_for(on, 1ms);
    co_await run_blocking(on, [] {});
}

/// Once each of what may outlive a server.
void use(handles& mine, const std::shared_ptr<int>& token) {
    for (const loop_ref& l : mine.loops) {
        l.post([token] {});
        l.after(duration::max(), [token] {}).cancel();
        const timer_ref ticks = l.every(1ms, [token] {});
        (void)l.now();
        (void)l.in_loop_thread();
        spawn(l, sleeper(l, token));
        ticks.cancel();
    }
    for (const socket_ref& s : mine.names) {
        s.emit("tick", 1);
        s.emit_with_ack<int>("why", 1, [token](result<int>) {});
        s.to("room").emit("said", 2);
        s.to("room").local().volatile_().emit("said", 3);
        s.broadcast().emit_with_ack<int>("all", [token](auto) {});
        s.join("other");
        s.leave("other");
        s.with([token](socketio::socket&) {});
        (void)s.loop().post([token] {});
        (void)s.nsp();
    }
    for (const client_socket_ref& c : mine.clients) {
        c.emit("tock", 1);
        c.with([token](client_socket&) {});
    }
    if (!mine.acks.empty()) {
        mine.acks.back()(7);
        mine.acks.pop_back();
    }
}

/// Once each of what goes with the server.
void use(hammered_server& world, const handles& mine) {
    weft::server& server = world.server();
    for (const conn_id id : mine.ids) {
        (void)server.send(id, "text");
        server.close({}, ws::close_code::normal);
        (void)server.loop_of(id).post([] {});
    }
    server.publish("topic", "text");
    (void)server.metrics_text();
    (void)server.ready();
    space& io = world.io();
    io.emit("hello", 1);
    io.to("room").emit("hello", 2);
    io.emit_with_ack<int>("all", [](auto) {});
    io.fetch_sockets([](const fetched_sockets&) {});
    io.sockets_join("more");
    io.sockets_leave("more");
    (void)io.sockets_count();
}

/// Threads that call everything a number of times while something happens.
class hammers {
public:
    explicit hammers(hammered_server& world) : world_(&world) {
        for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
    }
    ~hammers() {
        allowed_ = over;
        allowed_.notify_all();
        for (std::thread& t : threads_) t.join();
    }
    template <class F>
    void during(F what) {
        const int wanted = calls_ + count * each;
        allowed_ += each;
        allowed_.notify_all();
        what();
        for (int seen = calls_; seen < wanted; seen = calls_) calls_.wait(seen);
    }
    /// Nobody calls the server itself after this.
    void let_go() {
        const std::lock_guard lock(mutex_);
        world_ = nullptr;
    }
    std::shared_ptr<int> token = std::make_shared<int>();

private:
    static constexpr int count = 3, each = 5, over = 1'000'000;

    void work() {
        handles mine;
        for (int done = 0;; ++done) {
            for (int seen = allowed_; seen <= done; seen = allowed_) allowed_.wait(seen);
            if (allowed_ >= over) return;
            {
                const std::shared_lock lock(mutex_);
                if (world_ != nullptr) {
                    handles fresh = world_->copy();
                    for (ack& one : mine.acks) fresh.acks.push_back(std::move(one));
                    mine = std::move(fresh);
                    use(*world_, mine);
                }
            }
            use(mine, token);
            ++calls_;
            calls_.notify_all();
        }
    }

    hammered_server* world_;
    std::shared_mutex mutex_;  // of world_
    std::atomic<int> allowed_{0};
    std::atomic<int> calls_{0};
    std::vector<std::thread> threads_;
};

TEST(any_thread, every_call_works_or_does_nothing_whatever_becomes_of_the_server) {
    for (int round = 0; round < rounds() && !HasFatalFailure(); ++round) {
        auto world = std::make_unique<hammered_server>();
        const loop_ref loop = world->server().loop(0);
        std::shared_ptr<int> token;
        {
            hammers threads(*world);
            token = threads.token;
            threads.during([] {});
            threads.during([&] { world->run(); });
            threads.during([&] {
                world->end(round % 2 == 0);
                world->join();
            });
            threads.during([] {});
            threads.let_go();
            threads.during([&] { world.reset(); });
            threads.during([] {});
        }
        EXPECT_FALSE(loop.post([] { FAIL(); }));
        EXPECT_TRUE(loop.ended());
        EXPECT_EQ(token.use_count(), 1) << "a task was kept";
    }
}

}  // namespace
}  // namespace weft::test
