#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/base/time.hpp>
#include <weft/net/access.hpp>

#include "base/byte_budget.hpp"
#include "net/byte_stream.hpp"

namespace weft::net {

/// What is known of a request or connection at its beginning, kept until its end for the server's
/// `access_sink`. Who has no sink makes none. One that goes untold is not told.
/// **Threads**: the loop's.
class access_note {
public:
    /// Null when nobody listens. `method` and `trace_id` as in `access_record`; `method` is static.
    [[nodiscard]] static std::unique_ptr<access_note> make(loop_core& loop, std::string_view method,
                                                           std::string_view path,
                                                           std::string_view trace_id);

    /// It is over `carrier`, of whose bytes `head` were read for it so far.
    void begin(const byte_stream& carrier, std::uint64_t head) noexcept;
    void add_received(std::uint64_t bytes) noexcept { received_ += bytes; }
    void set_kind(access_kind kind) noexcept { kind_ = kind; }
    void set_code(int code) noexcept { code_ = code; }
    void set_cause(std::error_code cause) noexcept { cause_ = cause; }

    [[nodiscard]] std::string_view path() const noexcept { return path_; }
    /// For a `conn_table`: the stream that it is about.
    [[nodiscard]] conn_id id() const noexcept { return id_; }
    void set_id(conn_id id) noexcept { id_ = id; }
    [[nodiscard]] time_point since() const noexcept { return since_; }

    /// The end of a request on the stream where it began. A cause that was set counts more.
    void tell(const byte_stream& carrier, std::error_code cause) const noexcept;
    /// The end of what has that stream to itself since.
    void tell_all(const byte_stream& carrier, std::error_code cause) const noexcept;
    /// The end of what has no stream of its own. A cause that was set counts more.
    void tell(const peer& whose, std::error_code cause) const noexcept;

private:
    access_note(loop_core& loop, std::string_view method, std::string_view path,
                std::string_view trace_id);
    void tell(const peer& whose, std::uint64_t received, std::uint64_t sent, int code,
              std::error_code cause) const noexcept;

    loop_core& loop_;
    byte_charge charge_;
    std::string path_;
    std::string_view method_;
    time_point since_;
    std::uint64_t received_ = 0;
    std::uint64_t received_before_ = 0;  // by the stream, before this began
    std::uint64_t sent_before_ = 0;
    conn_id id_;
    std::error_code cause_;
    int code_ = 0;
    access_kind kind_ = access_kind::request;
    std::array<char, 32> trace_id_{};
    bool traced_;
};

}  // namespace weft::net
