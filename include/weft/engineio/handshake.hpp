#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weft::http {
class request;
}

namespace weft::engineio {

/// The first request of a session: what it asked for and who asked. It owns its texts, so it may be
/// kept and copied. **Cost**: one block of about the size of the request.
class handshake {
public:
    handshake() = default;
    explicit handshake(const http::request& request);

    /// Path and query as they were sent.
    [[nodiscard]] std::string_view url() const noexcept { return part(0, url_size_); }
    /// What follows the '?', still encoded.
    [[nodiscard]] std::string_view query() const noexcept;
    /// The first query value under this name, decoded. Nothing when absent or broken.
    [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
    /// The peer's numeric address, without port.
    [[nodiscard]] std::string_view address() const noexcept {
        return part(url_size_, address_size_);
    }
    /// The first value under this name (any case), or empty.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    /// Calls `visit(name, value)` for each header line, in order.
    template <class F>
    void each_header(F visit) const {
        std::string_view lines = part(url_size_ + address_size_, text_.size());
        while (!lines.empty()) {
            const std::size_t colon = lines.find(':');
            const std::size_t end = lines.find('\n');
            visit(lines.substr(0, colon), lines.substr(colon + 1, end - colon - 1));
            lines.remove_prefix(end + 1);
        }
    }
    /// True under TLS.
    [[nodiscard]] bool secure() const noexcept { return secure_; }
    [[nodiscard]] std::chrono::system_clock::time_point issued() const noexcept { return issued_; }

private:
    [[nodiscard]] std::string_view part(std::size_t at, std::size_t size) const noexcept {
        return std::string_view(text_).substr(at, size);
    }

    std::string text_;  // url, address, then the header lines as "name:value\n"
    std::uint16_t url_size_ = 0;
    std::uint16_t address_size_ = 0;
    bool secure_ = false;
    std::chrono::system_clock::time_point issued_;
};

}  // namespace weft::engineio
