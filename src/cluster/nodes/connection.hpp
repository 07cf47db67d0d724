#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

#include <weft/cluster/node_options.hpp>

#include "base/random.hpp"
#include "cluster/nodes/metrics.hpp"
#include "cluster/nodes/pipe.hpp"
#include "cluster/nodes/proto/frame.hpp"
#include "cluster/nodes/proto/greeting.hpp"
#include "cluster/nodes/proto/stream_facts.hpp"
#include "cluster/nodes/secret.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster::nodes {

/// Who has a connection. **Threads**: the home loop's.
class connection_user {
public:
    /// Both sides have proved who they are.
    virtual void on_greeted(connection& which) = 0;
    /// The other node opened a stream.
    [[nodiscard]] virtual std::shared_ptr<home_end> on_stream(stream_facts facts) = 0;
    /// A stream is over.
    virtual void on_stream_over(const home_end& stream) noexcept = 0;
    /// The last call.
    virtual void on_gone(connection& which, std::error_code why) noexcept = 0;

protected:
    ~connection_user() = default;
};

/// What the connections of a node share. **Threads**: the home loop's.
struct connection_home {
    const node_options& chosen;
    const shared_secret& secret;
    tag own;
    nodes::metrics& metrics;
    random_pool& random;
    connection_user& user;
};

/// One connection between two nodes: the one that connected, the asker, opens streams to the owner
/// of sessions. **Threads**: the home loop's. **Lifetime**: its stream's.
class connection final : public net::stream_handler {
public:
    static constexpr std::size_t max_streams = 1'000'000;

    /// `wanted`: whom an asker expects.
    connection(connection_home& home, net::byte_stream& stream, side which, tag wanted = {});
    ~connection() override;

    /// An asker begins to greet. An owner waits for it, from when its stream is open.
    void greet();
    /// Opens a stream. **Errors**: false when there are too many.
    [[nodiscard]] bool open(const std::shared_ptr<home_end>& what, const std::string& facts);
    [[nodiscard]] side which() const noexcept { return side_; }
    /// Or was, before it ended.
    [[nodiscard]] bool is_greeted() const noexcept { return greeted_; }
    /// It ended with streams open.
    [[nodiscard]] bool lost_some() const noexcept { return lost_some_; }
    /// Nobody waits for it any more.
    void abandon() noexcept { fail(make_error_code(errc::greeting_too_slow)); }
    [[nodiscard]] socket_address address() const noexcept { return stream_.peer().address(); }

    // For its streams.
    void send(home_end& stream, const pipe_news& news) noexcept;
    /// Resets one.
    void give_up(home_end& stream) noexcept;

    void on_open() noexcept override;
    void on_data(byte_span data) noexcept override;
    void on_deadline() noexcept override;
    void on_closed(std::error_code why) noexcept override;

private:
    enum class step : std::uint8_t { hello, challenge, proof, welcome, open, dead };

    template <class F>
    void within_memory(F&& work) noexcept;
    [[nodiscard]] errc take(const frame& got);
    [[nodiscard]] errc take_greeting(const frame& got);
    [[nodiscard]] errc take_stream(const frame& got);
    [[nodiscard]] errc begin_stream(const frame& got);
    void greeted();
    void fail(std::error_code why) noexcept;
    void forget(home_end& stream) noexcept;
    void send_all(home_end& stream, const pipe_news& news);
    void pass_on() noexcept;
    void write(std::string_view bytes) noexcept { stream_.write(as_bytes(bytes)); }
    void look_for_life() noexcept;

    connection_home& home_;
    net::byte_stream& stream_;
    const side side_;
    step step_ = step::hello;
    hello_facts hello_;
    nonce owner_nonce_{};
    frame_reader reader_;
    std::unordered_map<std::uint32_t, std::shared_ptr<home_end>> streams_;
    std::vector<std::shared_ptr<home_end>> news_;  // those that heard something in this read
    std::uint32_t last_id_ = 0;
    time_point heard_{};
    bool greeted_ = false;
    bool lost_some_ = false;
    bool pinged_ = false;
    net::timer life_{[this] { look_for_life(); }};
};

}  // namespace weft::cluster::nodes
