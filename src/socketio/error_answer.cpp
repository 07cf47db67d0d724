// Errors as acknowledgements: the code's category and name, and the sentence for people.

#include "socketio/error_answer.hpp"

#include <weft/base/json_writer.hpp>
#include <weft/socketio/error.hpp>

namespace weft::socketio::detail {

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
    } else {
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
