// Makes the messages that the generator sends and expects. What they say is decided by their number
// alone.

#include "bench/payloads.hpp"

#include <algorithm>

namespace weft::bench {
namespace {

constexpr std::size_t json_variants = 64;

constexpr std::array<std::string_view, 16> names{
    "Aino",  "Bruno", "Chiara", "Dmitri", "Elif",  "Farid",  "Greta",   "Hana",
    "Ivana", "Jorge", "Kwame",  "Leila",  "Milan", "Nadiya", "Oluwole", "Priya"};
constexpr std::array<std::string_view, 8> cities{"Lisbon",  "Oslo",  "Nairobi", "Quito",
                                                 "Kolkata", "Turin", "Sapporo", "Perth"};

/// xorshift64: the same numbers everywhere.
class sequence {
public:
    explicit sequence(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t below(std::uint64_t limit) noexcept {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_ % limit;
    }

private:
    std::uint64_t state_;
};

std::string letters(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
    return text;
}

std::string json(std::size_t size, std::uint64_t seed, char quote) {
    sequence random(seed);
    std::string text(number_digits, '0');
    const auto member = [&](std::string_view name) {
        text += quote;
        text += name;
        text += quote;
        text += ':';
    };
    const auto word = [&](std::string_view value) {
        text += quote;
        text += value;
        text += quote;
    };
    while (text.size() < size) {
        text += '{';
        member("id");
        text += std::to_string(random.below(1'000'000));
        text += ',';
        member("name");
        word(names[random.below(names.size())]);
        text += ',';
        member("city");
        word(cities[random.below(cities.size())]);
        text += ',';
        member("amount");
        text += std::to_string(random.below(10'000)) + '.' + std::to_string(random.below(100));
        text += ',';
        member("active");
        text += random.below(2) == 0 ? "false}," : "true},";
    }
    text.resize(size);
    return text;
}

}  // namespace

std::array<char, number_digits> number_text(std::uint64_t number) noexcept {
    std::array<char, number_digits> digits{};
    for (std::size_t i = number_digits; i-- > 0; number >>= 4U) {
        digits[i] = "0123456789abcdef"[number & 0xFU];
    }
    return digits;
}

payloads::payloads(std::size_t size, payload_style style) {
    if (style == payload_style::letters) {
        variants_.push_back(letters(size));
        return;
    }
    const char quote = style == payload_style::json ? '"' : '\'';
    for (std::uint64_t i = 1; i <= json_variants; ++i) {
        variants_.push_back(json(size, i * 0x9E37'79B9'7F4A'7C15U, quote));
    }
}

std::string_view payloads::make(std::uint64_t number) noexcept {
    std::string& text = variants_[number % variants_.size()];
    if (text.size() < number_digits) return text;
    const auto digits = number_text(number);
    std::copy(digits.begin(), digits.end(), text.begin());
    return text;
}

bool payloads::matches(std::string_view text, std::uint64_t number) noexcept {
    constexpr std::size_t large = 64 * 1024;
    constexpr std::size_t sample = 4 * 1024;
    const std::string_view wanted = make(number);
    if (wanted.size() < large || number % 16 == 0) return text == wanted;
    return text.size() == wanted.size() && text.substr(0, sample) == wanted.substr(0, sample) &&
           text.substr(text.size() - sample) == wanted.substr(wanted.size() - sample);
}

}  // namespace weft::bench
