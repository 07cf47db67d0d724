// A server on the sim backend. Clients connect to its listener within the same loop, so one thread
// plays both sides. Invariant: `settle` returns only when neither the loop, nor the simulated
// network, nor a worker thread has anything left to do at this moment of the clock.

#include <weft/testing/world.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <thread>

#include "http/client_connection.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "testing/network_of.hpp"

namespace weft {
namespace {

constexpr std::uint16_t port = 80;
constexpr std::string_view host = "127.0.0.1";
constexpr unsigned most_turns = 200'000;

test_response copy_of(const http::client_response& from) {
    test_response made{from.head.status(), {}, std::string(from.body)};
    for (std::size_t i = 0; i < from.head.field_count(); ++i) {
        made.headers.emplace_back(from.head.field(i).name, from.head.field(i).value);
    }
    return made;
}

server_options for_one_loop(server_options options) {
    options.threads = 1;
    return options;
}

}  // namespace

std::string_view test_response::header(std::string_view name) const noexcept {
    for (const auto& [given, value] : headers) {
        if (http::same_token(given, name)) return value;
    }
    return {};
}

struct test_world::network {
    net::sim_backend* io;  // the loop's
    net::loop_core* loop;  // once it has started
};

test_world::test_world(server_options options) {
    auto io = std::make_unique<net::sim_backend>();
    network_ = detail::owned_ptr<network>(new network{io.get(), nullptr});
    server_ = detail::owned_ptr<weft::server>(
        new weft::server(for_one_loop(std::move(options)), std::move(io)));
}

test_world::~test_world() {
    server_->finish();
}

std::string test_world::url(std::string_view path) {
    return "ws://" + std::string(host) + std::string(path);
}

result<void> test_world::start() {
    const auto listening = server_->listen({.host = std::string(host), .port = port});
    if (!listening) return listening.error();
    auto started = server_->start();
    if (started) network_->loop = loop().core();
    return started;
}

/// When the loop wants to be called next; nothing once the server is stopped.
std::optional<time_point> test_world::settle() {
    for (unsigned turns = 0; turns < most_turns; ++turns) {
        const auto next = server_->turn();
        if (!next) return std::nullopt;
        if (network_->loop != nullptr && network_->loop->working()) {
            std::this_thread::yield();
            turns = 0;  // that takes as long as it takes
        } else if (*next > now() && network_->io->quiet()) {
            return next;
        }
    }
    throw std::logic_error(
        "test_world: after 200,000 turns there is still something "
        "to do; do two handlers answer each other for ever?");
}

void test_world::run() {
    (void)settle();
}

void test_world::pass(duration time) {
    const time_point end = later(now(), time);
    for (auto next = settle(); next && now() < end; next = settle()) {
        const time_point soonest = later(now(), std::chrono::milliseconds(1));
        network_->io->advance(std::min(std::max(*next, soonest), end) - now());
    }
}

time_point test_world::now() const noexcept {
    return network_->io->now();
}

net::sim_backend& network_of(test_world& world) noexcept {
    return *world.network_->io;
}

result<test_response> test_world::ask(const test_request& what) {
    if (network_->loop == nullptr) return error(errc::invalid_state, "the world has not started");
    http::client_origin origin;
    origin.to.host = host;
    origin.to.port = port;
    origin.authority = host;
    http::client_connection connection(*network_->loop, std::move(origin));
    std::vector<http::header_field> headers;
    for (const auto& [name, value] : what.headers) headers.push_back({name, value});
    std::optional<result<test_response>> answer;
    const auto asked = connection.request(
        {.method = what.method, .target = what.target, .headers = headers, .body = what.body},
        [&](result<http::client_response> got) {
            answer =
                got ? result<test_response>(copy_of(*got)) : result<test_response>(got.error());
        });
    if (!asked) return asked.error();
    run();
    if (!answer) return error(errc::timed_out, "the server gave no answer yet");
    return *std::move(answer);
}

}  // namespace weft
