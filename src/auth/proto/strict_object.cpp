// JSON objects with one meaning only. Invariant: every value of the text is walked, so a text that
// was accepted has no key twice anywhere, and is no deeper than the limit; recursion is bounded by
// that limit.

#include "auth/proto/strict_object.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <weft/base/utf8.hpp>

namespace weft::auth {
namespace {

/// The keys of one object.
class key_list {
public:
    key_list() { keys_.reserve(compared); }
    /// False if a key was there before; of long lists `distinct` tells it in the end.
    bool add(std::string_view key, const std::string& scratch) {
        if (key.data() == scratch.data()) key = unescaped_.emplace_back(key);  // it goes with it
        const named_key one(key);
        if (keys_.size() < compared && std::find(keys_.begin(), keys_.end(), one) != keys_.end()) {
            return false;
        }
        keys_.push_back(one);
        return true;
    }
    bool distinct() {
        if (keys_.size() <= compared) return true;
        std::sort(keys_.begin(), keys_.end());
        return std::adjacent_find(keys_.begin(), keys_.end()) == keys_.end();
    }

private:
    static constexpr std::size_t compared = 16;

    /// Its first bytes tell nearly all apart without a call (auth_bench, verify/hs256).
    struct named_key {
        explicit named_key(std::string_view key) noexcept : name(key) {
            std::memcpy(&first, key.data(), std::min(key.size(), sizeof first));
        }
        bool operator==(const named_key& other) const noexcept {
            return first == other.first && name == other.name;
        }
        bool operator<(const named_key& other) const noexcept { return name < other.name; }

        std::uint64_t first = 0;
        std::string_view name;
    };

    std::vector<named_key> keys_;
    std::deque<std::string> unescaped_;
};

bool walk(json_reader& json, std::size_t depth);

bool walk_object(json_reader& json, std::size_t depth) {
    key_list keys;
    std::string_view key;
    std::string scratch;
    json.begin_object();
    while (json.next_key(key, scratch)) {
        if (!keys.add(key, scratch) || !walk(json, depth)) return false;
    }
    return json.ok() && keys.distinct();
}

/// Skips a value that may have `depth` levels.
bool walk(json_reader& json, std::size_t depth) {
    const json_kind kind = json.peek();
    if (kind != json_kind::object && kind != json_kind::array) return json.skip();
    if (depth == 0) return false;
    if (kind == json_kind::object) return walk_object(json, depth - 1);
    json.begin_array();
    while (json.next_element()) {
        if (!walk(json, depth - 1)) return false;
    }
    return json.ok();
}

}  // namespace

bool read_strict_object(std::string_view text, std::size_t max_depth,
                        function_ref<bool(std::string_view key, json_reader& json)> visit) {
    if (!validate_utf8(as_bytes(text))) return false;
    json_reader json(text);
    key_list keys;
    std::string_view key;
    std::string scratch;
    if (!json.begin_object()) return false;
    while (json.next_key(key, scratch)) {
        if (!keys.add(key, scratch)) return false;
        const json_kind kind = json.peek();
        json_reader value = json;
        if (!visit(key, value)) return false;
        const bool was_read = value.ok() && value.position() != json.position();
        if (was_read && kind != json_kind::object && kind != json_kind::array) {
            json = value;
        } else if (!walk(json, max_depth - 1)) {
            return false;
        }
    }
    return json.finish() && keys.distinct();
}

}  // namespace weft::auth
