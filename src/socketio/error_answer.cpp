// Errors as acknowledgements: the code's category and name, and the sentence for people.

#include "socketio/error_answer.hpp"

#include <weft/base/json_writer.hpp>
#include <weft/socketio/error.hpp>

namespace weft::socketio::detail {
namespace {

std::string_view name_of(weft::errc code) noexcept {
    switch (code) {
        case weft::errc::timed_out: return "timed_out";
        case weft::errc::closed_by_peer: return "closed_by_peer";
        case weft::errc::closed_locally: return "closed_locally";
        case weft::errc::shutting_down: return "shutting_down";
        case weft::errc::wrong_thread: return "wrong_thread";
        case weft::errc::invalid_argument: return "invalid_argument";
        case weft::errc::invalid_state: return "invalid_state";
        case weft::errc::limit_exceeded: return "limit_exceeded";
        case weft::errc::name_not_found: return "name_not_found";
        case weft::errc::not_supported: return "not_supported";
        case weft::errc::malformed: return "malformed";
        case weft::errc::proxy_refused: return "proxy_refused";
    }
    return "unknown";
}

/// "socketio.bad_argument".
std::string code_of(const error& why) {
    std::string_view layer = why.code().category().name();
    if (layer.starts_with("weft.")) layer.remove_prefix(5);
    std::string code(layer);
    code += '.';
    if (why.code().category() == error_category()) {
        std::string_view label = describe(static_cast<errc>(why.code().value())).label;
        label.remove_prefix(label.find('"') + 1);
        label.remove_suffix(1);
        code += label;
    } else if (why.code().category() == make_error_code(weft::errc{}).category()) {
        code += name_of(static_cast<weft::errc>(why.code().value()));
    } else {  // a category of the application, or of another layer
        code += std::to_string(why.code().value());
    }
    return code;
}

void write_members(json_writer& json, const error& why) {
    json.member("code", code_of(why));
    json.member("message", why.what().empty() ? why.message() : why.what());
}

void write_members(json_writer& json, std::string_view event, const schema::violation& wrong) {
    std::string what(event);  // nothing of the schema but the rule
    what.append(": ");
    if (!wrong.path.empty()) what.append(wrong.path).append(": ");
    what.append(wrong.rule);
    write_members(json, error(errc::bad_argument, std::move(what)));
    wrong.write_members(json);
}

template <class... What>
encoded_arguments encode(const What&... what) {
    encoded_arguments encoded;
    json_writer json(encoded.json);
    json.begin_object();
    json.key("error");
    json.begin_object();
    write_members(json, what...);
    json.end_object();
    json.end_object();
    return encoded;
}

}  // namespace

encoded_arguments encode_error(const error& why) {
    return encode(why);
}

encoded_arguments encode_violation(std::string_view event, const schema::violation& wrong) {
    return encode(event, wrong);
}

encoded_arguments encode_violation_event(std::string_view event, const schema::violation& wrong) {
    encoded_arguments encoded;
    json_writer json(encoded.json);
    json.begin_object();
    json.member("event", event);
    write_members(json, event, wrong);
    json.end_object();
    return encoded;
}

}  // namespace weft::socketio::detail
