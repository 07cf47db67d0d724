// Counts every call of malloc and its kin in this program: on the echo path there is none per
// message, and a published message costs exactly one, however many subscribers it has.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/http/router.hpp>
#include <weft/ws/endpoint.hpp>

#include "http/service.hpp"
#include "net/backend/epoll/epoll_backend.hpp"
#include "net/loop_core.hpp"
#include "proto_support.hpp"
#include "support/count_allocations.hpp"
#include "ws/connection_core.hpp"

namespace weft::ws::test {
namespace {

constexpr const char* request =
    "GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A server on epoll and its clients, in one thread.
class real_world final : private net::acceptor {
public:
    real_world()
        : loop(*net::make_epoll_backend(), {}),
          shared_(loop, all_, 64 * 1024 * 1024),
          service_(loop, routes_, {}, nullptr) {
        loop.start();
        EXPECT_TRUE(endpoint.prepare());
        endpoint.set_loops({&shared_});
        (void)routes_.upgrade("/ws", [this](const http::request& asked, http::upgrade upgrade) {
            endpoint.handle(asked, std::move(upgrade));
        });
        listen_options where;
        where.host = "127.0.0.1";
        listener_ = *loop.listen(where, *this);
    }
    ~real_world() {
        for (const int fd : clients_) ::close(fd);
        loop.shut_down();
    }

    int open() {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(loop.local_address(listener_)->port());
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
        clients_.push_back(fd);
        send(fd, request);
        char answer[1024];
        std::size_t size = 0;
        while (std::string_view(answer, size).find("\r\n\r\n") == std::string_view::npos) {
            loop.turn(std::chrono::milliseconds(1));
            const ssize_t got = ::recv(fd, answer + size, sizeof answer - size, MSG_DONTWAIT);
            if (got > 0) size += static_cast<std::size_t>(got);
        }
        return fd;
    }
    static void send(int fd, std::string_view bytes) {
        EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }
    /// Runs the loop until the client has got exactly so many bytes.
    void receive(int fd, std::size_t wanted) {
        static char into[64 * 1024];
        while (wanted > 0) {
            loop.turn(duration::zero());
            const ssize_t got = ::recv(fd, into, std::min(wanted, sizeof into), MSG_DONTWAIT);
            ASSERT_TRUE(got > 0 || errno == EAGAIN);
            if (got > 0) wanted -= static_cast<std::size_t>(got);
        }
    }

    net::loop_core loop;
    ws::endpoint<void> endpoint{options{}};

private:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) noexcept override {
        return service_.make_connection(stream);
    }

    pubsub::exchange all_;
    connection_shared shared_;
    http::router routes_;
    http::service service_;
    net::listener_id listener_;
    std::vector<int> clients_;
};

/// Echoes 16 messages in flight, and counts what 1,000 rounds of them allocate once all is warm.
std::size_t allocations_of_echo(const std::string& one, std::size_t answer) {
    real_world world;
    world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
    const int client = world.open();
    std::string batch;
    for (int i = 0; i < 16; ++i) batch += one;
    const auto round = [&] {
        world.send(client, batch);
        world.receive(client, 16 * answer);
    };
    for (int i = 0; i < 100; ++i) round();
    const std::size_t before = allocations;
    for (int i = 0; i < 1000; ++i) round();
    return allocations - before;
}

TEST(allocations, are_counted_here) {
    const std::size_t before = allocations;
    const auto memory = std::make_unique<std::string>(100, 'x');
    EXPECT_EQ(memory->size(), 100U);
    EXPECT_EQ(allocations - before, 2U);
}

TEST(allocations, none_to_echo_a_short_message) {
    const std::string payload = "twenty bytes of text";
    EXPECT_EQ(allocations_of_echo(encode({0x81, payload}), 22), 0U);
    EXPECT_EQ(allocations_of_echo(encode({0x82, payload}), 22), 0U);
}

TEST(allocations, none_to_echo_a_message_of_4_kib) {
    EXPECT_EQ(allocations_of_echo(encode({0x82, std::string(4096, 'b')}), 4 + 4096), 0U);
}

TEST(allocations, none_to_answer_a_ping) {
    EXPECT_EQ(allocations_of_echo(encode({0x81, "a"}) + encode({0x81, ""}), 5), 0U);
    real_world world;
    const int client = world.open();
    const std::string ping = encode({0x89, "are you there?"});
    const auto round = [&] {
        world.send(client, ping);
        world.receive(client, 2 + 14);
    };
    for (int i = 0; i < 10; ++i) round();
    const std::size_t before = allocations;
    for (int i = 0; i < 20; ++i) round();
    EXPECT_EQ(allocations - before, 0U);
}

TEST(allocations, one_to_publish_a_message_to_everybody) {
    real_world world;
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); })
        .on_message([](auto& c, message_view m) { c.publish("all", m); });
    std::vector<int> clients(10);
    for (int& client : clients) client = world.open();
    const std::string one = encode({0x81, "twenty bytes of text"});
    const auto round = [&] {
        world.send(clients[0], one);
        for (std::size_t i = 1; i < clients.size(); ++i) world.receive(clients[i], 22);
    };
    for (int i = 0; i < 100; ++i) round();
    const std::size_t before = allocations;
    for (int i = 0; i < 1000; ++i) round();
    EXPECT_EQ(allocations - before, 1000U);
}

}  // namespace
}  // namespace weft::ws::test
