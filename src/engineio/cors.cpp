// Origins: one check for polling, upgrade and WebSocket, and the headers of CORS. Without the check
// CORS alone would stop nobody: it only keeps a foreign page from reading replies, and a WebSocket
// not even from that.

#include "engineio/cors.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace weft::engineio {
namespace {

constexpr std::string_view any_origin = "*";

std::string joined(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) {
        if (!out.empty()) out += ',';
        out += item;
    }
    return out;
}

}  // namespace

result<origin_guard> origin_guard::make(const options& chosen) {
    origin_guard made;
    std::vector<std::string> allowed = chosen.origins;
    made.any_ = chosen.origin == ws::origin_check::any;
    if (chosen.cors) {
        made.cors_ = &*chosen.cors;
        const auto& origins = chosen.cors->origins;
        made.any_reads_ = origins.size() == 1 && origins[0] == any_origin;
        if (made.any_reads_) {
            made.any_ = true;
        } else {
            allowed.insert(allowed.end(), origins.begin(), origins.end());
            auto listed = ws::origin_policy::make({origins, false, false, true});
            if (!listed) return listed.error();
            made.listed_ = std::move(*listed);
        }
    }
    auto policy = ws::origin_policy::make({std::move(allowed), true, made.any_, false});
    if (!policy) return policy.error();
    made.policy_ = std::move(*policy);
    return made;
}

bool origin_guard::accepted(const http::request& request) const {
    return cors_ != nullptr && cors_->accept_origin && request.head().header_count("origin") == 1 &&
           cors_->accept_origin(request.header("origin"));
}

bool origin_guard::allows(const http::request& request, kind what) const {
    if (any_) return true;
    ws::origin_facts facts;
    facts.origin_count = static_cast<unsigned>(request.head().header_count("origin"));
    facts.origin = request.header("origin");
    facts.host = request.header("host");
    facts.secure = request.peer().secure();
    facts.has_cookie = request.head().header_count("cookie") > 0;
    if (facts.origin_count == 0 && what != kind::websocket) {
        const std::string_view site = request.header("sec-fetch-site");
        if (!site.empty() && site != "same-origin" && site != "none") return false;
        if (what == kind::poll || !site.empty()) facts.has_cookie = false;
    }
    return policy_.allows(facts) || accepted(request);
}

void origin_guard::write(const http::request& request, http::response& response) const {
    if (cors_ == nullptr) return;
    const std::string_view origin = request.header("origin");
    if (any_reads_) {
        response.header("Access-Control-Allow-Origin", any_origin);
    } else {
        const ws::origin_facts facts{
            origin, static_cast<unsigned>(request.head().header_count("origin")), {}, false, false};
        if (facts.origin_count == 1 && (listed_.allows(facts) || accepted(request)))
            response.header("Access-Control-Allow-Origin", origin);
        response.header("Vary", "Origin");
    }
    if (cors_->credentials) response.header("Access-Control-Allow-Credentials", "true");
    if (!cors_->exposed_headers.empty())
        response.header("Access-Control-Expose-Headers", joined(cors_->exposed_headers));
}

http::response origin_guard::preflight(const http::request& request) const {
    http::response made(cors_->options_success_status);
    write(request, made);
    made.header("Access-Control-Allow-Methods", joined(cors_->methods));
    if (!cors_->allowed_headers.empty()) {
        made.header("Access-Control-Allow-Headers", joined(cors_->allowed_headers));
    } else if (const auto asked = request.header("access-control-request-headers");
               !asked.empty()) {
        made.header("Vary", "Access-Control-Request-Headers");
        made.header("Access-Control-Allow-Headers", asked);
    }
    if (cors_->max_age)
        made.header("Access-Control-Max-Age", std::to_string(cors_->max_age->count()));
    return made;
}

}  // namespace weft::engineio
