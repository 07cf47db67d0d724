// Telling what user code threw, and which of it took long. Names of events, paths and exceptions
// may come from a peer: they are cut to a bounded length, and what could forge a line of the log is
// replaced.

#include "base/user_boundary.hpp"

#include "base/log_line.hpp"

namespace weft {
namespace {

constexpr std::size_t longest_name = 128;
constexpr std::size_t longest_message = 512;

void append_name(std::string& out, std::string_view before, std::string_view name,
                 decltype(append_printable)& append = append_path) {
    if (name.empty()) return;
    out.append(before).append(" '");
    append(out, name, longest_name);
    out += '\'';
}

std::string message_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "something that is not a std::exception";
    }
}

}  // namespace

std::string describe(const user_place& place) {
    std::string text(place.callback);
    append_name(text, " of event", place.event, append_printable);
    append_name(text, " of route", place.route);
    append_name(text, " in namespace", place.nsp);
    if (!place.peer.empty()) {
        text += " for ";
        append_printable(text, place.peer, longest_name);
    }
    return text;
}

void log_exception(log_sink* log, std::string_view layer, const std::exception_ptr& thrown,
                   function_ref<user_place()> place) noexcept {
    if (log == nullptr) return;
    try {
        std::string line = describe(place());
        line += " threw: ";
        append_printable(line, message_of(thrown), longest_message);
        log->write({log_level::error, layer, line});
    } catch (...) {  // no memory for a line
        log->write({log_level::error, layer, "a handler threw, and memory is short"});
    }
}

void callback_watch::start(duration least) noexcept {
    least_ = least;
    counted_to_ = clock_();
    on_ = true;
}

callback_watch::finding callback_watch::take() noexcept {
    return std::exchange(longest_, {});
}

void callback_watch::callback_ended(function_ref<user_place()> place) noexcept {
    const time_point now = clock_();
    const duration took = now - std::exchange(counted_to_, now);
    if (took < least_ || took <= longest_.took) return;
    try {
        longest_ = {took, describe(place())};
    } catch (...) {  // no memory for a name
        longest_ = {};
    }
}

void user_boundary::report(const std::exception_ptr& thrown,
                           function_ref<user_place()> place) noexcept {
    thrown_.add();
    log_exception(log_, layer_, thrown, place);
    if (watch_.on()) watch_.callback_ended(place);
}

}  // namespace weft
