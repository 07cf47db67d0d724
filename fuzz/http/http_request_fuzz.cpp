// Any split of a connection's bytes gives the same requests, the same end and the same error, and
// what is kept is charged and given back. The first byte is the limit of bodies, the second how the
// rest is split.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proto/request_reader.hpp"

namespace {

using namespace weft;
using http::errc;
using http::request_reader;
using event = request_reader::event;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string read(std::string_view bytes, std::size_t step, std::uint64_t most_body) {
    byte_budget budget;
    std::string told;
    {
        request_reader::shared common({128, 64, 512, 8}, budget);
        request_reader reader(common);
        bool failed = false;
        const auto fail = [&](errc why) {
            require(why != errc::none);
            told.append("error ").append(std::to_string(static_cast<int>(why)));
            failed = true;
        };
        while (!bytes.empty() && !failed) {
            std::string part(bytes.substr(0, step));
            bytes.remove_prefix(part.size());
            byte_span in(reinterpret_cast<std::byte*>(part.data()), part.size());
            while (!in.empty() && !failed) {
                event what = reader.next(in);
                if (what == event::head) {
                    told.append(to_string(reader.head().method())).append(reader.head().target());
                    for (std::size_t i = 0; i < reader.head().field_count(); ++i) {
                        const http::header_field field = reader.head().field(i);
                        told.append(field.name).append(":").append(field.value).append(";");
                    }
                    if (const errc e = reader.take_body(most_body); e != errc::none) {
                        fail(e);
                        break;
                    }
                    what = reader.next(in);
                }
                if (what == event::more) require(in.empty());
                if (what == event::failed) fail(reader.error());
                if (what != event::request) continue;
                require(reader.body().size() <= most_body);
                told.append("=").append(as_text(reader.body())).append("\n");
                reader.reset();
                require(budget.used() == 0);
            }
        }
    }
    require(budget.used() == 0);
    return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::uint64_t most_body = data[0];
    const std::size_t step = data[1] % 64U + 1U;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
    const std::string whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), most_body);
    require(read(bytes, step, most_body) == whole);
    require(read(bytes, 1, most_body) == whole);
    return 0;
}
