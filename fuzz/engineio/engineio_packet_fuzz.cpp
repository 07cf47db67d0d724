// What surrounds packets: base64 as clients send it, queries, JSONP forms and replies. Decoded
// base64 must be what encoding it gives back; a JSONP reply must be one string in a call.

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/base64.hpp>

#include "engineio/proto/jsonp.hpp"
#include "engineio/proto/packet.hpp"
#include "engineio/proto/query.hpp"

namespace {

using namespace weft;
using namespace weft::engineio;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_base64(std::string_view text) {
    std::vector<std::byte> room(decoded_size(text.size()));
    const auto size = decode_base64(text, room);
    if (!size) return;
    require(*size <= room.size());
    const std::string canonical = base64_encode({room.data(), *size});
    std::vector<std::byte> again(decoded_size(canonical.size()));
    const auto same = decode_base64(canonical, again);
    require(same == size &&
            std::equal(again.begin(), again.begin() + static_cast<long>(*same), room.begin()));
}

void check_reply(std::string_view index, std::string_view payload) {
    const std::string reply = write_jsonp(index, payload);
    const std::size_t open = reply.find("](\"");
    require(reply.starts_with("___eio[") && open != std::string::npos && reply.ends_with("\");"));
    for (std::size_t i = 7; i < open; ++i) require(reply[i] >= '0' && reply[i] <= '9');
    bool escaped = false;
    for (std::size_t i = open + 3; i < reply.size() - 3; ++i) {
        require(static_cast<unsigned char>(reply[i]) >= 0x20);
        if (escaped) {
            escaped = false;
        } else if (reply[i] == '\\') {
            escaped = true;
        } else {
            require(reply[i] != '"');
        }
    }
    require(!escaped);
    require(reply.find("\xE2\x80\xA8") == std::string::npos);
    require(reply.find("\xE2\x80\xA9") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> copy(data, data + size);
    const std::string_view text(copy.data(), copy.size());
    if (const auto got = parse_packet(text)) require(got->data.size() + 1 == text.size());
    check_base64(text);
    std::vector<char> room(text.size());
    if (const auto form = read_jsonp(text, room)) require(form->size() <= text.size());
    const query_facts facts = parse_query(text);
    require(facts.protocol == 3 || facts.protocol == 4);
    require(facts.transport.size() <= text.size());
    const std::size_t middle = text.size() / 4;
    check_reply(text.substr(0, middle), text.substr(middle));
    return 0;
}
