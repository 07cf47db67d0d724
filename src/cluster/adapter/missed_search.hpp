#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "cluster/adapter/search_group.hpp"
#include "cluster/adapter/stream_log.hpp"
#include "cluster/adapter/stream_memory.hpp"
#include "cluster/link.hpp"

namespace weft::cluster {

/// Looks for what clients missed: in the memory of this process, and before that in Redis. One
/// reading serves all who come back at a time, so that a thousand, whose server has died, cost
/// little more than one.
/// **Threads**: the home loop's. **Lifetime**: shared by the store, weakly by what Redis calls; log
/// and memory until `stop`.
class missed_search : public std::enable_shared_from_this<missed_search> {
public:
    missed_search(std::shared_ptr<link> over, const stream_log& log, const stream_memory& memory);

    /// As `recovery_store::find_missed`.
    void find(const socketio::kept_socket& whom, socketio::recovery_store::missed_handler told);
    /// The log has moved on.
    void go_on();
    void stop() noexcept;

private:
    using member = search_group::member;
    template <class F>
    void later_here(F call);
    void begin();
    [[nodiscard]] bool is_ready() const noexcept;
    [[nodiscard]] bool may_wait(returner& one);
    void search_memory(search_group& group, const socketio::log_position& behind);
    void tell(const std::vector<member>& all);
    void tell_nothing(const std::vector<member>& all);
    void read();
    void read_page(const redis::reply_view& entries);
    void offer(const read_stream_entry& read);
    void end_reading();
    void give_up_reading();

    const std::shared_ptr<link> link_;
    const stream_log& log_;
    const stream_memory& memory_;
    bool running_ = true;
    bool begins_ = false;        // soon
    std::vector<member> early_;  // who have not begun
    std::size_t searches_ = 0;   // of any kind
    search_group in_redis_;
    bool reading_ = false;
    socketio::log_position at_{};  // up to which Redis was read
};

}  // namespace weft::cluster
