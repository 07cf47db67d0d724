// The answers to polling requests: content type, compression, JSONP, and the headers that go with
// all of them.

#include "engineio/reply.hpp"

#include <limits>
#include <utility>

#include <zlib.h>

#include "engineio/proto/jsonp.hpp"

namespace weft::engineio {
namespace {

/// The compressed body, or nothing when that fails or gains nothing.
std::optional<std::string> compress(std::string_view body, content_coding coding) {
    if (body.size() > std::numeric_limits<uInt>::max()) return std::nullopt;
    const int window = coding == content_coding::gzip ? 15 + 16 : 15;
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return std::nullopt;
    }
    std::string out(body.size(), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool fits = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (!fits) return std::nullopt;
    return out;
}

}  // namespace

http::response make_plain(const reply_form& form, int status, std::string_view type,
                          std::string body) {
    http::response made(status);
    made.headers(form.headers);
    if (!type.empty()) made.header("Content-Type", type);
    made.body(std::move(body));
    return made;
}

http::response make_reply(const reply_form& form, std::string payload, const options& chosen,
                          compressible may, payload_kind kind) {
    std::string body = form.jsonp ? write_jsonp(*form.jsonp, payload) : std::move(payload);
    std::string_view coding;
    if (may == compressible::yes && form.coding != content_coding::none &&
        chosen.http_compression && body.size() >= *chosen.http_compression) {
        if (auto smaller = compress(body, form.coding)) {
            body = std::move(*smaller);
            coding = form.coding == content_coding::gzip ? "gzip" : "deflate";
        }
    }
    const std::string_view type = kind == payload_kind::bytes ? "application/octet-stream"
                                  : form.jsonp                ? "text/javascript; charset=UTF-8"
                                                              : "text/plain; charset=UTF-8";
    http::response made = make_plain(form, 200, type, std::move(body));
    made.header("Cache-Control", "no-store");
    if (!coding.empty()) made.header("Content-Encoding", coding);
    return made;
}

}  // namespace weft::engineio
