// The server's side of the opening handshake. The order of the checks is that of cost and of trust:
// the request itself, then the Origin, then what the two sides can agree on.

#include "ws/answer_handshake.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <weft/http/options.hpp>

#include "ws/proto/handshake.hpp"

namespace weft::ws {
namespace {

/// Of a subprotocol that we do not know: what is longer may be a token, which is never echoed.
constexpr std::size_t longest_name = 64;

using field_list = std::array<http::header_field, http::message_head::max_fields>;

/// `room` is where the header lines are laid out: what is returned refers to them.
upgrade_check check_request(const http::request& request, field_list& room) noexcept {
    const http::message_head& head = request.head();
    for (std::size_t i = 0; i < head.field_count(); ++i) room[i] = head.field(i);
    return check_upgrade(
        {.method = http::to_string(head.method()),
         .http_major = 1,
         .http_minor = head.minor_version(),
         .has_body = head.framing() != http::body_framing::none && head.content_length() != 0,
         .headers = std::span(room).first(head.field_count())});
}

extension_outcome agree_on_extensions(const upgrade_facts& facts, const deflate_options* deflate) {
    if (deflate == nullptr) return {};
    const auto bits = static_cast<std::uint8_t>(
        deflate->window_bits.value_or(deflate_options::default_window_bits));
    return accept_extensions(facts.extensions.view(),
                             {!deflate->context_takeover, !deflate->context_takeover, bits, bits});
}

std::string_view choose_subprotocol(const upgrade_facts& facts, const handshake_terms& terms) {
    const auto& spoken = terms.subprotocols;
    for (const std::string_view name : facts.subprotocols.view()) {
        if (terms.any_subprotocol && name.size() <= longest_name) return name;
        if (std::find(spoken.begin(), spoken.end(), name) != spoken.end()) return name;
    }
    return {};
}

}  // namespace

origin_facts origin_facts_of(const http::request& request) noexcept {
    return {.origin = request.header("origin"),
            .origin_count = static_cast<unsigned>(request.head().header_count("origin")),
            .host = request.host(),
            .fetch_site = request.header("sec-fetch-site"),
            .secure = request.peer().secure(),
            .by_proxy = request.by_proxy(),
            .public_origins = request.limits().public_origins};
}

result<handshake_answer> answer_handshake(const http::request& request,
                                          const handshake_terms& terms, connection_shared& shared) {
    const auto refuse = [&](errc why) {
        shared.metrics.errors.count(why);
        shared.metrics.refused.add();
        const bool foreign = why == errc::origin_refused;
        shared.loop.tell_refusal(
            foreign ? log_level::warning : log_level::info, "ws", describe(why).text, [&] {
                return refusal_facts{request.peer().address().to_string(), request.path(),
                                     foreign ? request.header("origin") : std::string_view()};
            });
        return error(why);
    };
    field_list room;
    const upgrade_check checked = check_request(request, room);
    if (checked.error) return refuse(*checked.error);
    const upgrade_facts& facts = checked.facts;
    if (terms.origins != nullptr && !terms.origins->allows(origin_facts_of(request))) {
        return refuse(errc::origin_refused);
    }
    const extension_outcome extensions = agree_on_extensions(facts, terms.deflate);
    if (extensions.error) return refuse(*extensions.error);

    if (!shared.sha1) return weft::errc::not_supported;
    const auto accept = accept_value(*shared.sha1, facts.key);
    if (!accept) return accept.error();
    return handshake_answer{std::string(accept->data(), accept->size()),
                            std::string(choose_subprotocol(facts, terms)), extensions.deflate};
}

http::header_lines headers_of(const handshake_answer& granted) {
    http::header_lines lines;
    each_upgrade_header({granted.accept, granted.subprotocol, granted.deflate},
                        [&](auto name, auto value) { lines.add(name, value); });
    return lines;
}

http::response answer_of(const error& why) {
    if (why.code().category() != error_category()) return http::response::plain_error(500);
    const auto code = static_cast<errc>(why.code().value());
    const error_row& row = describe(code);
    http::response answer = http::response::text(row.status, std::string(row.text) + "\n");
    for (const http::header_field& field : refusal_headers(code)) {
        answer.header(field.name, field.value);
    }
    return answer;
}

}  // namespace weft::ws
