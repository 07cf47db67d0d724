// The dynamic value. Reading recurses as deep as the text is nested, which json_reader bounds.

#include <weft/socketio/value.hpp>

#include <weft/socketio/codec.hpp>

namespace weft::socketio {
namespace {

bool decode_number(value_reader& in, value& out) {
    std::int64_t integer = 0;
    if (in.attempt([&] { return in.read(integer); })) {
        out = integer;
        return true;
    }
    double number = 0;
    if (!in.read(number)) return false;
    out = number;
    return true;
}

bool decode_object(value_reader& in, value& out) {
    byte_view attachment;
    if (in.try_read(attachment)) {
        out = value::bytes(attachment.begin(), attachment.end());
        return true;
    }
    value::object members;
    const bool read = in.each_member([&](std::string_view name) {
        auto& [key, member] = members.emplace_back(std::string(name), value());
        return in.decode(member) || in.inside(key);
    });
    out = std::move(members);
    return read;
}

template <class T>
bool decode_as(value_reader& in, value& out) {
    T content{};
    if (!in.decode(content)) return false;
    out = std::move(content);
    return true;
}

}  // namespace

const value* value::find(std::string_view key) const noexcept {
    const auto* const members = get_if<object>();
    if (members == nullptr) return nullptr;
    for (auto entry = members->rbegin(); entry != members->rend(); ++entry) {
        if (entry->first == key) return &entry->second;
    }
    return nullptr;
}

bool codec<value>::decode(value_reader& in, value& out) {
    switch (in.peek()) {
        case json_kind::boolean: return decode_as<bool>(in, out);
        case json_kind::number: return decode_number(in, out);
        case json_kind::string: return decode_as<std::string>(in, out);
        case json_kind::array: return decode_as<value::array>(in, out);
        case json_kind::object: return decode_object(in, out);
        default: out = nullptr; return in.read_null();
    }
}

void codec<value>::encode(value_writer& out, const value& what) {
    const auto write = [&](const auto& held) {
        if constexpr (std::is_same_v<decltype(held), const value::object&>) {
            out.begin_object();
            for (const auto& [key, member] : held) {
                out.key(key);
                out.encode(member);
            }
            out.end_object();
        } else {
            out.encode(held);
        }
    };
    std::visit(write, what.held());
}

}  // namespace weft::socketio
