// Finds the token of a request. Every place that is switched on is looked at, to its end: a second
// token is found wherever it is.

#include <weft/auth/token_sources.hpp>

#include <optional>
#include <utility>

#include <weft/auth/error.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/handshake.hpp>
#include <weft/http/head.hpp>
#include <weft/http/request.hpp>

#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"

namespace weft::auth {
namespace {

using http::same_token;
using http::syntax::trim;

/// Gathers what was found.
class finding {
public:
    void add(std::string token, token_source from) {
        if (token.empty()) return;
        if (found_) ambiguous_ = true;
        found_ = found_token{std::move(token), from};
    }
    result<found_token> outcome() && {
        if (ambiguous_) return errc::token_ambiguous;
        if (!found_) return errc::token_missing;
        return *std::move(found_);
    }

private:
    std::optional<found_token> found_;
    bool ambiguous_ = false;
};

/// Each element of a list in a header line, without the blanks around it.
void each_element(std::string_view list, char separator,
                  function_ref<void(std::string_view)> visit) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(separator), list.size());
        visit(trim(list.substr(0, end)));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
}

/// "Bearer <token>" (RFC 6750 section 2.1); other schemes are not ours.
void add_authorization(std::string_view value, finding& found) {
    constexpr std::string_view scheme = "Bearer";
    const std::size_t blank = std::min(value.find(' '), value.size());
    if (!same_token(value.substr(0, blank), scheme)) return;
    found.add(std::string(trim(value.substr(blank))), token_source::authorization);
}

void add_cookies(std::string_view header, const std::string& name, finding& found) {
    each_element(header, ';', [&](std::string_view pair) {
        const std::size_t equals = pair.find('=');
        if (equals == pair.npos || trim(pair.substr(0, equals)) != name) return;
        if (auto value = http::cookie_value(pair, name)) {
            found.add(*std::move(value), token_source::cookie);
        }
    });
}

void add_query(std::string_view query, const std::string& name, finding& found) {
    each_element(query, '&', [&](std::string_view pair) {
        if (auto value = http::find_query_value(pair, name)) {
            found.add(*std::move(value), token_source::query);
        }
    });
}

void add_header(std::string_view name, std::string_view value, const token_sources& from,
                finding& found) {
    if (from.authorization && same_token(name, "Authorization")) {
        add_authorization(value, found);
    } else if (from.subprotocol && same_token(name, "Sec-WebSocket-Protocol")) {
        each_element(value, ',', [&](std::string_view offered) {
            if (!carries_token(offered, from)) return;
            found.add(std::string(offered.substr(from.subprotocol_prefix.size())),
                      token_source::subprotocol);
        });
    } else if (!from.cookie.empty() && same_token(name, "Cookie")) {
        add_cookies(value, from.cookie, found);
    }
}

}  // namespace

bool carries_token(std::string_view subprotocol, const token_sources& from) noexcept {
    return from.subprotocol && subprotocol.starts_with(from.subprotocol_prefix);
}

result<found_token> find_token(const http::request& asked, const token_sources& from) {
    finding found;
    const http::message_head& head = asked.head();
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        add_header(head.field(i).name, head.field(i).value, from, found);
    }
    if (!from.query.empty()) add_query(asked.query(), from.query, found);
    return std::move(found).outcome();
}

result<found_token> find_token(const http::handshake& asked, const token_sources& from) {
    finding found;
    asked.each_header([&](std::string_view name, std::string_view value) {
        add_header(name, value, from, found);
    });
    if (!from.query.empty()) add_query(asked.query(), from.query, found);
    return std::move(found).outcome();
}

}  // namespace weft::auth
