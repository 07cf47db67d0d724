#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>

#include "base/siphash.hpp"
#include "cluster/link.hpp"
#include "cluster/nodes/connection.hpp"
#include "cluster/nodes/loop_part.hpp"
#include "engineio/session_carrier.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster::nodes {

/// A process as one of several: brings requests to the nodes that own their sessions, and serves
/// those that other nodes bring.
///
/// Redis has under "<prefix>:node:<tag>" where each node is. Connections, and what is known of
/// other nodes, are on the home loop.
/// **Threads**: as said. **Lifetime**: outlives the loops; `shut_down` when those have ended.
class carrier final : public engineio::session_carrier,
                      private net::acceptor,
                      private connection_user,
                      public std::enable_shared_from_this<carrier> {
public:
    /// The protocol for a client's stream that another node carries here, on its loop. Null: it is
    /// refused.
    using acceptance =
        unique_function<std::unique_ptr<net::stream_handler>(net::byte_stream&, bool by_proxy)>;

    carrier(std::shared_ptr<link> over, const std::vector<net::loop_core*>& loops,
            acceptance accept, log_sink* log);
    ~carrier() override;

    /// Listens; announces itself when the loops run. After `link::join`. **Errors**: the system's,
    /// of TLS, of entropy.
    [[nodiscard]] result<void> start();
    /// The certificates of its port, to be read again when they change. Null: it has none.
    [[nodiscard]] const std::shared_ptr<net::tls_server_context>& certificates() const noexcept {
        return tls_server_;
    }
    /// Nobody new finds this node; what it carries ends. **Threads**: any.
    void drain();
    /// The loops have ended.
    void shut_down() noexcept;

    /// What a drain of this loop has to wait for, beside its own connections. **Threads**: any.
    [[nodiscard]] std::size_t waited_for(std::uint8_t loop) const noexcept {
        return parts_[loop]->waited_for.load(std::memory_order_relaxed);
    }
    /// Accepted connections that it need not wait for. **Threads**: the home loop's.
    [[nodiscard]] std::size_t connections() const noexcept { return serving_.size(); }
    /// **Threads**: any.
    void visit_metrics(metric_visitor visit) const { metrics_.visit(visit); }

    // engineio::session_carrier
    [[nodiscard]] engineio::node_tag tag() const noexcept override;
    void carry(const http::request& what, std::string_view sid, http::responder answer,
               unique_function<void(http::responder)> lost) override;
    void carry(const http::request& what, std::string_view sid, http::upgrade answer,
               unique_function<void(http::upgrade)> lost) override;

private:
    using tag_key = std::uint32_t;
    /// Who waits for a stream, and what opens it.
    struct request {
        std::shared_ptr<home_end> stream;
        std::string facts;
    };
    /// What is known of another node.
    struct owner {
        enum class step : std::uint8_t { resting, asking, connecting, open };
        step now = step::asking;
        std::uint32_t attempt = 0;  // tells answers to an earlier one
        std::string host;           // once known, until a connection there fails
        std::uint16_t port = 0;
        connection* over = nullptr;
        std::vector<request> waiting;
        time_point until{};  // of resting, or for all that waits
    };
    static constexpr std::size_t max_owners = 4096;
    static constexpr std::size_t max_greetings = 64;

    // net::acceptor
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override;
    // connection_user
    void on_greeted(connection& which) override;
    std::shared_ptr<home_end> on_stream(stream_facts facts) override;
    void on_stream_over(const home_end& stream) noexcept override;
    void on_gone(connection& which, std::error_code why) noexcept override;

    template <class F>
    void at_home(F task);
    template <class Handle>
    void begin(const http::request& what, std::string_view sid, Handle answer,
               unique_function<void(Handle)> lost);
    void open(tag_key whose, request what);
    void find(tag_key whose, owner& o);
    void found(tag_key whose, std::uint32_t attempt, std::string_view address);
    void connect(tag_key whose, owner& o);
    void connected(tag_key whose, std::uint32_t attempt, result<net::byte_stream*> made);
    void give_up(owner& o, std::error_code why, duration pause) noexcept;
    void stop_waiting_for(const home_end& stream) noexcept;
    [[nodiscard]] owner* owner_of(tag_key whose);
    void look_at_owners() noexcept;
    void forget_rested() noexcept;

    result<void> draw_tag();
    void announce();
    void announced(bool ours);
    void look_who_has_it();
    void try_announce() noexcept;
    void stop_announcing();
    [[nodiscard]] std::string key_of(tag_key whose) const;
    void log(log_level level, const std::string& line) const {
        if (log_ != nullptr) log_->write({level, "cluster", line});
    }

    const std::shared_ptr<link> link_;
    const node_options& chosen_;
    std::vector<std::unique_ptr<loop_part>> parts_;
    acceptance accept_;
    log_sink* const log_;
    net::loop_core& home_loop_;
    const shared_secret secret_;
    random_pool random_;
    nodes::metrics metrics_;
    std::atomic<tag_key> tag_{0};
    std::shared_ptr<net::tls_server_context> tls_server_;
    std::shared_ptr<net::tls_client_context> tls_client_;
    std::string address_;  // ours, as others find it; set once it listens

    // The home loop's.
    connection_home home_;
    std::unordered_map<tag_key, owner> owners_;
    std::unordered_map<const connection*, tag_key> askers_;
    std::unordered_map<const home_end*, loop_part*> served_;
    std::vector<connection*> serving_;
    std::size_t greetings_ = 0;  // of accepted connections that are under way
    std::uint32_t attempts_ = 0;
    std::optional<net::listener_id> listener_;
    bool claimed_ = false;  // Redis has our tag as ours
    bool draining_ = false;
    net::timer announcement_{[this] { try_announce(); }};
    net::timer patience_{[this] { look_at_owners(); }};
};

}  // namespace weft::cluster::nodes
