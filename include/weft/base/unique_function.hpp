#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weft {

template <class Signature>
class unique_function;

/// Owns a callable. It can be moved but not copied, like `std::move_only_function` of C++23. Up to
/// 40 bytes of captures need no allocation. Calling an empty one is undefined; test it first.
template <class R, class... Args>
class unique_function<R(Args...)> {
public:
    unique_function() noexcept = default;
    unique_function(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)

    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, unique_function> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
        unique_function(
            F&& callable) {  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
        using stored = std::decay_t<F>;
        if constexpr (fits_inline<stored>) {
            ::new (static_cast<void*>(storage_)) stored(std::forward<F>(callable));
            ops_ = &inline_ops<stored>;
        } else {
            ::new (static_cast<void*>(storage_)) stored*(new stored(std::forward<F>(callable)));
            ops_ = &heap_ops<stored>;
        }
    }

    unique_function(unique_function&& other) noexcept { take(other); }
    unique_function& operator=(unique_function&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    unique_function(const unique_function&) = delete;
    unique_function& operator=(const unique_function&) = delete;
    ~unique_function() { reset(); }

    explicit operator bool() const noexcept { return ops_ != nullptr; }
    /// What the callable takes beside this object: 0 when it fits in here. **Units**: bytes.
    [[nodiscard]] std::size_t heap_size() const noexcept {
        return ops_ != nullptr ? ops_->heap_size : 0;
    }

    R operator()(Args... args) { return ops_->call(storage_, std::forward<Args>(args)...); }

private:
    static constexpr std::size_t inline_size = 40;

    struct operations {
        R (*call)(void*, Args&&...);
        void (*move)(void* from, void* to) noexcept;
        void (*destroy)(void*) noexcept;
        std::size_t heap_size;
    };

    template <class F>
    static constexpr bool fits_inline =
        sizeof(F) <= inline_size &&
        alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

    template <class F>
    static constexpr operations inline_ops{
        [](void* self, Args&&... args) -> R {
            return (*static_cast<F*>(self))(std::forward<Args>(args)...);
        },
        [](void* from, void* to) noexcept {
            ::new (to) F(std::move(*static_cast<F*>(from)));
            static_cast<F*>(from)->~F();
        },
        [](void* self) noexcept { static_cast<F*>(self)->~F(); }, 0};

    template <class F>
    static constexpr operations heap_ops{
        [](void* self, Args&&... args) -> R {
            return (**static_cast<F**>(self))(std::forward<Args>(args)...);
        },
        [](void* from, void* to) noexcept { ::new (to) F*(*static_cast<F**>(from)); },
        [](void* self) noexcept { delete *static_cast<F**>(self); }, sizeof(F)};

    void take(unique_function& other) noexcept {
        if (other.ops_ == nullptr) return;
        other.ops_->move(other.storage_, storage_);
        ops_ = std::exchange(other.ops_, nullptr);
    }

    void reset() noexcept {
        if (ops_ != nullptr) std::exchange(ops_, nullptr)->destroy(storage_);
    }

    alignas(std::max_align_t) std::byte storage_[inline_size];
    const operations* ops_ = nullptr;
};

}  // namespace weft
