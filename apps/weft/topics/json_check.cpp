// A JSON grammar checker. What one client publishes is relayed to the others as it came; simdjson's
// On-Demand parser skips values by counting brackets, so it would let a broken value through and
// every subscriber's JSON.parse would pay for it. This pass makes the relayed slice trustworthy.
// Invariant: the stack of open brackets is one bit each (set: object), never deeper than max_depth.

#include "topics/json_check.hpp"

#include <algorithm>
#include <cstdint>

namespace weft::topics {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class cursor {
public:
    explicit cursor(std::string_view text) noexcept : at_(text.data()), end_(at_ + text.size()) {}

    [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
    /// The next character, or NUL (which JSON has no use for) at the end.
    [[nodiscard]] char peek() const noexcept { return at_ == end_ ? '\0' : *at_; }

    void skip_space() noexcept {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }
    bool take(char c) noexcept {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool take_scalar() noexcept {
        switch (peek()) {
            case '"': return take_string();
            case 't': return take_word("true");
            case 'f': return take_word("false");
            case 'n': return take_word("null");
            default: return take_number();
        }
    }
    bool take_string() noexcept {
        if (!take('"')) return false;
        while (at_ != end_) {
            const char c = *at_++;
            if (c == '"') return true;
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c == '\\' && !take_escape()) return false;
        }
        return false;
    }

private:
    bool take_word(std::string_view word) noexcept {
        return std::all_of(word.begin(), word.end(), [this](char c) { return take(c); });
    }
    bool take_escape() noexcept {
        if (at_ == end_) return false;
        const char kind = *at_++;
        if (kind != 'u') return std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos;
        for (int i = 0; i < 4; ++i) {
            if (!is_hex(peek())) return false;
            ++at_;
        }
        return true;
    }
    bool take_digits() noexcept {
        if (!is_digit(peek())) return false;
        while (is_digit(peek())) ++at_;
        return true;
    }
    bool take_number() noexcept {
        take('-');
        if (!take('0') && !take_digits()) return false;
        if (take('.') && !take_digits()) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            return take_digits();
        }
        return true;
    }

    const char* at_;
    const char* end_;
};

class checker {
public:
    checker(std::string_view text, unsigned max_depth) noexcept
        : in_(text), max_depth_(std::min(max_depth, max_json_depth)) {}

    json_verdict run() noexcept {
        while (true) {
            in_.skip_space();
            if (expect_ == expect::end && depth_ == 0) {
                return in_.at_end() ? json_verdict::valid : json_verdict::malformed;
            }
            if (!step()) return too_deep_ ? json_verdict::too_deep : json_verdict::malformed;
        }
    }

private:
    /// `first_*` stand right behind an opening bracket, where the closing one may follow.
    enum class expect { value, first_value, key, first_key, end };

    bool step() noexcept {
        switch (expect_) {
            case expect::first_value:
                if (in_.take(']')) return pop();
                [[fallthrough]];
            case expect::value:
                if (in_.take('[')) return push(0, expect::first_value);
                if (in_.take('{')) return push(1, expect::first_key);
                expect_ = expect::end;
                return in_.take_scalar();
            case expect::first_key:
                if (in_.take('}')) return pop();
                [[fallthrough]];
            case expect::key:
                expect_ = expect::value;
                if (!in_.take_string()) return false;
                in_.skip_space();
                return in_.take(':');
            case expect::end: break;
        }
        const bool in_object = (objects_ & 1) != 0;
        if (in_.take(',')) {
            expect_ = in_object ? expect::key : expect::value;
            return true;
        }
        return in_.take(in_object ? '}' : ']') && pop();
    }
    bool push(std::uint64_t object, expect next) noexcept {
        too_deep_ = depth_ == max_depth_;
        if (too_deep_) return false;
        ++depth_;
        objects_ = (objects_ << 1) | object;
        expect_ = next;
        return true;
    }
    bool pop() noexcept {
        --depth_;
        objects_ >>= 1;
        expect_ = expect::end;
        return true;
    }

    cursor in_;
    unsigned max_depth_;
    unsigned depth_ = 0;
    std::uint64_t objects_ = 0;
    expect expect_ = expect::value;
    bool too_deep_ = false;
};

}  // namespace

json_verdict check_json(std::string_view text, unsigned max_depth) noexcept {
    return checker(text, max_depth).run();
}

}  // namespace weft::topics
