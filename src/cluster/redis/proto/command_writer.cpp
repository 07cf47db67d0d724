// Commands as arrays of bulk strings, into a buffer whose size is computed before. Invariant:
// arguments are counted, never quoted, so no text of a user can be anything but an argument.

#include "cluster/redis/proto/command_writer.hpp"

#include <array>
#include <charconv>

namespace weft::cluster::redis {
namespace {

constexpr std::string_view line_end = "\r\n";

std::size_t digits(std::size_t number) noexcept {
    std::size_t many = 1;
    while (number >= 10) {
        number /= 10;
        ++many;
    }
    return many;
}

void append_header(std::string& out, char type, std::size_t number) {
    std::array<char, 20> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out += type;
    out.append(text.data(), end).append(line_end);
}

}  // namespace

std::size_t command_size(std::span<const std::string_view> arguments) noexcept {
    std::size_t size = 1 + digits(arguments.size()) + line_end.size();
    for (const std::string_view one : arguments) {
        size += 1 + digits(one.size()) + one.size() + 2 * line_end.size();
    }
    return size;
}

void append_command(std::string& out, std::span<const std::string_view> arguments) {
    out.reserve(out.size() + command_size(arguments));
    append_header(out, '*', arguments.size());
    for (const std::string_view one : arguments) {
        append_header(out, '$', one.size());
        out.append(one).append(line_end);
    }
}

}  // namespace weft::cluster::redis
