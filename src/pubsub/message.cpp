// A message is one block: this layer's bookkeeping, the key, room for a frame header, the payload,
// and the block's own readable padding. Invariant: payload and key never change; the header room is
// written once, by the thread that moved `header` from `none` to `busy`; an encoding, once
// published, stays until the last reference to the message goes.

#include <weft/pubsub/message.hpp>

#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "base/heap_cost.hpp"

namespace weft {

struct message::content {
    content(message_view view, const message_options& options) noexcept
        : kind(view.kind()),
          droppable(options.droppable),
          uncompressed(options.uncompressed),
          latest(options.latest),
          stamp(options.stamp),
          key_size(options.key.size()),
          payload_size(view.size()) {}
    ~content() {
        for (auto& slot : encodings) delete slot.load(std::memory_order_acquire);
    }

    std::byte* key() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    std::byte* payload() noexcept { return key() + key_size + headroom; }

    // States of `header`; anything from `ready` up means a header of that many bytes more.
    static constexpr int none = 0, busy = 1, ready = 2;

    const message_kind kind;
    const bool droppable;
    const bool uncompressed;
    const bool latest;
    std::atomic<int> header{none};
    const std::uint64_t stamp;
    const std::size_t key_size;
    const std::size_t payload_size;
    std::array<std::atomic<buffer_slice*>, message_encoding::count> encodings{};

    /// Where the blocks of messages go in the end.
    struct home_type final : shared_buffer::recycler {
        void recycle(shared_buffer* block) noexcept override {
            std::launder(reinterpret_cast<content*>(block->data()))->~content();
            shared_buffer::destroy(block);
        }
    };
    static home_type home;
};

constinit message::content::home_type message::content::home;

message::message(message_view view, const message_options& options) noexcept {
    const std::string_view key = options.key;
    constexpr std::size_t overhead = sizeof(content) + headroom;
    if (key.size() > SIZE_MAX - overhead || view.size() > SIZE_MAX - overhead - key.size()) return;
    static_assert(alignof(content) <= alignof(shared_buffer));
    buffer_ref block = shared_buffer::allocate(overhead + key.size() + view.size(), &content::home);
    if (!block) return;
    auto* made = ::new (static_cast<void*>(block->data())) content(view, options);
    if (!key.empty()) std::memcpy(made->key(), key.data(), key.size());
    if (view.size() != 0) std::memcpy(made->payload(), view.bytes().data(), view.size());
    block_ = std::move(block);
}

message::content& message::get() const noexcept {
    return *std::launder(reinterpret_cast<content*>(block_->data()));
}

message_kind message::kind() const noexcept {
    return block_ ? get().kind : message_kind::text;
}

byte_view message::bytes() const noexcept {
    if (!block_) return {};
    return {get().payload(), get().payload_size};
}

std::size_t message::memory() const noexcept {
    return block_ ? heap_cost(block_->block_size()) : 0;
}

std::string_view message::key() const noexcept {
    if (!block_) return {};
    return as_text({get().key(), get().key_size});
}

bool message::droppable() const noexcept {
    return block_ && get().droppable;
}

bool message::uncompressed() const noexcept {
    return block_ && get().uncompressed;
}

bool message::latest() const noexcept {
    return block_ && get().latest;
}

std::uint64_t message::stamp() const noexcept {
    return block_ ? get().stamp : 0;
}

buffer_slice message::framed(function_ref<std::size_t(byte_span headroom)> write) const {
    if (!block_) return {};
    content& c = get();
    int state = c.header.load(std::memory_order_acquire);
    while (state < content::ready) {
        if (state == content::none &&
            c.header.compare_exchange_strong(state, content::busy, std::memory_order_acquire)) {
            state = content::ready +
                    static_cast<int>(write({c.payload() - headroom, std::size_t{headroom}}));
            c.header.store(state, std::memory_order_release);
            c.header.notify_all();
        } else {
            c.header.wait(content::busy, std::memory_order_acquire);
            state = c.header.load(std::memory_order_acquire);
        }
    }
    const auto size = static_cast<std::size_t>(state - content::ready);
    return {block_, {c.payload() - size, size + c.payload_size}};
}

buffer_slice message::encoded(message_encoding form,
                              function_ref<buffer_slice(const message&)> make) const {
    if (!block_) return {};
    std::atomic<buffer_slice*>& slot = get().encodings[form.place_];
    if (const buffer_slice* kept = slot.load(std::memory_order_acquire)) return *kept;

    buffer_slice made = make(*this);
    // A slice of the message's own block would keep the message alive for ever: such are not kept.
    if (made.owner.get() == block_.get()) return made;
    std::unique_ptr<buffer_slice> fresh(new (std::nothrow) buffer_slice(made));
    buffer_slice* first = nullptr;
    if (fresh == nullptr) return made;
    if (slot.compare_exchange_strong(first, fresh.get(), std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
        static_cast<void>(fresh.release());
        return made;
    }
    return *first;
}

}  // namespace weft
