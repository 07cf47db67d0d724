// `$id` and `$ref` by RFC 3986, without fetching anything: a reference leads to a place of the same
// text or is refused.
// Invariant: the keys of `ids_` are resolved against the base of their place, without empty
// fragments.

#include "schema/references.hpp"

#include <algorithm>
#include <optional>

#include "base/hex.hpp"

namespace weft::json_schema {
namespace {

/// A URI reference, taken apart. **See**: RFC 3986 appendix B.
struct uri_parts {
    std::optional<std::string_view> scheme{};
    std::optional<std::string_view> authority{};
    std::string_view path{};
    std::optional<std::string_view> query{};
    std::optional<std::string_view> fragment{};
};

uri_parts take_apart(std::string_view text) noexcept {
    uri_parts parts;
    if (const auto hash = text.find('#'); hash != std::string_view::npos) {
        parts.fragment = text.substr(hash + 1);
        text = text.substr(0, hash);
    }
    if (const auto mark = text.find('?'); mark != std::string_view::npos) {
        parts.query = text.substr(mark + 1);
        text = text.substr(0, mark);
    }
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && colon != 0 && colon < text.find('/')) {
        parts.scheme = text.substr(0, colon);
        text = text.substr(colon + 1);
    }
    if (text.starts_with("//")) {
        const auto slash = std::min(text.find('/', 2), text.size());
        parts.authority = text.substr(2, slash - 2);
        text = text.substr(slash);
    }
    parts.path = text;
    return parts;
}

/// **See**: RFC 3986 section 5.2.4.
std::string without_dots(std::string_view path) {
    std::string out;
    const auto drop_last = [&out] {
        const auto slash = out.rfind('/');
        out.resize(slash == std::string::npos ? 0 : slash);
    };
    while (!path.empty()) {
        if (path.starts_with("../")) {
            path.remove_prefix(3);
        } else if (path.starts_with("./") || path.starts_with("/./")) {
            path.remove_prefix(2);
        } else if (path == "/.") {
            path = "/";
        } else if (path.starts_with("/../")) {
            path.remove_prefix(3);
            drop_last();
        } else if (path == "/..") {
            path = "/";
            drop_last();
        } else if (path == "." || path == "..") {
            break;
        } else {
            const auto next = std::min(path.find('/', 1), path.size());
            out.append(path.substr(0, next));
            path.remove_prefix(next);
        }
    }
    return out;
}

std::string merged(const uri_parts& base, std::string_view path) {
    if (base.authority && base.path.empty()) return "/" + std::string(path);
    const auto slash = base.path.rfind('/');
    std::string out(slash == std::string_view::npos ? "" : base.path.substr(0, slash + 1));
    return out.append(path);
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && text.size() - i > 2 && hex_value(text[i + 1]) >= 0 &&
            hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string unescaped_token(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] == '~' && i + 1 < token.size() &&
            (token[i + 1] == '0' || token[i + 1] == '1')) {
            out += token[++i] == '0' ? '~' : '/';
        } else {
            out += token[i];
        }
    }
    return out;
}

}  // namespace

std::string resolve_uri(std::string_view base_text, std::string_view reference) {
    const uri_parts base = take_apart(base_text);
    const uri_parts given = take_apart(reference);
    uri_parts all = given;
    std::string path(given.path);
    if (!given.scheme) {
        all.scheme = base.scheme;
        if (!given.authority) {
            all.authority = base.authority;
            if (given.path.empty()) {
                path = base.path;
                if (!given.query) all.query = base.query;
            } else if (!given.path.starts_with('/')) {
                path = merged(base, given.path);
            }
        }
    }
    std::string out;
    if (all.scheme) out.append(*all.scheme).append(":");
    if (all.authority) out.append("//").append(*all.authority);
    out += without_dots(path);
    if (all.query) out.append("?").append(*all.query);
    if (all.fragment && !all.fragment->empty()) out.append("#").append(*all.fragment);
    return out;
}

result<index> references::add_id(index at, index owner, index base) {
    if (tree_[at].kind != json_kind::string)
        return complaint(program_, errc::invalid_argument, at, "$id is a string");
    std::string uri = resolve_uri(bases_[base], string_of(tree_[at]));
    const auto hash = uri.find('#');
    if (owner == 0 && uri == bases_[base]) return base;
    // The root is known as "" too.
    if (!ids_.try_emplace(uri, owner).second)
        return complaint(program_, errc::invalid_argument, at, "two schemas have this $id");
    if (hash != std::string::npos && uri.compare(0, hash, bases_[base]) == 0) return base;
    if (hash != std::string::npos) {
        uri.resize(hash);
        ids_.try_emplace(uri, owner);
    }
    bases_.push_back(std::move(uri));
    return static_cast<index>(bases_.size() - 1);
}

/// The item that a JSON pointer leads to. **See**: RFC 6901 section 4.
index references::walk(index from, std::string_view pointer) const {
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const auto size = std::min(pointer.find('/'), pointer.size());
        const std::string token = unescaped_token(pointer.substr(0, size));
        pointer.remove_prefix(size);
        const auto& children = tree_[from].children;
        const auto child = std::find_if(children.begin(), children.end(),
                                        [&](index i) { return program_.places[i].token == token; });
        if (child == children.end()) return none;
        from = *child;
    }
    return from;
}

result<index> references::find(index at, index base) const {
    if (tree_[at].kind != json_kind::string)
        return complaint(program_, errc::invalid_argument, at, "$ref is a string");
    const std::string uri = resolve_uri(bases_[base], string_of(tree_[at]));
    const auto hash = std::min(uri.find('#'), uri.size());
    const auto document = ids_.find(std::string_view(uri).substr(0, hash));
    if (document == ids_.end())
        return complaint(program_, errc::not_supported, at,
                         "this leads to another document, and Weft loads none");
    if (hash == uri.size()) return document->second;
    const std::string fragment = percent_decoded(std::string_view(uri).substr(hash + 1));
    index found = none;
    if (fragment.starts_with('/')) {
        found = walk(document->second, fragment);
    } else if (const auto named = ids_.find(uri); named != ids_.end()) {
        found = named->second;
    }
    if (found != none) return found;
    return complaint(program_, errc::invalid_argument, at, "there is nothing at this place");
}

}  // namespace weft::json_schema
