// Matches without looking back: a run takes what it can, and no other way to divide the text could
// do better.
// Invariant: what may follow a run of variable length, up to the next character that must be there,
// has no character in common with it. Patterns for which this is not so are left to RE2.

#include "schema/run_pattern.hpp"

#include <limits>

namespace weft::json_schema {
namespace {

using character_set = std::array<std::uint64_t, 2>;

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// Both are ASCII.
void add(character_set& set, char first, char last) noexcept {
    for (std::size_t c = static_cast<unsigned char>(first); c <= static_cast<unsigned char>(last);
         ++c)
        set[c / 64] |= 1ULL << c % 64;
}

bool has(const character_set& set, char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 128 && (set[byte / 64] >> byte % 64 & 1U) != 0;
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_plain(char c) noexcept {
    return c > ' ' && c <= '~' &&
           std::string_view(".*+?()[]{}|\\^$").find(c) == std::string_view::npos;
}

}  // namespace

/// Each function returns false where the pattern has another shape.
class run_pattern::parser {
public:
    explicit parser(std::string_view ecma) noexcept : rest_(ecma) {}

    bool parse(std::vector<run>& runs) {
        if (!take('^')) return false;
        while (!take('$')) {
            run& r = runs.emplace_back();
            if (!(take('[') ? character_class(r.set) : single(r.set)) || !quantifier(r))
                return false;
        }
        return rest_.empty();
    }

private:
    [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
    char take() noexcept {
        const char c = peek();
        if (!rest_.empty()) rest_.remove_prefix(1);
        return c;
    }
    bool take(char c) noexcept {
        if (rest_.empty() || peek() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool single(character_set& set) noexcept {
        if (take('\\')) return escape(set);
        const char c = take();
        if (is_plain(c) || c == ' ') add(set, c, c);
        return is_plain(c) || c == ' ';
    }

    bool escape(character_set& set) noexcept {
        const char c = take();
        if (c == 'd' || c == 'w') add(set, '0', '9');
        if (c == 'w') {
            add(set, 'a', 'z');
            add(set, 'A', 'Z');
            add(set, '_', '_');
        }
        if (c == 'd' || c == 'w') return true;
        if (std::string_view("^$\\.*+?()[]{}|/-").find(c) == std::string_view::npos) return false;
        add(set, c, c);
        return true;
    }

    bool character_class(character_set& set) noexcept {
        while (!take(']')) {
            if (take('\\')) {
                if (!escape(set) || peek() == '-') return false;
                continue;
            }
            const char first = take();
            if (first < ' ' || first > '~' || first == '[' || first == '^' || first == '-')
                return false;
            char last = first;
            if (take('-')) last = take();
            if (last < first || last > '~' || last == ']' || last == '\\' || last == '[')
                return false;
            add(set, first, last);
        }
        return true;
    }

    bool number(std::size_t& value) noexcept {
        if (!is_digit(peek())) return false;
        for (value = 0; is_digit(peek()) && value < 10'000;)
            value = value * 10 + static_cast<std::size_t>(take() - '0');
        return value < 10'000;
    }

    bool quantifier(run& r) noexcept {
        if (take('?')) {
            r.least = 0;
        } else if (take('*')) {
            r.least = 0;
            r.most = unlimited;
        } else if (take('+')) {
            r.most = unlimited;
        } else if (take('{')) {
            if (!number(r.least)) return false;
            r.most = r.least;
            if (take(',')) {
                r.most = unlimited;
                if (peek() != '}' && !number(r.most)) return false;
            }
            if (!take('}')) return false;
        }
        return peek() != '?';  // as few as possible
    }

    std::string_view rest_;
};

std::optional<run_pattern> run_pattern::make(std::string_view ecma) {
    run_pattern pattern;
    if (!parser(ecma).parse(pattern.runs_) || !pattern.decides_at_once()) return std::nullopt;
    return pattern;
}

bool run_pattern::decides_at_once() const noexcept {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        if (runs_[i].least == runs_[i].most) continue;
        for (std::size_t next = i + 1; next < runs_.size(); ++next) {
            const auto& a = runs_[i].set;
            const auto& b = runs_[next].set;
            if (((a[0] & b[0]) | (a[1] & b[1])) != 0) return false;
            if (runs_[next].least != 0) break;
        }
    }
    return true;
}

bool run_pattern::matches(std::string_view text) const noexcept {
    std::size_t at = 0;
    for (const run& r : runs_) {
        const std::size_t begin = at;
        while (at != text.size() && at - begin != r.most && has(r.set, text[at])) ++at;
        if (at - begin < r.least) return false;
    }
    return at == text.size();
}

}  // namespace weft::json_schema
