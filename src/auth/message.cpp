// The few messages about tokens on a WebSocket. A message is theirs if it is an object of exactly
// these members; whatever else a client sends belongs to the application.

#include "auth/message.hpp"

#include <algorithm>

#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>

namespace weft::auth {

std::optional<std::string> read_token_message(std::string_view text) {
    json_reader json(text);
    std::string_view key;
    std::string scratch;
    std::string type;
    std::string token;
    int members = 0;
    if (!json.begin_object()) return std::nullopt;
    while (json.next_key(key, scratch)) {
        ++members;
        if (key == "type") {
            if (!json.read(type) || type != "auth") return std::nullopt;
        } else if (key == "token") {
            json.read(token);
        } else {
            return std::nullopt;
        }
    }
    if (!json.finish() || members != 2 || type.empty() || token.empty()) return std::nullopt;
    return token;
}

std::string accepted_message(std::chrono::seconds left) {
    std::string text;
    json_writer json(text);
    json.begin_object();
    json.member("type", "auth");
    json.member("ok", true);
    json.member("expires_in", left.count());
    json.end_object();
    return text;
}

std::string refused_message(std::string_view why) {
    std::string text;
    json_writer json(text);
    json.begin_object();
    json.member("type", "auth");
    json.member("ok", false);
    json.member("error", why);
    json.end_object();
    return text;
}

std::string ending_message(std::chrono::seconds left) {
    std::string text;
    json_writer json(text);
    json.begin_object();
    json.member("type", "auth");
    json.member("expires_in", left.count());
    json.end_object();
    return text;
}

std::chrono::seconds left_of(const identity& who, std::chrono::seconds leeway,
                             time_point now) noexcept {
    if (who.expires == time_point::max()) return std::chrono::seconds::max();
    if (who.expires <= now) return std::chrono::seconds(0);
    return std::max(std::chrono::floor<std::chrono::seconds>(who.expires - now) - leeway,
                    std::chrono::seconds(0));
}

}  // namespace weft::auth
