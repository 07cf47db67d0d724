#pragma once

// A WebSocket client made of bytes. It keeps the protocol, until it chooses not to.

#include <zlib.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor.hpp"

namespace weft::simulation {

/// What an endpoint of the simulation allows.
struct endpoint_facts {
    std::string_view path;
    overflow_policy policy = overflow_policy::close;
    bool deflate = false;
};
inline constexpr std::size_t max_message = 64 * 1024;
/// Pings, and pongs unasked for, of one client: fewer than ws::options::max_control_burst, since
/// the network may bring them all at once.
inline constexpr unsigned max_control_frames = 35;

/// The texts that the server of a simulation understands: "verb argument number padding".
std::string make_command(choices& from, model& all);

class ws_actor final : public actor {
public:
    ws_actor(model& all, session& mine, const endpoint_facts& where, net::sim_backend& io,
             std::string_view address, choices& from);
    ~ws_actor() override;

    void act(choices& from) override;
    void serve() override;
    void wake_up() override;
    void neglect() override { mine_.excuse_for("kept waiting"); }
    void check_calm() override;
    [[nodiscard]] bool over() const override { return wire_.over(); }
    void leave(choices& from) override;

private:
    struct codec;

    void say(choices& from);
    void say_frames(char opcode, std::string payload, bool compressed, choices& from);
    void misbehave(choices& from);
    void give_up_rules(std::string_view why);
    void read(std::size_t most);
    bool read_head();
    bool read_frame();
    void take_frame(unsigned first, std::string payload);
    void take_message(bool text, std::string payload);
    void broken(std::string_view why) { all_.fail(mine_, "client: " + std::string(why)); }

    model& all_;
    session& mine_;
    endpoint_facts where_;
    wire wire_;
    std::string in_;
    bool open_ = false;     // 101 came
    bool refused_ = false;  // another answer came
    bool closing_ = false;  // we sent a close frame
    bool stalled_ = false;
    std::optional<unsigned> closed_with_;  // the server's close frame
    unsigned fragment_ = 0;                // the first byte of the message that has begun
    std::string parts_;
    ledger pongs_;
    unsigned control_frames_ = 0;
    std::unique_ptr<codec> codec_;
};

}  // namespace weft::simulation
