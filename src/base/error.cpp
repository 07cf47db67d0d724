// The error categories of the lowest layers and their mapping onto the six conditions users test
// against.

#include <weft/base/error.hpp>

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

class base_category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "weft.base"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::timed_out: return "the deadline passed";
            case errc::closed_by_peer: return "the peer closed the connection";
            case errc::closed_locally: return "closed by this side";
            case errc::shutting_down: return "the loop or server is shutting down";
            case errc::wrong_thread: return "called from a thread that does not own the object";
            case errc::invalid_argument: return "invalid argument";
            case errc::invalid_state: return "not possible in the present state";
            case errc::limit_exceeded: return "a configured limit was reached";
            case errc::name_not_found: return "the host name could not be resolved";
            case errc::not_supported: return "not supported on this system";
            case errc::malformed: return "malformed input";
        }
        return "unknown error";
    }

    std::error_condition default_error_condition(int value) const noexcept override {
        switch (static_cast<errc>(value)) {
            case errc::timed_out: return condition::timed_out;
            case errc::closed_by_peer: return condition::peer_gone;
            case errc::closed_locally:
            case errc::shutting_down: return condition::shutting_down;
            case errc::wrong_thread:
            case errc::invalid_argument:
            case errc::invalid_state: return condition::misuse;
            case errc::limit_exceeded: return condition::limit_exceeded;
            case errc::malformed: return condition::protocol_violation;
            default: return {value, *this};
        }
    }
};

}  // namespace

const std::error_category& condition_category() noexcept {
    static const condition_category_type category;
    return category;
}

const std::error_category& base_category() noexcept {
    static const base_category_type category;
    return category;
}

}  // namespace weft
