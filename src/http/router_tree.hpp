#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/router.hpp>

namespace weft::http {

/// The handler of one method of one path: exactly one of the two is set, or the route is free.
struct router::route {
    plain_handler plain;
    handler deferred;
    route_options options;

    explicit operator bool() const noexcept { return plain || deferred; }
};

/// What stands behind one pattern.
struct router::endpoint {
    std::vector<std::string> names;  ///< Of its parameters, in the order of the path.
    std::array<route, 7> routes;     ///< By method.
    upgrade_handler upgrade;
    placement place;    ///< Empty: any loop.
    std::string allow;  ///< The methods it has, as `Allow` lists them; empty when it has none.

    /// The route for the method; for HEAD, when it has none of its own, that of GET.
    [[nodiscard]] route* find(http::method m) noexcept {
        route& own = routes[static_cast<std::size_t>(m)];
        if (!own && m == method::head) return find(method::get);
        return own ? &own : nullptr;
    }
};

/// One segment of the tree.
struct router::node {
    template <class Texts>
    static auto lower_bound(Texts& in, std::string_view segment) noexcept {
        return std::lower_bound(
            in.begin(), in.end(), segment,
            [](const auto& entry, std::string_view s) { return entry.first < s; });
    }

    std::vector<std::pair<std::string, std::unique_ptr<node>>> texts;  ///< Sorted.
    std::unique_ptr<node> parameter;
    std::unique_ptr<endpoint> wildcard;
    std::unique_ptr<endpoint> here;

    [[nodiscard]] const node* find(std::string_view segment) const noexcept {
        const auto at = lower_bound(texts, segment);
        return at != texts.end() && at->first == segment ? at->second.get() : nullptr;
    }
    node& below(std::string_view segment) {
        auto at = lower_bound(texts, segment);
        if (at == texts.end() || at->first != segment) {
            at = texts.emplace(at, std::string(segment), std::make_unique<node>());
        }
        return *at->second;
    }
    node& below_parameter() {
        if (parameter == nullptr) parameter = std::make_unique<node>();
        return *parameter;
    }
};

}  // namespace weft::http
