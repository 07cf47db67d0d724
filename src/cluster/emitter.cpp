// Messages into a cluster from outside. Its name is the word that npm's emitter uses, which no
// server has.

#include <weft/cluster/emitter.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <weft/base/error.hpp>

#include "cluster/adapter/stream_addition.hpp"
#include "cluster/adapter/wire.hpp"
#include "cluster/redis/router.hpp"

namespace weft::cluster {

class emitter::core {
public:
    core(loop_ref loop, options wanted)
        : chosen(std::move(wanted)),
          how(make_wire(chosen.adapter, chosen.prefix)),
          redis(loop, chosen.redis),
          loop_(std::move(loop)) {}

    result<void> send(const socketio::cluster_message& what) {
        message_head head;
        head.type = type_of(what.what);
        head.uid = "emitter";
        auto confirmed = [state = state_](const auto& reply) {
            if (!reply && !state->failed) state->failed = reply.error();
            --state->under_way;
            state->tell();
        };
        const bool is_for_a_stream = chosen.adapter == adapter_kind::streams && is_for_stream(head);
        std::string body;
        stream_addition addition;
        const errc why = is_for_a_stream ? make_entry(addition.entry, head, what)
                                         : how->append(body, head, what);
        if (why != errc{}) return error(make_error_code(why), "the event cannot be written");
        const auto [kind, channel] = how->address_of(head, what, {});
        auto taken = is_for_a_stream
                         ? redis.command(chosen.prefix,
                                         addition.command(chosen.prefix,
                                                          std::to_string(chosen.stream_length)),
                                         std::move(confirmed))
                         : redis.publish(kind, channel, body, std::move(confirmed));
        if (taken) ++state_->under_way;
        return taken;
    }
    void flush(unique_function<void(result<void>)> done) {
        state_->waiting.push_back(std::move(done));
        if (state_->under_way == 0) loop_.post([state = state_] { state->tell(); });
    }

    const options chosen;
    const std::unique_ptr<wire> how;
    redis::router redis;

private:
    /// What Redis has not confirmed. **Lifetime**: shared with the handlers of its replies.
    struct state {
        std::size_t under_way = 0;
        std::optional<error> failed;  // the first since the last time it was told
        std::vector<unique_function<void(result<void>)>> waiting;

        void tell() {
            if (under_way != 0 || waiting.empty()) return;
            const auto how = std::exchange(failed, std::nullopt);
            for (auto& done : std::exchange(waiting, {}))
                done(how ? result<void>(*how) : result<void>());
        }
    };
    const std::shared_ptr<state> state_ = std::make_shared<state>();
    const loop_ref loop_;
};

result<void> emission::send(socketio::cluster_message::kind kind, std::string_view event,
                            socketio::encoded_arguments args) {
    what_.what = kind;
    what_.event = event;
    what_.arguments = std::move(args.json);
    what_.attachments = std::move(args.attachments);
    return by_->core_->send(what_);
}

emitter::emitter(loop_ref loop, options chosen)
    : core_(std::make_unique<core>(std::move(loop), std::move(chosen))) {}
emitter::~emitter() = default;

result<void> emitter::start() {
    if (auto right = core_->chosen.check(); !right) return right;
    return core_->redis.start();
}

void emitter::flush(unique_function<void(result<void>)> done) {
    core_->flush(std::move(done));
}

}  // namespace weft::cluster
