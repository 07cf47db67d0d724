// Reading and writing the values of arguments. The reader translates what `json_reader` found into
// sentences for the peer's developer, and builds the path of a failure while the codecs unwind: a
// success costs nothing. Invariants: what is written is valid JSON in valid UTF-8 whatever it was
// given, and each placeholder written has its attachment.

#include <weft/socketio/value_io.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include <weft/base/base64.hpp>
#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>

#include "base/json_scan.hpp"
#include "socketio/proto/placeholders.hpp"
#include "socketio/utf8_repair.hpp"

namespace weft::socketio {
namespace {

constexpr std::size_t longest_integer = 24;

constexpr std::string_view placeholder_key = "_placeholder";

/// Keys are the peer's: an error shows so much of one.
constexpr std::size_t shown_key = 40;

std::string_view clipped(std::string_view key) noexcept {
    if (key.size() <= shown_key) return key;
    std::size_t size = shown_key;
    while (size > 0 && (static_cast<unsigned char>(key[size]) & 0xc0) == 0x80) --size;
    return key.substr(0, size);
}

}  // namespace

struct borrowed_texts::node {
    std::string text;
    node* before;
};

std::string_view borrowed_texts::add(std::string text) {
    last_ = new node{std::move(text), last_};
    return last_->text;
}

void borrowed_texts::clear() noexcept {
    while (last_ != nullptr) delete std::exchange(last_, last_->before);
}

bool value_reader::fail(std::string_view reason) {
    if (reason_.empty()) reason_ = reason;
    return false;
}

/// What `json_` stopped at, when a certain kind of value was asked for.
bool value_reader::expected(std::string_view what) {
    switch (json_.error()) {
        case json_errc::wrong_kind:
        case json_errc::not_integral: return fail("expected " + std::string(what));
        default: return broken();
    }
}

bool value_reader::broken() {
    return fail(describe(json_.error()));
}

bool value_reader::inside(std::string_view member) {
    path_.insert(0, clipped(member)).insert(0, ".");
    return false;
}

bool value_reader::inside(std::size_t index) {
    path_.insert(0, '[' + std::to_string(index) + ']');
    return false;
}

std::string value_reader::why() const {
    if (path_.empty()) return reason_;
    return path_.substr(path_.front() == '.' ? 1 : 0) + ": " + reason_;
}

bool value_reader::come_back(const json_reader& before) {
    const std::size_t cost = json_.position() - before.position() + 1;
    if (cost >= patience_) {
        patience_ = 0;
        reason_.clear();
        path_.clear();
        return fail("too many alternatives to try");
    }
    patience_ -= cost;
    json_ = before;
    reason_.clear();
    path_.clear();
    return false;
}

bool value_reader::read_null() {
    return json_.read_null() || expected("null");
}

bool value_reader::read(bool& out) {
    return json_.read(out) || expected("a boolean");
}

bool value_reader::read(double& out) {
    return json_.read(out) || expected("a number");
}

bool value_reader::read(std::string& out) {
    return json_.read(out) || expected("a string");
}

bool value_reader::read(std::string_view& out) {
    std::string unescaped;
    if (!json_.read(out, unescaped)) return expected("a string");
    if (out.data() == unescaped.data()) out = texts_.add(std::move(unescaped));
    return true;
}

bool value_reader::read_raw(std::string_view& out) {
    if (!json_.raw(out)) return broken();
    if (attachments_.empty()) return true;  // then there are no placeholders
    json_reader again(out);
    placeholder_set none(0);
    return skip_value(again, none) == errc{} || fail("expected no binary data");
}

bool value_reader::skip() {
    return json_.skip() || broken();
}

bool value_reader::begin_array() {
    return json_.begin_array() || expected("an array");
}

bool value_reader::begin_object() {
    return json_.begin_object() || expected("an object");
}

bool value_reader::next_key(std::string_view& key, std::string_view likely) {
    if (likely.empty() || !json_.next_key_if(likely)) return json_.next_key(key, key_scratch_);
    key = likely.substr(1, likely.size() - 3);  // what is between the quotes
    return true;
}

/// `{"_placeholder":true,"num":0}` and nothing else, in any order.
bool value_reader::read_placeholder(std::size_t& index) {
    bool marked = false;
    bool numbered = false;
    std::string_view key;
    if (!json_.begin_object()) return false;
    while (next_key(key)) {
        if (key == placeholder_key) {
            if (!json_.read(marked)) return false;
        } else if (key == "num") {
            if (!json_.read(index)) return false;
            numbered = true;
        } else {
            return false;
        }
    }
    return json_.ok() && marked && numbered;
}

bool value_reader::try_read(byte_view& out) {
    if (attachments_.empty() || json_.peek() != json_kind::object) return false;
    const json_reader before = json_;
    std::size_t index = 0;
    if (read_placeholder(index) && index < attachments_.size()) {
        out = attachments_[index];
        return true;
    }
    json_ = before;
    return false;
}

bool value_reader::read_attachment(byte_view& out) {
    if (binary_ == binary_form::base64) return read_base64(out);
    return try_read(out) || fail("expected binary data");
}

bool value_reader::read_base64(byte_view& out) {
    std::string text;
    if (!json_.read(text)) return expected("binary data as base64");
    std::string bytes(text.size(), '\0');
    const auto size = base64_decode(text, std::as_writable_bytes(std::span(bytes)));
    if (!size) return fail("expected binary data as base64");
    bytes.resize(*size);
    out = as_bytes(texts_.add(std::move(bytes)));
    return true;
}

value_writer::value_writer(encoded_arguments& into, binary_form binary)
    : into_(into), binary_(binary) {
    // The text is resized once, over all that it has room for, and cut at the end.
    constexpr std::size_t typical = 240;  // most events fit: one allocation
    const std::size_t size = into.json.size();
    comma_ = size != 0;
    into.json.resize(std::max(size + typical, into.json.capacity()));
    cursor_ = into.json.data() + size;
    end_ = into.json.data() + into.json.size();
}

value_writer::~value_writer() {
    into_.json.resize(static_cast<std::size_t>(cursor_ - into_.json.data()));
}

/// Makes room for `room` bytes and a comma.
void value_writer::grow(std::size_t room) {
    const auto used = static_cast<std::size_t>(cursor_ - into_.json.data());
    into_.json.resize(std::max(used + room + 1, into_.json.size() * 2));
    cursor_ = into_.json.data() + used;
    end_ = into_.json.data() + into_.json.size();
}

void value_writer::write_signed(std::int64_t number) {
    char* const begin = separate(longest_integer);
    cursor_ = std::to_chars(begin, begin + longest_integer, number).ptr;
}

void value_writer::write_unsigned(std::uint64_t number) {
    char* const begin = separate(longest_integer);
    cursor_ = std::to_chars(begin, begin + longest_integer, number).ptr;
}

void value_writer::write(double number) {
    cursor_ = weft::detail::format_json_number(separate(weft::detail::max_json_number), number);
}

void value_writer::write(std::string_view text) {
    char* const out = separate(text.size() + 2);
    if (!weft::detail::copy_plain(out + 1, text.data(), text.size())) return write_escaped(text);
    *out = '"';
    out[text.size() + 1] = '"';
    cursor_ = out + text.size() + 2;
}

/// A string with what JSON escapes, or with characters beyond ASCII. Its comma is written.
void value_writer::write_escaped(std::string_view text) {
    std::string quoted;
    const bool good = validate_utf8(as_bytes(text));
    append_json_string(quoted, good ? text : std::string_view(detail::repaired_utf8(text)));
    comma_ = false;
    token(quoted);
}

void value_writer::key(std::string_view name) {
    write(name);
    comma_ = false;
    *separate(1) = ':';
    ++cursor_;
    comma_ = false;
}

void value_writer::write(const message& what) {
    if (what && what.kind() == message_kind::text) return write(what.text());
    if (binary_ == binary_form::base64) {
        return write(std::string_view(base64_encode(what ? what.bytes() : byte_view{})));
    }
    begin_object();
    raw_key(R"("_placeholder":)");
    write(true);
    raw_key(R"("num":)");
    write(into_.attachments.size());
    end_object();
    into_.attachments.push_back(what ? what : message::binary({}));
}

}  // namespace weft::socketio
