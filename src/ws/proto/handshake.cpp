// The opening handshake, both ends. Every header is optional until it was seen, header names are
// compared in any case, and what must be there once is counted. What we write is checked first: no
// value can end a line early.

#include <algorithm>

#include <weft/base/base64.hpp>

#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::ws {
namespace {

constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t key_bytes = 16;

/// What the handshake itself sets, so that nobody else may.
constexpr std::array<std::string_view, 8> own_headers{
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Accept",
};

/// The headers of one message that matter here, gathered in one pass.
struct gathered {
    bool upgrades = false;
    bool connects = false;
    std::string_view key;
    unsigned key_count = 0;
    std::string_view version;
    unsigned version_count = 0;
    std::string_view accept;
    unsigned accept_count = 0;
    std::string_view subprotocol;
    unsigned subprotocol_count = 0;
    text_list<max_subprotocols> subprotocols;
    text_list<max_extension_headers> extensions;
    std::optional<errc> subprotocol_error;
    bool too_many_extensions = false;
};

/// Whether a comma-separated list has the token, in any case.
bool list_has(std::string_view list, std::string_view token) noexcept {
    while (!list.empty()) {
        if (http::same_token(http::syntax::take_item(list), token)) return true;
    }
    return false;
}

void gather(gathered& all, const http::header_field& header) noexcept {
    const auto is = [&](std::string_view name) { return http::same_token(header.name, name); };
    const std::string_view value = http::syntax::trim(header.value);
    if (is("Upgrade")) {
        all.upgrades = all.upgrades || list_has(value, "websocket");
    } else if (is("Connection")) {
        all.connects = all.connects || list_has(value, "upgrade");
    } else if (is("Sec-WebSocket-Key")) {
        all.key = value;
        ++all.key_count;
    } else if (is("Sec-WebSocket-Version")) {
        all.version = value;
        ++all.version_count;
    } else if (is("Sec-WebSocket-Accept")) {
        all.accept = value;
        ++all.accept_count;
    } else if (is("Sec-WebSocket-Protocol")) {
        all.subprotocol = value;
        ++all.subprotocol_count;
        if (!all.subprotocol_error) {
            all.subprotocol_error = parse_subprotocols(value, all.subprotocols);
        }
    } else if (is("Sec-WebSocket-Extensions")) {
        all.too_many_extensions = !all.extensions.try_add(value) || all.too_many_extensions;
    }
}

gathered gather(std::span<const http::header_field> headers) noexcept {
    gathered all;
    for (const http::header_field& header : headers) gather(all, header);
    return all;
}

// Nobody needs the 16 bytes (RFC 6455 section 4.2.2), so the bits behind the last one may be set:
// older versions of IXWebSocket draw characters, not bytes.
bool is_key(std::string_view text) noexcept {
    std::array<char, base64_size(key_bytes)> whole;
    if (text.size() != whole.size() || !text.ends_with("==")) return false;
    *std::copy_n(text.begin(), whole.size() - 2, whole.begin()) = 'A';
    whole.back() = 'A';
    std::array<std::byte, key_bytes + 2> decoded;
    return base64_decode({whole.data(), whole.size()}, decoded).has_value();
}

std::optional<errc> first_error(const upgrade_request& request, const gathered& seen) noexcept {
    if (request.method != "GET") return errc::bad_method;
    if (request.http_major != 1 || request.http_minor < 1) return errc::bad_http_version;
    if (request.has_body) return errc::body_in_upgrade;
    if (!seen.upgrades) return errc::bad_upgrade;
    if (!seen.connects) return errc::bad_connection;
    if (seen.version_count != 1) return errc::bad_version;
    if (seen.version != "13") return errc::unsupported_version;
    if (seen.key_count != 1 || !is_key(seen.key)) return errc::bad_key;
    if (seen.too_many_extensions) return errc::bad_extensions;
    return seen.subprotocol_error;
}

/// Printable ASCII without spaces: what a host and a target of a request line may be made of.
bool is_word(std::string_view text) noexcept {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

weft::error bad_argument(std::string what) {
    return {weft::errc::invalid_argument, std::move(what)};
}

void append_header(std::string& text, std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
}

result<void> append_extra(std::string& text, std::span<const http::header_field> extra) {
    for (const http::header_field& header : extra) {
        const bool ours =
            std::any_of(own_headers.begin(), own_headers.end(),
                        [&](std::string_view name) { return http::same_token(name, header.name); });
        if (ours || !http::is_field_name(header.name) || !http::is_field_value(header.value)) {
            return bad_argument("header '" + std::string(header.name) + "' cannot be sent");
        }
        append_header(text, header.name, header.value);
    }
    return {};
}

}  // namespace

upgrade_check check_upgrade(const upgrade_request& request) noexcept {
    const gathered seen = gather(request.headers);
    return {first_error(request, seen), {seen.key, seen.subprotocols, seen.extensions}};
}

std::span<const http::header_field> refusal_headers(errc why) noexcept {
    static constexpr std::array<http::header_field, 1> methods{{{"Allow", "GET"}}};
    static constexpr std::array<http::header_field, 2> versions{
        {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}}};
    switch (why) {
        case errc::bad_method: return methods;
        case errc::bad_upgrade:
        case errc::bad_version:
        case errc::unsupported_version: return versions;
        default: return {};
    }
}

