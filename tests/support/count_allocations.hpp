#pragma once

// Counts every call of malloc and its kin in this program: for one source file of a test program
// of its own, which has one thread.

#include <cstddef>
#include <cstdlib>

namespace {
std::size_t allocations = 0;  // this program has one thread
}

// What glibc's own functions are called, for those who replace them.
extern "C" {
void* __libc_malloc(std::size_t size);                  // NOLINT
void* __libc_calloc(std::size_t count, std::size_t);    // NOLINT
void* __libc_realloc(void* memory, std::size_t size);   // NOLINT
void* __libc_memalign(std::size_t align, std::size_t);  // NOLINT

void* malloc(std::size_t size) noexcept {
    ++allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
    ++allocations;
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
    ++allocations;
    return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
    ++allocations;
    return __libc_memalign(align, size);
}
}
