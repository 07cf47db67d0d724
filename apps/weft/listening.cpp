// What every command that listens has in common: TLS flags, the line that says it is ready, errors
// that name the flag.

#include "listening.hpp"

#include <csignal>
#include <cstdio>

namespace weft {
namespace {

int complain(const std::string& what) {
    std::fprintf(stderr, "weft: %s\n", what.c_str());
    return 1;
}

/// What to do about a server that cannot be set up. The flags' values are well-formed, and the
/// files readable, by the time it is tried.
std::string advice(const listen_flags& flags, const std::error_code& why) {
    if (why == std::errc::address_in_use) {
        return "\n  another program uses port " + std::to_string(flags.port) +
               ": choose another one with --port, or --port 0 for any free one";
    }
    if (why == std::errc::permission_denied)
        return "\n  ports below 1024 need privileges: use --port 8080";
    if (why == std::errc::address_not_available)
        return "\n  --host takes an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::";
    if (why.category() == tls_category())
        return "\n  --tls-cert takes the certificate and its chain, --tls-key its private key: PEM";
    return {};
}

/// What ends or reloads the server waits from here on until `server::run` looks: whoever reads the
/// line `listening on` may send it at once.
void hold_signals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&held, signal);
    ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

}  // namespace

std::string url_host(const std::string& address) {
    const bool v6 = address.find(':') != std::string::npos;
    return v6 ? "[" + address + "]" : address;
}

log_level level_of(const listen_flags& flags) noexcept {
    if (flags.log_level == "debug") return log_level::debug;
    if (flags.log_level == "info") return log_level::info;
    return flags.log_level == "error" ? log_level::error : log_level::warning;
}

server_options make_server_options(const listen_flags& flags, log_sink& log) {
    server_options options;
    options.threads = flags.threads;
    options.log = &log;
    options.http.public_origins = flags.public_origins;
    options.http.trusted_proxies = flags.trusted_proxies;
    options.traffic = flags.traffic;
    options.budgets.connects_per_second = flags.connects_per_second;
    return options;
}

bool on_loopback(const listen_flags& flags) {
    const auto address = socket_address::make(flags.host, flags.port);
    return address && address->is_loopback();
}

server_options make_page_options(const listen_flags& flags, log_sink& log) {
    server_options options = make_server_options(flags, log);
    if (on_loopback(flags)) {
        options.http.allowed_hosts = {"localhost", "127.0.0.1", "[::1]", url_host(flags.host)};
    }
    return options;
}

int listen_and_run(server& target, const listen_flags& flags, std::string_view scheme,
                   std::string_view path) {
    return listen_and_run(target, flags, scheme, path, [] { return true; });
}

int listen_and_run(server& target, const listen_flags& flags, std::string_view scheme,
                   std::string_view path, function_ref<bool()> before_ready) {
    server_address address;
    address.host = flags.host;
    address.port = flags.port;
    if (flags.tls_cert.empty() != flags.tls_key.empty()) {
        return complain("--tls-cert and --tls-key go together: one of them is missing");
    }
    if (!flags.tls_cert.empty()) {
        tls_options tls;
        tls.certificates.push_back({flags.tls_cert, flags.tls_key, {}, {}, {}});
        address.tls = std::move(tls);
    }
    if (flags.proxy_protocol && flags.trusted_proxies.empty()) {
        return complain("--proxy-protocol needs --trusted-proxy: the address of the proxy");
    }
    const traffic_limits& limits = flags.traffic.per_address;
    if (flags.traffic.dry_run && limits.max_connections == 0 && limits.connects_per_minute == 0 &&
        limits.messages_per_second == 0) {
        return complain(
            "--limits-dry-run needs a limit to try, such as --max-connections-per-address 100");
    }
    address.proxy_protocol = flags.proxy_protocol;
    const auto port = target.listen(address);
    if (!port) return complain(port.error().message() + advice(flags, port.error().code()));
    hold_signals();  // also in the threads that begin from here on
    if (!before_ready()) return 1;
    std::printf("listening on %.*s%s://%s:%u%.*s\n", static_cast<int>(scheme.size()), scheme.data(),
                address.tls ? "s" : "", url_host(flags.host).c_str(), unsigned{*port},
                static_cast<int>(path.size()), path.data());
    std::fflush(stdout);
    if (target.run() != 0) return complain(target.failure());
    return 0;
}

}  // namespace weft