std::optional<errc> parse_subprotocols(std::string_view value,
                                       text_list<max_subprotocols>& out) noexcept {
    bool any = false;
    while (!value.empty()) {
        const std::string_view element = http::syntax::take_item(value);
        if (element.empty()) continue;
        if (!http::syntax::is_token(element) || out.contains(element) || !out.try_add(element)) {
            return errc::bad_subprotocol;
        }
        any = true;
    }
    // RFC 6455 section 4.1 gives the list at least one element.
    return any ? std::nullopt : std::optional(errc::bad_subprotocol);
}

result<std::array<char, accept_size>> accept_value(sha1_digest& sha1,
                                                   std::string_view key) noexcept {
    const std::array<byte_view, 2> parts{as_bytes(key), as_bytes(accept_guid)};
    const result<sha1_digest::value> digest = sha1(parts);
    if (!digest) return digest.error();
    std::array<char, accept_size> text;
    base64_encode(*digest, text);
    return text;
}

void each_upgrade_header(const upgrade_response& response,
                         function_ref<void(std::string_view, std::string_view)> add) {
    add("Upgrade", "websocket");
    add("Sec-WebSocket-Accept", response.accept);
    if (!response.subprotocol.empty()) add("Sec-WebSocket-Protocol", response.subprotocol);
    if (response.deflate) add("Sec-WebSocket-Extensions", deflate_response(*response.deflate));
}

result<std::string> make_key(random_pool& random) {
    std::array<std::byte, key_bytes> bytes;
    if (!random.fill(bytes)) return weft::error(weft::errc::not_supported, "no entropy");
    return base64_encode(bytes);
}

result<std::string> write_upgrade_request(const client_request& request) {
    if (!is_word(request.target)) return bad_argument("the request target is malformed");
    if (!is_word(request.host)) return bad_argument("the host is malformed");
    std::string text;
    text.append("GET ").append(request.target).append(" HTTP/1.1\r\n");
    append_header(text, "Host", request.host);
    text.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    append_header(text, "Sec-WebSocket-Key", request.key);
    if (!request.subprotocols.empty()) {
        std::string list;
        text_list<max_subprotocols> seen;
        for (const std::string_view name : request.subprotocols) {
            if (!http::syntax::is_token(name) || seen.contains(name) || !seen.try_add(name)) {
                return bad_argument("subprotocols must be distinct tokens, at most 32");
            }
            list.append(list.empty() ? "" : ", ").append(name);
        }
        append_header(text, "Sec-WebSocket-Protocol", list);
    }
    if (request.deflate != nullptr) {
        append_header(text, "Sec-WebSocket-Extensions", deflate_offer(*request.deflate));
    }
    if (auto added = append_extra(text, request.extra); !added) return added.error();
    text.append("\r\n");
    return text;
}

client_outcome check_response(int status, std::span<const http::header_field> headers,
                              const client_request& request, sha1_digest& sha1) noexcept {
    const auto refuse = [](errc why) { return client_outcome{why, {}, std::nullopt}; };
    const gathered seen = gather(headers);
    if (status != 101 || !seen.upgrades || !seen.connects) return refuse(errc::not_switching);

    const auto expected = accept_value(sha1, request.key);
    if (!expected || seen.accept_count != 1 ||
        seen.accept != std::string_view((*expected).data(), (*expected).size())) {
        return refuse(errc::bad_accept);
    }
    // RFC 6455 leaves "none chosen" to the client; who asked for one needs one (as browsers do).
    const auto& offered = request.subprotocols;
    const bool one_of_ours =
        seen.subprotocol_count == 1 &&
        std::find(offered.begin(), offered.end(), seen.subprotocol) != offered.end();
    if (offered.empty() ? seen.subprotocol_count != 0 : !one_of_ours) {
        return refuse(errc::unexpected_subprotocol);
    }
    if (seen.too_many_extensions) return refuse(errc::unexpected_extensions);
    const extension_outcome agreed = check_extensions(seen.extensions.view(), request.deflate);
    return {agreed.error, seen.subprotocol, agreed.deflate};
}

}  // namespace weft::ws
