// What proxies say about a client. Whatever does not read as the grammar has it says nothing: an
// address that cannot be believed is left out, and the caller goes on with the proxy's own.

#include "http/proto/forwarded.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"

namespace weft::http {
namespace {

using judge_ref = function_ref<hop(std::string_view)>;

/// What one proxy says. The texts are as sent; nothing where it says nothing.
struct said {
    std::optional<std::string_view> node{};
    std::optional<std::string_view> scheme{};
    std::optional<std::string_view> host{};
};

/// Cuts port and brackets off "192.0.2.1:80", "[2001:db8::1]:80" and so on (RFC 7239 section 6).
std::string_view address_of(std::string_view node) noexcept {
    const std::size_t colon = node.find(':');
    if (!node.starts_with('[')) {
        const bool port = colon != node.npos && node.find(':', colon + 1) == node.npos;
        return node.substr(0, port ? colon : node.npos);
    }
    const std::size_t end = node.find(']');
    if (end == node.npos || (end + 1 < node.size() && node[end + 1] != ':')) return {};
    return node.substr(1, end - 1);
}

/// The last hops of a header, from the left.
class hops {
public:
    void add(const said& what) noexcept { last_[count_++ % max_hops] = what; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] const said& from_right(std::size_t distance) const noexcept {
        return last_[(count_ - 1 - distance) % max_hops];
    }
    /// How far from the right the client stands; nothing if its address is not known.
    [[nodiscard]] std::optional<std::size_t> find_client(judge_ref judge) const {
        std::optional<std::size_t> found;
        for (std::size_t i = 0; i < std::min(count_, max_hops); ++i) {
            const hop what = judge(address_of(from_right(i).node.value_or(std::string_view{})));
            if (what == hop::unknown) break;
            found = i;
            if (what == hop::client) break;
        }
        return found;
    }

private:
    std::array<said, max_hops> last_;
    std::size_t count_ = 0;
};

/// The item of a list that was written together with the address `from_right` in a list of `beside`
/// addresses. If the two do not go together, the last one: what the nearest proxy says.
std::optional<std::string_view> item_beside(const message_head& head, std::string_view name,
                                            std::size_t from_right, std::size_t beside) {
    std::size_t count = 0;
    head.each_item(name, [&](std::string_view) { ++count; });
    if (count == 0) return head.header_count(name) > 0 ? std::optional("") : std::nullopt;
    std::size_t place = count - 1;
    if (count == beside) place -= from_right;
    std::optional<std::string_view> found;
    head.each_item(name, [&](std::string_view item) {
        if (place-- == 0) found = item;
    });
    return found;
}

said read_x_forwarded(const message_head& head, judge_ref judge) {
    hops all;
    head.each_item("x-forwarded-for", [&](std::string_view item) { all.add({.node = item}); });
    const auto client = all.find_client(judge);
    said client_said;
    if (client) {
        client_said.node = all.from_right(*client).node;
    } else if (head.header_count("x-forwarded-for") > 0) {
        client_said.node = "";
    }
    client_said.scheme =
        item_beside(head, "x-forwarded-proto", client.value_or(0), client ? all.count() : 0);
    client_said.host =
        item_beside(head, "x-forwarded-host", client.value_or(0), client ? all.count() : 0);
    return client_said;
}

/// Takes `name=value`, where the value may be quoted, off the front. An escape in a quoted text is
/// refused: nothing that is read here needs one.
std::optional<header_field> take_pair(std::string_view& list) noexcept {
    const std::size_t equals = std::min(list.find('='), list.size());
    header_field pair{list.substr(0, equals), {}};
    list.remove_prefix(std::min(equals + 1, list.size()));
    const bool quoted = list.starts_with('"');
    if (quoted) list.remove_prefix(1);
    const std::size_t end = quoted ? list.find('"') : list.find_first_of(",; \t");
    if (quoted && end == list.npos) return std::nullopt;
    pair.value = list.substr(0, end);
    list.remove_prefix(std::min(pair.value.size() + (quoted ? 1 : 0), list.size()));
    if (!syntax::is_token(pair.name) || pair.value.find('\\') != pair.value.npos)
        return std::nullopt;
    return pair;
}

bool set_once(std::optional<std::string_view>& where, std::string_view value) noexcept {
    if (where) return false;
    where = value;
    return true;
}

/// Adds the elements of one line; false if it is malformed.
bool read_elements(std::string_view line, hops& all) noexcept {
    said one;
    bool any = false;
    for (line = syntax::trim(line); !line.empty(); line = syntax::trim(line)) {
        if (line.front() == ',' || line.front() == ';') {
            if (line.front() == ',' && std::exchange(any, false)) all.add(std::exchange(one, {}));
            line.remove_prefix(1);
            continue;
        }
        const auto pair = take_pair(line);
        if (!pair) return false;
        any = true;
        bool once = true;
        if (same_token(pair->name, "for")) once = set_once(one.node, pair->value);
        if (same_token(pair->name, "proto")) once = set_once(one.scheme, pair->value);
        if (same_token(pair->name, "host")) once = set_once(one.host, pair->value);
        const std::string_view rest = syntax::trim(line);
        if (!once || (!rest.empty() && rest.front() != ',' && rest.front() != ';')) return false;
    }
    if (any) all.add(one);
    return true;
}

said read_standard(const message_head& head, judge_ref judge) {
    if (head.header_count("forwarded") == 0) return {};
    hops all;
    bool good = true;
    head.each_value("forwarded",
                    [&](std::string_view line) { good = good && read_elements(line, all); });
    if (!good || all.count() == 0) return {"", "", ""};
    const auto client = all.find_client(judge);
    said what = all.from_right(client.value_or(0));
    if (!client && what.node) what.node = "";
    return what;
}

std::string_view agreed(std::optional<std::string_view> a, std::optional<std::string_view> b) {
    if (!a || !b) return a ? *a : b.value_or(std::string_view{});
    return same_token(*a, *b) ? *a : std::string_view{};
}

std::string_view page_scheme(std::string_view scheme) noexcept {
    if (same_token(scheme, "https") || same_token(scheme, "wss")) return "https";
    if (same_token(scheme, "http") || same_token(scheme, "ws")) return "http";
    return {};
}

template <class F>
void change(std::optional<std::string_view>& text, F&& how) {
    if (text) text = how(*text);
}

}  // namespace

forwarded_facts read_forwarded(const message_head& head, judge_ref judge) {
    said old = read_x_forwarded(head, judge), standard = read_standard(head, judge);
    for (said* const one : {&old, &standard}) {
        change(one->node, address_of);
        change(one->scheme, page_scheme);
    }
    const std::string_view host = agreed(old.host, standard.host);
    return {agreed(old.node, standard.node), agreed(old.scheme, standard.scheme),
            split_authority(host) ? host : std::string_view{}};
}

}  // namespace weft::http
