#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <weft/base/weak_handle.hpp>

#include "cluster/nodes/loop_part.hpp"
#include "cluster/nodes/proto/stream_facts.hpp"
#include "net/byte_stream.hpp"
#include "net/loop_core.hpp"
#include "net/moved_stream.hpp"

namespace weft::cluster::nodes {

/// A client's connection that another node carries here: to what is above it, as a socket.
/// **Threads**: its loop's. **Lifetime**: its own; it goes some time after its handler was told.
class carried_stream final : public net::byte_stream, private carried_end {
public:
    /// Makes one of what has been opened, whose handler `accept(stream)` says; null refuses it.
    template <class F>
    static void make(loop_part& part, std::shared_ptr<pipe_end> pipe, const stream_facts& facts,
                     F accept) {
        auto made = std::make_unique<carried_stream>(part, std::move(pipe), facts);
        if (!made->id_) return;  // all names are taken
        auto handler = accept(static_cast<net::byte_stream&>(*made));
        if (handler == nullptr) return;
        made->handler_ = std::move(handler);
        made.release()->handler_->on_open();  // its own from now on
    }
    carried_stream(loop_part& part, std::shared_ptr<pipe_end> pipe, const stream_facts& facts);
    ~carried_stream();

    void write(byte_view bytes) noexcept override;
    void write(buffer_slice bytes) noexcept override { write(bytes.bytes); }
    [[nodiscard]] std::byte* prepare(std::size_t) noexcept override { return nullptr; }
    void commit(std::size_t) noexcept override {}
    [[nodiscard]] std::size_t queued() const noexcept override { return pipe_->queued(); }
    [[nodiscard]] bool stalled() const noexcept override { return pipe_->stalled(); }
    void ask_drained() noexcept override;
    [[nodiscard]] progress delivered() const noexcept override;
    void pause_reading() noexcept override { paused_ = true; }
    void resume_reading() noexcept override;
    void await_turn() noexcept override;
    void shutdown() noexcept override;
    void close() noexcept override;
    void abort(std::error_code why) noexcept override;
    void set_deadline(time_point when) noexcept override;
    void clear_deadline() noexcept override { deadline_.cancel(); }
    void set_handler(std::unique_ptr<net::stream_handler> handler) noexcept override;
    [[nodiscard]] net::stream_handler& handler() const noexcept override { return *handler_; }
    [[nodiscard]] bool may_leave() const noexcept override { return false; }
    [[nodiscard]] net::moved_stream leave() override;
    [[nodiscard]] net::loop_core& owner() const noexcept override { return loop_; }
    [[nodiscard]] conn_id id() const noexcept override { return id_; }
    [[nodiscard]] weft::peer& peer() const noexcept override { return peer_; }
    [[nodiscard]] std::string_view alpn() const noexcept override { return {}; }
    [[nodiscard]] byte_budget& memory() noexcept override { return loop_.budget(); }
    [[nodiscard]] known_peers& peers() noexcept override { return loop_.peers(); }
    void on_identified() noexcept override { handler_->on_identified(); }

private:
    // carried_end
    void on_bytes(std::string bytes) noexcept override;
    void on_sent() noexcept override;
    void on_end() noexcept override;
    void on_reset(std::error_code why) noexcept override;
    void on_drain() noexcept override {}  // HTTP and sessions drain by themselves
    void on_loop_end() noexcept override;

    template <class F>
    void within_memory(F&& work) noexcept;
    /// Has `tick` called soon, outside of all calls.
    void tick_soon() noexcept;
    void tick() noexcept;
    void deliver(std::string bytes);
    void read_held();
    void tell_end() noexcept;
    void count_queue() noexcept;
    void fail(std::error_code why) noexcept;
    void finish() noexcept;
    [[nodiscard]] bool usable() const noexcept { return !closing_ && !dead_; }

    net::loop_core& loop_;
    const std::shared_ptr<pipe_end> pipe_;
    const conn_id id_;
    mutable weft::peer peer_;
    std::unique_ptr<net::stream_handler> handler_;
    std::vector<std::unique_ptr<net::stream_handler>> former_;  // a call of them may run
    std::string held_;                                          // came while reading was paused
    std::size_t charged_ = 0;                                   // to the peer, for the two queues
    net::timer deadline_{[this] { handler_->on_deadline(); }};
    net::timer tick_{[this] { tick(); }};
    net::timer grace_{[this] { fail(make_error_code(weft::errc::timed_out)); }};
    weak_anchor<carried_stream> anchor_;
    std::error_code why_;
    bool paused_ = false;
    bool end_came_ = false;
    bool end_told_ = false;
    bool want_drained_ = false;
    bool want_turn_ = false;
    bool ticking_ = false;
    bool shutdown_ = false;
    bool closing_ = false;
    bool dead_ = false;
};

}  // namespace weft::cluster::nodes
