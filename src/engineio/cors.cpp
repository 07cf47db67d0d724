// Origins: one check for polling, upgrade and WebSocket, and the headers of CORS. Without the check
// CORS alone would stop nobody: it only keeps a foreign page from reading replies, and a WebSocket
// not even from that.

#include "engineio/cors.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "ws/answer_handshake.hpp"

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

origin_guard::origin_guard(const options& chosen) : any_(chosen.origin == ws::origin_check::any) {
    std::vector<std::string> allowed = chosen.origins;
    if (chosen.cors) {
        cors_ = &*chosen.cors;
        const auto& origins = cors_->origins;
        any_reads_ = origins.size() == 1 && origins[0] == any_origin;
        if (any_reads_) {
            any_ = true;
        } else {
            allowed.insert(allowed.end(), origins.begin(), origins.end());
            listed_ = ws::origin_policy({.allowed = origins, .same_origin = false});
        }
    }
    policy_ = ws::origin_policy({.allowed = std::move(allowed), .any = any_});
}

bool origin_guard::accepted(const http::request& request) const {
    return cors_ != nullptr && cors_->accept_origin && request.head().header_count("origin") == 1 &&
           cors_->accept_origin(request.header("origin"));
}

bool origin_guard::allows(const http::request& request, kind what) const {
    if (any_) return true;
    const ws::origin_facts facts = ws::origin_facts_of(request);
    if (facts.origin_count == 0 && what != kind::websocket) {
        const bool unsaid = facts.fetch_site.empty();
        if (!unsaid && facts.fetch_site != "same-origin" && facts.fetch_site != "none")
            return false;
        if (unsaid && what == kind::script && request.head().header_count("cookie") > 0)
            return false;
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
            .origin = origin,
            .origin_count = static_cast<unsigned>(request.head().header_count("origin"))};
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
