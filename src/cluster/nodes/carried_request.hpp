#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/base/unique_function.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/upgrade.hpp>

#include "base/byte_budget.hpp"
#include "cluster/nodes/loop_part.hpp"
#include "http/proto/response_parser.hpp"

namespace weft::cluster::nodes {

/// The request as its owner is to get it: as it came, but for what was between us and the client.
[[nodiscard]] std::string write_request(const http::request& what, bool upgrades);

/// A request on its way to the owner of its session, until that has answered. `Handle` is a
/// `http::responder` or a `http::upgrade`. **Threads**: its loop's. **Lifetime**: its own.
template <class Handle>
class carried_request final : private carried_end,
                              public std::enable_shared_from_this<carried_request<Handle>> {
public:
    using lost_handler = unique_function<void(Handle)>;

    /// Sends it over `pipe`. False when there is no memory for it, and it has been answered.
    [[nodiscard]] static bool begin(loop_part& part, std::shared_ptr<pipe_end> pipe,
                                    const http::request& what, Handle answer, lost_handler lost);
    carried_request(loop_part& part, std::shared_ptr<pipe_end> pipe, Handle answer,
                    lost_handler lost);

private:
    static constexpr bool upgrades = std::is_same_v<Handle, http::upgrade>;

    void on_bytes(std::string bytes) noexcept override;
    void on_sent() noexcept override {}
    void on_end() noexcept override;
    void on_reset(std::error_code why) noexcept override;
    void on_drain() noexcept override;
    void on_loop_end() noexcept override { finish(); }

    void read(std::string_view bytes);
    void read_head(std::string_view& bytes);
    void switch_to_relay(std::string_view rest);
    void respond();
    void lose() noexcept;
    /// Nothing more comes of it.
    void finish() noexcept;

    const std::shared_ptr<pipe_end> pipe_;
    Handle answer_;
    lost_handler lost_;
    byte_charge charge_;
    http::response_head_reader head_;
    std::optional<http::response_parser> response_;  // once there is a head
    std::shared_ptr<carried_request> self_;          // until it is finished
};

}  // namespace weft::cluster::nodes
