#pragma once

#include <cstddef>
#include <memory>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/cluster/redis_options.hpp>

#include "cluster/redis/connection.hpp"

namespace weft::cluster::redis {

/// Asks one Sentinel after the other where the master is, beginning with the one that knew it last.
/// **Threads**: the loop's. **Lifetime**: shared; its owner calls `cancel`.
class master_search final : public std::enable_shared_from_this<master_search>,
                            private connection_user {
public:
    using found_handler = unique_function<void(result<redis_address>)>;

    master_search(std::shared_ptr<connection_home> home,
                  std::shared_ptr<const redis_options> wanted, found_handler done);
    ~master_search();

    /// Calls the handler once, later: with the address; or with `errc::no_master` when none of
    /// them has named it.
    void ask();
    /// The handler is not called any more.
    void cancel() noexcept;

private:
    void on_open() override {}
    void on_lost() noexcept override {}
    void on_push(const reply_view&) override {}
    void on_abandoned() noexcept override {}

    void answered(const result<reply_view>& reply);
    void ask_next(const error& why);
    void tell(result<redis_address> outcome);

    const std::shared_ptr<connection_home> home_;
    const std::shared_ptr<const redis_options> wanted_;
    found_handler done_;
    std::shared_ptr<connection> asked_;
    std::size_t at_;    // which Sentinel
    std::size_t left_;  // Sentinels that have not answered
};

}  // namespace weft::cluster::redis
