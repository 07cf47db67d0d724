// Routes as a tree of path segments. Looking up walks the tree along the path and goes back where a
// more specific branch leads nowhere; since each node stands at one depth it is entered at most
// once, so a lookup is bounded by the size of the tree, whatever the path.

#include "http/router_tree.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <string>

#include <weft/http/router.hpp>

namespace weft::http {
namespace {

// The segments of a path behind its first '/', one after the other.
class segments {
public:
    explicit segments(std::string_view path) noexcept : rest_(path.substr(1)) {}

    [[nodiscard]] bool done() const noexcept { return done_; }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    [[nodiscard]] std::string_view take() noexcept {
        const std::size_t slash = rest_.find('/');
        done_ = slash == std::string_view::npos;
        const std::string_view segment = rest_.substr(0, slash);
        rest_.remove_prefix(done_ ? rest_.size() : slash + 1);
        return segment;
    }

private:
    std::string_view rest_;
    bool done_ = false;
};

error malformed(std::string_view pattern, std::string_view why) {
    return {weft::errc::invalid_argument,
            "route \"" + std::string(pattern) + "\" " + std::string(why)};
}

}  // namespace

router::router() : root_(std::make_unique<node>()), around_(std::make_unique<surroundings>()) {}
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;
router::~router() = default;

result<void> router::add(std::optional<http::method> method, std::string_view pattern,
                         any_handler callable, route_options options) {
    auto where = resource_at(pattern);
    if (!where) return where.error();
    route& slot = (*where)->of(method);
    if (slot.handle) return malformed(pattern, "has this method already");
    slot = {std::move(callable), std::move(options)};
    if (!method) return {};
    std::string& allow = (*where)->allow;
    if (!allow.empty()) allow += ", ";
    allow += to_string(*method);
    if (*method == method::get) allow += ", HEAD";
    return {};
}

void router::set_not_found(any_handler callable, route_options options) {
    around_->not_found = {std::move(callable), std::move(options)};
}

void router::add_filter(std::string_view prefix, filter callable) {
    while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
    around_->filters.emplace_back(prefix, std::move(callable));
}

void router::add_observer(observer callable) {
    around_->observers.push_back(std::move(callable));
}

filter_verdict router::surroundings::ask_filters(const request& req, std::size_t& next) {
    while (next < filters.size()) {
        auto& [prefix, ask] = filters[next++];
        const std::string_view path = req.path();
        const bool below = path.starts_with(prefix) &&
                           (path.size() == prefix.size() || path[prefix.size()] == '/');
        if (!below && !prefix.empty()) continue;
        filter_verdict said = ask(req);
        if (said.answer || said.later) return said;
    }
    return {};
}

result<void> router::add_upgrade(std::string_view pattern, upgrade_handler callable) {
    auto where = resource_at(pattern);
    if (!where) return where.error();
    if ((*where)->upgrade) return malformed(pattern, "has an upgrade already");
    (*where)->upgrade = std::move(callable);
    return {};
}

result<void> router::add_placement(std::string_view pattern, placement where) {
    auto found = resource_at(pattern);
    if (!found) return found.error();
    (*found)->place = std::move(where);
    return {};
}

result<void> router::add_resumption(std::string_view pattern, resumption goes_on) {
    auto found = resource_at(pattern);
    if (!found) return found.error();
    (*found)->resumes = std::move(goes_on);
    return {};
}

void router::seal() noexcept {
    std::atomic_ref(sealed_).store(true, std::memory_order_relaxed);
}

result<router::resource*> router::resource_at(std::string_view pattern) {
    if (std::atomic_ref(sealed_).load(std::memory_order_relaxed)) {
        return error(weft::errc::invalid_state,
                     "route '" + std::string(pattern) + "': routes are set before the server runs");
    }
    if (pattern.empty() || pattern.front() != '/') {
        return malformed(pattern, "does not begin with '/'");
    }
    std::vector<std::string> names;
    node* branch = root_.get();
    std::unique_ptr<resource>* found = nullptr;
    for (segments path(pattern); found == nullptr;) {
        const std::string_view segment = path.take();
        const char kind = segment.empty() ? '\0' : segment.front();
        if (kind == ':' || kind == '*') names.emplace_back(segment.substr(1));
        if (kind == '*') {
            if (!path.done()) return malformed(pattern, "has something behind its wildcard");
            found = &branch->wildcard;
        } else {
            branch = kind == ':' ? &branch->below_parameter() : &branch->below(segment);
            if (path.done()) found = &branch->here;
        }
    }
    if (names.size() > request::max_params) return malformed(pattern, "has too many parameters");
    if (*found == nullptr) {
        *found = std::make_unique<resource>();
        (*found)->pattern = pattern;
        (*found)->names = std::move(names);
    } else if ((*found)->names != names) {
        return malformed(pattern, "names the parameters of another route differently");
    }
    return found->get();
}

router::match router::find(request& req) const noexcept {
    struct walk {
        std::array<std::string_view, request::max_params> values{};
        std::size_t count = 0;

        resource* from(const node& branch, segments path) noexcept {
            if (path.done()) return branch.here.get();
            const std::string_view rest = path.rest();
            const std::string_view segment = path.take();
            if (const node* next = branch.find(segment)) {
                if (resource* found = from(*next, path)) return found;
            }
            if (branch.parameter != nullptr && !segment.empty() && count < values.size()) {
                values[count++] = segment;
                if (resource* found = from(*branch.parameter, path)) return found;
                --count;
            }
            if (branch.wildcard == nullptr || count == values.size()) return nullptr;
            values[count++] = rest;
            return branch.wildcard.get();
        }
    } walk;

    match found;
    if (req.path_.front() == '/') found.where = walk.from(*root_, segments(req.path_));
    if (found.where == nullptr) {
        if (around_->not_found.handle && req.path_ != "*") found.chosen = &around_->not_found;
        return found;
    }
    req.param_count_ = walk.count;
    for (std::size_t i = 0; i < walk.count; ++i) {
        req.params_[i] = {found.where->names[i], walk.values[i]};
    }
    const bool asks = req.head().header_count("upgrade") > 0;
    const bool only_upgrades = !found.where->has_routes() && req.method() != method::options;
    found.upgrades = found.where->upgrade && (asks || only_upgrades);
    if (!found.upgrades) found.chosen = found.where->find(req.method());
    return found;
}

}  // namespace weft::http
