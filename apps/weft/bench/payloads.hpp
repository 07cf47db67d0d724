#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::bench {

enum class payload_style : std::uint8_t {
    letters,        ///< The alphabet, again and again.
    json,           ///< Records with changing names and numbers, for compression.
    unquoted_json,  ///< The same without double quotes, to be put into a JSON string.
};

inline constexpr std::size_t number_digits = 8;
/// The last 32 bits of a number in hexadecimal.
[[nodiscard]] std::array<char, number_digits> number_text(std::uint64_t number) noexcept;

/// The messages of a run. They are the same in every run; from 8 bytes on each begins with its
/// number in hexadecimal, so that a wrong answer is found out.
class payloads {
public:
    payloads(std::size_t size, payload_style style);

    /// Message `number`. **Lifetime**: until the next call.
    [[nodiscard]] std::string_view make(std::uint64_t number) noexcept;
    /// Whether a text is message `number`. Of large ones only every 16th is looked at in full, the
    /// others at their beginning and end.
    [[nodiscard]] bool matches(std::string_view text, std::uint64_t number) noexcept;

private:
    std::vector<std::string> variants_;
};

}  // namespace weft::bench
