// Parses requests with json_reader and writes answers with json_writer. The whole text is checked
// against the grammar first, since `data` goes to other clients unread: a broken value would be
// every subscriber's problem. Known fields may appear once (readers disagree on which of two
// duplicates counts), unknown ones are ignored so that the protocol can grow.

#include "topics/topic_protocol.hpp"

#include <algorithm>
#include <array>

#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>

namespace weft::topics {
namespace {

constexpr std::uint64_t max_request_id = (std::uint64_t{1} << 53) - 1;  // exact in JavaScript

struct type_name {
    request_type type;
    std::string_view text;
};
constexpr std::array type_names = {
    type_name{request_type::hello, "hello"},
    type_name{request_type::subscribe, "subscribe"},
    type_name{request_type::unsubscribe, "unsubscribe"},
    type_name{request_type::publish, "publish"},
    type_name{request_type::list, "list"},
    type_name{request_type::ping, "ping"},
};

struct refusal_text {
    std::string_view code;
    std::string_view message;
};

refusal_text text_of(refusal why) noexcept {
    switch (why) {
        case refusal::none: break;
        case refusal::bad_json: return {"bad_json", "the message is not one JSON value"};
        case refusal::too_deep: return {"too_deep", "more than 512 arrays and objects nested"};
        case refusal::bad_request:
            return {"bad_request", "a field is missing, given twice or of the wrong type"};
        case refusal::unknown_type:
            return {"unknown_type",
                    "type must be hello, subscribe, unsubscribe, publish, list or ping"};
        case refusal::bad_topic:
            return {"bad_topic", "a topic has 1 to 128 bytes and no control characters"};
        case refusal::bad_name:
            return {"bad_name", "a name has at most 64 bytes and no control characters"};
        case refusal::too_many_topics:
            return {"too_many_topics", "this connection is in as many topics as it may be"};
        case refusal::already_subscribed:
            return {"already_subscribed", "this connection is in that topic already"};
        case refusal::not_subscribed:
            return {"not_subscribed", "this connection is not in that topic"};
        case refusal::rate_limited: return {"rate_limited", "too many requests, try again later"};
        case refusal::list_disabled:
            return {"list_disabled", "this server does not list its topics"};
        case refusal::invalid_data:
            return {"invalid_data", "the data breaks the schema of the topic"};
        case refusal::not_allowed:
            return {"not_allowed", "the rights of this topic do not allow it to this connection"};
        case refusal::too_large:
            return {"too_large", "the data is larger than this topic takes (max_data)"};
    }
    return {"none", "no error"};
}

bool has_control_characters(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

bool good_name(std::string_view name) noexcept {
    return name.size() <= max_name_size && !has_control_characters(name);
}

/// Reads the members of a request into their fields and remembers which were there.
class field_reader {
public:
    explicit field_reader(request& into) noexcept : into_(into) {}

    /// Reads the value of a member. False if it is a known one and wrong; the value is read to its
    /// end all the same.
    bool read(std::string_view key, json_reader& json) {
        if (key == "type") return read_type(json) && first(seen_type);
        if (key == "id") return read_id(json) && first(seen_id);
        if (key == "topic")
            return read_text(json, into_.topic, into_.topic_memory) && first(seen_topic);
        if (key == "name")
            return read_text(json, into_.name, into_.name_memory) && first(seen_name);
        if (key == "data") return json.raw(into_.data) && first(seen_data);
        return json.skip();
    }

    /// Whether everything the type needs was there. What it does not need must be good too, so that
    /// nobody comes to rely on the contrary.
    [[nodiscard]] refusal complete() const noexcept {
        if (!has(seen_type)) return refusal::bad_request;
        if (into_.type == request_type::unknown) return refusal::unknown_type;
        if (!has(needed())) return refusal::bad_request;
        if (has(seen_topic) && !is_topic(into_.topic)) return refusal::bad_topic;
        if (has(seen_name) && !good_name(into_.name)) return refusal::bad_name;
        return refusal::none;
    }

private:
    enum : unsigned {
        seen_type = 1,
        seen_id = 2,
        seen_topic = 4,
        seen_name = 8,
        seen_data = 16,
    };

    bool first(unsigned field) noexcept {
        const bool is_first = (seen_ & field) == 0;
        seen_ |= field;
        return is_first;
    }
    [[nodiscard]] bool has(unsigned fields) const noexcept { return (seen_ & fields) == fields; }
    [[nodiscard]] unsigned needed() const noexcept {
        switch (into_.type) {
            case request_type::hello: return seen_name;
            case request_type::subscribe:
            case request_type::unsubscribe: return seen_topic;
            case request_type::publish: return seen_topic | seen_data;
            default: return 0;
        }
    }

    static bool read_text(json_reader& json, std::string_view& text, std::string& memory) {
        if (json.peek() == json_kind::string) return json.read(text, memory);
        json.skip();
        return false;
    }
    bool read_type(json_reader& json) {
        std::string_view text;
        std::string memory;
        if (!read_text(json, text, memory)) return false;
        const auto known = std::find_if(type_names.begin(), type_names.end(),
                                        [&](const type_name& name) { return name.text == text; });
        if (known != type_names.end()) into_.type = known->type;
        return true;
    }
    bool read_id(json_reader& json) {
        json_reader ahead = json;
        std::uint64_t id = 0;
        json.skip();
        if (!ahead.read(id) || id > max_request_id) return false;
        into_.id = id;
        return true;
    }

    request& into_;
    unsigned seen_ = 0;
};

/// One answer: an object that starts with its type and the id of the request it answers.
class answer {
public:
    answer(std::string& out, std::string_view type) : json_(out) {
        json_.begin_object();
        json_.member("type", type);
    }
    answer(std::string& out, std::string_view type, const request& answered) : answer(out, type) {
        if (answered.id) json_.member("id", *answered.id);
    }
    ~answer() { json_.end_object(); }
    answer(const answer&) = delete;
    answer& operator=(const answer&) = delete;

    json_writer* operator->() noexcept { return &json_; }
    json_writer& operator*() noexcept { return json_; }

private:
    json_writer json_;
};

void write_error(json_writer& json, const request& answered, refusal why) {
    const refusal_text text = text_of(why);
    json.member("code", text.code);
    json.member("message", text.message);
    const auto known =
        std::find_if(type_names.begin(), type_names.end(),
                     [&](const type_name& name) { return name.type == answered.type; });
    if (known != type_names.end()) json.member("request", known->text);
}

}  // namespace

refusal parse_request(std::string_view text, request& into) {
    into.type = request_type::unknown;
    into.id.reset();
    into.topic = into.name = into.data = {};
    json_reader whole(text);
    whole.skip();
    if (!whole.finish()) {
        return whole.error() == json_errc::too_deep ? refusal::too_deep : refusal::bad_json;
    }
    json_reader json(text);
    if (json.peek() != json_kind::object) return refusal::bad_request;
    field_reader fields(into);
    bool good = true;
    std::string_view key;
    std::string memory;
    json.begin_object();
    while (json.next_key(key, memory)) good &= fields.read(key, json);
    return good ? fields.complete() : refusal::bad_request;
}

void format_welcome(std::string& out, const request& answered, const sender& client) {
    answer reply(out, "welcome", answered);
    reply->key("you");
    reply->begin_object();
    reply->member("id", client.id);
    reply->member("name", client.name);
    reply->end_object();
}

void format_subscribed(std::string& out, const request& answered, const presence& now) {
    answer reply(out, "subscribed", answered);
    reply->member("topic", answered.topic);
    reply->member("count", now.count);
    reply->member("version", now.version);
}

void format_unsubscribed(std::string& out, const request& answered) {
    answer reply(out, "unsubscribed", answered);
    reply->member("topic", answered.topic);
}

void format_published(std::string& out, const request& answered) {
    answer reply(out, "published", answered);
    reply->member("topic", answered.topic);
}

void format_topics(std::string& out, const request& answered, std::span<const topic_count> topics) {
    answer reply(out, "topics", answered);
    reply->key("topics");
    reply->begin_array();
    for (const topic_count& each : topics) {
        reply->begin_object();
        reply->member("topic", each.topic);
        reply->member("count", each.count);
        reply->end_object();
    }
    reply->end_array();
}

void format_pong(std::string& out, const request& answered) {
    answer(out, "pong", answered);
}

void format_error(std::string& out, const request& answered, refusal why) {
    answer reply(out, "error", answered);
    write_error(*reply, answered, why);
}

void format_violation(std::string& out, const request& answered, const schema::violation& wrong) {
    answer reply(out, "error", answered);
    write_error(*reply, answered, refusal::invalid_data);
    wrong.write_members(*reply);
}

void format_message(std::string& out, std::string_view topic, const sender& from,
                    std::string_view data) {
    out.reserve(out.size() + topic.size() + from.id.size() + from.name.size() + data.size() + 80);
    answer event(out, "message");
    event->member("topic", topic);
    event->key("from");
    event->begin_object();
    event->member("id", from.id);
    event->member("name", from.name);
    event->end_object();
    event->raw_member("data", data);
}

void format_presence(std::string& out, std::string_view topic, const presence& now) {
    answer event(out, "presence");
    event->member("topic", topic);
    event->member("count", now.count);
    event->member("version", now.version);
}

void format_removed(std::string& out, std::string_view topic) {
    answer event(out, "unsubscribed");
    event->member("topic", topic);
    event->member("code", text_of(refusal::not_allowed).code);
}

bool is_topic(std::string_view text) noexcept {
    return !text.empty() && text.size() <= max_topic_size && !has_control_characters(text);
}

refusal judge_data(std::string_view text) noexcept {
    json_reader json(text);
    json.skip();
    if (json.finish() && validate_utf8(as_bytes(text))) return refusal::none;
    return json.error() == json_errc::too_deep ? refusal::too_deep : refusal::bad_json;
}

std::string_view words_of(refusal why) noexcept {
    return text_of(why).message;
}

}  // namespace weft::topics
