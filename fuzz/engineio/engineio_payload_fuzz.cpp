// Bodies of polling requests in their three forms. First byte: the form and the limit. What is
// read must lie in the body, be valid UTF-8 where it is text, and give the same body when written
// again.

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/utf8.hpp>

#include "engineio/proto/payload.hpp"

namespace {

using namespace weft;
using namespace weft::engineio;

void require(bool holds) {
    if (!holds) std::abort();
}

struct found {
    packet_type type;
    packet_data form;
    std::string data;
    bool operator==(const found&) const = default;
};

/// What a reader gives, and how it ended.
std::pair<std::vector<found>, payload_status> read(std::string_view body, payload_form form,
                                                   std::size_t most) {
    payload_reader reader(as_bytes(body), form, most);
    std::vector<found> out;
    for (;;) {
        packet got;
        const payload_status status = reader.next(got);
        if (status != payload_status::packet) return {out, status};
        require(got.data.empty() ||
                (got.text().data() >= body.data() &&
                 got.text().data() + got.text().size() <= body.data() + body.size()));
        if (got.form == packet_data::text) require(validate_utf8(got.data));
        if (got.form == packet_data::base64) require(got.type == packet_type::message);
        require(static_cast<int>(got.type) <= 6);
        out.push_back({got.type, got.form, std::string(got.text())});
        require(out.size() <= most);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    constexpr payload_form forms[] = {payload_form::separated, payload_form::counted,
                                      payload_form::counted_bytes};
    const payload_form form = forms[data[0] % 3];
    const std::size_t most = 1U + data[0] / 3U;
    // A copy of its own size, so that a read behind the end is seen.
    const std::vector<char> copy(data + 1, data + size);
    const std::string_view body(copy.data(), copy.size());
    const auto [packets, status] = read(body, form, most);
    if (status != payload_status::end || form != payload_form::separated) return 0;

    std::string again;
    for (const found& f : packets) {
        if (f.form == packet_data::base64) {
            append_base64_packet(again, form, f.data);
        } else {
            append_packet(again, form, digit_of(f.type) + f.data);
        }
    }
    require(again == body);
    return 0;
}
