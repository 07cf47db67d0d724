// How a run is told: lines for people, JSON for programs. The verdict in the last line keeps a rate
// that only shows how fast the generator is from being taken for the server's.

#include <array>
#include <cmath>
#include <cstdio>

#include <weft/base/json_writer.hpp>

#include "bench/run.hpp"

namespace weft::bench {
namespace {

constexpr double saturated = 0.93;
constexpr double crowded = 0.1;

template <class... Args>
std::string format(const char* pattern, Args... args) {
    std::array<char, 256> text{};
    std::snprintf(text.data(), text.size(), pattern, args...);
    return text.data();
}

std::string time_text(double ns) {
    if (ns < 1e3) return format("%.0f ns", ns);
    if (ns < 1e6) return format("%.3g us", ns / 1e3);
    if (ns < 1e9) return format("%.3g ms", ns / 1e6);
    return format("%.3g s", ns / 1e9);
}
std::string time_text(std::uint64_t ns) {
    return time_text(static_cast<double>(ns));
}

std::string size_text(std::size_t bytes) {
    if (bytes >= 1024 * 1024 && bytes % (1024 * 1024) == 0)
        return std::to_string(bytes >> 20U) + " MiB";
    if (bytes >= 1024 && bytes % 1024 == 0) return std::to_string(bytes >> 10U) + " KiB";
    return std::to_string(bytes) + " B";
}

std::string_view work_name(workload work) {
    switch (work) {
        case workload::echo: return "echo";
        case workload::broadcast: return "broadcast";
        case workload::idle: return "idle";
    }
    return "";
}

/// What kept the rate from being higher: a word for programs, a sentence for people.
struct verdict {
    const char* word;
    const char* sentence;
};

verdict judge(const report& found) {
    const thread_share server = found.server.value_or(thread_share{});
    const thread_share& own = found.generator;
    if (server.running >= saturated)
        return {"server", "limited by the server: one of its threads is always busy"};
    if (own.running >= saturated)
        return {"generator",
                "limited by this generator: the server could do more (--threads helps "
                "where there are processors)"};
    if (server.waiting >= crowded || own.waiting >= crowded)
        return {"processors",
                "limited by the processors: the server or this generator was ready to run when "
                "something else had them"};
    if (!found.server)
        return {"unknown",
                "what limits it is unknown without --server-pid; the generator was not "
                "always busy"};
    return {"round trips",
            "limited by round trips: neither side is busy all the time "
            "(--connections or --in-flight adds load)"};
}

std::string busy_text(const thread_share& share) {
    std::string text =
        format(" of processor per message; busy %.0f %% of the time", share.running * 100);
    if (share.waiting >= 0.01) text += format(", kept waiting %.0f %%", share.waiting * 100);
    return text + "\n";
}

std::string idle_text(const options& wanted, const report& found) {
    std::string text =
        format("idle       %u connections opened in %.2f s\n", wanted.connections, found.seconds);
    text += format("memory     %.0f B of heap and stack per connection, %.0f B resident\n",
                   found.anonymous_per_connection.value_or(0),
                   found.resident_per_connection.value_or(0));
    return text;
}

}  // namespace

std::string to_text(const options& wanted, const report& found) {
    std::string text = wanted.url + "\n";
    if (wanted.work == workload::idle) return text + idle_text(wanted, found);
    text += format("%-10s %s on %u %s, %u in flight, for %.1f s%s\n",
                   std::string(work_name(wanted.work)).c_str(), size_text(wanted.size).c_str(),
                   wanted.connections,
                   wanted.work == workload::broadcast ? "subscribers" : "connections",
                   wanted.in_flight, found.seconds, wanted.deflate ? ", compressed" : "");
    text +=
        format("rate       %.0f messages/s\n", static_cast<double>(found.messages) / found.seconds);
    text += "latency    p50 " + time_text(found.p50) + ", p99 " + time_text(found.p99) +
            ", p99.9 " + time_text(found.p999) + ", max " + time_text(found.max) + "\n";
    if (found.server) {
        text += "server     " + time_text(found.server_cpu.value_or(0)) + busy_text(*found.server);
    }
    text += "generator  " + time_text(found.generator_cpu) + busy_text(found.generator);
    return text + judge(found).sentence + "\n";
}

std::string to_json(const options& wanted, const report& found) {
    std::string text;
    json_writer json(text);
    const auto maybe = [&](std::string_view name, const std::optional<double>& value) {
        if (value) json.member(name, *value);
    };
    json.begin_object();
    json.member("url", wanted.url);
    json.member("work", work_name(wanted.work));
    json.member("connections", wanted.connections);
    json.member("seconds", found.seconds);
    if (wanted.work == workload::idle) {
        maybe("resident_per_connection", found.resident_per_connection);
        maybe("anonymous_per_connection", found.anonymous_per_connection);
    } else {
        json.member("size", wanted.size);
        json.member("in_flight", wanted.in_flight);
        json.member("deflate", wanted.deflate);
        json.member("messages", found.messages);
        json.member("messages_per_second", static_cast<double>(found.messages) / found.seconds);
        json.member("p50_ns", found.p50);
        json.member("p99_ns", found.p99);
        json.member("p999_ns", found.p999);
        json.member("max_ns", found.max);
        json.member("generator_cpu_ns", found.generator_cpu);
        json.member("generator_running", found.generator.running);
        json.member("generator_waiting", found.generator.waiting);
        maybe("server_cpu_ns", found.server_cpu);
        if (found.server) {
            json.member("server_running", found.server->running);
            json.member("server_waiting", found.server->waiting);
        }
        json.member("limited_by", judge(found).word);
    }
    json.end_object();
    return text + "\n";
}

}  // namespace weft::bench
