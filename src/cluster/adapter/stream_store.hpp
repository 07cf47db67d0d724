#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/base/unique_function.hpp>
#include <weft/socketio/adapter.hpp>

#include "cluster/adapter/missed_search.hpp"
#include "cluster/adapter/stream_log.hpp"
#include "cluster/adapter/stream_memory.hpp"

namespace weft::cluster {

/// What the streams adapter keeps in Redis for all servers: the log of what was said, and the
/// sockets whose clients may come back.
///
/// **Threads**: the home loop's, but for `recovery_store`. **Lifetime**: shared by the adapter, and
/// weakly by what Redis calls.
class stream_store final : public socketio::recovery_store,
                           private stream_user,
                           public std::enable_shared_from_this<stream_store> {
public:
    /// `others` gets what other nodes said, and what waited for its place.
    using entry_handler = unique_function<void(adapter_message&)>;
    explicit stream_store(std::shared_ptr<link> over);

    /// Messages get places from now on, which the server tells its clients.
    void keep_places() noexcept { keeps_places_ = true; }
    result<void> start(socketio::adapter_target& target, entry_handler on_message);
    void stop() noexcept;
    /// Tells the other nodes.
    void publish(const message_head& head, const logged_message& what);

    // recovery_store
    void append(std::shared_ptr<const socketio::cluster_message> what,
                stored_handler stored) override;
    void keep(socketio::kept_socket what, duration limit) override;
    void forget(std::string_view recovery_id) override;
    void take(std::string_view nsp, std::string_view recovery_id,
              std::optional<std::string_view> offset, taken_handler taken) override;
    void put_back(std::string_view recovery_id) override;
    void find_missed(const socketio::kept_socket& whom, missed_handler told) override;

private:
    struct taking;

    // stream_user
    void on_entry(adapter_message& what) override;
    void on_place_found(const socketio::cluster_message& what) override;
    void on_unplaced(const socketio::cluster_message& what) override;
    void on_passed(const socketio::log_position& at) override;
    void on_history(const socketio::cluster_message& what) override;
    void on_had(std::string_view uid, const socketio::log_position& before) override;
    void on_lost(const socketio::log_position& before) override;

    void remember(const socketio::cluster_message& what);
    template <class F>
    void at_home(F task);
    [[nodiscard]] std::string key_of(std::string_view recovery_id) const;
    void forget_taken(const std::string& recovery_id);
    void try_to_take(const std::shared_ptr<taking>& asked);
    void found(const std::shared_ptr<taking>& asked, std::string_view record);

    const std::shared_ptr<link> link_;
    std::shared_ptr<stream_log> log_;
    std::unique_ptr<stream_memory> memory_;
    std::shared_ptr<missed_search> search_;
    socketio::adapter_target* target_ = nullptr;  // while it may be called
    entry_handler on_message_;
    bool keeps_places_ = false;
    /// Whom we have taken and not kept anew, and until when nobody else can.
    std::unordered_map<std::string, time_point> taken_;
};

}  // namespace weft::cluster
