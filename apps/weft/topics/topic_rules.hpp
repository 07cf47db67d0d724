#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/result.hpp>
#include <weft/schema/schema.hpp>

namespace weft::topics {

/// Who may do something with a topic, as it is written in a configuration:
///
///     nobody, anyone, authenticated
///     claim NAME equals VALUE
///     claim NAME contains VALUE
///
/// `contains` is for a claim that is an array of texts, or a text of words as OAuth's `scope`. In
/// VALUE, `{*}` is what the `*` of the pattern stands for.
class topic_right {
public:
    /// Nobody.
    topic_right() = default;
    [[nodiscard]] static topic_right anyone() { return topic_right(kind::anyone); }
    /// **Errors**: `invalid_argument`. Says what may stand there.
    [[nodiscard]] static result<topic_right> make(std::string_view text);

    /// `rest` is what the pattern's `*` stands for.
    [[nodiscard]] bool allows(const identity* who, std::string_view rest) const;

private:
    enum class kind : std::uint8_t { nobody, anyone, authenticated, claim_equals, claim_contains };
    explicit topic_right(kind which) : kind_(which) {}

    kind kind_ = kind::nobody;
    std::string claim_;
    std::string value_;
};

/// Which topics a rule is for: a text, in which `{sub}` stands for somebody's subject, and which
/// may end in `*`, which stands for anything. A topic with a subject is that one's only, whatever
/// the rights say.
class topic_pattern {
public:
    /// **Errors**: `invalid_argument`. Says what is wrong.
    [[nodiscard]] static result<topic_pattern> make(std::string_view text);

    struct match {
        std::string_view subject;  ///< What `{sub}` stands for; empty without one.
        std::string_view rest;     ///< What `*` stands for.
    };
    /// **Lifetime**: borrows the topic. **Cost**: linear.
    [[nodiscard]] std::optional<match> find_in(std::string_view topic) const noexcept;

private:
    std::string before_;  // `{sub}`, or all
    std::string after_;   // behind it
    bool has_subject_ = false;
    bool open_ended_ = false;
};

/// What happens to a message while a subscriber is behind.
enum class topic_overflow : std::uint8_t {
    queue,  ///< It waits, until too much does: then the subscriber is closed (1013).
    drop,   ///< It is not sent.
};

/// What some topics are.
struct topic_rule {
    topic_pattern topics;
    topic_right subscribe = topic_right::anyone();
    topic_right publish = topic_right::anyone();
    std::size_t max_data = 0;  ///< Of one message. 0: whatever the endpoint takes.
    topic_overflow overflow = topic_overflow::queue;
    /// While a subscriber is behind, the newest message for each value of this member of `data`
    /// waits for it. Empty: all do.
    std::string latest_by{};
    std::optional<schema> rules{};
};

/// The rules of a server, the first that matches counts. **Threads**: any, while it is not changed.
class topic_rules {
public:
    /// What is right for topics that no rule is for.
    enum class others : std::uint8_t { allowed, refused };

    topic_rules() = default;
    topic_rules(std::vector<topic_rule> rules, others otherwise);

    /// A topic, and what is right for it. **Lifetime**: that of the rules, and of the topic.
    struct finding {
        const topic_rule& rule;
        topic_pattern::match match;

        [[nodiscard]] bool may_subscribe(const identity* who) const;
        [[nodiscard]] bool may_publish(const identity* who) const;

    private:
        [[nodiscard]] bool is_theirs(const identity* who) const noexcept;
    };
    [[nodiscard]] finding find(std::string_view topic) const noexcept;

private:
    std::vector<topic_rule> rules_;
    topic_rule otherwise_;
};

/// The value of a member of a JSON object as it is written, if it is a text, a number or a boolean;
/// else nothing. For `topic_rule::latest_by`. **Lifetime**: borrows `data`.
[[nodiscard]] std::string_view key_of(std::string_view data, std::string_view member);

}  // namespace weft::topics
