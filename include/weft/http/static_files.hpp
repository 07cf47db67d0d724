#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>
#include <weft/base/result.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>

namespace weft::http {

struct static_options {
    std::string index = "index.html";        ///< The file that answers for a folder.
    std::string cache_control = "no-cache";  ///< Empty: no such header.
};

/// Serves the files below a folder. It is a `plain_handler`: pass it to `router.get` with a pattern
/// that ends in a wildcard, such as `/files/*path`.
///
/// Supports `ETag`, `Last-Modified`, conditional requests, one byte range, and compressed siblings:
/// `x.br` and `x.gz` of a file `x`, unless they are older than `x`. Reads files as the peer takes
/// them. Refuses names that begin with a dot, and links to such names. Never opens anything outside
/// of the folder, whatever links it contains: the kernel resolves names beneath it. Follows a
/// folder that is replaced, or a link to a folder that is moved.
/// **Threads**: any loop's, several at once.
class static_files {
public:
    /// **Errors**: the system's, when the folder cannot be opened or the kernel has no `openat2`.
    static result<static_files> make(const std::string& root, static_options options = {});

    response operator()(const request& req) const;

private:
    struct state;
    explicit static_files(std::shared_ptr<const state> s) noexcept;
    std::shared_ptr<const state> state_;
};

/// One file built into the program. **Lifetime**: everything it points to must live as long as the
/// program.
struct embedded_file {
    std::string_view path;  ///< As in the request: "/", "/app.js".
    std::string_view content_type;
    std::string_view etag;  ///< Strong, with its quotes.
    byte_view content;
    byte_view gzip;    ///< Or empty.
    byte_view brotli;  ///< Or empty.
};

/// Serves files built into the program. A `plain_handler` that looks for the whole path of the
/// request. **Threads**: any loop's, several at once. **Cost**: does not copy the content.
class embedded_files {
public:
    explicit embedded_files(std::span<const embedded_file> files,
                            std::string cache_control = "no-cache")
        : files_(files), cache_control_(std::move(cache_control)) {}

    response operator()(const request& req) const;

private:
    std::span<const embedded_file> files_;
    std::string cache_control_;
};

}  // namespace weft::http
