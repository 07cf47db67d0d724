#pragma once

// One loop on the sim backend with a listener on port 80.

#include <memory>
#include <string>

#include "net/backend/sim/sim_backend.hpp"
#include "support/net_probe.hpp"

namespace weft::test {

class sim_world {
public:
    explicit sim_world(const loop_options& options = {})
        : io(*new net::sim_backend), core(std::unique_ptr<net::backend>(&io), options) {
        core.start();
        listen_options where;
        where.port = 80;
        auto made = core.listen(where, acceptor);
        if (made) listener = *made;
    }

    struct connection {
        net::sim_backend::peer peer;
        record_ptr record;
    };

    /// A client that the loop has accepted.
    connection open() {
        const auto peer = io.connect_client(80);
        run();
        return {peer, acceptor.accepted.back()};
    }

    void run(int iterations = 1) {
        while (iterations-- > 0) core.turn(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }

    net::sim_backend& io;
    probe_acceptor acceptor;
    net::loop_core core;
    net::listener_id listener = 0;
};

using namespace std::chrono_literals;

}  // namespace weft::test
