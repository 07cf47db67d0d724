// Acknowledgements of a broadcast. Each loop knows which of its sockets were asked and takes one
// answer from each; the loop that asked counts until all loops have reported and everybody has
// answered or left, or until the time is over.

#include "socketio/broadcast_wait.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weft::socketio::detail {
reply_collector::reply_collector(std::shared_ptr<loop_context> home, std::size_t loops,
                                 replies_callback told, asked_callback on_asked)
    : timer_node(&fire),
      home_(std::move(home)),
      told_(std::move(told)),
      on_asked_(std::move(on_asked)),
      loops_left_(loops) {}

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
        if (--c.loops_left_ == 0 && c.on_asked_) c.on_asked_(c.expected_);
        c.check();
    });
}

void reply_collector::expect_of_others(loop_context& context, std::size_t sockets) {
    at_home(context, [sockets](reply_collector& c) { c.expected_ += sockets; });
}

void reply_collector::others_end(loop_context& context, silent_servers silent) {
    at_home(context, [silent = std::move(silent)](reply_collector& c) mutable {
        c.others_left_ = false;
        c.silent_ = std::move(silent);
        c.over_ ? c.finish() : c.check();
    });
}

void reply_collector::answer(loop_context& context, const raw_arguments& what) {
    if (&context == home_.get()) {
        if (!told_) return;
        ++answers_;
        home_->guarded("the callback of an acknowledgement", nullptr, [&] { told_(&what, {}); });
        check();
        return;
    }
    home_->post([self = shared_from_this(), owned = owned_arguments(what)] {
        const std::vector<byte_view> views(owned.blocks.begin(), owned.blocks.end());
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
    on_asked_ = nullptr;
}

void reply_collector::check() {
    if (loops_left_ == 0 && !others_left_ && answers_ + lost_ >= expected_) finish();
}

void reply_collector::finish() {
    if (!told_) return;
    cancel();
    const auto keep = home_->collecting.extract(shared_from_this());
    auto told = std::exchange(told_, nullptr);
    home_->guarded("the callback of an acknowledgement", nullptr, [&] {
        told(nullptr, {expected_ - answers_, std::move(silent_)});
    });
}

void reply_collector::fire(net::timer_node& node) {
    auto& self = static_cast<reply_collector&>(node);
    self.home_->metrics.acks_timed_out.add();
    self.over_ = true;
    if (!self.others_left_) self.finish();  // their end comes now, and says who was silent
}

void broadcast_wait::fire(net::timer_node& node) {
    auto& self = static_cast<broadcast_wait&>(node);
    self.context.asked.erase(self.id);
}

}  // namespace weft::socketio::detail
