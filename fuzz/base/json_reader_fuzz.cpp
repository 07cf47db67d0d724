// The JSON reader against simdjson: both accept the same texts and read the same values from them.
// Where they differ by design is taken out beforehand: numbers that no double or 64-bit integer
// holds, the limits on depth and keys, and UTF-8, which the reader leaves to others.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <simdjson.h>
#include <weft/base/json_reader.hpp>
#include <weft/base/utf8.hpp>

namespace {

using weft::json_errc;
using weft::json_kind;
using weft::json_reader;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Pulls a value and checks it against what simdjson parsed. False where the reader stops.
bool same(json_reader& json, simdjson::dom::element expected);

bool same_number(json_reader& json, simdjson::dom::element expected) {
    json_reader again = json;
    double number = 0;
    if (!json.read(number)) return false;
    if (expected.is_double()) {
        require(number == double(expected));
        return true;
    }
    std::int64_t low = 0;
    std::uint64_t high = 0;
    if (expected.is_int64()) {
        require(again.read(low) && low == std::int64_t(expected));
    } else {
        require(again.read(high) && high == std::uint64_t(expected));
    }
    return true;
}

bool same_object(json_reader& json, simdjson::dom::object expected) {
    std::string scratch;
    std::string_view key;
    if (!json.begin_object()) return false;
    for (const auto field : expected) {
        if (!json.next_key(key, scratch)) return false;
        require(key == field.key);
        if (!same(json, field.value)) return false;
    }
    return !json.next_key(key, scratch) && json.ok();
}

bool same(json_reader& json, simdjson::dom::element expected) {
    std::string text;
    bool truth = false;
    switch (expected.type()) {
        case simdjson::dom::element_type::OBJECT: return same_object(json, expected);
        case simdjson::dom::element_type::ARRAY:
            if (!json.begin_array()) return false;
            for (const auto element : simdjson::dom::array(expected)) {
                if (!json.next_element() || !same(json, element)) return false;
            }
            return !json.next_element() && json.ok();
        case simdjson::dom::element_type::STRING:
            require(json.read(text) && text == std::string_view(expected));
            return true;
        case simdjson::dom::element_type::BOOL:
            require(json.read(truth) && truth == bool(expected));
            return true;
        case simdjson::dom::element_type::NULL_VALUE: return json.read_null();
        default: return same_number(json, expected);
    }
}

/// Whether the text may have a number that no 64-bit integer, or no double, holds.
bool has_large_numbers(std::string_view text) {
    std::size_t run = 0;
    for (const char c : text) {
        run = c >= '0' && c <= '9' ? run + 1 : 0;
        if (run >= 19 || (c | 0x20) == 'e') return true;
    }
    return false;
}

/// What only we accept (such numbers, lone surrogates), or only simdjson.
bool differs_by_design(std::string_view text, simdjson::error_code theirs, json_errc ours) {
    return (theirs == simdjson::NUMBER_ERROR && has_large_numbers(text)) ||
           (theirs == simdjson::STRING_ERROR && text.find("\\u") != std::string_view::npos) ||
           ours == json_errc::too_deep;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    json_reader skipping(text);
    std::string_view raw;
    const bool skipped = skipping.raw(raw) && skipping.finish();
    require(skipping.position() <= size);
    require(skipped == skipping.ok());
    if (skipped) {
        json_reader again(raw);
        require(again.skip() && again.position() == raw.size());
    }
    if (!weft::validate_utf8(weft::as_bytes(text))) return 0;

    static simdjson::dom::parser parser;
    simdjson::dom::element expected;
    const auto theirs = parser.parse(text.data(), text.size()).get(expected);
    if (differs_by_design(text, theirs, skipping.error())) return 0;
    require(skipped == (theirs == simdjson::SUCCESS));
    if (!skipped) return 0;
    json_reader pulling(text);
    require(same(pulling, expected) && pulling.finish());
    return 0;
}
