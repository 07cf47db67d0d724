// A schema and a document, apart by a zero byte: nothing may crash, loop or take more memory than
// limits say, and what must hold of any schema holds.
//  - The verdict is the same the second time, and by a copy.
//  - A document that `not` accepts is one that the schema refuses, and the other way round, unless
//  the document itself is
//    wrong (no JSON, equal keys) or costs too much.
//  - allOf, anyOf and oneOf with one branch are that branch.
//  - A violation is UTF-8 of bounded size without control characters.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>
#include <weft/schema/schema.hpp>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

/// Whether a rule is none of the schema's.
bool is_fatal(const weft::schema::violation& wrong) {
    return wrong.place.empty() && wrong.rule != "false";
}

void require_tame(const weft::schema::violation& wrong) {
    require(wrong.path.size() <= 512);
    std::string text = wrong.path;
    weft::json_writer json(text);
    wrong.write(json);
    require(!wrong.what().empty());
    require(weft::validate_utf8(weft::as_bytes(text)));
    for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const auto zero = all.find('\0');
    if (zero == std::string_view::npos) return 0;
    const std::string schema_text(all.substr(0, zero));
    const std::string_view document = all.substr(zero + 1);
    const weft::schema_limits limits{
        .max_text = 4'096, .pattern_memory = 65'536, .base_steps = 1'024, .steps_per_byte = 8};
    const auto schema = weft::schema::make(schema_text, limits);
    if (!schema) {
        require(!schema.error().what().empty());
        return 0;
    }
    const auto wrong = schema->check(document);
    const auto again = weft::schema(*schema).check(document);
    require(wrong.has_value() == again.has_value());
    if (wrong) {
        require_tame(*wrong);
        require(wrong->what() == again->what());
    }

    // References are to places of the text, which move; ids would be there twice.
    if (schema_text.find('$') != std::string::npos) return 0;
    const bool fatal = wrong && is_fatal(*wrong);
    const auto same_by = [&](std::string_view before, std::string_view behind, bool expected) {
        const auto wrapped =
            weft::schema::make(std::string(before) + schema_text + std::string(behind), limits);
        if (!wrapped) return;  // nested too deep now
        const auto outcome = wrapped->check(document);
        if (fatal || (outcome && is_fatal(*outcome))) return;
        require(outcome.has_value() == !expected);
    };
    const bool fine = !wrong;
    same_by(R"({"not":)", "}", !fine);
    same_by(R"({"not":{"not":)", "}}", fine);
    same_by(R"({"allOf":[)", "]}", fine);
    same_by(R"({"anyOf":[false,)", "]}", fine);
    same_by(R"({"oneOf":[)", ",false]}", fine);
    same_by(R"({"if":)", R"(,"else":false})", fine);
    return 0;
}
