#pragma once

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include <weft/base/bytes.hpp>

#include "base/heap_cost.hpp"

namespace weft::ws {

/// Received bytes that are handled bit by bit, with the padding behind them that `on_data`
/// promises.
class kept_bytes {
public:
    kept_bytes() = default;
    kept_bytes(kept_bytes&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})),
          begin_(std::exchange(other.begin_, 0)),
          end_(std::exchange(other.end_, 0)) {}
    kept_bytes& operator=(kept_bytes&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        return *this;
    }

    void append(byte_view more) {
        if (more.empty()) return;
        bytes_.resize(end_ + more.size() + padding);
        std::memcpy(bytes_.data() + end_, more.data(), more.size());
        end_ += more.size();
    }
    /// `there` lies in `content` or at its end.
    void drop_until(const std::byte* there) noexcept {
        begin_ = static_cast<std::size_t>(there - bytes_.data());
    }
    [[nodiscard]] byte_span content() noexcept { return {bytes_.data() + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::size_t cost() const noexcept { return heap_cost(bytes_); }

private:
    static constexpr std::size_t padding = 64;

    std::vector<std::byte> bytes_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace weft::ws
