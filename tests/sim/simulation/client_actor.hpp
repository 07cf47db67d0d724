#pragma once

// The library's own WebSocket client.

#include <string_view>

#include <weft/net/loop.hpp>
#include <weft/ws/client.hpp>

#include "actor.hpp"
#include "ws_actor.hpp"

namespace weft::simulation {

class client_actor final : public actor {
public:
    client_actor(model& all, session& mine, const endpoint_facts& where, const loop_ref& loop,
                 choices& from);

    void act(choices& from) override;
    void serve() override {}
    void wake_up() override { client_.resume(); }
    void check_calm() override;
    [[nodiscard]] bool over() const override { return client_.state() == ws::client_state::idle; }
    void leave(choices& from) override;

private:
    void say(choices& from);
    void broken(std::string_view why) { all_.fail(mine_, "client: " + std::string(why)); }

    model& all_;
    session& mine_;
    bool opened_ = false;
    bool closed_ = false;
    bool leaving_ = false;
    ledger pongs_;
    unsigned pings_ = 0;
    ws::client client_;
};

}  // namespace weft::simulation
