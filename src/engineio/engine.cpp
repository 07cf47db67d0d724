// The sessions of all loops: one shard for each, and the front through which requests reach them.

#include "engineio/engine.hpp"

#include <utility>

#include "engineio/front.hpp"
#include "engineio/shard.hpp"

namespace weft::engineio {

struct engine::impl {
    explicit impl(options chosen) : all(std::move(chosen)) {}

    common all;
    std::vector<std::unique_ptr<shard>> shards;
    engineio::front front{all, shards};
};

engine::engine(options chosen) : impl_(std::make_unique<impl>(std::move(chosen))) {}
engine::~engine() = default;

const options& engine::settings() const noexcept {
    return impl_->all.chosen;
}

void engine::on_session(unique_function<std::unique_ptr<session_user>(session&)> make) {
    impl_->all.make_user = std::move(make);
}

void engine::expect_resumers() noexcept {
    impl_->all.expects_resumers = true;
}

void engine::carry_by(session_carrier& carrier) noexcept {
    impl_->all.carrier = &carrier;
}

void engine::set_loops(const std::vector<ws::connection_shared*>& loops) {
    impl_->all.loops = loops.size();
    impl_->shards.clear();
    for (ws::connection_shared* const loop : loops)
        impl_->shards.push_back(std::make_unique<shard>(impl_->all, *loop));
}

session* engine::find(session_id name) noexcept {
    if (!name || name.loop() >= impl_->shards.size()) return nullptr;
    shard& home = *impl_->shards[name.loop()];
    return home.web.loop.in_loop_thread() ? home.find(name) : nullptr;
}

void engine::for_each(std::uint8_t loop, function_ref<void(session&)> use) {
    if (loop < impl_->shards.size()) impl_->shards[loop]->for_each(use);
}

std::size_t engine::sessions() const noexcept {
    return impl_->all.census.size();
}

std::size_t engine::polling(std::uint8_t loop) const noexcept {
    return impl_->shards[loop]->polling();
}

std::size_t engine::close_some(std::uint8_t loop, net::slot_walk& walk,
                               std::size_t slots) noexcept {
    return impl_->shards[loop]->close_some(walk, slots);
}

void engine::shut_down() noexcept {
    for (const auto& s : impl_->shards) s->shut_down();
}

void engine::visit_metrics(metric_visitor visitor) const {
    for (const auto& s : impl_->shards) s->metrics.visit(visitor);
}

// ---- Requests ----

result<void> engine::prepare() {
    return settings().check();
}

result<void> engine::add_routes(http::router& router) {
    return impl_->front.add_routes(router);
}

void engine::write_cors(const http::request& asked, http::response& response) const {
    impl_->front.origins().write(asked, response);
}

http::response engine::preflight(const http::request& asked) const {
    return impl_->front.origins().preflight(asked);
}

}  // namespace weft::engineio
