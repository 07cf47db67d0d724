#pragma once

#include <cstddef>
#include <string_view>

#include <weft/base/function_ref.hpp>
#include <weft/base/json_reader.hpp>

namespace weft::auth {

/// Reads one JSON object that fills the text: UTF-8, at most `max_depth` deep, and no key twice, at
/// any depth. `visit` gets each member of the outermost object: it reads the value, or returns
/// without having touched `json`, and the value is skipped. False when the text breaks a rule or
/// `visit` did.
///
/// Readers differ in which of two equal keys they believe; so a token with two would mean one thing
/// to us and another to the next one who reads it.
/// **Cost**: keys of an object are compared with each other, sorted from 16 on.
[[nodiscard]] bool read_strict_object(
    std::string_view text, std::size_t max_depth,
    function_ref<bool(std::string_view key, json_reader& json)> visit);

}  // namespace weft::auth
