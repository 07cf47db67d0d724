// A path that was decoded has no way left to leave its folder, whatever was encoded how. Targets,
// authorities and dates are only asked not to read out of bounds, and dates to survive a round
// trip.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proto/head_writer.hpp"
#include "http/proto/target.hpp"

namespace {

using namespace weft::http;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_path(std::string_view path) {
    require(path.front() == '/' && path.find("//") == std::string_view::npos);
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        require(byte >= 0x20 && byte != 0x7F && byte != '\\');
    }
    const std::string closed = std::string(path) + "/";
    require(closed.find("/./") == std::string::npos && closed.find("/../") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string out(size, '\0');
    if (const auto path = decode_path(text, out)) check_path(*path);
    if (const auto value = decode_query(text, out)) require(value->size() <= size);
    if (const auto parts = split_target(text, method::options)) {
        require(parts->path == "*" || parts->path.front() == '/');
        require(parts->path.size() + parts->query.size() <= size + 1);
    }
    if (const auto parts = split_authority(text)) require(!parts->host.empty());
    if (const auto when = parse_http_date(text)) {
        const auto again = http_date(*when);
        require(std::string_view(again.data(), again.size()) == text);
    }
    return 0;
}
