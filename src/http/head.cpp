// Lookups on a parsed head. Names are compared one by one: with at most 64 fields this beats any
// table, and there is no table to flood.

#include <weft/http/head.hpp>

#include <algorithm>

#include "http/proto/syntax.hpp"

namespace weft::http {

std::string_view to_string(method m) noexcept {
    switch (m) {
        case method::get: return "GET";
        case method::head: return "HEAD";
        case method::post: return "POST";
        case method::put: return "PUT";
        case method::patch: return "PATCH";
        case method::delete_: return "DELETE";
        case method::options: return "OPTIONS";
    }
    return {};
}

bool same_token(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return syntax::lower(x) == syntax::lower(y);
           });
}

std::string_view message_head::header(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < field_count_; ++i) {
        if (same_token(field(i).name, name)) return field(i).value;
    }
    return {};
}

std::size_t message_head::header_count(std::string_view name) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < field_count_; ++i) count += same_token(field(i).name, name);
    return count;
}

void message_head::each_value(std::string_view name,
                              function_ref<void(std::string_view)> visit) const {
    for (std::size_t i = 0; i < field_count_; ++i) {
        if (same_token(field(i).name, name)) visit(field(i).value);
    }
}

void message_head::each_item(std::string_view name,
                             function_ref<void(std::string_view)> visit) const {
    each_value(name, [&](std::string_view list) {
        while (true) {
            const std::string_view item = syntax::take_item(list);
            if (item.empty()) return;
            visit(item);
        }
    });
}

bool message_head::has_item(std::string_view name, std::string_view item) const {
    bool found = false;
    each_item(name, [&](std::string_view other) { found |= same_token(other, item); });
    return found;
}

bool message_head::keep_alive() const {
    if (has_item("connection", "close")) return false;
    return minor_version_ == 1 || has_item("connection", "keep-alive");
}

}  // namespace weft::http
