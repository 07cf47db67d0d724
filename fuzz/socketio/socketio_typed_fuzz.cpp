// Any text into the arguments of an event with rich types: nothing breaks, a failure has a reason
// in UTF-8, and what was decoded is written as JSON that decodes to the same.
// First byte: how many attachments there are.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <weft/base/utf8.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/value.hpp>

namespace {

using namespace weft::socketio;

enum class colour { red, green };
WEFT_ENUM(colour, red, green)

struct node {
    std::string name;
    std::optional<double> weight;
    std::vector<node> children;
    std::variant<int, std::vector<std::variant<bool, node>>, std::string> either;
};
WEFT_FIELDS(node, name, weight, children, either)

struct rich {
    std::int8_t small = 0;
    std::uint64_t large = 0;
    float real = 0;
    colour shade{};
    std::map<std::string, std::array<int, 2>> places;
    std::unordered_map<std::string, bool> flags;
    std::tuple<int, std::string> pair;
    std::optional<std::chrono::system_clock::time_point> when;
    std::optional<std::vector<std::byte>> content;
    std::optional<node> tree;
    std::optional<value> any;
    std::optional<json_text> text;
};
WEFT_FIELDS(rich, small, large, real, shade, places, flags, pair, when, content, tree, any, text)

void require(bool holds) {
    if (!holds) std::abort();
}

template <class... T>
void round_trip(std::string_view json, std::span<const weft::byte_view> attachments) {
    borrowed_texts texts;
    const auto all = detail::decode_arguments<T...>("fuzz", {json, attachments}, texts);
    if (!all) {
        require(!all.error().what().empty());
        require(weft::validate_utf8(weft::as_bytes(all.error().what())));
        return;
    }
    const encoded_arguments once = detail::encode_answer(*all);
    require(weft::validate_utf8(weft::as_bytes(once.json)));
    std::vector<weft::byte_view> sent;
    for (const auto& attachment : once.attachments) sent.push_back(attachment.bytes());
    borrowed_texts again_texts;
    const auto again = detail::decode_arguments<T...>("fuzz", {once.json, sent}, again_texts);
    require(again.has_value());
    require(detail::encode_answer(*again).json == once.json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (!weft::validate_utf8(weft::as_bytes(json))) return 0;
    const std::array<weft::byte_view, 2> attachments{weft::as_bytes("one"), weft::as_bytes("")};
    const auto some = std::span(attachments).first(data[0] % 3U);
    round_trip<rich>(json, some);
    round_trip<value, std::optional<std::string_view>>(json, some);
    round_trip<std::variant<int, colour, std::vector<json_view>>, rest<value>>(json, some);
    static_cast<void>(detail::decode_ack<node>({json, some}));
    return 0;
}
