#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/base/json_reader.hpp>
#include <weft/pubsub/message.hpp>

namespace weft::socketio {

/// How to read a type from the arguments of an event, and how to write it. codec.hpp lists the
/// types that the library knows. Specialise it for a type that `WEFT_FIELDS` does not fit:
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
/// `decode` returns false exactly if a call on `in` did. If the type refers to received data
/// instead of owning it, add `static constexpr bool borrows = true`.
template <class T>
struct codec;

class value_reader;
class value_writer;

/// How binary data is told.
enum class binary_form : std::uint8_t {
    attachment,  ///< Beside the text, which holds a placeholder: Socket.IO.
    base64,      ///< As a string. **See**: RFC 4648 section 4.
};

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

/// Keeps borrowed strings that had to be unescaped, for the length of the handler's call.
class borrowed_texts {
public:
    borrowed_texts() noexcept = default;
    borrowed_texts(const borrowed_texts&) = delete;
    borrowed_texts& operator=(const borrowed_texts&) = delete;
    ~borrowed_texts() {
        if (last_ != nullptr) clear();
    }

    std::string_view add(std::string text);

private:
    struct node;
    void clear() noexcept;

    node* last_ = nullptr;
};

/// Reads one value after another from received arguments. Remembers where and why it failed.
///
/// **Lifetime**: borrows text, attachments and `borrowed_texts` for the length of a decode.
class value_reader {
public:
    value_reader(std::string_view json, std::span<const byte_view> attachments,
                 borrowed_texts& texts, binary_form binary = binary_form::attachment) noexcept
        : json_(json),
          attachments_(attachments),
          texts_(texts),
          patience_(json.size() * 16 + 1),
          binary_(binary) {}
    value_reader(const value_reader&) = delete;
    value_reader& operator=(const value_reader&) = delete;

    /// Reads the next value. `T` may be any type with a codec.
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
    /// A borrowed string: valid as long as the reader's text and `borrowed_texts`.
    bool read(std::string_view& out);
    /// Borrowed binary data.
    bool read(std::same_as<byte_view> auto& out) {  // `auto`: nobody looks for a conversion to it
        return read_attachment(out);
    }
    /// Reads the next value if it is an attachment; else returns false.
    [[nodiscard]] bool try_read(byte_view& out);
    /// The borrowed JSON text of the next value. **Errors**: the value has an attachment, which
    /// text cannot hold.
    bool read_raw(std::string_view& out);
    bool skip();

    /// Calls `element(index)` for each element of an array, to decode it.
    template <std::predicate<std::size_t> F>
    bool each_element(F&& element) {
        if (!begin_array()) return false;
        for (std::size_t i = 0; json_.next_element(); ++i) {
            if (!element(i)) return inside(i);
        }
        return json_.ok() || broken();
    }
    /// Calls `member(key)` for each member of an object, to decode its value. The key is valid
    /// until the next read. `likely` is your guess of the next key as text, `"name":`; `member` may
    /// change it. A right guess saves the search for the key.
    template <std::predicate<std::string_view> F>
    bool each_member(F&& member, const std::string_view& likely = {}) {
        std::string_view key;
        if (!begin_object()) return false;
        while (next_key(key, likely)) {
            if (!member(key)) return false;
        }
        return json_.ok() || broken();
    }
    /// Whether another value follows in a list without brackets. For arguments.
    bool next_in_sequence() noexcept { return json_.next_in_sequence(); }
    /// Whether nothing is left.
    bool finish() { return json_.finish() || broken(); }

    /// Tries `decode_it`. If it fails, restores the reader and returns false. After too many
    /// attempts for the size of the text, fails for good.
    template <std::predicate F>
    bool attempt(F&& decode_it) {
        if (patience_ == 0) return false;
        const json_reader before = json_;
        return decode_it() || come_back(before);
    }

    /// Ends decoding with a reason for people: "expected a number". Returns false.
    bool fail(std::string_view reason);
    /// Adds a member or an element to the path of the error. Returns false.
    bool inside(std::string_view member);
    bool inside(std::size_t index);

