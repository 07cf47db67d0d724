#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/json_reader.hpp>
#include <weft/base/result.hpp>

namespace weft {

class json_writer;
namespace json_schema {
struct program;
}  // namespace json_schema

/// What a schema may cost: to load, and to check one document with it.
struct schema_limits {
    std::size_t max_text = 262'144;  ///< Bytes of the schema. Above: not loaded.
    /// Arrays and objects of the schema inside each other. At most 128.
    std::size_t max_depth = 64;
    /// For each pattern, compiled, with what matching remembers. **Units**: bytes. Larger ones
    /// are not loaded.
    std::size_t pattern_memory = 4'194'304;
    /// What checking one document may cost: `base_steps` and `steps_per_byte` for each byte of it.
    /// A step is a value or a key that meets a schema, or 32 bytes read, or 8 that a pattern reads.
    /// Above: the document is refused (rule `budget`). A schema without `allOf`, `anyOf`, `oneOf`
    /// and the like needs less than one step per byte.
    std::uint64_t base_steps = 4'096;
    std::uint64_t steps_per_byte = 16;  ///< See `base_steps`.

    /// **Errors**: `invalid_argument`. Says which limit is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// A JSON Schema (draft-07), compiled to check JSON texts.
///
///     const auto order = weft::schema::make(R"({
///         "type": "object",
///         "required": ["symbol"],
///         "properties": {"symbol": {"type": "string", "maxLength": 8},
///                        "price": {"type": "number", "exclusiveMinimum": 0}}
///     })");
///     if (!order) return report(order.error().message());
///     if (const auto wrong = order->check(text)) refuse(wrong->what());
///
/// All keywords of draft-07 are known. `format` is asserted: `date-time`, `date`, `time`, `email`,
/// `uri`, `uuid`, `ipv4`, `ipv6`. `pattern` and `patternProperties` are matched in linear time by
/// RE2, without look-around and back-references. What Weft does not know or support is refused when
/// the schema is loaded, never ignored: other keywords and formats, and a `$ref` to another
/// document.
///
/// Numbers are compared as they are written, digit by digit: `0.3` is a multiple of `0.1`, 1e400 is
/// a number, `1.0` is an integer. A lone surrogate in a string counts as U+FFFD, as when it is
/// read.
///
/// A document in which an object has two equal keys is refused, wherever it is: readers disagree
/// about which of them counts.
///
/// **Threads**: immutable; any thread, also several at once. **Lifetime**: copies share one
/// compiled schema, which goes with the last of them.
class schema {
public:
    struct violation;

    /// Compiles a schema.
    /// **Errors**: `malformed` (no JSON), `invalid_argument` (a keyword's value is wrong, a `$ref`
    /// points nowhere or in a circle, a wrong limit), `not_supported`, `limit_exceeded`. The
    /// sentence names the place in the schema.
    [[nodiscard]] static result<schema> make(std::string_view json,
                                             const schema_limits& limits = {});

    /// What is wrong with a JSON text: the first that is found, or nothing.
    /// **Cost**: one pass over the text, and one more over each value that `allOf`, `anyOf`,
    /// `oneOf`, `not`, `if`, `contains` and such look at again; `schema_limits::base_steps` limits
    /// it. A text with a violation is read once more, to find the path. At most 1 MiB of stack, for
    /// recursive schemas and documents that are nested as deep as they may be.
    [[nodiscard]] std::optional<violation> check(std::string_view json_text) const;

private:
    explicit schema(std::shared_ptr<const json_schema::program> compiled) noexcept
        : program_(std::move(compiled)) {}

    std::shared_ptr<const json_schema::program> program_;
};

/// What a document breaks, and where. It says nothing of the document's values, so it may be logged
/// and sent. Its keys are in `path`: at most 64 bytes of each and 256 in all; control characters
/// are written as `\u000a`.
struct schema::violation {
    std::string path{};  ///< Where the value is: a JSON pointer. Empty: the whole document.
    /// The keyword: "maximum". Or, if the document breaks no rule of the schema: "json" (it is not
    /// JSON), "utf-8", "depth" (nested too deep), "duplicate" (key), "budget". On a WebSocket also
    /// "text" (it is binary). **Lifetime**: static.
    std::string_view rule{};
    std::string place{};               ///< Where the rule is in the schema: a JSON pointer.
    json_kind kind = json_kind::none;  ///< Of the value.

    /// "/items/3/price: maximum (schema /properties/items/items/properties/price/maximum): a
    /// number".
    [[nodiscard]] std::string what() const;
    /// Writes `{"path":"/items/3/price","rule":"maximum","kind":"number"}`, for the peer. What the
    /// schema looks like is not in it.
    void write(json_writer& out) const;
    /// The members of that, into an object that was begun.
    void write_members(json_writer& out) const;
};

}  // namespace weft
