#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <weft/base/unique_function.hpp>

#include "auth/gate.hpp"
#include "net/loop_core.hpp"
#include "ws/connection_core.hpp"

namespace weft::ws {

/// What an endpoint that requires tokens has for its connections. **Lifetime**: the endpoint's.
struct token_terms {
    explicit token_terms(auth::gate door, const connection_settings& settings);

    auth::gate gate;
    message_limits first;  // of a connection that has not shown one
};

/// Stands before the user of a connection whose endpoint requires a token. Until the first message
/// has brought one, the user knows of nothing. Later it takes newer tokens, and tells when the
/// present one is about to end.
class token_user final : public connection_user {
public:
    /// `awaits`: there was no token in the handshake. `ending` is told how long is left.
    token_user(std::unique_ptr<connection_user> user, connection_core& socket,
               const token_terms& terms, bool awaits,
               unique_function<void(std::chrono::seconds)> ending);
    ~token_user() override;

    void on_open() override;
    void on_message(const message_view& message) override;
    void on_ping(byte_view payload) override {
        if (!awaits_) user_->on_ping(payload);
    }
    void on_pong(byte_view payload) override {
        if (!awaits_) user_->on_pong(payload);
    }
    void on_drained() override {
        if (!awaits_) user_->on_drained();
    }
    void on_close(const close_event& event) override { user_->on_close(event); }
    [[nodiscard]] connection_base* connection_of(
        const detail::endpoint_core& owner) noexcept override {
        return user_->connection_of(owner);
    }
    [[nodiscard]] std::string_view route() const noexcept override { return user_->route(); }

private:
    [[nodiscard]] net::loop_core& loop() const noexcept { return socket_.shared().loop; }
    [[nodiscard]] peer& bearer() const noexcept { return socket_.stream().peer(); }
    [[nodiscard]] std::chrono::seconds left() const noexcept;
    void take(std::string_view token);
    static task<void> wait(connection_shared* shared, conn_id id, task<admission<void>> deciding);
    void settle(const admission<void>& said);
    void refuse_other();
    void refuse(std::string_view why);
    [[nodiscard]] auth::asker asker() const;
    void watch_end();
    void timer_fired();

    std::unique_ptr<connection_user> user_;
    connection_core& socket_;
    const token_terms& terms_;
    unique_function<void(std::chrono::seconds)> ending_;
    net::timer timer_;  // for the first token, later for the end of the present one
    bool awaits_;
    bool asking_ = false;  // a token is being verified
};

}  // namespace weft::ws
