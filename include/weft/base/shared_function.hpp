#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace weft {

template <class Signature>
class shared_function;

/// Owns a callable together with its copies. Calling an empty one is undefined; test it first.
/// **Threads**: as the callable. **Cost**: making one is one allocation, a copy is a count. Like
/// `std::function`, without what <functional> includes.
template <class R, class... Args>
class shared_function<R(Args...)> {
public:
    shared_function() noexcept = default;

    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, shared_function> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
        shared_function(
            F&& callable)  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
        : held_(std::make_shared<std::decay_t<F>>(std::forward<F>(callable))),
          call_([](void* held, Args&&... args) -> R {
              return (*static_cast<std::decay_t<F>*>(held))(std::forward<Args>(args)...);
          }) {}

    explicit operator bool() const noexcept { return held_ != nullptr; }

    R operator()(Args... args) const { return call_(held_.get(), std::forward<Args>(args)...); }

private:
    std::shared_ptr<void> held_;
    R (*call_)(void*, Args&&...) = nullptr;
};

}  // namespace weft
