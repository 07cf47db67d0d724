// The error categories of the lowest layers and their mapping onto the six conditions users test
// against.

#include <weft/base/error.hpp>

#include <array>
#include <string_view>

#include "base/error_table.hpp"

namespace weft {
namespace {

class condition_category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "weft.condition"; }

    std::string message(int value) const override {
        switch (static_cast<condition>(value)) {
            case condition::timed_out: return "timed out";
            case condition::peer_gone: return "the peer is gone";
            case condition::protocol_violation: return "the peer broke the protocol";
            case condition::limit_exceeded: return "a limit was exceeded";
            case condition::shutting_down: return "shutting down";
            case condition::misuse: return "misuse of the interface";
        }
        return "unknown condition";
    }

    bool equivalent(const std::error_code& code, int value) const noexcept override {
        if (code.default_error_condition() == std::error_condition(value, *this)) return true;
        if (code.category() != std::system_category() &&
            code.category() != std::generic_category()) {
            return false;
        }
        const auto is = [&](std::errc e) { return code == e; };
        switch (static_cast<condition>(value)) {
            case condition::timed_out: return is(std::errc::timed_out);
            case condition::peer_gone:
                return is(std::errc::connection_reset) || is(std::errc::broken_pipe) ||
                       is(std::errc::connection_aborted) || is(std::errc::connection_refused);
            case condition::limit_exceeded:
                return is(std::errc::too_many_files_open) || is(std::errc::not_enough_memory) ||
                       is(std::errc::too_many_files_open_in_system);
            default: return false;
        }
    }
};

struct base_row {
    errc code;
    std::string_view text;
    condition kind;
};

constexpr std::array rows{
    base_row{errc::timed_out, "the deadline passed", condition::timed_out},
    base_row{errc::closed_by_peer, "the peer closed the connection", condition::peer_gone},
    base_row{errc::closed_locally, "closed by this side", condition::shutting_down},
    base_row{errc::shutting_down, "the loop or server is shutting down", condition::shutting_down},
    base_row{errc::wrong_thread, "called from a thread that does not own the object",
             condition::misuse},
    base_row{errc::invalid_argument, "invalid argument", condition::misuse},
    base_row{errc::invalid_state, "not possible in the present state", condition::misuse},
    base_row{errc::limit_exceeded, "a configured limit was reached", condition::limit_exceeded},
    base_row{errc::name_not_found, "the host name could not be resolved", {}},
    base_row{errc::not_supported, "not supported on this system", {}},
    base_row{errc::malformed, "malformed input", condition::protocol_violation},
    base_row{errc::proxy_refused, "the proxy made no tunnel", condition::peer_gone},
};

}  // namespace

const std::error_category& condition_category() noexcept {
    static const condition_category_type category;
    return category;
}

const std::error_category& base_category() noexcept {
    static const table_category<rows> category("weft.base");
    return category;
}

}  // namespace weft
