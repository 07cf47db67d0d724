#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace weft::cluster::redis {

enum class reply_type : std::uint8_t {
    simple,      ///< A short text, such as "OK".
    error,       ///< Simple or bulk: "ERR unknown command".
    integer,     ///< 64 bits.
    real,        ///< A double.
    big_number,  ///< Decimal digits of any number.
    boolean,
    null,
    bulk,
    verbatim,  ///< A text with its format, such as "txt".
    array,
    set,
    map,   ///< Its elements are key, value, key, value.
    push,  ///< What no command asked for.
};

namespace detail {

/// One value of a reply. A reply is a list of them in the order of the wire: an aggregate stands
/// before its elements.
struct reply_node {
    reply_type type = reply_type::null;
    std::uint32_t end = 1;  // of an aggregate: how many nodes further the next value stands
    std::size_t count = 0;  // elements, or the size of the text
    union {
        std::size_t at = 0;  // the text, from the beginning of the reply
        std::int64_t integer;
        double real;
    };
};

}  // namespace detail

/// A reply of the server, or a value in one. **Lifetime**: the reader's, until it reads on.
class reply_view {
public:
    reply_view(const detail::reply_node& node, const char* text) noexcept
        : node_(&node), text_(text) {}

    [[nodiscard]] reply_type type() const noexcept { return node_->type; }
    [[nodiscard]] bool is_error() const noexcept { return type() == reply_type::error; }
    [[nodiscard]] bool is_null() const noexcept { return type() == reply_type::null; }
    /// Arrays, sets, maps and pushes.
    [[nodiscard]] bool is_aggregate() const noexcept { return type() >= reply_type::array; }

    /// Of simple, error, big_number, bulk and verbatim (without its format); else empty.
    [[nodiscard]] std::string_view text() const noexcept;
    /// The three characters of a verbatim text; else empty.
    [[nodiscard]] std::string_view format() const noexcept;
    /// Of an integer, or of a boolean 1 or 0; else 0.
    [[nodiscard]] std::int64_t integer() const noexcept;
    /// Of a real; else 0.
    [[nodiscard]] double real() const noexcept;

    /// How many elements an aggregate has; a map has two for each key. Else 0.
    [[nodiscard]] std::size_t size() const noexcept { return is_aggregate() ? node_->count : 0; }

    class iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = reply_view;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = reply_view;

        iterator() noexcept = default;
        iterator(const detail::reply_node* node, const char* text) noexcept
            : node_(node), text_(text) {}
        reply_view operator*() const noexcept { return {*node_, text_}; }
        iterator& operator++() noexcept {
            node_ += node_->end;
            return *this;
        }
        iterator operator++(int) noexcept {
            const iterator old = *this;
            ++*this;
            return old;
        }
        bool operator==(const iterator& other) const noexcept { return node_ == other.node_; }

    private:
        const detail::reply_node* node_ = nullptr;
        const char* text_ = nullptr;
    };
    [[nodiscard]] iterator begin() const noexcept { return {node_ + 1, text_}; }
    [[nodiscard]] iterator end() const noexcept { return {node_ + node_->end, text_}; }

private:
    const detail::reply_node* node_;
    const char* text_;
};

}  // namespace weft::cluster::redis
