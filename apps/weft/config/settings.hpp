#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/auth/options.hpp>
#include <weft/cluster/options.hpp>
#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/options.hpp>
#include <weft/ws/options.hpp>

#include "log/program_log.hpp"
#include "service/privileges.hpp"

namespace weft::config {

/// A text that nobody is shown: itself, or the file that has it.
struct secret {
    std::string text{};
    std::string file{};

    [[nodiscard]] bool empty() const noexcept { return text.empty() && file.empty(); }
    friend bool operator==(const secret&, const secret&) = default;
};

/// `[[listen]]`.
struct listener {
    server_address address{.host = "127.0.0.1"};
    std::string tls_cert{};  ///< A file, as those below.
    std::string tls_key{};
};

/// `[[static]]`.
struct static_folder {
    std::string path = "/";
    std::string folder{};
    http::static_options options{};
};

/// `[[endpoint]]`: where the topic protocol is spoken.
struct endpoint {
    std::string path = "/ws";
    bool deflate = false;
    std::string overflow = "close";
    ws::options options{};
};

/// `[topics]`: what clients may do with topics.
struct topics_section {
    bool list = false;
    std::size_t max_per_client = 100;
    unsigned requests_per_second = 50;
    unsigned burst = 100;
    std::optional<std::string> others{};  ///< What is right for topics without a rule.
};

/// `[[topic]]`: rules for the topics of a pattern.
struct topic {
    std::string match{};
    std::string subscribe{};  ///< A `topics::topic_right`; empty: anyone, as below.
    std::string publish{};
    std::uint64_t max_data = 0;
    std::string overflow = "queue";
    std::string latest_by{};
    std::string schema_file{};
};

/// `[socketio]`.
struct socketio_section {
    std::string path{};  ///< None: no Socket.IO.
    std::vector<std::string> origins{};
    socketio::options options{};
};

/// `[[auth.issuer]]`. Its keys are one of the last four.
struct issuer {
    auth::issuer rules{};
    std::vector<std::string> algorithms{};
    config::secret secret{};
    std::string public_key_file{};
    std::string jwks_file{};
    std::string jwks_url{};
};

/// `[auth]`.
struct auth_section {
    std::vector<std::string> paths{};  ///< Besides those of the endpoints.
    auth::options options{};
};

/// `[cluster]`. Without any place of Redis there is none.
struct cluster_section {
    cluster::options options{.redis = {.host = {}}};
    std::vector<std::string> sentinels{};  ///< HOST:PORT, as those below.
    std::vector<std::string> nodes{};
    secret password{};
    bool tls = false;
    std::string ca_file{};
    std::string adapter = "classic";

    [[nodiscard]] bool wanted() const noexcept {
        return !options.redis.host.empty() || !options.redis.unix_path.empty() ||
               !sentinels.empty() || !nodes.empty();
    }
};

/// `[internal]`: the operator's own listener.
struct internal_section {
    std::string host = "127.0.0.1";
    std::optional<std::uint16_t> port{};  ///< None: no such listener.
    secret token{};
    secret publish_key{};
};

/// `[log]`.
struct log_section {
    log_options options{};
    std::string level = "warning";
    std::string format = "auto";
};

/// All that the program can be told about what it serves.
struct settings {
    server_options server{};  ///< `[server]`, `[http]`, `[limits]`.
    privilege_options privileges{};
    std::vector<listener> listeners{1};
    std::vector<static_folder> folders{};
    std::vector<endpoint> endpoints{1};
    topics_section topics{};
    std::vector<topic> patterns{};
    socketio_section socketio{};
    auth_section auth{};
    std::vector<issuer> issuers{};
    cluster_section cluster{};
    drain_options drain{};
    internal_section internal{};
    log_section log{};
};

}  // namespace weft::config
