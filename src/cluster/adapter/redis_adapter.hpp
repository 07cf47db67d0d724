#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/socketio/adapter.hpp>

#include "cluster/adapter/stream_store.hpp"
#include "cluster/adapter/wire.hpp"
#include "cluster/interest.hpp"
#include "cluster/link.hpp"

namespace weft::cluster {

/// A Socket.IO server's part in a cluster, over the pub/sub of Redis, and a stream of its.
///
/// All its work is on the home loop; what other threads call travels there.
/// **Lifetime**: shared by the adapter, and weakly by what Redis and the timers call.
class redis_adapter final : public socketio::adapter,
                            public std::enable_shared_from_this<redis_adapter> {
public:
    explicit redis_adapter(std::shared_ptr<link> over);

    socketio::recovery_store* open_store() override;
    result<void> start(socketio::adapter_target& target, loop_ref home) override;
    void stop() noexcept override;
    void publish(std::shared_ptr<const socketio::cluster_message> what) override;
    void ask(std::shared_ptr<const socketio::cluster_message> what, duration limit,
             std::shared_ptr<socketio::cluster_answers> to) override;
    void on_used(std::string_view nsp, std::string_view room) override;
    void on_unused(std::string_view nsp, std::string_view room) noexcept override;
    std::size_t memory_of(std::string_view nsp, std::string_view room) const noexcept override;

private:
    class remote_answers;

    /// One that waits for other nodes.
    struct question {
        message_type type;
        std::string nsp;
        std::shared_ptr<socketio::cluster_answers> to;
        timer_ref end;
        std::optional<std::size_t> nodes;  // that have it; unknown until Redis says
        std::size_t answered = 0;          // nodes
        std::size_t clients = 0;           // that got the broadcast
        std::size_t replies = 0;           // of clients
        std::vector<std::string> who;      // has answered, where that is told
    };
    using questions = std::unordered_map<std::string, question>;

    template <class F>
    bool at_home(F task);
    void listen(const std::vector<wire::subscription>& to, const std::string& nsp);
    void stop_listening(const std::vector<wire::subscription>& to);

    void send(const message_head& head, const socketio::cluster_message& content,
              std::string_view receiver = {});
    void begin(const socketio::cluster_message& what, duration limit,
               std::shared_ptr<socketio::cluster_answers> to);
    void count_nodes(const std::string& request_id, const std::string& nsp);
    void check(questions::iterator at);
    void end(questions::iterator at);

    void receive(channel_role role, const std::string& nsp, std::string_view channel,
                 std::string_view body);
    void accept(adapter_message& what);
    void on_message(adapter_message& what);
    void on_question(adapter_message& what);
    void on_answer(adapter_message& what);
    void note(const std::string& uid);

    const std::shared_ptr<link> link_;
    const std::unique_ptr<wire> wire_;
    const std::shared_ptr<stream_store> store_;  // of streams; else null
    std::optional<loop_ref> home_;
    socketio::adapter_target* target_ = nullptr;  // while it may be called
    std::shared_ptr<interest> spaces_, rooms_;
    questions questions_;
    /// The nodes that we have heard of, the latest last.
    std::vector<std::string> known_;
};

}  // namespace weft::cluster
