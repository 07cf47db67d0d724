#pragma once

#include <cstdint>
#include <memory>
#include <unordered_set>

#include <weft/socketio/detail/emit.hpp>

#include "net/loop_core.hpp"
#include "socketio/loop_context.hpp"

namespace weft::socketio::detail {

/// Gathers what all loops have to say about one question, on the loop that asked.
/// **Threads**: the functions any; they travel home. **Lifetime**: shared by all who may report.
class reply_collector final : public std::enable_shared_from_this<reply_collector>,
                              private net::timer_node {
public:
    reply_collector(std::shared_ptr<loop_context> home, std::size_t loops, replies_callback told);

    void start(duration limit);  ///< At home.
    /// A loop has asked so many sockets.
    void asked(loop_context& context, std::size_t sockets);
    void answer(loop_context& context, const raw_arguments& what);
    /// A socket that was asked is gone.
    void lost(loop_context& context);
    /// Its loop ends: what belongs to that goes now, whoever lets go of us last.
    void abandon() noexcept;

private:
    static void fire(net::timer_node& node);
    template <class F>
    void at_home(loop_context& context, F task);
    void check();
    void finish();

    std::shared_ptr<loop_context> home_;
    replies_callback told_;
    std::size_t loops_left_;
    std::size_t expected_ = 0;
    std::size_t answers_ = 0;
    std::size_t lost_ = 0;
};

/// The sockets of one loop that owe an answer to a broadcast.
struct broadcast_wait final : net::timer_node {
    broadcast_wait(loop_context& owner, std::uint32_t named,
                   std::shared_ptr<reply_collector> replies)
        : timer_node(&fire), context(owner), id(named), collector(std::move(replies)) {}

    static void fire(net::timer_node& node);

    loop_context& context;
    std::uint32_t id;
    std::shared_ptr<reply_collector> collector;
    std::unordered_set<socket_key> due;
};

}  // namespace weft::socketio::detail
