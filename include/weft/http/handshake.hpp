#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <weft/http/trace_context.hpp>

namespace weft::http {

class request;

/// What another server tells of a handshake. **Lifetime**: borrows its texts.
struct handshake_parts {
    std::string_view url;
    std::string_view address;
    bool secure = false;
    std::chrono::system_clock::time_point issued{};
    std::span<const std::pair<std::string, std::string>> headers{};
};

/// The request that began a connection: what it asked for and who asked. It owns its texts, so you
/// may keep and copy it. **Cost**: 8 bytes, and one block of about the size of the request.
class handshake {
public:
    /// All texts are empty.
    handshake() noexcept = default;
    explicit handshake(const request& asked);
    /// What is too long for a request, or has a line feed, is left out.
    explicit handshake(const handshake_parts& told);
    handshake(const handshake& other);
    handshake(handshake&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
    handshake& operator=(handshake other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~handshake() { delete[] block_; }

    /// False if made by default or moved from.
    explicit operator bool() const noexcept { return block_ != nullptr; }
    /// Path and query as sent.
    [[nodiscard]] std::string_view url() const noexcept { return text(0, about().url); }
    /// The decoded path; see `request::path`.
    [[nodiscard]] std::string_view path() const noexcept;
    /// What follows the '?', still encoded.
    [[nodiscard]] std::string_view query() const noexcept;
    /// The last query value under this name, decoded. Nothing if it is absent or broken.
    [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
    /// What the route's `:name` stands for; empty if the route has no such parameter.
    [[nodiscard]] std::string_view param(std::string_view name) const noexcept;
    /// Calls `visit(name, value)` for each parameter of the route.
    template <class F>
    void each_param(F visit) const {
        each_pair(params(), visit);
    }
    /// The first value under this name (any case), or empty.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    /// Calls `visit(name, value)` for each header line, in order.
    template <class F>
    void each_header(F visit) const {
        each_pair(headers(), visit);
    }
    /// See `request::trace`. **Lifetime**: this handshake's.
    [[nodiscard]] std::optional<trace_context> trace() const noexcept;
    /// The peer's numeric address, without port; see `peer::address`.
    [[nodiscard]] std::string_view address() const noexcept;
    /// See `peer::secure`.
    [[nodiscard]] bool secure() const noexcept { return about().secure; }
    [[nodiscard]] std::chrono::system_clock::time_point issued() const noexcept {
        return about().issued;
    }
    /// The size of its block. **Units**: bytes.
    [[nodiscard]] std::size_t memory() const noexcept {
        return block_ != nullptr ? sizeof(facts) + about().size : 0;
    }

private:
    /// The beginning of the block. Behind it: url, path (if it differs from that in the url),
    /// address, parameters, header lines; the last two as "name\nvalue\n".
    struct facts {
        std::chrono::system_clock::time_point issued;
        std::uint32_t size = 0;    // of the texts
        std::uint32_t params = 0;  // sizes of single ones
        std::uint16_t url = 0;
        std::uint16_t path = 0;
        std::uint8_t address = 0;
        bool secure = false;
    };

    [[nodiscard]] const facts& about() const noexcept;
    [[nodiscard]] std::string_view text(std::size_t offset, std::size_t size) const noexcept;
    [[nodiscard]] std::string_view params() const noexcept;
    [[nodiscard]] std::string_view headers() const noexcept;
    template <class F>
    static void each_pair(std::string_view pairs, F& visit) {
        while (!pairs.empty()) {
            const std::size_t name = pairs.find('\n');
            const std::size_t end = pairs.find('\n', name + 1);
            visit(pairs.substr(0, name), pairs.substr(name + 1, end - name - 1));
            pairs.remove_prefix(end + 1);
        }
    }

    std::byte* block_ = nullptr;
};

}  // namespace weft::http
