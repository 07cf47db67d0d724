#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include <weft/base/bytes.hpp>
#include <weft/http/error.hpp>
#include <weft/http/head.hpp>

#include "base/byte_budget.hpp"
#include "http/proto/head_parser.hpp"

namespace weft::http {

/// Takes the requests of one HTTP/1 connection out of its bytes, one after the other.
///
/// Bytes are read where they lie; only a head or a body that is not whole is copied, and charged.
/// Whatever the peer does wrong ends it: nothing behind the first error is ever read.
///
///     next: head -> take_body -> next: request -> reset
///
/// **Threads**: the loop's. **Cost**: 24 bytes between requests.
class request_reader {
public:
    /// What the readers of one loop have in common. A request that came in one piece is described
    /// here, so until the caller is done with it no other reader may go on.
    struct shared {
        shared(head_limits most, byte_budget& memory) noexcept : limits(most), budget(memory) {
            limits.max_head = std::min(limits.max_head, head_limits::most_head);
        }

        head_limits limits;
        byte_budget& budget;

    private:
        friend class request_reader;
        std::optional<head_parser> parser_;
        byte_span head_bytes_;
        byte_view body_;
        std::uint64_t body_most_ = 0;  // of the body that is to be taken
    };

    enum class event : std::uint8_t {
        more,     ///< Everything is used, and the request is not whole.
        head,     ///< The head is there: `take_body` decides what follows it.
        request,  ///< The request is there with its whole body.
        failed,   ///< `error()` says why.
    };

    explicit request_reader(shared& common) noexcept;
    ~request_reader();

    /// Goes on with `in` and takes off its front what was used.
    [[nodiscard]] event next(byte_span& in);
    /// After `event::head`: the body may have so many bytes. **Errors**: it says that it has more.
    [[nodiscard]] errc take_body(std::uint64_t most) noexcept;
    /// Ready for the next request; what is known of the present one is gone.
    void reset() noexcept;

    /// From `event::head` on.
    [[nodiscard]] const message_head& head() const noexcept;
    /// The bytes of the head; only until `next` is called again.
    [[nodiscard]] byte_view head_bytes() const noexcept { return shared_.head_bytes_; }
    /// After `event::request`.
    [[nodiscard]] byte_view body() const noexcept { return shared_.body_; }
    [[nodiscard]] errc error() const noexcept { return error_; }

    /// Nothing of a further request has come.
    [[nodiscard]] bool between_requests() const noexcept { return part_ == part::none; }
    [[nodiscard]] bool in_head() const noexcept { return part_ == part::head; }
    [[nodiscard]] bool in_body() const noexcept { return part_ == part::body; }
    /// Bytes of the body that have come, with their framing; only `in_body()`.
    [[nodiscard]] std::uint64_t body_received() const noexcept;

private:
    enum class part : std::uint8_t { none, head, head_told, body, whole, failed };
    struct kept;

    event read_head(byte_span& in);
    event go_on_with_head(byte_span& in);
    event read_body(byte_span& in);
    event read_length(byte_span& in);
    event read_chunks(byte_span& in);
    [[nodiscard]] bool keep_body(byte_view bytes);
    void keep_head(byte_span bytes);
    event fail(errc why) noexcept;
    event finish(byte_view body) noexcept;

    shared& shared_;
    std::unique_ptr<kept> kept_;  // of a request that did not come in one piece
    part part_ = part::none;
    errc error_ = errc::none;
};

}  // namespace weft::http
