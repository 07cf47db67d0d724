// What every command that listens has in common: its plan, the line that says it is ready, errors
// that name the flag.

#include "listening.hpp"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "service/privileges.hpp"

namespace weft {
namespace {

int complain(const std::string& what) {
    std::fprintf(stderr, "weft: %s\n", what.c_str());
    return 1;
}

/// What to do about a server that cannot be set up. The flags' values are well-formed, and the
/// files readable, by the time it is tried.
std::string advice(const server_address& address, const std::error_code& why) {
    if (why == std::errc::address_in_use) {
        return "\n  another program uses port " + std::to_string(address.port) +
               ": choose another one with --port, or --port 0 for any free one";
    }
    if (why == std::errc::permission_denied)
        return "\n  ports below 1024 need privileges: use --port 8080";
    if (why == std::errc::address_not_available)
        return "\n  --host takes an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::";
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

std::optional<config::plan> make_plan(const config::sources& from, config::settings* read) {
    config::loaded settings = config::load(from);
    std::optional<config::plan> made;
    if (settings.problems.empty()) made = config::make_plan(settings);
    for (const std::string& each : settings.problems)
        std::fprintf(stderr, "weft: %s\n", each.c_str());
    if (read != nullptr) *read = std::move(settings.values);
    return made;
}

server_options page_options(server_options all, const std::vector<server_address>& addresses,
                            log_sink& log) {
    all.log = &log;
    if (!config::on_loopback(addresses)) return all;
    auto& names = all.http.allowed_hosts;
    names.insert(names.end(), {"localhost", "127.0.0.1", "[::1]"});
    for (const server_address& each : addresses) names.push_back(url_host(each.host));
    return all;
}

int listen_and_run(server& target, const config::plan& where, std::string_view scheme,
                   std::string_view path) {
    return listen_and_run(target, where, scheme, path, [] { return true; });
}

int listen_and_run(server& target, const config::plan& where, std::string_view scheme,
                   std::string_view path, function_ref<bool()> before_ready) {
    std::vector<std::uint16_t> ports;
    for (const server_address& each : where.addresses) {
        const auto port = target.listen(each);
        if (!port) return complain(port.error().message() + advice(each, port.error().code()));
        ports.push_back(*port);
    }
    if (const auto dropped = drop_privileges(where.privileges); !dropped)
        return complain(dropped.error().message());
    if (where.has_secrets) hide_memory();
    hold_signals();  // also in the threads that begin from here on
    if (!before_ready()) return 1;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const server_address& each = where.addresses[i];
        std::string url(scheme);
        url += each.tls ? "s" : "";
        if (each.host.empty()) {
            std::printf("listening on %s+unix: the socket that it was handed\n", url.c_str());
            continue;
        }
        url += each.unix_path.empty() ? "://" + url_host(each.host) + ":" +
                                            std::to_string(ports[i]) + std::string(path)
                                      : "+unix:" + each.unix_path;
        std::printf("listening on %s\n", url.c_str());
    }
    std::fflush(stdout);
    if (target.run(signal_handling::drain, where.drain) != 0) return complain(target.failure());
    return 0;
}

}  // namespace weft
