#pragma once

// A client against a server that the test plays, and what its handlers were told, line by line.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <weft/socketio/client.hpp>

#include "support/engineio_peer.hpp"

namespace weft::socketio::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

class client_world : public ::testing::Test {
protected:
    client_world()
        : io(*new net::sim_backend),
          core(
              std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io), loop_options{})),
          server(io, *core) {
        core->start();
        options.url = "http://127.0.0.1";
        options.transports = {engineio::transport_kind::websocket};
        options.randomization_factor = 0;
        server.on_packet = [this](const std::string& packet) {
            if (!answers_connect) return;
            if (packet.rfind("40/admin,", 0) == 0) {
                server.send("40/admin,{\"sid\":\"admin-id\"}");
            } else if (packet.rfind("40", 0) == 0) {
                server.send("40{\"sid\":\"id-" + std::to_string(++connects) + "\"" + more + "}");
            }
        };
    }

    client& make() {
        subject = std::make_unique<client>(core->ref(), options);
        subject->on_error([this](const error& why) { note("error " + why.code().message()); })
            .on_reconnect_attempt([this](unsigned n) { note("attempt " + std::to_string(n)); })
            .on_reconnect([this](unsigned n) { note("reconnect " + std::to_string(n)); })
            .on_reconnect_error([this](const error&) { note("reconnect error"); })
            .on_reconnect_failed([this] { note("reconnect failed"); });
        listen_to(subject->socket());
        return *subject;
    }
    void listen_to(client_socket& s) {
        const std::string who = s.nsp() == "/" ? "" : std::string(s.nsp()) + " ";
        s.on_connect([this, who](client_socket& me) {
             note(who + "connect " + std::string(me.id()) + (me.recovered() ? " recovered" : ""));
         })
            .on_disconnect([this, who](client_socket&, const client_disconnect& how) {
                note(who + std::string(to_string(how.reason)));
            })
            .on_connect_error([this, who](client_socket& me, const connect_error& how) {
                note(who + "connect_error " + std::string(how.message) + ' ' +
                     std::string(how.data) + (me.active() ? " active" : ""));
            });
    }
    client_socket& open() {
        make();
        server.run();
        return subject->socket();
    }
    void note(std::string what) {
        seen.push_back(std::move(what));
        if (at_event) at_event(seen.back());
    }
    [[nodiscard]] strings sent() {
        strings all;
        std::swap(all, server.packets);
        return all;
    }

    net::sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    weft::test::engineio_peer server;
    client_options options;
    std::unique_ptr<client> subject;
    strings seen;
    bool answers_connect = true;
    std::string more;  // in the answer to CONNECT
    int connects = 0;
    std::function<void(const std::string&)> at_event;
};

}  // namespace weft::socketio::test
