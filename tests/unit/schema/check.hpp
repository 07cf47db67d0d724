#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <weft/schema/schema.hpp>

namespace weft::testing_schema {

/// What a check of `text` says: "fine", or the violation in words.
inline std::string verdict(std::string_view schema_text, std::string_view text,
                           const schema_limits& limits = {}) {
    const auto compiled = schema::make(schema_text, limits);
    if (!compiled) return "not loaded: " + compiled.error().what();
    const auto wrong = compiled->check(text);
    return wrong ? wrong->what() : "fine";
}

inline void expect_fine(std::string_view schema_text,
                        std::initializer_list<std::string_view> texts) {
    for (const auto text : texts) EXPECT_EQ(verdict(schema_text, text), "fine") << text;
}

/// Each text breaks that keyword, which stands in the root of the schema.
inline void expect_broken(std::string_view schema_text, std::string_view keyword,
                          std::initializer_list<std::string_view> texts) {
    const std::string start =
        "the document: " + std::string(keyword) + " (schema /" + std::string(keyword) + "): ";
    for (const auto text : texts)
        EXPECT_EQ(verdict(schema_text, text).substr(0, start.size()), start) << text;
}

/// Why a schema is not loaded, or "loaded".
inline std::string refusal(std::string_view schema_text, const schema_limits& limits = {}) {
    const auto compiled = schema::make(schema_text, limits);
    return compiled ? "loaded" : compiled.error().what();
}

}  // namespace weft::testing_schema
