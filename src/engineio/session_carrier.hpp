#pragma once

#include <array>
#include <string_view>

#include <weft/base/unique_function.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/upgrade.hpp>

namespace weft::engineio {

/// The end of every session id that a process gives out, when it is one of several: whose it is.
using node_tag = std::array<char, 4>;

/// Brings requests about the sessions of other processes to those. **Threads**: any loop's.
/// **Lifetime**: outlives the engines.
class session_carrier {
public:
    session_carrier() = default;
    session_carrier(const session_carrier&) = delete;
    session_carrier& operator=(const session_carrier&) = delete;
    virtual ~session_carrier() = default;

    /// Ours.
    [[nodiscard]] virtual node_tag tag() const noexcept = 0;
    /// Has the owner of the session `sid` answer, later, unless the client goes. `lost`, if there
    /// is no owner to be reached, gets the handle back, on this loop.
    virtual void carry(const http::request& what, std::string_view sid, http::responder answer,
                       unique_function<void(http::responder)> lost) = 0;
    /// The same for an upgrade: the bytes behind it go between client and owner.
    virtual void carry(const http::request& what, std::string_view sid, http::upgrade answer,
                       unique_function<void(http::upgrade)> lost) = 0;
};

}  // namespace weft::engineio
