// Torture of the server: HTTP, WebSockets plain, compressed and over TLS, Engine.IO and Socket.IO,
// event streams, files.

#include "sim/torture.hpp"

namespace weft::test {
namespace {

/// A client over TLS, whose own memory never runs out. OpenSSL's does not either: it has that from
/// malloc.
class tls_client {
public:
    explicit tls_client(torture_world& to) : world_(to), conn_(to.sim.connect_client(443)) {
        go_on(tls_.step());
    }
    std::string ask(std::string_view bytes) {
        tls_.plain.clear();
        if (SSL_is_init_finished(tls_.ssl()) == 1) go_on(tls_.write(std::string(bytes)));
        return tls_.plain;
    }
    void end() {
        world_.sim.peer_reset(conn_);
        world_.run();
    }

private:
    void go_on(std::string out) {
        for (int i = 0; i < 4; ++i) {
            world_.send(conn_, out);
            out = tls_.step(world_.take(conn_));
        }
    }

    torture_world& world_;
    net::testing::openssl_peer tls_{net::testing::openssl_peer::role::client};
    torture_world::peer conn_;
};

void poll_once(torture_world& w) {
    const auto client = w.connect();
    const std::string sid = w.open_polling(client);
    if (sid.empty()) return;
    const std::string path = "/socket.io/?EIO=4&transport=polling&sid=" + sid;
    (void)w.ask(client, torture_world::post(path, "40"));
    (void)w.ask(client, torture_world::get(path));
    (void)w.ask(client, torture_world::post(path, "42[\"say\",\"hi\"]"));
    w.send(client, torture_world::get(path));
    w.pass_until_ping();  // it ends the poll
    (void)w.ask(client, torture_world::post(path, "3"));
}

void upgrade_from_polling(torture_world& w) {
    const auto polls = w.connect();
    const std::string sid = w.open_polling(polls);
    if (sid.empty()) return;
    (void)w.ask(polls, torture_world::post("/socket.io/?EIO=4&transport=polling&sid=" + sid, "40"));
    const auto socket = w.connect();
    (void)w.ask(socket, torture_world::upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + sid));
    (void)w.ask(socket, text_frame("2probe"));
    (void)w.ask(socket, text_frame("5"));
    (void)w.ask(socket, text_frame("420[\"ask\",\"upgraded\"]"));
}

void come_back(torture_world& w) {
    const auto first = w.open_sio();
    const std::string came = w.take(first);
    const std::string pid = torture_world::value_of(came, "\"pid\":\"");
    (void)w.ask(first, text_frame(R"(42["join","a room that is come back to, later"])"));
    w.sim.peer_reset(first);
    w.run();
    const auto talker = w.open_sio();
    w.send(talker, text_frame(R"(42["say","while the other one was away"])"));
    (void)w.open_sio(R"(40{"pid":")" + pid + "\"}");
    w.run();
}

