#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/auth/verifier.hpp>
#include <weft/cluster/options.hpp>
#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>
#include <weft/ws/options.hpp>

#include "config/load.hpp"
#include "topics/topic_hub.hpp"

namespace weft::config {

/// What settings come to: options of the library, with the files that they name read.
struct plan {
    server_options server{};  ///< Without a log, and without what belongs to pages.
    std::vector<server_address> addresses{};
    std::vector<std::pair<std::string, http::static_files>> folders{};
    std::vector<std::pair<std::string, ws::options>> endpoints{};
    topics::hub_options topics{};
    std::vector<std::string> guarded{};  ///< Paths that need a token.
    std::optional<auth::verifier> verifier{};
    std::vector<auth::issuer> issuers{};  ///< Those of the verifier.
    drain_options drain{};
    privilege_options privileges{};
    bool has_secrets = false;  ///< Keys or passwords are in memory.
    internal_section internal{};
    log_level log = log_level::warning;
};

/// Whether only this machine can reach all of them.
[[nodiscard]] bool on_loopback(const std::vector<server_address>& addresses);

/// Makes a plan. What settings have wrong together, or with the files that they name, becomes a
/// problem of `from`; then there is no plan. A plan can still fail where the system refuses: a port
/// that others use.
[[nodiscard]] std::optional<plan> make_plan(loaded& from);

/// Of `[cluster]` alone.
[[nodiscard]] result<cluster::options> make_cluster(const cluster_section& from);

}  // namespace weft::config
