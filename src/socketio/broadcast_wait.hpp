#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <weft/socketio/broadcast.hpp>

#include "net/loop_core.hpp"
#include "socketio/loop_context.hpp"

namespace weft::socketio::detail {

/// Arguments that travel to another loop.
struct owned_arguments {
    explicit owned_arguments(const raw_arguments& from) : json(from.json) {
        for (const byte_view bytes : from.attachments)
            blocks.emplace_back(bytes.begin(), bytes.end());
    }
    std::string json;
    std::vector<std::vector<std::byte>> blocks;
};

/// Gathers what all loops, and the other servers of the cluster, have to say about one question, on
/// the loop that asked.
/// **Threads**: the functions any; they travel home. **Lifetime**: shared by all who may report.
class reply_collector final : public std::enable_shared_from_this<reply_collector>,
                              private net::timer_node {
public:
    /// `on_asked`, if any, is called at home when all loops of this process have asked.
    reply_collector(std::shared_ptr<loop_context> home, std::size_t loops, replies_callback told,
                    asked_callback on_asked);

    void start(duration limit);  ///< At home.
    /// A loop has asked so many sockets.
    void asked(loop_context& context, std::size_t sockets);
    void answer(loop_context& context, const raw_arguments& what);
    /// A socket that was asked is gone.
    void lost(loop_context& context);
    /// Others will answer, too, and it waits for their end; or not, after all. Before they are
    /// asked, and before the loops are.
    void ask_others(bool whether) noexcept { others_left_ = whether; }
    void expect_of_others(loop_context& context, std::size_t sockets);
    void others_end(loop_context& context, silent_servers silent);
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
    asked_callback on_asked_;
    silent_servers silent_;
    bool others_left_ = false;
    bool over_ = false;
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