const scenario scenarios[] = {
    {"connect and go",
     [](torture_world& w) {
         const auto client = w.connect();
         w.run();
         w.sim.peer_end(client);
         w.run();
     }},
    {"HTTP route",
     [](torture_world& w) { (void)w.ask(w.connect(), torture_world::get("/hello/you")); }},
    {"a file",
     [](torture_world& w) {
         (void)w.ask(w.connect(), torture_world::get("/files/page.html"));
         (void)w.ask(w.connect(), torture_world::get("/files/nothing.html"));
     }},
    {"requests of a trusted proxy",
     [](torture_world& w) {
         const auto proxy = w.sim.connect_client(80, "10.0.0.1");
         for (int i = 0; i < 2; ++i)
             (void)w.ask(proxy,
                         "GET /hello/you HTTP/1.1\r\nHost: here\r\nForwarded: for=unknown\r\n"
                         "X-Forwarded-For: 2001:db8::1, 10.0.0.1\r\n\r\n");
     }},
    {"PROXY headers",
     [](torture_world& w) {
         const auto proxy = w.sim.connect_client(81);
         (void)w.ask(proxy, "PROXY TCP6 2001:db8::1234:5678 ::1 1 2\r\n" +
                                torture_world::get("/hello/you"));
         w.send(w.sim.connect_client(81), "GET / HTTP/1.1\r\n");
     }},
    {"HTTP requests that come in pieces",
     [](torture_world& w) {
         const auto client = w.connect();
         for (const char c :
              torture_world::get("/hello/you?and=more") + torture_world::get("/nowhere"))
             w.send(client, {&c, 1});
     }},
    {"POST",
     [](torture_world& w) {
         const auto client = w.connect();
         const std::string whole = torture_world::post("/body", std::string(20'000, 'b'));
         w.send(client, whole.substr(0, 10'000));
         w.send(client, whole.substr(10'000));
     }},
    {"deferred reply",
     [](torture_world& w) {
         const auto client = w.connect();
         w.send(client, torture_world::get("/later") + torture_world::get("/hello/behind"));
         for (auto& r : std::exchange(w.waiting, {})) {
             const allocations::watch on(w.watching);
             try {
                 (void)r.send(http::response::text(200, "at last"));
             } catch (const std::bad_alloc&) {
                 continue;
             }
         }
         w.run();
     }},
    {"WebSocket upgrade and echo",
     [](torture_world& w) {
         const auto client = w.open_ws();
         (void)w.ask(client, text_frame("hello"));
         (void)w.ask(client, encode({0x89, "ping"}));
     }},
    {"fragments and a large message",
     [](torture_world& w) {
         const auto client = w.open_ws();
         w.send(client, encode({0x02, "begin"}));
         w.send(client, encode({0x80, std::string(70'000, 'e')}));
         w.send(client, text_frame(std::string(200'000, 'l')).substr(0, 100'000));
     }},
    {"compressed messages",
     [](torture_world& w) {
         const auto client = w.open_ws("Sec-WebSocket-Extensions: permessage-deflate\r\n");
         (void)w.ask(client, text_frame(std::string(2'000, 'c')));
         (void)w.ask(client, encode({0xC1, std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7)}));
     }},
    {"subscribe and publish",
     [](torture_world& w) {
         const auto a = w.open_ws();
         const auto b = w.open_ws();
         w.send(a, text_frame("subscribe"));
         w.send(b, text_frame("subscribe"));
         w.send(a, text_frame("publish"));
     }},
    {"slow reader",
     [](torture_world& w) {
         const auto client = w.open_ws();
         w.sim.peer_window(client, 1'000);
         w.send(client, text_frame("much"));
         (void)w.take(client);
         w.run();
         (void)w.take(client);
         w.run();
     }},
    {"close",
     [](torture_world& w) {
         const auto client = w.open_ws();
         (void)w.ask(client, close_frame(4000));
         w.sim.peer_end(client);
         w.run();
     }},
    {"heartbeat",
     [](torture_world& w) {
         (void)w.open_ws();
         w.pass_until_ping();
         w.pass(5s);
     }},
    {"polling", poll_once},
    {"upgrade from polling", upgrade_from_polling},
    {"CONNECT",
     [](torture_world& w) { (void)w.open_sio(R"(40{"token":"a text of some length"})"); }},
    {"CONNECT to a namespace of a pattern",
     [](torture_world& w) { (void)w.open_sio("40/dynamic-and-of-some-length,"); }},
    {"CONNECT to no namespace",
     [](torture_world& w) { (void)w.open_sio("40/nowhere-to-be-found,"); }},
    {"event with acknowledgement",
     [](torture_world& w) {
         const auto client = w.open_sio();
         w.send(client, text_frame(R"(420["ask","what is asked for with some length"])"));
         w.send(client, text_frame(R"(42["question"])"));
         w.send(client, text_frame("430[7]"));
     }},
    {"room and broadcast",
     [](torture_world& w) {
         const auto a = w.open_sio();
         const auto b = w.open_sio();
         w.send(a, text_frame(R"(42["join","another room with a long name"])"));
         w.send(b, text_frame(R"(42["say","something to everybody in the room"])"));
     }},
    {"binary attachments",
     [](torture_world& w) {
         const auto client = w.open_sio();
         w.send(client, text_frame(R"(451-["bytes",{"_placeholder":true,"num":0}])"));
         w.send(client, binary_frame(std::string(500, '\x7f')));
     }},
    {"recovery", come_back},
    {"disconnect",
     [](torture_world& w) {
         const auto client = w.open_sio();
         w.send(client, text_frame("41"));
         w.sim.peer_end(client);
         w.run();
     }},
    {"a WebSocket over TLS",
     [](torture_world& w) {
         tls_client client(w);
         (void)client.ask(torture_world::upgrade("/ws"));
         (void)client.ask(text_frame("hello"));
         (void)client.ask(text_frame("much"));
         (void)client.ask(close_frame(1000));
         client.end();
     }},
    {"an event stream",
     [](torture_world& w) {
         const auto reader = w.connect();
         w.send(reader, torture_world::get("/events"));
         w.send(w.connect(), torture_world::get("/events?end"));
         w.send(w.open_ws(), text_frame("publish"));
         w.pass(16s);
         w.sim.peer_reset(reader);
         w.pass(1s);
     }},
    {"questions to all",
     [](torture_world& w) {
         const auto client = w.open_sio();
         {
             const allocations::watch on(w.watching);
             try {
                 w.server.timeout(5s).emit_with_ack<int>(
                     "how many", [](const socketio::broadcast_replies<int>&) {});
                 w.server.fetch_sockets([](const socketio::fetched_sockets&) {});
             } catch (const std::bad_alloc&) {
                 return;
             }
         }
         w.send(client, text_frame("430[7]"));
         w.pass(6s);
     }},
};

class server_torture : public ::testing::TestWithParam<scenario> {};

TEST_P(server_torture, costs_at_most_the_connections_that_met_it) {
    torture(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(of, server_torture, ::testing::ValuesIn(scenarios), name_of);

}  // namespace
}  // namespace weft::test
