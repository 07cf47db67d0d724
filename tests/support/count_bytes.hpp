#pragma once

// Counts the bytes that this program has from malloc, the allocator's share included, while
// counting is on: for one source file of a test program of its own, which has one thread. What is
// allocated while it is on must be freed while it is on.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <malloc.h>

namespace weft::test {

inline std::int64_t heap_bytes = 0;
inline bool heap_counting = false;

/// Counts, or does not, for a scope.
class heap_count {
public:
    explicit heap_count(bool on) noexcept : before_(std::exchange(heap_counting, on)) {}
    heap_count(const heap_count&) = delete;
    heap_count& operator=(const heap_count&) = delete;
    ~heap_count() { heap_counting = before_; }

private:
    bool before_;
};

inline void* count_taken(void* block) noexcept {
    if (heap_counting && block != nullptr)
        heap_bytes += static_cast<std::int64_t>(malloc_usable_size(block) + sizeof(std::size_t));
    return block;
}
inline void count_freed(void* block) noexcept {
    if (heap_counting && block != nullptr)
        heap_bytes -= static_cast<std::int64_t>(malloc_usable_size(block) + sizeof(std::size_t));
}

}  // namespace weft::test

// What glibc's own functions are called, for those who replace them.
extern "C" {
void* __libc_malloc(std::size_t size);                  // NOLINT
void* __libc_calloc(std::size_t count, std::size_t);    // NOLINT
void* __libc_realloc(void* memory, std::size_t size);   // NOLINT
void* __libc_memalign(std::size_t align, std::size_t);  // NOLINT
void __libc_free(void* memory);                         // NOLINT

void* malloc(std::size_t size) noexcept {
    return weft::test::count_taken(__libc_malloc(size));
}
void* calloc(std::size_t count, std::size_t size) noexcept {
    return weft::test::count_taken(__libc_calloc(count, size));
}
void* realloc(void* memory, std::size_t size) noexcept {
    weft::test::count_freed(memory);
    return weft::test::count_taken(__libc_realloc(memory, size));
}
void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
    return weft::test::count_taken(__libc_memalign(align, size));
}
void free(void* memory) noexcept {
    weft::test::count_freed(memory);
    __libc_free(memory);
}
}
