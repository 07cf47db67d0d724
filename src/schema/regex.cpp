// Patterns by RE2, whose time is linear in the text and whose memory is bounded (SECURITY.md, P10).
// RE2 judges each pattern when it is loaded; the simplest are then matched by run_pattern.
// When its cache of states is full it goes on without one, slower but still linear. It logs
// nothing. Without WEFT_RE2 there are no patterns.

#include "schema/regex.hpp"

#include <optional>
#include <string>
#include <utility>

#include "schema/ecma_pattern.hpp"
#include "schema/run_pattern.hpp"

#ifdef WEFT_RE2
#include <re2/re2.h>
#endif

namespace weft::json_schema {

regex::regex(std::unique_ptr<compiled> how) noexcept : compiled_(std::move(how)) {}
regex::regex(regex&& other) noexcept = default;
regex& regex::operator=(regex&& other) noexcept = default;
regex::~regex() = default;

#ifdef WEFT_RE2

/// One of the two.
struct regex::compiled {
    std::optional<run_pattern> runs{};
    std::unique_ptr<const RE2> re2{};
};

result<regex> regex::make(std::string_view ecma, std::size_t memory) {
    const auto pattern = translate_pattern(ecma);
    if (!pattern) return pattern.error();
    RE2::Options options;
    options.set_max_mem(static_cast<std::int64_t>(memory));
    options.set_log_errors(false);
    options.set_never_capture(true);
    auto re2 = std::make_unique<const RE2>(*pattern, options);
    if (re2->ok()) {
        auto how = std::make_unique<compiled>();
        how->runs = run_pattern::make(ecma);
        if (!how->runs) how->re2 = std::move(re2);
        return regex(std::move(how));
    }
    if (re2->error_code() == RE2::ErrorPatternTooLarge) {
        return error(errc::limit_exceeded,
                     "the pattern takes more than schema_limits::pattern_memory");
    }
    return error(errc::invalid_argument, "the pattern has an error: " + re2->error());
}

bool regex::matches(std::string_view text) const {
    if (compiled_->runs) return compiled_->runs->matches(text);
    const re2::StringPiece piece(text.data(), text.size());
    return compiled_->re2->Match(piece, 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

#else

struct regex::compiled {};

result<regex> regex::make(std::string_view, std::size_t) {
    return error(errc::not_supported, "this Weft was built without RE2 (-DWEFT_RE2=ON)");
}

bool regex::matches(std::string_view) const {
    return false;
}

#endif

}  // namespace weft::json_schema
