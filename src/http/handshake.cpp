// A request copied into one block, which outlives the request's own memory. What is in it was
// checked before: neither a header's value nor a decoded path can have a line feed.

#include <weft/http/handshake.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <weft/http/request.hpp>

#include "http/proto/target.hpp"

namespace weft::http {
namespace {

constexpr std::size_t line_feeds = 2;  // behind a name, and behind its value

/// Writes texts one behind the other.
class text_writer {
public:
    explicit text_writer(std::byte* out) noexcept : out_(out) {}
    void add(std::string_view text) noexcept {
        if (!text.empty()) std::memcpy(out_, text.data(), text.size());
        out_ += text.size();
    }
    void add_pair(std::string_view name, std::string_view value) noexcept {
        add(name);
        add("\n");
        add(value);
        add("\n");
    }

private:
    std::byte* out_;
};

template <class Part>
Part narrow(std::size_t size) noexcept {
    return static_cast<Part>(size);  // heads are below 64 KiB, numeric addresses below 256
}

}  // namespace

handshake::handshake(const request& asked) {
    const std::string address = asked.peer().address().address().substr(0, UINT8_MAX);
    const std::string_view url = asked.target();
    const bool plain_path = url.starts_with(asked.path()) &&
                            (url.size() == asked.path().size() || url[asked.path().size()] == '?');
    const std::string_view path = plain_path ? std::string_view{} : asked.path();
    std::size_t params = 0;
    asked.each_param([&](std::string_view name, std::string_view value) {
        params += name.size() + value.size() + line_feeds;
    });
    const message_head& head = asked.head();
    std::size_t headers = 0;
    for (std::size_t i = 0; i < head.field_count(); ++i)
        headers += head.field(i).name.size() + head.field(i).value.size() + line_feeds;

    facts known;
    known.issued = std::chrono::system_clock::now();
    known.size =
        narrow<std::uint32_t>(url.size() + path.size() + address.size() + params + headers);
    known.url = narrow<std::uint16_t>(url.size());
    known.path = narrow<std::uint16_t>(path.size());
    known.params = narrow<std::uint32_t>(params);
    known.address = narrow<std::uint8_t>(address.size());
    known.secure = asked.peer().secure();

    block_ = new std::byte[sizeof known + known.size];
    new (block_) facts(known);
    text_writer out(block_ + sizeof known);
    out.add(url);
    out.add(path);
    out.add(address);
    asked.each_param(
        [&](std::string_view name, std::string_view value) { out.add_pair(name, value); });
    for (std::size_t i = 0; i < head.field_count(); ++i)
        out.add_pair(head.field(i).name, head.field(i).value);
}

handshake::handshake(const handshake_parts& told) {
    const auto fits = [](std::string_view text, std::size_t most) {
        return text.size() <= most && text.find('\n') == std::string_view::npos;
    };
    const std::string_view url = fits(told.url, UINT16_MAX) ? told.url : std::string_view{};
    const std::string_view address =
        fits(told.address, UINT8_MAX) ? told.address : std::string_view{};
    const auto is_header = [&](const auto& one) {
        return fits(one.first, UINT16_MAX) && fits(one.second, UINT16_MAX);
    };
    std::size_t headers = 0;
    for (const auto& one : told.headers) {
        if (is_header(one)) headers += one.first.size() + one.second.size() + line_feeds;
    }
    if (headers > 16 * UINT16_MAX) headers = 0;
    facts known;
    known.issued = told.issued;
    known.size = narrow<std::uint32_t>(url.size() + address.size() + headers);
    known.url = narrow<std::uint16_t>(url.size());
    known.address = narrow<std::uint8_t>(address.size());
    known.secure = told.secure;
    block_ = new std::byte[sizeof known + known.size];
    new (block_) facts(known);
    text_writer out(block_ + sizeof known);
    out.add(url);
    out.add(address);
    if (headers == 0) return;
    for (const auto& one : told.headers) {
        if (is_header(one)) out.add_pair(one.first, one.second);
    }
}

handshake::handshake(const handshake& other) {
    if (!other) return;
    block_ = new std::byte[other.memory()];
    new (block_) facts(other.about());
    std::memcpy(block_ + sizeof(facts), other.block_ + sizeof(facts), other.about().size);
}

const handshake::facts& handshake::about() const noexcept {
    static constexpr facts nothing;
    return block_ == nullptr ? nothing : *std::launder(reinterpret_cast<const facts*>(block_));
}

std::string_view handshake::text(std::size_t offset, std::size_t size) const noexcept {
    if (block_ == nullptr) return {};
    return {reinterpret_cast<const char*>(block_) + sizeof(facts) + offset, size};
}

std::string_view handshake::path() const noexcept {
    if (about().path != 0) return text(about().url, about().path);
    return url().substr(0, url().find('?'));
}

std::string_view handshake::query() const noexcept {
    const std::size_t mark = url().find('?');
    return mark == std::string_view::npos ? std::string_view{} : url().substr(mark + 1);
}

std::string_view handshake::address() const noexcept {
    return text(std::size_t{about().url} + about().path, about().address);
}

std::string_view handshake::params() const noexcept {
    return text(std::size_t{about().url} + about().path + about().address, about().params);
}

std::string_view handshake::headers() const noexcept {
    const std::size_t offset =
        std::size_t{about().url} + about().path + about().address + about().params;
    return text(offset, about().size - offset);
}

std::optional<std::string> handshake::query_value(std::string_view name) const {
    return find_query_value(query(), name);
}

std::string_view handshake::param(std::string_view name) const noexcept {
    std::string_view found;
    each_param([&](std::string_view key, std::string_view value) {
        if (key == name) found = value;
    });
    return found;
}

std::string_view handshake::header(std::string_view name) const noexcept {
    std::optional<std::string_view> found;
    each_header([&](std::string_view key, std::string_view value) {
        if (!found && same_token(key, name)) found = value;
    });
    return found.value_or(std::string_view{});
}

std::optional<trace_context> handshake::trace() const noexcept {
    std::string_view found;
    std::size_t count = 0;
    each_header([&](std::string_view key, std::string_view value) {
        if (!same_token(key, "traceparent")) return;
        found = value;
        ++count;
    });
    return count == 1 ? trace_context::parse(found) : std::nullopt;
}

}  // namespace weft::http
