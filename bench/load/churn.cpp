// Clients that come and go, for soak.py: each connects, has one message echoed, and goes; every
// second one closes, the others are cut off. `/socket.io/` in the URL makes them Socket.IO clients.
//
// Each line on standard input is a number of such cycles; the answer is a line of JSON.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

#include <weft/net/loop.hpp>
#include <weft/net/tls.hpp>
#include <weft/ws/client.hpp>

namespace {

constexpr std::size_t at_once = 64;

class churn {
public:
    churn(weft::loop& loop, const std::string& url)
        : socketio_(url.find("/socket.io/") != std::string::npos) {
        weft::tls_client_options tls;
        tls.verification = weft::tls_verification::insecure_none;
        const weft::ws::client_context shared(loop.ref(), tls);
        while (clients_.size() < at_once) {
            auto& c = clients_.emplace_back(shared, weft::ws::client_options{.url = url});
            c.on_open([this](auto& who) { who.send(socketio_ ? "40" : "x"); });
            c.on_message([this](auto& who, weft::message_view what) { heard(who, what.text()); });
            c.on_close([this](auto& who, const auto&) { gone(who); });
            c.on_failure([this](auto& who, const auto&) {
                ++failed_;
                gone(who);
            });
        }
    }

    void run(std::size_t cycles) {
        began_ = std::chrono::steady_clock::now();
        cycles_ = left_ = cycles;
        failed_ = 0;
        for (auto& c : clients_) begin(c);
    }

private:
    void begin(weft::ws::client& c) {
        if (left_ == 0) return;
        --left_;
        ++busy_;
        if (auto begun = c.connect(); !begun) std::abort();
    }
    /// With Socket.IO: the handshake, the answer to CONNECT, the acknowledgement.
    void heard(weft::ws::client& c, std::string_view what) {
        if (socketio_ && what.starts_with("40")) c.send(R"(421["echo","x"])");
        if (socketio_ && !what.starts_with("43")) return;
        if (++echoed_ % 2 == 0) {
            c.close();
        } else {
            c.terminate();
        }
    }
    void gone(weft::ws::client& c) {
        --busy_;
        begin(c);
        if (busy_ != 0) return;
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
        std::printf("{\"cycles\":%zu,\"failed\":%zu,\"seconds\":%.1f}\n", cycles_, failed_,
                    took.count());
        std::fflush(stdout);
    }

    const bool socketio_;
    std::deque<weft::ws::client> clients_;
    std::size_t cycles_ = 0, left_ = 0, busy_ = 0, failed_ = 0, echoed_ = 0;
    std::chrono::steady_clock::time_point began_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: churn URL\n", stderr);
        return 2;
    }
    auto loop = weft::loop::make();
    if (!loop) return 1;
    churn all(**loop, argv[1]);
    std::thread commands([at = (*loop)->ref(), &all, &loop] {
        std::string line;
        while (std::getline(std::cin, line)) {
            const std::size_t cycles = std::strtoull(line.c_str(), nullptr, 10);
            at.post([&all, cycles] { all.run(cycles); });
        }
        (*loop)->stop();
    });
    (*loop)->run();
    commands.join();
}
