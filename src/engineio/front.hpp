#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/http/router.hpp>

#include "engineio/cors.hpp"
#include "engineio/pending_request.hpp"
#include "engineio/shard.hpp"

namespace weft::engineio {

/// What HTTP sees of an engine: its routes, and the checks of each request before it may do
/// anything. **Lifetime**: that of the engine; the routes borrow it.
class front {
public:
    front(const common& all, const std::vector<std::unique_ptr<shard>>& shards)
        : all_(all), shards_(shards), origins_(all.chosen) {}
    front(const front&) = delete;
    front& operator=(const front&) = delete;

    /// **Errors**: the router's.
    [[nodiscard]] result<void> add_routes(http::router& router);
    [[nodiscard]] const origin_guard& origins() const noexcept { return origins_; }

private:
    using request_ptr = std::unique_ptr<pending_request>;

    [[nodiscard]] const options& chosen() const noexcept { return all_.chosen; }
    [[nodiscard]] pending_request begin(const http::request& request) const;
    result<void> route(http::router& router, const std::string& pattern);
    [[nodiscard]] std::optional<std::string_view> foreign_sid(
        const http::request& request) const noexcept;
    template <class Handle>
    void carry(const http::request& request, std::string_view sid, Handle answer);
    void on_request(const http::request& request, http::responder answer);
    void on_body_part(const http::request& request);
    void on_body_cut(const http::request& request);
    [[nodiscard]] polling* posts_to(const http::request& request) const;
    void on_upgrade(const http::request& request, http::upgrade upgrade);
    void refuse_origin(const http::request& request, pending_request& q);
    void advance(pending_request& q);
    void wait_for(const guard& gate, errc no, pending_request& q);
    static task<void> await(front& self, const guard& gate, errc no, request_ptr q);
    static void resume(front& self, request_ptr q, errc no, admission<> said);

    const common& all_;
    const std::vector<std::unique_ptr<shard>>& shards_;
    const origin_guard origins_;
};

}  // namespace weft::engineio
