#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cluster/redis/proto/error.hpp"
#include "cluster/redis/proto/reply.hpp"

namespace weft::cluster::redis {

/// How much of the server's replies we take. What exceeds a limit ends the connection.
struct reply_limits {
    std::uint64_t max_bulk = 64ULL * 1024 * 1024;   ///< Of one text. **Units**: bytes.
    std::uint64_t max_elements = 1024 * 1024;       ///< Of one reply, nested ones included.
    std::uint64_t max_depth = 16;                   ///< Of aggregates inside of each other.
    std::uint64_t max_reply = 64ULL * 1024 * 1024;  ///< Of one reply on the wire. **Units**: bytes.
};

enum class reply_status : std::uint8_t { incomplete, complete, failed };

/// Reads replies of RESP2 and RESP3, however they are split. Attributes are read and left out;
/// streamed replies are refused.
///
/// **Cost**: linear in the bytes. Of a reply that came whole no text is copied; each element takes
/// 32 bytes until the next reply. Nothing is reserved because a length was announced.
/// **See**: the RESP specification, versions 2 and 3.
class reply_reader {
public:
    explicit reply_reader(const reply_limits& limits) noexcept : limits_(limits) {}

    struct outcome {
        reply_status status;
        std::size_t consumed;  ///< All of it when incomplete.
    };
    /// Reads to the end of one reply, or of the data. What throws (`bad_alloc`) leaves a reader
    /// that must not be used any more.
    outcome feed(std::string_view data);

    /// After `complete`, until the next `feed` or until the data goes.
    [[nodiscard]] reply_view reply() const noexcept { return {nodes_.front(), text_}; }
    /// After `failed`.
    [[nodiscard]] std::error_code error() const noexcept { return error_; }
    /// What it holds of an incomplete reply. **Units**: bytes.
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

private:
    struct open_aggregate {
        std::size_t node;
        std::uint64_t left;  // elements that have not ended
        bool attribute;
    };

    struct line_limit {
        std::uint64_t most;
        errc broken;
    };

    void reset() noexcept;
    reply_status fail(errc why) noexcept;
    outcome read_on(std::string_view data);
    reply_status parse(std::string_view all);
    reply_status parse_line(char type, std::string_view line);
    reply_status begin_bulk(char type, std::string_view line);
    reply_status begin_aggregate(char type, std::string_view line);
    reply_status end_bulk(std::string_view all);
    reply_status add(const detail::reply_node& node);
    reply_status value_ended() noexcept;
    [[nodiscard]] line_limit limit_of(char type) const noexcept;

    const reply_limits limits_;
    std::string kept_;  // of an incomplete reply, from its beginning
    std::vector<detail::reply_node> nodes_;
    std::vector<open_aggregate> open_;
    const char* text_ = nullptr;
    std::size_t at_ = 0;        // in the reply: what is read next
    std::size_t searched_ = 0;  // no line ends before
    std::uint64_t elements_ = 0;
    std::uint64_t bulk_size_ = 0;
    char bulk_type_ = 0;  // 0: what comes next is a line
    bool done_ = false;   // the next feed begins a new reply
    std::error_code error_;
};

}  // namespace weft::cluster::redis
