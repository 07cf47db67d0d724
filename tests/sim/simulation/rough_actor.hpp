#pragma once

// A client that keeps no protocol for long: whatever it sends, all others must be served as before.

#include <string>
#include <string_view>

#include "actor.hpp"

namespace weft::simulation {

class rough_actor final : public actor {
public:
    rough_actor(net::sim_backend& io, std::string_view address) : wire_(io, address) {}

    void act(choices& from) override;
    void serve() override {
        wire_.push();
        (void)wire_.read();
    }
    void check_calm() override {}
    [[nodiscard]] bool over() const override { return wire_.over(); }
    void leave(choices& from) override;

private:
    wire wire_;
};

}  // namespace weft::simulation
