#pragma once

// Handlers that write down what they are told and do what a test asks, for every backend.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop_core.hpp"

namespace weft::test {

/// What one stream's handler was told, and what it does then. Outlives the handler.
struct record {
    using hook = std::function<void(record&)>;

    net::byte_stream* stream = nullptr;  // valid until on_closed
    conn_id id;
    std::vector<std::string> calls;
    std::string received;
    std::size_t chunk = 0;  // what the last on_data brought
    std::error_code why;
    int opened = 0, drained = 0, ended = 0, end_ahead = 0, deadlines = 0, closed = 0;
    bool buried = false;
    bool echo = false;
    std::size_t target_size = 0;  // not 0: read into a buffer of this size
    std::vector<std::byte> target;
    hook on_open, on_data, on_drained, on_end, on_deadline, on_closed;

    void write(std::string_view text) { stream->write(as_bytes(text)); }
};
using record_ptr = std::shared_ptr<record>;

/// A handler that fills a record. No callback may run inside another one: that would mean that it
/// ran inside a call which a handler made.
class probe final : public net::stream_handler {
public:
    probe(net::byte_stream& stream, record_ptr about) : record_(std::move(about)) {
        record_->stream = &stream;
        record_->id = stream.id();
    }
    ~probe() override { record_->buried = true; }

    void on_open() noexcept override {
        ++record_->opened;
        tell("open", record_->on_open);
    }
    void on_data(byte_span data) noexcept override {
        record_->received += as_text(data);
        record_->chunk = data.size();
        if (record_->echo) record_->stream->write(byte_view(data));
        tell("data", record_->on_data);
    }
    byte_span read_target() noexcept override {
        record_->target.resize(record_->target_size);
        return record_->target;
    }
    void on_drained() noexcept override {
        ++record_->drained;
        tell("drained", record_->on_drained);
    }
    void on_end(net::byte_stream& stream) noexcept override {
        const bool handled = record_->on_end != nullptr;
        ++record_->ended;
        tell("end", record_->on_end);
        if (!handled) stream_handler::on_end(stream);
    }
    void on_end_ahead() noexcept override {
        ++record_->end_ahead;
        tell("end ahead", nullptr);
    }
    void on_deadline() noexcept override {
        ++record_->deadlines;
        tell("deadline", record_->on_deadline);
    }
    void on_closed(std::error_code why) noexcept override {
        record_->why = why;
        ++record_->closed;
        tell("closed", record_->on_closed);
        record_->stream = nullptr;
    }

    static inline thread_local int depth = 0;

private:
    void tell(const char* what, record::hook act) noexcept {  // a copy: it may replace itself

        EXPECT_EQ(depth, 0) << what << " inside another callback";
        EXPECT_LE(record_->closed, 1) << what << " after on_closed";
        if (record_->closed == 1) {
            EXPECT_STREQ(what, "closed");
        }
        ++depth;
        const record_ptr alive = record_;
        alive->calls.emplace_back(what);
        if (act) act(*alive);
        --depth;
    }

    record_ptr record_;
};

/// Accepts everything with a probe.
class probe_acceptor final : public net::acceptor {
public:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) noexcept override {
        if (refuse) return nullptr;
        auto fresh = std::make_shared<record>();
        accepted.push_back(fresh);
        auto handler = std::make_unique<probe>(stream, fresh);
        if (prepare) prepare(*fresh);
        return handler;
    }

    bool refuse = false;
    std::vector<record_ptr> accepted;
    record::hook prepare;
};

/// Connects with a probe; `*failure` says why when it does not come to that.
inline record_ptr connect_probe(net::loop_core& core, net::connect_options to,
                                std::shared_ptr<error> failure = nullptr) {
    auto fresh = std::make_shared<record>();
    core.connect(std::move(to), [fresh, failure](result<net::byte_stream*> got) {
        if (!got) {
            if (failure != nullptr) *failure = got.error();
            return;
        }
        (*got)->set_handler(std::make_unique<probe>(**got, fresh));
        fresh->opened = 1;
        if (fresh->on_open) fresh->on_open(*fresh);
    });
    return fresh;
}

inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
    std::string bytes(size, '\0');
    for (char& c : bytes) {
        seed = seed * 1664525U + 1013904223U;
        c = static_cast<char>(seed >> 24U);
    }
    return bytes;
}

}  // namespace weft::test
