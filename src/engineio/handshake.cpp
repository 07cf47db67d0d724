// A request copied into one block: what outlives the request's own memory, for as long as the
// session.

#include <weft/engineio/handshake.hpp>

#include <span>

#include <weft/http/request.hpp>

#include "http/proto/target.hpp"

namespace weft::engineio {

handshake::handshake(const http::request& request)
    : secure_(request.secure()), issued_(std::chrono::system_clock::now()) {
    const std::string address = request.peer().address();
    const http::message_head& head = request.head();
    std::size_t size = request.target().size() + address.size();
    for (std::size_t i = 0; i < head.field_count(); ++i)
        size += head.field(i).name.size() + head.field(i).value.size() + 2;
    text_.reserve(size);
    text_ = request.target();
    text_ += address;
    url_size_ = static_cast<std::uint16_t>(request.target().size());
    address_size_ = static_cast<std::uint16_t>(address.size());
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        const http::header_field field = head.field(i);
        text_ += field.name;
        text_ += ':';
        text_ += field.value;
        text_ += '\n';
    }
}

std::string_view handshake::query() const noexcept {
    const std::size_t mark = url().find('?');
    return mark == std::string_view::npos ? std::string_view{} : url().substr(mark + 1);
}

std::optional<std::string> handshake::query_value(std::string_view name) const {
    std::string_view rest = query();
    std::string buffer;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        buffer.resize(pair.size());
        const auto key = http::decode_query(pair.substr(0, equals), buffer);
        if (!key || *key != name) continue;
        std::string value(pair.size(), '\0');
        const auto decoded =
            http::decode_query(pair.substr(std::min(equals + 1, pair.size())), value);
        if (!decoded) return std::nullopt;
        return std::string(*decoded);
    }
    return std::nullopt;
}

std::string_view handshake::header(std::string_view name) const noexcept {
    std::string_view found;
    bool seen = false;
    each_header([&](std::string_view key, std::string_view value) {
        if (seen || !http::same_token(key, name)) return;
        seen = true;
        found = value;
    });
    return found;
}

}  // namespace weft::engineio
