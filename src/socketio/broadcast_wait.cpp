// Acknowledgements of a broadcast. Each loop knows which of its sockets were asked and takes one
// answer from each; the loop that asked counts until all loops have reported and everybody has
// answered or left, or until the time is over.

#include "socketio/broadcast_wait.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weft::socketio::detail {
namespace {

/// Arguments that travel to another loop.
struct owned_arguments {
    explicit owned_arguments(const raw_arguments& from) : json(from.json) {
        for (const byte_view bytes : from.attachments)
            blocks.emplace_back(bytes.begin(), bytes.end());
    }
    std::string json;
    std::vector<std::vector<std::byte>> blocks;
};

}  // namespace

reply_collector::reply_collector(std::shared_ptr<loop_context> home, std::size_t loops,
                                 replies_callback told)
    : timer_node(&fire), home_(std::move(home)), told_(std::move(told)), loops_left_(loops) {}

void reply_collector::start(duration limit) {
    home_->collecting.insert(shared_from_this());
    home_->loop().arm(*this, later(home_->loop().now(), limit));
}

template <class F>
void reply_collector::at_home(loop_context& context, F task) {
    if (&context == home_.get()) {
        task(*this);
    } else {
        home_->post([self = shared_from_this(), task = std::move(task)]() mutable { task(*self); });
    }
}

void reply_collector::asked(loop_context& context, std::size_t sockets) {
    at_home(context, [sockets](reply_collector& c) {
        c.expected_ += sockets;
        --c.loops_left_;
        c.check();
    });
}

void reply_collector::answer(loop_context& context, const raw_arguments& what) {
    if (&context == home_.get()) {
        if (!told_) return;
        ++answers_;
        home_->guarded("the callback of an acknowledgement", nullptr, [&] { told_(&what, 0); });
        check();
        return;
    }
    home_->post([self = shared_from_this(), owned = owned_arguments(what)] {
        std::vector<byte_view> views(owned.blocks.begin(), owned.blocks.end());
        self->answer(*self->home_, {owned.json, views});
    });
}

void reply_collector::lost(loop_context& context) {
    at_home(context, [](reply_collector& c) {
        ++c.lost_;
        c.check();
    });
}

void reply_collector::abandon() noexcept {
    cancel();
    told_ = nullptr;
}

void reply_collector::check() {
    if (loops_left_ == 0 && answers_ + lost_ >= expected_) finish();
}

void reply_collector::finish() {
    if (!told_) return;
    cancel();
    const auto keep = home_->collecting.extract(shared_from_this());
    auto told = std::exchange(told_, nullptr);
    home_->guarded("the callback of an acknowledgement", nullptr,
                   [&] { told(nullptr, expected_ - answers_); });
}

void reply_collector::fire(net::timer_node& node) {
    auto& self = static_cast<reply_collector&>(node);
    self.home_->metrics.acks_timed_out.add();
    self.finish();
}

void broadcast_wait::fire(net::timer_node& node) {
    auto& self = static_cast<broadcast_wait&>(node);
    self.context.asked.erase(self.id);
}

}  // namespace weft::socketio::detail
