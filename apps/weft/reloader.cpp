// The order of a reload: read, judge all of it, apply, say what is other. Invariant: nothing
// changes before all is judged, so that whatever is wrong leaves the server as it was.

#include "reloader.hpp"

#include <algorithm>
#include <utility>

#include "config/difference.hpp"
#include "listening.hpp"

namespace weft {
namespace {

std::string joined(const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
    return all;
}

}  // namespace

reloader::~reloader() {
    if (thread_.joinable()) thread_.join();
}

result<void> reloader::reload() {
    const std::lock_guard lock(one_at_a_time_);
    const auto told = what_.manager.tell_reload();
    config::loaded settings = config::load(from_);
    std::optional<config::plan> plan;
    if (settings.problems.empty()) plan = config::make_plan(settings);
    result<void> done =
        plan ? apply(settings, *plan) : error(errc::invalid_argument, joined(settings.problems));
    if (done) return done;
    for (const std::string& each : settings.problems) tell(log_level::error, each);
    tell(log_level::error, "the configuration stays as it was" +
                               (plan ? ": " + done.error().message() : std::string()));
    return done;
}

result<void> reloader::apply(config::loaded& settings, config::plan& plan) {
    if (what_.verifier && plan.verifier) {
        // First, as the certificates: a file may have changed since it was judged.
        if (auto changed = what_.verifier->change_issuers(std::move(plan.issuers)); !changed)
            return changed;
    }
    const auto has_tls = [](const server_address& each) { return each.tls.has_value(); };
    if (std::any_of(what_.addresses.begin(), what_.addresses.end(), has_tls)) {
        if (auto read = what_.target.reload_certificates(); !read) return read;
    }
    const auto other = config::difference(running_, settings.values);
    for (const config::changed_key& each : other) {
        const bool now = each.counts == config::change::on_reload;
        tell(now ? log_level::info : log_level::warning,
             each.text + (now ? "" : ": needs a restart"));
    }
    if (what_.verifier.has_value() != plan.verifier.has_value()) {
        tell(log_level::warning, "auth.issuer[]: the first or the last one: needs a restart");
        settings.values.issuers = running_.issuers;
    }
    if (auto changed = what_.target.change(page_options(plan.server, what_.addresses, what_.log));
        !changed)
        return changed;
    if (plan.endpoints.size() == what_.endpoints.size()) {
        for (std::size_t i = 0; i < plan.endpoints.size(); ++i)
            (void)what_.endpoints[i]->change_origins(plan.endpoints[i].second.origins);
    }
    what_.hub.change(std::move(plan.topics));
    what_.log.change(plan.log);
    config::take_over(running_, settings.values);
    tell(log_level::info, other.empty() ? "reloaded: nothing is other" : "reloaded");
    return {};
}

void reloader::request() {
    const std::lock_guard lock(mutex_);
    if (at_work_) {
        once_more_ = true;
        return;
    }
    if (thread_.joinable()) thread_.join();
    at_work_ = true;
    thread_ = std::thread([this] { work(); });
}

void reloader::work() {
    for (;;) {
        (void)reload();
        const std::lock_guard lock(mutex_);
        if (std::exchange(once_more_, false)) continue;
        at_work_ = false;
        return;
    }
}

}  // namespace weft