    /// After a failure: "items[3].price: expected a number".
    [[nodiscard]] std::string why() const;

private:
    bool read_attachment(byte_view& out);
    bool read_base64(byte_view& out);
    bool begin_array();
    bool begin_object();
    bool next_key(std::string_view& key, std::string_view likely = {});
    bool read_placeholder(std::size_t& index);
    bool expected(std::string_view what);
    bool broken();
    /// For `attempt`: forgets the failure. Returns false.
    bool come_back(const json_reader& before);

    json_reader json_;
    std::span<const byte_view> attachments_;
    borrowed_texts& texts_;
    std::string key_scratch_;
    std::string reason_;
    std::string path_;
    std::size_t patience_;  // bytes that attempts may still read again
    binary_form binary_;
};

/// The arguments of an event or acknowledgement, ready for a packet.
struct encoded_arguments {
    /// JSON values with commas between them, without brackets: `"a",{"b":1}`.
    std::string json;
    /// What the placeholders in `json` stand for: binary messages.
    std::vector<message> attachments;
};

/// Writes one value after another, straight into the text.
///
/// **Lifetime**: the arguments must outlive the writer. They are complete when it is destroyed.
class value_writer {
public:
    /// Appends to what is there.
    explicit value_writer(encoded_arguments& target, binary_form binary = binary_form::attachment);
    value_writer(const value_writer&) = delete;
    value_writer& operator=(const value_writer&) = delete;
    ~value_writer();

    /// Writes a value of any type with a codec.
    template <class T>
    void encode(const T& what) {
        codec<T>::encode(*this, what);
    }

    void write_null() { token("null"); }
    void write(std::same_as<bool> auto truth) { token(truth ? "true" : "false"); }
    template <std::integral Int>
    requires(!std::same_as<Int, bool>) void write(Int number) {
        if constexpr (std::is_signed_v<Int>) {
            write_signed(number);
        } else {
            write_unsigned(number);
        }
    }
    /// NaN and the infinities become null.
    void write(double number);
    /// Bytes that are not UTF-8 become U+FFFD.
    void write(std::string_view text);
    void write(const char* text) { write(std::string_view(text)); }
    /// Binary data: writes a placeholder and keeps the bytes beside the text, or writes base64.
    template <std::convertible_to<byte_view> Bytes>
    void write(const Bytes& bytes) {
        write(message::binary(bytes));
    }
    /// The same without a copy. A text message is written as a string.
    void write(const message& what);
    /// Writes JSON that must be valid.
    void write_raw(std::string_view json) { token(json); }

    void begin_array() { open('['); }
    void end_array() { close(']'); }
    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void key(std::string_view name);
    /// Writes a key that is JSON already, with quotes and colon.
    void raw_key(std::string_view quoted) {
        token(quoted);
        comma_ = false;
    }

private:
    /// Writes a comma if one is due. Then there is room for `room` bytes.
    char* separate(std::size_t room) {
        if (static_cast<std::size_t>(end_ - cursor_) <= room) grow(room);
        if (comma_) *cursor_++ = ',';
        comma_ = true;
        return cursor_;
    }
    void token(std::string_view text) {
        std::memcpy(separate(text.size()), text.data(), text.size());
        cursor_ += text.size();
    }
    void open(char bracket) {
        *separate(1) = bracket;
        ++cursor_;
        comma_ = false;
    }
    void close(char bracket) {
        comma_ = false;
        *separate(1) = bracket;
        ++cursor_;
    }
    void grow(std::size_t room);
    void write_signed(std::int64_t number);
    void write_unsigned(std::uint64_t number);
    void write_escaped(std::string_view text);

    encoded_arguments& into_;
    char* cursor_;  // into_.json is written up to here ...
    char* end_;     // ... and is filled up to here meanwhile
    bool comma_ = false;
    binary_form binary_;
};

}  // namespace weft::socketio
