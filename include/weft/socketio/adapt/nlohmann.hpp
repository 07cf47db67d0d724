#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <weft/socketio/codec.hpp>

#include <nlohmann/json.hpp>

/// Makes `nlohmann::json` an argument: any value; attachments become its binary type. Needs version
/// 3.8 or later of that library.
template <>
struct weft::socketio::codec<nlohmann::json> {
    static bool decode(value_reader& in, nlohmann::json& out) {
        switch (in.peek()) {
            case json_kind::boolean: return decode_as<bool>(in, out);
            case json_kind::number: return decode_number(in, out);
            case json_kind::string: return decode_as<std::string>(in, out);
            case json_kind::array:
                out = nlohmann::json::array();
                return in.each_element([&](std::size_t) {
                    out.push_back(nullptr);
                    return decode(in, out.back());
                });
            case json_kind::object: return decode_object(in, out);
            default: out = nullptr; return in.read_null();
        }
    }

    static void encode(value_writer& out, const nlohmann::json& what) {
        using kind = nlohmann::json::value_t;
        switch (what.type()) {
            case kind::boolean: return out.write(what.get<bool>());
            case kind::number_integer: return out.write(what.get<std::int64_t>());
            case kind::number_unsigned: return out.write(what.get<std::uint64_t>());
            case kind::number_float: return out.write(what.get<double>());
            case kind::string:
                return out.write(std::string_view(what.get_ref<const std::string&>()));
            case kind::binary: {
                const auto& content = what.get_binary();
                return out.write(
                    byte_view(reinterpret_cast<const std::byte*>(content.data()), content.size()));
            }
            case kind::array:
                out.begin_array();
                for (const auto& element : what) encode(out, element);
                return out.end_array();
            case kind::object:
                out.begin_object();
                for (auto entry = what.begin(); entry != what.end(); ++entry) {
                    out.key(entry.key());
                    encode(out, entry.value());
                }
                return out.end_object();
            default: return out.write_null();
        }
    }

private:
    template <class T>
    static bool decode_as(value_reader& in, nlohmann::json& out) {
        T content{};
        if (!in.read(content)) return false;
        out = std::move(content);
        return true;
    }
    static bool decode_number(value_reader& in, nlohmann::json& out) {
        return in.attempt([&] { return decode_as<std::int64_t>(in, out); }) ||
               in.attempt([&] { return decode_as<std::uint64_t>(in, out); }) ||
               decode_as<double>(in, out);
    }
    static bool decode_object(value_reader& in, nlohmann::json& out) {
        byte_view attachment;
        if (in.try_read(attachment)) {
            const auto* const from = reinterpret_cast<const std::uint8_t*>(attachment.data());
            out = nlohmann::json::binary({from, from + attachment.size()});
            return true;
        }
        out = nlohmann::json::object();
        return in.each_member([&](std::string_view name) {
            const std::string key(name);
            return decode(in, out[key]) || in.inside(key);
        });
    }
};
