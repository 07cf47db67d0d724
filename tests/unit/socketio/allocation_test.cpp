// Counts every call of malloc and its kin in this program: what one event costs on the usual paths.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/http/router.hpp>
#include <weft/socketio/server.hpp>

#include "http/service.hpp"
#include "net/backend/epoll/epoll_backend.hpp"
#include "net/loop_core.hpp"
#include "support/count_allocations.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::socketio::test {
namespace {

constexpr std::string_view request =
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

/// A server on epoll and its clients, in one thread.
class real_world final : public host, private net::acceptor {
public:
    real_world()
        : loop(*net::make_epoll_backend(), {}),
          shared_(loop, all_, 64 * 1024 * 1024),
          server(*this),
          service_(loop, routes_, {}, nullptr) {
        loop.start();
    }
    ~real_world() {
        for (const int fd : clients_) ::close(fd);
        loop.shut_down();
        module_->shut_down();
    }

    /// After the handlers were set.
    void start() {
        ASSERT_TRUE(module_->prepare({&shared_}));
        listen_options where;
        where.host = "127.0.0.1";
        listener_ = *loop.listen(where, *this);
    }
    /// A client in the main namespace.
    int open() {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(loop.local_address(listener_)->port());
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
        clients_.push_back(fd);
        send(fd, request);
        send(fd, ws::test::text_frame("40"));
        std::string answer(4096, '\0');
        std::size_t size = 0;
        while (answer.substr(0, size).find("40{\"sid\":") == std::string::npos) {
            loop.turn(std::chrono::milliseconds(1));
            const ssize_t got =
                ::recv(fd, answer.data() + size, answer.size() - size, MSG_DONTWAIT);
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
    /// What one packet of the first client costs, once all is warm; `answer` comes to the last one.
    std::size_t cost_of(std::string_view packet, std::string_view answer) {
        const std::string frame = ws::test::text_frame(packet);
        const auto round = [&] {
            send(clients_.front(), frame);
            receive(clients_.back(), 2 + answer.size());
        };
        for (int i = 0; i < 200; ++i) round();
        constexpr std::size_t rounds = 1000;
        const std::size_t before = allocations;
        for (std::size_t i = 0; i < rounds; ++i) round();
        const std::size_t counted = allocations - before;
        EXPECT_EQ(counted % rounds, 0U) << counted;
        return counted / rounds;
    }

    net::loop_core loop;

private:
    http::router& routes() noexcept override { return routes_; }
    log_sink* log() const noexcept override { return nullptr; }
    std::size_t attach(std::shared_ptr<module> what) override {
        module_ = std::move(what);
        return 0;
    }
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return service_.make_connection(stream);
    }

    pubsub::exchange all_;
    ws::connection_shared shared_;
    std::shared_ptr<module> module_;
    http::router routes_;

public:
    socketio::server server;

private:
    http::service service_;
    net::listener_id listener_;
    std::vector<int> clients_;
};

constexpr std::string_view text = "thirty-two bytes of text, or so.";

TEST(socketio_allocations, none_to_take_an_event_and_one_to_answer_or_emit) {
    real_world w;
    w.server.on("quiet", [](socket&, std::string_view) {});
    w.server.on("echo", [](socket&, std::string_view what) { return what; });
    w.server.on("say", [](socket& s, std::string_view what) { s.emit("said", what); });
    w.start();
    w.open();
    const std::string argument = "\"" + std::string(text) + "\"]";
    EXPECT_EQ(w.cost_of("421[\"quiet\"," + argument, "431[]"), 0U);
    EXPECT_EQ(w.cost_of("421[\"echo\"," + argument, "431[" + argument), 1U);
    EXPECT_EQ(w.cost_of("42[\"say\"," + argument, "42[\"said\"," + argument), 1U);
}

TEST(socketio_allocations, two_to_broadcast_a_text) {
    real_world w;
    w.server.on_connect([](socket& s) { s.join("a room with a long name"); });
    w.server.on("all", [](socket& s, std::string_view what) { s.broadcast().emit("said", what); });
    w.server.on("room", [](socket& s, std::string_view what) {
        s.to("a room with a long name").to("and another one").emit("said", what);
    });
    w.start();
    for (int i = 0; i < 2; ++i) w.open();
    const std::string argument = "\"" + std::string(text) + "\"]";
    EXPECT_EQ(w.cost_of("42[\"all\"," + argument, "42[\"said\"," + argument), 2U);
    EXPECT_EQ(w.cost_of("42[\"room\"," + argument, "42[\"said\"," + argument), 2U);
}

}  // namespace
}  // namespace weft::socketio::test
