#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/schema/schema.hpp>

namespace weft::topics {

/// The JSON topic protocol of `weft serve` and `weft demo`: what a request means and how answers
/// are written. No input or output happens here. **See** docs/guide/topic-protocol.md.

inline constexpr std::size_t max_topic_size = 128;
inline constexpr std::size_t max_name_size = 64;

enum class request_type { unknown, hello, subscribe, unsubscribe, publish, list, ping };

/// Why a request was not carried out. The names are the `code` of error answers.
enum class refusal {
    none,
    bad_json,
    too_deep,
    bad_request,
    unknown_type,
    bad_topic,
    bad_name,
    too_many_topics,
    already_subscribed,
    not_subscribed,
    rate_limited,
    list_disabled,
    invalid_data,
    not_allowed,
    too_large,
};

/// One client's request, taken apart.
/// **Lifetime**: the views live as long as the parsed text and this object, until the next
/// `parse_request` into it.
struct request {
    request() = default;
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    request_type type = request_type::unknown;
    std::optional<std::uint64_t> id;
    std::string_view topic;
    std::string_view name;
    std::string_view data;  ///< Any JSON value, exactly as it was written.

    /// Where a topic or a name with escapes is unescaped.
    std::string topic_memory, name_memory;
};

/// Fills `into` from one text message. When the answer is not `refusal::none`, `type` and `id`
/// hold what could be read, so that the error can be told apart by the client.
///
/// `text` must be UTF-8.
/// **Threads**: any. **Cost**: two passes over the text; no allocation unless a topic or a name is
/// long and has escapes.
[[nodiscard]] refusal parse_request(std::string_view text, request& into);

/// Who a message came from, or who is greeted.
struct sender {
    std::string_view id;
    std::string_view name;
};

/// How many connections are in a topic. Of two counts the one with the higher version is newer,
/// whatever the order of arrival.
struct presence {
    std::size_t count = 0;
    std::uint64_t version = 0;
};

struct topic_count {
    std::string topic;
    std::size_t count = 0;
};

/// Each of these appends one complete JSON text to `out`. A request's `id` is echoed if it had one.
void format_welcome(std::string& out, const request& answered, const sender& client);
void format_subscribed(std::string& out, const request& answered, const presence& now);
void format_unsubscribed(std::string& out, const request& answered);
void format_published(std::string& out, const request& answered);
void format_topics(std::string& out, const request& answered, std::span<const topic_count> topics);
void format_pong(std::string& out, const request& answered);
void format_error(std::string& out, const request& answered, refusal why);
/// The error `invalid_data`, with path, rule and kind.
void format_violation(std::string& out, const request& answered, const schema::violation& wrong);
void format_message(std::string& out, std::string_view topic, const sender& from,
                    std::string_view data);
void format_presence(std::string& out, std::string_view topic, const presence& now);
/// A client has lost its right to a topic that it was in.
void format_removed(std::string& out, std::string_view topic);

/// Whether a topic may have this name.
[[nodiscard]] bool is_topic(std::string_view text) noexcept;
/// Whether that is one JSON value in UTF-8; else why not.
[[nodiscard]] refusal judge_data(std::string_view text) noexcept;
/// The sentence of an error.
[[nodiscard]] std::string_view words_of(refusal why) noexcept;

}  // namespace weft::topics
