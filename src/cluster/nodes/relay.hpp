#pragma once

#include <memory>
#include <string>
#include <system_error>

#include "base/byte_budget.hpp"
#include "cluster/nodes/loop_part.hpp"
#include "net/byte_stream.hpp"

namespace weft::cluster::nodes {

/// A client's connection whose bytes go to another node as they are: a WebSocket's.
/// **Threads**: its loop's. **Lifetime**: its stream's.
class relay final : public net::stream_handler, private carried_end {
public:
    relay(loop_part& part, std::shared_ptr<pipe_end> pipe, net::byte_stream& stream);
    ~relay();

    void on_data(byte_span data) noexcept override;
    void on_drained() noexcept override;
    void on_end(net::byte_stream& stream) noexcept override;
    void on_closed(std::error_code why) noexcept override;

private:
    void on_bytes(std::string bytes) noexcept override;
    void on_sent() noexcept override;
    void on_end() noexcept override;
    void on_reset(std::error_code why) noexcept override;
    void on_drain() noexcept override;
    void on_loop_end() noexcept override {}  // its stream ended with the loop

    template <class F>
    void within_memory(F&& work) noexcept;

    const std::shared_ptr<pipe_end> pipe_;
    net::byte_stream& stream_;
    byte_charge charge_;
    std::size_t owed_ = 0;  // room to make when the client has caught up
    bool paused_ = false;
    bool ended_ = false;
};

}  // namespace weft::cluster::nodes
