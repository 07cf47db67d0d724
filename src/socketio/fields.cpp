// Structures and enumerations as tables: one loop serves all types, so that each costs a row of
// pointers and no code of its own.

#include <weft/socketio/fields.hpp>

#include <algorithm>

namespace weft::socketio::detail {
namespace {

/// The index of the member, or the number of members. Most senders keep one order, so the search
/// begins behind the last one found.
std::size_t find_field(std::span<const field> fields, std::string_view name,
                       std::size_t from) noexcept {
    for (std::size_t i = from; i < fields.size(); ++i) {
        if (fields[i].name == name) return i;
    }
    for (std::size_t i = 0; i < from; ++i) {
        if (fields[i].name == name) return i;
    }
    return fields.size();
}

}  // namespace

bool decode_fields(value_reader& in, void* object, std::span<const field> fields) {
    std::uint64_t seen = 0;  // one bit each, see max_fields
    std::size_t expected = 0;
    std::string_view likely = fields.front().quoted;
    const auto decode_member = [&](std::string_view key) {
        const std::size_t index = find_field(fields, key, expected);
        if (index == fields.size()) return in.skip();
        const field& member = fields[index];
        const std::uint64_t bit = std::uint64_t{1} << index;
        if ((seen & bit) != 0) return in.fail("given twice") || in.inside(member.name);
        seen |= bit;
        expected = index + 1;
        likely = expected < fields.size() ? fields[expected].quoted : std::string_view{};
        return member.decode(in, object) || in.inside(member.name);
    };
    const bool read = in.each_member(decode_member, likely);
    if (!read) return false;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].required && (seen >> i & 1) == 0) {
            return in.fail("missing") || in.inside(fields[i].name);
        }
    }
    return true;
}

void encode_fields(value_writer& out, const void* object, std::span<const field> fields) {
    out.begin_object();
    for (const field& member : fields) {
        if (member.present != nullptr && !member.present(object)) continue;
        out.raw_key(member.quoted);
        member.encode(out, object);
    }
    out.end_object();
}

bool decode_enum(value_reader& in, std::int64_t& value, std::span<const enumerator> names) {
    std::string_view text;
    if (!in.read(text)) return false;
    for (const enumerator& one : names) {
        if (one.name != text) continue;
        value = one.value;
        return true;
    }
    std::string reason = "expected one of";
    for (const enumerator& one : names) {
        reason += &one == names.data() ? " " : ", ";
        reason += one.name;
    }
    return in.fail(reason);
}

void encode_enum(value_writer& out, std::int64_t value, std::span<const enumerator> names) {
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const enumerator& one) { return one.value == value; });
    if (found == names.end()) {
        out.write(value);
    } else {
        out.write(found->name);
    }
}

}  // namespace weft::socketio::detail
