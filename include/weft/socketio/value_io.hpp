#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <forward_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/base/json_reader.hpp>
#include <weft/pubsub/message.hpp>

namespace weft::socketio {

/// How a type is read from and written to the arguments of an event. For the types that come with
/// the library, see <weft/socketio/codec.hpp>; specialise it for one that `WEFT_FIELDS` does not
/// fit:
///
///     template <>
///     struct weft::socketio::codec<my::colour> {
///         static bool decode(value_reader& in, my::colour& out) {
///             std::string_view text;
///             if (!in.read(text)) return false;
///             return out.parse(text) || in.fail("expected #rrggbb");
///         }
///         static void encode(value_writer& out, const my::colour& c) { out.write(c.text()); }
///     };
///
/// `decode` returns false exactly when a call on `in` did. A type that refers to what was received
/// instead of owning it says so with `static constexpr bool borrows = true`.
template <class T>
struct codec;

class value_reader;
class value_writer;

/// What an event handler can take.
template <class T>
concept decodable = std::default_initializable<T> && requires(value_reader& in, T& out) {
    { codec<T>::decode(in, out) } -> std::same_as<bool>;
};

/// What `emit` can send.
template <class T>
concept encodable = requires(value_writer& out, const T& what) {
    codec<T>::encode(out, what);
};

/// Keeps the texts of borrowed strings that had to be unescaped, as long as the handler's call.
using borrowed_texts = std::forward_list<std::string>;

/// Reads one value after another from received arguments, and keeps where and why it failed.
///
/// **Lifetime**: borrows text, attachments and `borrowed_texts`; for the length of a decode.
class value_reader {
public:
    value_reader(std::string_view json, std::span<const byte_view> attachments,
                 borrowed_texts& texts) noexcept
        : json_(json), attachments_(attachments), texts_(texts), patience_(json.size() * 16 + 1) {}
    value_reader(const value_reader&) = delete;
    value_reader& operator=(const value_reader&) = delete;

    /// The next value, of any type that has a codec.
    template <class T>
    bool decode(T& out) {
        return codec<T>::decode(*this, out);
    }

    [[nodiscard]] json_kind peek() noexcept { return json_.peek(); }
    bool read_null();
    bool read(bool& out);
    template <std::integral Int>
    requires(!std::same_as<Int, bool>) bool read(Int& out) {
        return json_.read(out) || expected("an integer");
    }
    bool read(double& out);
    bool read(std::string& out);
    /// Borrowed: valid as long as the reader's text and `borrowed_texts`.
    bool read(std::string_view& out);
    /// An attachment, borrowed.
    bool read(byte_view& out);
    /// Whether the next value is an attachment; then it is read as `read` would.
    [[nodiscard]] bool try_read(byte_view& out);
    /// The JSON text of the next value, borrowed. **Errors**: an attachment in it, which text alone
    /// does not hold.
    bool read_raw(std::string_view& out);
    bool skip();

    /// Calls `element(index)`, which decodes one, for each element of an array.
    template <std::predicate<std::size_t> F>
    bool each_element(F&& element) {
        if (!begin_array()) return false;
        for (std::size_t i = 0; json_.next_element(); ++i) {
            if (!element(i)) return inside(i);
        }
        return json_.ok() || broken();
    }
    /// Calls `member(key)`, which decodes its value, for each member of an object. The key is valid
    /// until the next read. `likely` is the next key as senders usually write it, `"name":`, and
    /// may change meanwhile: a right guess saves looking for the key.
    template <std::predicate<std::string_view> F>
    bool each_member(F&& member, const std::string_view& likely = {}) {
        std::string_view key;
        if (!begin_object()) return false;
        while (next_key(key, likely)) {
            if (!member(key)) return false;
        }
        return json_.ok() || broken();
    }
    /// For arguments: whether another value follows in a list without brackets.
    bool next_in_sequence() noexcept { return json_.next_in_sequence(); }
    /// Whether nothing is left.
    bool finish() { return json_.finish() || broken(); }

