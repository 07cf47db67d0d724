// permessage-deflate over raw zlib streams.
//
// Sending: each message ends with a sync flush whose last four bytes are cut off; never with a
// final block, which breaks several clients. Receiving: those four bytes are fed behind the
// message, after which the stream must stand exactly between two blocks; else bytes are missing or
// left over. The peer cannot make one call produce more than the room it was given.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>
#include <zlib.h>

#include "ws/proto/deflate.hpp"

namespace weft::ws {
namespace {

constexpr std::array<Bytef, 4> flush_tail{0x00, 0x00, 0xFF, 0xFF};
constexpr int between_blocks = 128;         // in z_stream::data_type, see inflate() in zlib.h
constexpr int position_bits = 64 | 63;      // last block; unused bits of the last byte
constexpr std::size_t largest_kept = 4096;  // history worth copying out of a stream

Bytef* bytes_of(const std::byte* from) noexcept {
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from));
}

uInt clamped(std::size_t size) noexcept {
    return static_cast<uInt>(std::min<std::size_t>(size, 1U << 30));
}

// zlib's memory, counted by what the allocator really gave.
void* take_charged(void* budget, uInt items, uInt size) {
    void* const taken = std::malloc(std::size_t{items} * size);
    if (taken != nullptr) static_cast<byte_budget*>(budget)->charge(::malloc_usable_size(taken));
    return taken;
}
void free_charged(void* budget, void* taken) {
    static_cast<byte_budget*>(budget)->release(::malloc_usable_size(taken));
    std::free(taken);
}

z_stream* new_stream(byte_budget* budget) noexcept {
    auto* const stream = new (std::nothrow) z_stream{};
    if (stream == nullptr || budget == nullptr) return stream;
    stream->zalloc = &take_charged;
    stream->zfree = &free_charged;
    stream->opaque = budget;
    return stream;
}

/// An empty message: an empty stored block without the bytes that are cut off.
std::optional<buffer_slice> compress_nothing() noexcept {
    buffer_ref block = shared_buffer::allocate(1);
    if (!block) return std::nullopt;
    block->data()[0] = std::byte{0};
    const byte_view bytes{block->data(), 1};
    return buffer_slice{std::move(block), bytes};
}

}  // namespace

void deflater::free_stream::operator()(z_stream_s* stream) const noexcept {
    deflateEnd(stream);
    delete stream;
}

