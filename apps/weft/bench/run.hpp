#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>

#include "bench/options.hpp"

namespace weft::bench {

/// How the busiest thread of a program spent the time, as shares of it.
struct thread_share {
    double running = 0;
    double waiting = 0;  ///< For a processor that something else had.
};

/// What a run found out. Times in nanoseconds.
struct report {
    double seconds = 0;
    std::uint64_t messages = 0;  ///< Answers (echo) or deliveries (broadcast); none when idle.
    std::uint64_t p50 = 0, p99 = 0, p999 = 0, max = 0;
    double generator_cpu = 0;  ///< Per message.
    thread_share generator{};
    std::optional<double> server_cpu{};  ///< Per message; needs the server's pid, as do the rest.
    std::optional<thread_share> server{};
    std::optional<double> resident_per_connection{};   ///< Bytes.
    std::optional<double> anonymous_per_connection{};  ///< Bytes of heap and stack.
};

/// Puts the load on the server and measures. Blocks for the whole run.
/// **Errors**: sentences for the user: what failed, which option helps.
[[nodiscard]] result<report> run(const options& wanted);

/// For people: a few lines, the last of which says what limited the run.
[[nodiscard]] std::string to_text(const options& wanted, const report& found);
/// For programs: one JSON object.
[[nodiscard]] std::string to_json(const options& wanted, const report& found);

}  // namespace weft::bench
