#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

#include "cluster/nodes/proto/error.hpp"

namespace weft::cluster::nodes {

// What two nodes say to each other. A frame is the size of its payload (32 bits), its type (8), the
// stream that it is about (32, zero for none), all big-endian, and the payload.
//
// The node that connects greets (`hello`, `proof`), the other one answers (`challenge`,
// `welcome`); then the one that connected opens streams, each for one HTTP connection of a client,
// and both send their bytes as far as the other one has room.

enum class frame_type : std::uint8_t {
    hello = 1,
    challenge,
    proof,
    welcome,
    open,    ///< Begins a stream: whose, see `stream_facts`.
    data,    ///< Bytes of it.
    window,  ///< Room for so many more bytes (32 bits).
    end,     ///< The sender will send no more of it.
    reset,   ///< It is gone, both ways.
    ping,
    pong,
};

/// **Lifetime**: of the payload, until the reader is fed again.
struct frame {
    frame_type type = frame_type::ping;
    std::uint32_t stream = 0;
    std::string_view payload;
};

inline constexpr std::size_t frame_header_size = 9;
inline constexpr std::size_t max_data = 64 * 1024;  ///< Of one frame.

/// Appends a header; a payload of this size follows.
void append_frame_header(std::string& out, frame_type type, std::uint32_t stream, std::size_t size);
void append_frame(std::string& out, frame_type type, std::uint32_t stream,
                  std::string_view payload = {});
void append_window(std::string& out, std::uint32_t stream, std::uint32_t size);
/// What a window frame says.
[[nodiscard]] std::uint32_t window_size(const frame& window) noexcept;

/// Reads frames from pieces. Until `greeted`, only those of a greeting are read, which are short.
/// **Cost**: a frame that comes in one piece is not copied.
class frame_reader {
public:
    enum class status : std::uint8_t { incomplete, complete, failed };
    struct step {
        status what;
        std::size_t consumed;
    };

    /// Goes on with `in`, up to the end of a frame at the most. **Errors**: `failed`; the
    /// connection is of no use then.
    [[nodiscard]] step feed(std::string_view in);
    /// After `complete`.
    [[nodiscard]] const frame& current() const noexcept { return frame_; }
    [[nodiscard]] errc error() const noexcept { return error_; }
    /// Both know who they are: no more greetings, everything else.
    void greeted() noexcept { greeted_ = true; }
    /// Bytes of a frame that has come in part.
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

private:
    [[nodiscard]] errc read_header(std::string_view header) noexcept;

    std::string kept_;
    frame frame_;
    std::size_t size_ = 0;  // of its payload, once the header is there
    bool handed_out_ = false;
    bool greeted_ = false;
    errc error_ = errc::none;
};

}  // namespace weft::cluster::nodes
