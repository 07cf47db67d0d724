#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <weft/http/head.hpp>
#include <weft/http/response.hpp>

namespace weft::http {

/// Where a head is written: on the caller's stack, unless there are very many headers.
class head_memory {
public:
    [[nodiscard]] std::span<char> take(std::size_t size) {
        if (size <= small_.size()) return small_;
        large_.resize(size);
        return large_;
    }

private:
    std::array<char, 2048> small_;
    std::string large_;
};

/// Turns the replies of one HTTP/1 connection into bytes, each in the form that its request asked
/// for. **Cost**: one byte.
class reply_writer {
public:
    /// The next reply answers this request.
    void begin(const message_head& request) noexcept;
    /// It will be the last one.
    void make_last() noexcept { keep_alive_ = false; }
    [[nodiscard]] bool is_last() const noexcept { return !keep_alive_; }

    /// The head of a reply whose body follows at once, if `sends_body()`. **Lifetime**: of this and
    /// the next two, that of `into`.
    [[nodiscard]] std::string_view whole(const response& reply, std::string_view date,
                                         head_memory& into);
    /// The head of a reply whose body comes in pieces. An HTTP/1.0 peer knows no chunks: the end of
    /// the connection is then the end of the body.
    [[nodiscard]] std::string_view streamed(const response& reply, std::string_view date,
                                            head_memory& into);
    /// Tells who waits before it sends its body to go on.
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    /// The head that grants an upgrade.
    [[nodiscard]] static std::string_view switching(const header_lines& headers, head_memory& into);

    /// Whether the body of the present reply is sent: not to HEAD, nor with 204 and the like.
    [[nodiscard]] bool sends_body() const noexcept { return sends_body_; }
    /// Whether each of its pieces is a chunk.
    [[nodiscard]] bool in_chunks() const noexcept { return in_chunks_; }

private:
    [[nodiscard]] std::string_view head(const response& reply, body_framing framing,
                                        std::string_view date, head_memory& into) const;

    bool keep_alive_ : 1 = true;
    bool http_1_0_ : 1 = false;
    bool to_head_ : 1 = false;  // the request's method is HEAD
    bool sends_body_ : 1 = true;
    bool in_chunks_ : 1 = false;
};

}  // namespace weft::http
