// Who may do what with which topics. Invariants: a topic has one rule, whoever asks, so that what
// one rule refuses no later one allows; and what cannot be read allows nobody.

#include "topics/topic_rules.hpp"

#include <algorithm>
#include <utility>

#include <weft/base/json_reader.hpp>

namespace weft::topics {
namespace {

constexpr std::string_view subject_mark = "{sub}";
constexpr std::string_view rest_mark = "{*}";

/// The next word, taken from the text.
std::string_view take_word(std::string_view& text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

std::string_view trimmed(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

bool has_word(std::string_view text, std::string_view wanted) noexcept {
    for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
        if (word == wanted) return true;
    }
    return false;
}

/// Reads the value of a claim.
class claim_reader {
public:
    claim_reader(std::string_view claims, std::string_view name) : json_(claims) {
        std::string scratch;
        std::string_view key;
        json_.begin_object();
        while (json_.next_key(key, scratch)) {
            if (key == name) return;
            json_.skip();
        }
        found_ = false;
    }

    [[nodiscard]] bool equals(std::string_view value) {
        return found_ && (json_.peek() == json_kind::string ? text() == value : raw() == value);
    }
    [[nodiscard]] bool contains(std::string_view value) {
        if (!found_) return false;
        if (json_.peek() == json_kind::string) return has_word(text(), value);
        bool has = false;
        json_.begin_array();
        while (json_.next_element()) {
            const bool is_text = json_.peek() == json_kind::string;
            const std::string_view one = is_text ? text() : raw();
            has = has || (json_.ok() && one == value);
        }
        return has && json_.ok();
    }

private:
    std::string_view text() {
        std::string_view out;
        return json_.read(out, memory_) ? out : std::string_view();
    }
    /// As it is written: a number, or `true`.
    std::string_view raw() {
        std::string_view out;
        return json_.raw(out) ? out : std::string_view();
    }

    json_reader json_;
    std::string memory_;
    bool found_ = true;
};

error wrong_right(std::string_view text) {
    return {errc::invalid_argument,
            "'" + std::string(text) +
                "' is not who may: nobody, anyone, authenticated, claim NAME equals VALUE or claim "
                "NAME contains VALUE"};
}

}  // namespace

// ---- Rights ----

result<topic_right> topic_right::make(std::string_view text) {
    if (text == "nobody") return topic_right(kind::nobody);
    if (text == "anyone") return topic_right(kind::anyone);
    if (text == "authenticated") return topic_right(kind::authenticated);
    std::string_view rest = text;
    if (take_word(rest) != "claim") return wrong_right(text);
    const std::string_view name = take_word(rest);
    const std::string_view relation = take_word(rest);
    const std::string_view value = trimmed(rest);
    if (value.empty() || (relation != "equals" && relation != "contains")) return wrong_right(text);
    topic_right made(relation == "equals" ? kind::claim_equals : kind::claim_contains);
    made.claim_ = name;
    made.value_ = value;
    return made;
}

bool topic_right::allows(const identity* who, std::string_view rest) const {
    if (kind_ == kind::anyone) return true;
    if (kind_ == kind::nobody || who == nullptr) return false;
    if (kind_ == kind::authenticated) return true;
    std::string value = value_;
    if (const std::size_t at = value.find(rest_mark); at != std::string::npos)
        value.replace(at, rest_mark.size(), rest);
    claim_reader claim(who->claims, claim_);
    return kind_ == kind::claim_equals ? claim.equals(value) : claim.contains(value);
}

// ---- Patterns ----

result<topic_pattern> topic_pattern::make(std::string_view text) {
    const auto wrong = [&](const char* why) {
        return error(errc::invalid_argument, "'" + std::string(text) + "': " + why);
    };
    if (text.empty()) return wrong("a topic has a name");
    topic_pattern made;
    made.open_ended_ = text.back() == '*';
    const std::string_view name = text.substr(0, text.size() - (made.open_ended_ ? 1 : 0));
    if (name.find('*') != name.npos) return wrong("* stands at the end, once");
    const std::size_t at = name.find(subject_mark);
    made.before_ = name.substr(0, at);
    if (at == name.npos) return made;
    made.has_subject_ = true;
    made.after_ = name.substr(at + subject_mark.size());
    if (made.after_.find(subject_mark) != std::string::npos) return wrong("{sub} stands once");
    if (made.open_ended_ && made.after_.empty())
        return wrong("between {sub} and * there is something, such as {sub}.*");
    return made;
}

std::optional<topic_pattern::match> topic_pattern::find_in(std::string_view topic) const noexcept {
    if (!topic.starts_with(before_)) return std::nullopt;
    std::string_view behind = topic.substr(before_.size());
    match found;
    if (has_subject_) {
        // With an end that is open, whoever has the separator in its subject has no topic here.
        const std::size_t end = open_ended_
                                    ? behind.find(after_)
                                    : behind.size() - std::min(after_.size(), behind.size());
        if (end == behind.npos || end == 0 || !behind.substr(end).starts_with(after_))
            return std::nullopt;
        found.subject = behind.substr(0, end);
        behind.remove_prefix(end + after_.size());
    }
    if (!open_ended_ && !behind.empty()) return std::nullopt;
    found.rest = behind;
    return found;
}

// ---- Rules ----

topic_rules::topic_rules(std::vector<topic_rule> rules, others otherwise)
    : rules_(std::move(rules)) {
    if (otherwise == others::refused) otherwise_.subscribe = otherwise_.publish = topic_right();
}

topic_rules::finding topic_rules::find(std::string_view topic) const noexcept {
    for (const topic_rule& each : rules_) {
        if (const auto match = each.topics.find_in(topic)) return {each, *match};
    }
    return {otherwise_, {}};
}

bool topic_rules::finding::is_theirs(const identity* who) const noexcept {
    return match.subject.empty() || (who != nullptr && who->subject == match.subject);
}

bool topic_rules::finding::may_subscribe(const identity* who) const {
    return is_theirs(who) && rule.subscribe.allows(who, match.rest);
}

bool topic_rules::finding::may_publish(const identity* who) const {
    return is_theirs(who) && rule.publish.allows(who, match.rest);
}

std::string_view key_of(std::string_view data, std::string_view member) {
    json_reader json(data);
    std::string scratch;
    std::string_view key, value;
    if (json.peek() != json_kind::object || !json.begin_object()) return {};
    while (json.next_key(key, scratch)) {
        if (key != member) {
            json.skip();
            continue;
        }
        const json_kind kind = json.peek();
        const bool simple = kind != json_kind::array && kind != json_kind::object;
        return simple && json.raw(value) ? value : std::string_view();
    }
    return {};
}

}  // namespace weft::topics
