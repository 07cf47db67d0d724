#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/base/time.hpp>
#include <weft/socketio/recovery_store.hpp>

#include "base/byte_budget.hpp"
#include "base/siphash.hpp"
#include "cluster/adapter/stream_memory.hpp"

namespace weft::cluster {

/// One who came back, and what is known of what it missed.
struct returner {
    returner(const socketio::kept_socket& who, socketio::recovery_store::missed_handler handler,
             byte_budget& budget)
        : whom(who), at(who.left), told(std::move(handler)), charge(budget) {}

    const socketio::kept_socket whom;
    const socketio::log_position at;  // what it had
    socketio::recovery_store::missed_handler told;
    byte_charge charge;               // of all this, and of what was read for it
    std::optional<time_point> until;  // that it may wait for the reader
    /// Null: some of it is lost, or it may have had some.
    std::unique_ptr<socketio::recovery_store::missed_list> missed =
        std::make_unique<socketio::recovery_store::missed_list>();
};

/// Those who came back, while the messages of the log pass by, in order: one pass serves all of
/// them. Each waits for its place, and is given what comes behind that. **Threads**: one.
class search_group {
public:
    using member = std::unique_ptr<returner>;
    enum class keeping : std::uint8_t { free, charged };

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty() && present_.empty(); }
    void add(member one);
    /// The least place of those who wait for theirs, if anybody does.
    [[nodiscard]] std::optional<socketio::log_position> first_place() const noexcept;
    /// The log has this place. Who waits for one before it waits in vain.
    void reach(const socketio::log_position& at);
    /// The same before a message, where every place is one of the log's.
    void reach_before(const socketio::log_position& at);
    void offer(const logged_message& what, keeping how);
    /// Who was on this server may have had some of what is between its place and this one.
    void spoil(std::string_view server, const socketio::log_position& before) noexcept;
    /// Some of the log is missing for those whose place was reached.
    void spoil() noexcept;
    /// Everyone, those who wait included, leaves.
    [[nodiscard]] std::vector<member> leave() noexcept;

private:
    void join(member one);

    std::vector<member> waiting_;  // the least place last
    std::vector<member> present_;
    std::unordered_map<std::string_view, std::vector<returner*>, keyed_hash> by_room_;
};

}  // namespace weft::cluster
