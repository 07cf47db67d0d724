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

}  // namespace

encoded_arguments encode_error(const error& why) {
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
    encoded_arguments encoded;
    json_writer json(encoded.json);
    json.begin_object();
    json.key("error");
    json.begin_object();
    json.member("code", code);
    json.member("message", why.what().empty() ? why.message() : why.what());
    json.end_object();
    json.end_object();
    return encoded;
}

}  // namespace weft::socketio::detail
