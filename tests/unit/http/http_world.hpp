#pragma once

// An HTTP server on the sim backend: a loop, a service, a listener on port 80.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/router.hpp>

#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"

namespace weft::http::testing {

using namespace std::chrono_literals;

class http_world : private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    explicit http_world(const options& limits = {})
        : limits_(limits),
          io(*new net::sim_backend),
          loop_(std::unique_ptr<net::backend>(&io), {.log = this}) {
        loop_.start();
    }
    ~http_world() { shut_down(); }

    /// Ends everything; before what the handlers use goes.
    void shut_down() { loop_.shut_down(); }

    /// Connects a client; the routes are fixed from the first one on.
    peer open(std::string_view from = "127.0.0.1") {
        if (!service_) {
            log_sink* const sink = this;
            service_.emplace(loop_, routes, limits_, sink, gate);
            listen_options where;
            where.port = 80;
            if (!loop_.listen(where, *this, tls)) return -1;
        }
        const peer client = io.connect_client(80, from);
        run();
        return client;
    }

    void run(int iterations = 8, duration each = 1ms) {
        while (iterations-- > 0) {
            loop_.turn(duration::zero());
            io.advance(each);
        }
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    void send(peer client, std::string_view bytes) {
        io.peer_send(client, bytes);
        run();
    }
    [[nodiscard]] std::string take(peer client) { return io.peer_take(client); }
    /// What a fresh connection gets for these bytes.
    [[nodiscard]] std::string ask(std::string_view bytes) {
        const peer client = open();
        send(client, bytes);
        return take(client);
    }
    [[nodiscard]] bool ended(peer client) const {
        return io.peer_sees_end(client) || io.peer_sees_reset(client);
    }
    [[nodiscard]] std::uint64_t errors(errc e) {
        return counters().errors[static_cast<std::size_t>(e)].read();
    }
    [[nodiscard]] http::metrics& counters() { return service_->counters(); }
    [[nodiscard]] service& server() { return *service_; }
    [[nodiscard]] net::loop_core& loop() { return loop_; }
    [[nodiscard]] std::uint64_t bytes_read() { return loop_.metrics().bytes_received.read(); }
    [[nodiscard]] std::size_t connections() const { return loop_.connections(); }

    router routes;
    net::handshake_gate* gate = nullptr;           // before the first client
    std::shared_ptr<net::tls_server_context> tls;  // likewise
    bool moved = false;                            // what comes was accepted on another loop
    std::vector<std::string> log;                  // of warnings and errors
    std::vector<std::string> notes;

private:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) noexcept override {
        return moved ? service_->take_over(stream) : service_->make_connection(stream);
    }
    void write(const log_record& record) noexcept override {
        (record.level >= log_level::warning ? log : notes).emplace_back(record.message);
    }

    options limits_;

public:
    net::sim_backend& io;

private:
    std::optional<service> service_;
    net::loop_core loop_;
};

/// The status of each reply in a stream of replies, in order.
inline std::vector<int> statuses(std::string_view bytes) {
    std::vector<int> out;
    for (std::size_t at = 0; (at = bytes.find("HTTP/1.1 ", at)) != std::string_view::npos;
         at += 9) {
        out.push_back(std::stoi(std::string(bytes.substr(at + 9, 3))));
    }
    return out;
}

inline bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// What stands behind the first empty line.
inline std::string body_of(std::string_view reply) {
    const std::size_t end = reply.find("\r\n\r\n");
    return end == std::string_view::npos ? "" : std::string(reply.substr(end + 4));
}

inline std::string get(std::string_view path, std::string_view lines = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(lines) + "\r\n";
}

inline std::string post(std::string_view path, std::string_view body, std::string_view lines = "") {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(lines) + "\r\n" + std::string(body);
}

}  // namespace weft::http::testing