bool deflater::prepare() noexcept {
    if (stream_ != nullptr) {
        if (!fresh_ && deflateReset(stream_.get()) != Z_OK) return false;
        fresh_ = true;
        return true;
    }
    auto* const stream = new_stream(budget_);
    if (stream == nullptr) return false;
    if (deflateInit2(stream, settings_.level, Z_DEFLATED, -settings_.window_bits,
                     settings_.memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
        delete stream;
        return false;
    }
    stream_.reset(stream);
    fresh_ = true;
    return true;
}

std::optional<buffer_slice> deflater::compress(byte_view message) noexcept {
    // With nothing to flush zlib would write nothing; the stream need not know of the message.
    if (message.empty()) return compress_nothing();
    if (!prepare()) return std::nullopt;
    // Until the whole message is out, the peer does not have this history.
    fresh_ = false;
    std::size_t capacity = deflateBound(stream_.get(), static_cast<uLong>(message.size())) + 16;
    buffer_ref block = shared_buffer::allocate(capacity);
    if (!block) return std::nullopt;
    std::size_t size = 0;
    do {
        if (size == capacity) {
            capacity *= 2;
            if (!shared_buffer::resize(block, capacity, size)) return std::nullopt;
        }
        const uInt room = clamped(capacity - size);
        const uInt given = clamped(message.size());
        stream_->next_in = bytes_of(message.data());
        stream_->avail_in = given;
        stream_->next_out = bytes_of(block->data() + size);
        stream_->avail_out = room;
        const bool all = given == message.size();
        const int status = ::deflate(stream_.get(), all ? Z_SYNC_FLUSH : Z_NO_FLUSH);
        if (status != Z_OK && status != Z_BUF_ERROR) return std::nullopt;
        size += room - stream_->avail_out;
        message = message.subspan(given - stream_->avail_in);
    } while (!message.empty() || stream_->avail_out == 0);
    if (size < flush_tail.size()) return std::nullopt;
    size -= flush_tail.size();
    // The bound was a guess for the worst; what waits in a queue should not hold it.
    if (size < capacity / 2 && !shared_buffer::resize(block, size, size)) return std::nullopt;
    fresh_ = true;
    const byte_view bytes{block->data(), size};
    return buffer_slice{std::move(block), bytes};
}

std::optional<buffer_slice> shared_deflaters::compress_once(byte_view message,
                                                            int window_bits) noexcept {
    if (window_bits < 9 || window_bits > 15) return std::nullopt;
    std::optional<deflater>& entry = by_window_[static_cast<std::size_t>(window_bits - 9)];
    // There are few of these, so they may have zlib's full memory.
    if (!entry) entry.emplace(deflate_settings{window_bits, 8, level_});
    entry->forget_history();
    return entry->compress(message);
}

void shared_deflaters::release() noexcept {
    for (std::optional<deflater>& entry : by_window_) entry.reset();
}

void inflater::free_stream::operator()(z_stream_s* stream) const noexcept {
    inflateEnd(stream);
    delete stream;
}

bool inflater::prepare() noexcept {
    if (stream_ != nullptr) return true;
    auto* const stream = new_stream(budget_);
    if (stream == nullptr) return false;
    if (inflateInit2(stream, -int{window_bits_}) != Z_OK) {
        delete stream;
        return false;
    }
    stream_.reset(stream);
    if (!history_.owner) return true;
    const int status = inflateSetDictionary(stream, bytes_of(history_.bytes.data()),
                                            static_cast<uInt>(history_.bytes.size()));
    history_ = {};
    return status == Z_OK;
}

inflater::step inflater::run(byte_view& input, bool last, byte_span out) noexcept {
    if (!prepare()) return {inflate_status::corrupt, 0};
    std::size_t produced = 0;
    for (;;) {
        const bool at_tail = input.empty();
        if (at_tail && !last) return {inflate_status::need_input, produced};
        const std::size_t tail_left = flush_tail.size() - tail_sent_;
        // A final block may end the message as it is, without the byte that RFC 7692 adds.
        const bool tail_untouched = tail_left == flush_tail.size();
        if (at_tail && at_stream_end_ && (tail_untouched || tail_left == 0)) {
            return end_message(produced);
        }
        const uInt given = at_tail ? static_cast<uInt>(tail_left) : clamped(input.size());
        const uInt room = clamped(out.size() - produced);
        stream_->next_in =
            at_tail ? const_cast<Bytef*>(flush_tail.data()) + tail_sent_ : bytes_of(input.data());
        stream_->avail_in = given;
        stream_->next_out = bytes_of(out.data() + produced);
        stream_->avail_out = room;
        const int status = ::inflate(stream_.get(), Z_SYNC_FLUSH);
        const uInt taken = given - stream_->avail_in;
        if (at_tail) {
            tail_sent_ = static_cast<std::uint8_t>(tail_sent_ + taken);
        } else {
            input = input.subspan(taken);
        }
        produced += room - stream_->avail_out;
        at_stream_end_ = status == Z_STREAM_END;
        if (at_stream_end_) {
            if (inflateResetKeep(stream_.get()) != Z_OK) return {inflate_status::corrupt, produced};
            continue;
        }
        if (status != Z_OK && status != Z_BUF_ERROR) return {inflate_status::corrupt, produced};
        if (at_tail && tail_sent_ == flush_tail.size()) {
            // Asked of this call, not of the next one: zlib forgets its position when it has
            // nothing to do.
            const int position = stream_->data_type & (between_blocks | position_bits);
            if (position == between_blocks) return end_message(produced);
            if (stream_->avail_out != 0) return {inflate_status::corrupt, produced};
        }
        if (stream_->avail_out == 0) return {inflate_status::output_full, produced};
    }
}

inflater::step inflater::end_message(std::size_t produced) noexcept {
    tail_sent_ = 0;
    at_stream_end_ = false;
    if (!keep_history_ && inflateReset(stream_.get()) != Z_OK) {
        return {inflate_status::corrupt, produced};
    }
    return {inflate_status::finished, produced};
}

void inflater::release() noexcept {
    if (stream_ == nullptr) return;
    if (keep_history_) {
        uInt size = 0;
        if (inflateGetDictionary(stream_.get(), nullptr, &size) != Z_OK || size > largest_kept) {
            return;
        }
        if (size != 0) {
            buffer_ref copy = shared_buffer::allocate(size);
            if (!copy) return;
            inflateGetDictionary(stream_.get(), bytes_of(copy->data()), &size);
            const byte_view bytes{copy->data(), size};
            history_ = {std::move(copy), bytes};
        }
    }
    stream_.reset();
}

}  // namespace weft::ws
