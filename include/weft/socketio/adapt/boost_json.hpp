#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <weft/socketio/codec.hpp>

#include <boost/json/value.hpp>

/// Makes `boost::json::value` an argument: any value without binary data, which the type cannot
/// hold.
template <>
struct weft::socketio::codec<boost::json::value> {
    static bool decode(value_reader& in, boost::json::value& out) {
        switch (in.peek()) {
            case json_kind::boolean: return decode_as<bool>(in, out);
            case json_kind::number: return decode_number(in, out);
            case json_kind::string: return decode_string(in, out);
            case json_kind::array: return decode_array(in, out.emplace_array());
            case json_kind::object: return decode_object(in, out.emplace_object());
            default: out = nullptr; return in.read_null();
        }
    }

    static void encode(value_writer& out, const boost::json::value& what) {
        switch (what.kind()) {
            case boost::json::kind::bool_: return out.write(what.get_bool());
            case boost::json::kind::int64: return out.write(what.get_int64());
            case boost::json::kind::uint64: return out.write(what.get_uint64());
            case boost::json::kind::double_: return out.write(what.get_double());
            case boost::json::kind::string:
                return out.write(
                    std::string_view(what.get_string().data(), what.get_string().size()));
            case boost::json::kind::array:
                out.begin_array();
                for (const auto& element : what.get_array()) encode(out, element);
                return out.end_array();
            case boost::json::kind::object:
                out.begin_object();
                for (const auto& member : what.get_object()) {
                    out.key(std::string_view(member.key().data(), member.key().size()));
                    encode(out, member.value());
                }
                return out.end_object();
            default: return out.write_null();
        }
    }

private:
    template <class T>
    static bool decode_as(value_reader& in, boost::json::value& out) {
        T content{};
        if (!in.read(content)) return false;
        out = content;
        return true;
    }
    static bool decode_number(value_reader& in, boost::json::value& out) {
        return in.attempt([&] { return decode_as<std::int64_t>(in, out); }) ||
               in.attempt([&] { return decode_as<std::uint64_t>(in, out); }) ||
               decode_as<double>(in, out);
    }
    static bool decode_string(value_reader& in, boost::json::value& out) {
        std::string_view text;
        if (!in.read(text)) return false;
        out.emplace_string().assign(text.data(), text.size());
        return true;
    }
    static bool decode_array(value_reader& in, boost::json::array& out) {
        return in.each_element([&](std::size_t) { return decode(in, out.emplace_back(nullptr)); });
    }
    static bool decode_object(value_reader& in, boost::json::object& out) {
        byte_view attachment;
        if (in.try_read(attachment)) return in.fail("expected no binary data");
        return in.each_member([&](std::string_view name) {
            const std::string key(name);
            return decode(in, out[key]) || in.inside(key);
        });
    }
};
