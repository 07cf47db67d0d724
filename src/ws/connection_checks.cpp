// What a peer sends, against schemas. Invariant: a violation is never dropped in silence: the peer
// gets an answer or a close frame (or the program has it, and may answer), the operator a line and
// a counter.

#include <string>

#include <weft/base/json_writer.hpp>

#include "net/pace.hpp"
#include "net/traffic_meter.hpp"
#include "ws/connection_parts.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t max_reason = 123;  // RFC 6455 section 5.5

std::string reason_of(const schema::violation& wrong) {
    std::string reason = "invalid message: ";
    reason.append(wrong.rule);
    if (!wrong.path.empty()) reason.append(" at ").append(wrong.path);
    if (reason.size() <= max_reason) return reason;
    std::size_t end = max_reason;
    while ((static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80) --end;  // no half character
    reason.resize(end);
    return reason;
}

std::string answer_to(const schema::violation& wrong) {
    std::string text;
    json_writer json(text);
    json.begin_object();
    json.member("error", "invalid");
    wrong.write_members(json);
    json.end_object();
    return text;
}

}  // namespace

std::optional<schema::violation> connection_core::examine(const schema& rules,
                                                          const message_view& what) {
    if (what.is_text()) return rules.check(what.text());
    return schema::violation{.rule = "text"};
}

std::optional<schema::violation> connection_core::check(const schema& rules,
                                                        const message_view& what) {
    auto wrong = examine(rules, what);
    if (wrong) {
        tell_violation(*wrong);
        (void)spend_violation();
    }
    return wrong;
}

bool connection_core::passes(const message_view& what) {
    const auto wrong = examine(*chosen().schema, what);
    if (!wrong) return true;
    tell_violation(*wrong);
    if (chosen().violations != violation_answer::error_message) {
        const close_code code = chosen().violations == violation_answer::close_1007
                                    ? close_code::invalid_payload
                                    : close_code::policy_violation;
        refuse(errc::invalid_message, code, reason_of(*wrong));
    } else if (spend_violation()) {
        send(message_view(answer_to(*wrong)));
    }
    return false;
}

void connection_core::tell_violation(const schema::violation& wrong) noexcept {
    metrics().violations.count(wrong.rule);
    within_memory([&] {
        const std::string told = wrong.what();
        loop().tell_refusal(log_level::info, "ws",
                            "a message breaks the schema of its endpoint or topic", [&] {
                                return refusal_facts{.peer = stream().peer().address().to_string(),
                                                     .route = user_->route(),
                                                     .value = told};
                            });
    });
}

/// False: that was one too many, and the connection is closed.
bool connection_core::spend_violation() {
    const time_point now = loop().now();
    if (metered_) stream().peer().traffic()->note_error(now);
    const net::pace allowed(chosen().max_violations / 60.0, std::chrono::minutes(1));
    slow().even_at = allowed.spend(slow().even_at, 1, now);
    if (slow().even_at <= now) return true;
    fail(errc::too_many_violations);
    return false;
}

}  // namespace weft::ws