    /// Tries `decode_it`; when that fails everything is as before. **Errors**: gives up for good
    /// when trying again and again would cost more than the text is worth.
    template <std::predicate F>
    bool attempt(F&& decode_it) {
        if (patience_ == 0) return false;
        const json_reader before = json_;
        return decode_it() || come_back(before);
    }

    /// Ends decoding with a reason for people, as in "expected a number". Returns false.
    bool fail(std::string_view reason);
    /// Adds to the path of an error: it is inside of this member, of this element. Returns false.
    bool inside(std::string_view member);
    bool inside(std::size_t index);

    /// After a failure: "items[3].price: expected a number".
    [[nodiscard]] std::string why() const;

private:
    bool begin_array();
    bool begin_object();
    bool next_key(std::string_view& key, std::string_view likely = {});
    bool read_placeholder(std::size_t& index);
    bool expected(std::string_view what);
    bool broken();
    /// For `attempt`: forgets the failure. False, so that the caller tries what is next.
    bool come_back(const json_reader& before);

    json_reader json_;
    std::span<const byte_view> attachments_;
    borrowed_texts& texts_;
    std::string key_scratch_;
    std::string reason_;
    std::string path_;
    std::size_t patience_;  // bytes that attempts may still read again
};

/// The arguments of an event or acknowledgement, ready to be put into a packet.
struct encoded_arguments {
    /// The arguments as JSON, separated by commas, without brackets around them: `"a",{"b":1}`.
    std::string json;
    /// What the placeholders in it stand for; binary messages.
    std::vector<message> attachments;
};

/// Writes one value after another, straight into the text.
///
/// **Lifetime**: `into` must outlive the writer and is complete when the writer is destroyed.
class value_writer {
public:
    /// Appends to what is there.
    explicit value_writer(encoded_arguments& into);
    value_writer(const value_writer&) = delete;
    value_writer& operator=(const value_writer&) = delete;
    ~value_writer();

    /// Any type that has a codec.
    template <class T>
    void encode(const T& what) {
        codec<T>::encode(*this, what);
    }

    void write_null() { token("null"); }
    void write(std::same_as<bool> auto truth) { token(truth ? "true" : "false"); }
    template <std::integral Int>
    requires(!std::same_as<Int, bool>) void write(Int number) {
        char* const to = separate(longest_integer);
        at_ = std::to_chars(to, to + longest_integer, number).ptr;
    }
    /// NaN and the infinities become null.
    void write(double number);
    /// Bytes that are not UTF-8 become U+FFFD.
    void write(std::string_view text);
    void write(const char* text) { write(std::string_view(text)); }
    /// An attachment: a placeholder, and the bytes beside the text.
    void write(byte_view bytes) { write(message::binary(bytes)); }
    /// The same without a copy; a text message is written as a string.
    void write(const message& what);
    /// JSON that is known to be valid.
    void write_raw(std::string_view json) { token(json); }

    void begin_array() { open('['); }
    void end_array() { close(']'); }
    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void key(std::string_view name);
    /// A key that is JSON already, with its quotes and colon.
    void raw_key(std::string_view quoted) {
        token(quoted);
        comma_ = false;
    }

private:
    static constexpr std::size_t longest_integer = 24;

    /// Room for so many bytes behind the comma, if one is due, which is written.
    char* separate(std::size_t room) {
        if (static_cast<std::size_t>(end_ - at_) <= room) grow(room);
        if (comma_) *at_++ = ',';
        comma_ = true;
        return at_;
    }
    void token(std::string_view text) {
        std::memcpy(separate(text.size()), text.data(), text.size());
        at_ += text.size();
    }
    void open(char bracket) {
        *separate(1) = bracket;
        ++at_;
        comma_ = false;
    }
    void close(char bracket) {
        comma_ = false;
        *separate(1) = bracket;
        ++at_;
    }
    void grow(std::size_t room);
    void write_escaped(std::string_view text);

    encoded_arguments& into_;
    char* at_;   // into_.json is written up to here ...
    char* end_;  // ... and is filled up to here meanwhile
    bool comma_ = false;
};

}  // namespace weft::socketio
