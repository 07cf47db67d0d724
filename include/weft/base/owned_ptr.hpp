#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace weft::detail {

/// Owns the part of a public class that its header keeps to itself. For the library. A
/// `std::unique_ptr` would do; but each one takes the compiler of everybody who includes the header
/// seven milliseconds.
template <class T>
class owned_ptr {
public:
    owned_ptr() noexcept = default;
    owned_ptr(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
    explicit owned_ptr(T* object) noexcept : object_(object) {}
    template <class From>
    owned_ptr(std::unique_ptr<From> from) noexcept  // NOLINT(google-explicit-constructor)
        : object_(from.release()) {}
    owned_ptr(owned_ptr&& other) noexcept : object_(other.release()) {}
    owned_ptr& operator=(owned_ptr other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~owned_ptr() { std::default_delete<T>{}(object_); }

    [[nodiscard]] T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
    friend bool operator==(const owned_ptr& p, std::nullptr_t) noexcept {
        return p.object_ == nullptr;
    }

private:
    T* object_ = nullptr;
};

}  // namespace weft::detail
