#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/router.hpp>

namespace weft::http {

/// What answers one method of one path.
struct router::route {
    any_handler handle;
    route_options options;
};

/// What stands behind one pattern.
struct router::resource {
    std::string pattern;             ///< For the log.
    std::vector<std::string> names;  ///< Of its parameters, in the order of the path.
    std::array<route, 7> routes;     ///< By method.
    route others;                    ///< Of methods that have none of their own.
    upgrade_handler upgrade;
    placement place;     ///< Empty: any loop.
    resumption resumes;  ///< Empty: nothing does.
    std::string allow;   ///< The methods it has, as `Allow` lists them.

    [[nodiscard]] route& of(std::optional<http::method> m) noexcept {
        return m ? routes[static_cast<std::size_t>(*m)] : others;
    }
    /// The value of `Allow`: OPTIONS has an answer everywhere, and an upgrade begins with GET.
    [[nodiscard]] std::string allowed() const {
        const auto has = [this](http::method m) {
            return static_cast<bool>(routes[static_cast<std::size_t>(m)].handle);
        };
        std::string all = allow;
        if (upgrade && !has(method::get)) all += all.empty() ? "GET" : ", GET";
        if (!has(method::options)) all += all.empty() ? "OPTIONS" : ", OPTIONS";
        return all;
    }
    [[nodiscard]] bool has_routes() const noexcept { return !allow.empty() || others.handle; }
    /// The route for the method. HEAD without one of its own has that of GET.
    [[nodiscard]] route* find(http::method m) noexcept {
        if (of(m).handle) return &of(m);
        if (m == method::head && of(method::get).handle) return &of(method::get);
        return others.handle ? &others : nullptr;
    }
};

/// What is not of one path.
struct router::surroundings {
    std::vector<std::pair<std::string, filter>> filters;  ///< By prefix, without a '/' at its end.
    std::vector<observer> observers;
    route not_found;

    [[nodiscard]] filter_verdict ask_filters(const request& req, std::size_t& next);
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
    std::unique_ptr<resource> wildcard;
    std::unique_ptr<resource> here;

    [[nodiscard]] const node* find(std::string_view segment) const noexcept {
        const auto found = lower_bound(texts, segment);
        return found != texts.end() && found->first == segment ? found->second.get() : nullptr;
    }
    node& below(std::string_view segment) {
        auto found = lower_bound(texts, segment);
        if (found == texts.end() || found->first != segment) {
            found = texts.emplace(found, std::string(segment), std::make_unique<node>());
        }
        return *found->second;
    }
    node& below_parameter() {
        if (parameter == nullptr) parameter = std::make_unique<node>();
        return *parameter;
    }
};

}  // namespace weft::http
