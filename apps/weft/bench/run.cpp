// One run: open the connections, warm up, measure between two readings of all counters, say
// goodbye. This thread only waits and reads; the workers do the rest.

#include "bench/run.hpp"

#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "bench/process_stats.hpp"
#include "bench/worker.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::bench {
namespace {

constexpr unsigned spare_descriptors = 64;
constexpr duration poll_interval = std::chrono::milliseconds(2);
constexpr duration settle_time = std::chrono::milliseconds(500);

using workers = std::vector<std::unique_ptr<worker>>;

duration seconds_of(double seconds) {
    return std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
}

unsigned connections_to_open(const options& wanted) {
    return wanted.connections + (wanted.work == workload::broadcast ? 1 : 0);
}

result<void> raise_descriptor_limit(unsigned connections) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max >= connections + spare_descriptors) return {};
    return error(
        errc::limit_exceeded,
        std::to_string(connections) + " connections need more open files than the " +
            std::to_string(files.rlim_max) +
            " that this user may have; raise it (ulimit -Hn) or ask for fewer connections");
}

result<std::shared_ptr<net::tls_client_context>> tls_for(const options& wanted,
                                                         const target& destination) {
    if (destination.how != scheme::tls) return std::shared_ptr<net::tls_client_context>();
    tls_client_options tls;
    if (wanted.insecure) tls.verification = tls_verification::insecure_none;
    return net::tls_client_context::make(tls);
}

result<workers> make_workers(const options& wanted, const target& destination) {
    auto tls = tls_for(wanted, destination);
    if (!tls) return tls.error();
    workers made;
    for (unsigned i = 0; i < wanted.threads; ++i) {
        auto fresh = worker::make(wanted, destination, *tls);
        if (!fresh) return fresh.error();
        made.push_back(std::move(*fresh));
    }
    return made;
}

result<void> check(const workers& all) {
    for (const auto& each : all) {
        if (const std::string why = each->failure(); !why.empty()) {
            return error(errc::invalid_state, why);
        }
    }
    return {};
}

result<void> wait(const workers& all, duration time) {
    for (const time_point end = later(steady_clock::now(), time); steady_clock::now() < end;) {
        std::this_thread::sleep_for(std::min<duration>(poll_interval, end - steady_clock::now()));
        if (auto good = check(all); !good) return good;
    }
    return {};
}

/// Opens connections, spread over the workers, and waits until `total` are open.
result<void> open(const workers& all, unsigned more, unsigned total) {
    const auto count = static_cast<unsigned>(all.size());
    for (unsigned i = 0; i < count; ++i) {
        all[i]->open(more / count + (i < more % count ? 1 : 0));
    }
    for (unsigned opened = 0; opened < total;) {
        if (auto good = wait(all, poll_interval); !good) return good;
        opened = 0;
        for (const auto& each : all) opened += each->opened();
    }
    return {};
}

/// All counters at one moment.
struct reading {
    time_point when;
    std::uint64_t messages = 0;
    thread_times generator;
    thread_times server;
};

result<reading> read_counters(const options& wanted, const workers& all) {
    reading now;
    if (wanted.server_pid != 0) {
        auto times = read_thread_times(wanted.server_pid);
        if (!times) return times.error();
        now.server = std::move(*times);
    }
    auto own = read_thread_times(::getpid());
    if (!own) return own.error();
    now.generator = std::move(*own);
    now.when = steady_clock::now();
    for (const auto& each : all) now.messages += each->received();
    return now;
}

result<report> run_idle(const options& wanted, const workers& all) {
    // The first connection pays for what all of them share.
    if (const auto good = open(all, 1, 1); !good) return good.error();
    if (const auto good = wait(all, settle_time); !good) return good.error();
    const auto before = read_memory(wanted.server_pid);
    if (!before) return before.error();
    const time_point started = steady_clock::now();
    if (const auto good = open(all, wanted.connections - 1, wanted.connections); !good) {
        return good.error();
    }
    report found;
    found.seconds = std::chrono::duration<double>(steady_clock::now() - started).count();
    if (const auto good = wait(all, seconds_of(wanted.seconds)); !good) return good.error();
    const auto after = read_memory(wanted.server_pid);
    if (!after) return after.error();
    const auto per_connection = [&](std::uint64_t then, std::uint64_t now) {
        return (static_cast<double>(now) - static_cast<double>(then)) / (wanted.connections - 1);
    };
    found.resident_per_connection = per_connection(before->resident, after->resident);
    found.anonymous_per_connection = per_connection(before->anonymous, after->anonymous);
    return found;
}

void compare(const options& wanted, const reading& before, const reading& after, report& into) {
    const double elapsed =
        std::chrono::duration<double, std::nano>(after.when - before.when).count();
    const auto share_of = [&](const cpu_use& used) {
        return thread_share{static_cast<double>(used.busiest.running) / elapsed,
                            static_cast<double>(used.busiest.waiting) / elapsed};
    };
    into.seconds = elapsed / 1e9;
    into.messages = after.messages - before.messages;
    const auto per_message = [&](const cpu_use& used) {
        const auto messages = static_cast<double>(std::max<std::uint64_t>(into.messages, 1));
        return static_cast<double>(used.total) / messages;
    };
    const cpu_use own = between(before.generator, after.generator);
    into.generator_cpu = per_message(own);
    into.generator = share_of(own);
    if (wanted.server_pid == 0) return;
    const cpu_use server = between(before.server, after.server);
    into.server_cpu = per_message(server);
    into.server = share_of(server);
}

result<report> run_load(const options& wanted, const workers& all) {
    const unsigned connections = connections_to_open(wanted);
    if (const auto good = open(all, connections, connections); !good) return good.error();
    for (const auto& each : all) each->start();
    if (const auto good = wait(all, seconds_of(wanted.warmup)); !good) return good.error();

    for (const auto& each : all) each->measure(true);
    const auto before = read_counters(wanted, all);
    if (!before) return before.error();
    if (const auto good = wait(all, seconds_of(wanted.seconds)); !good) return good.error();
    const auto after = read_counters(wanted, all);
    if (!after) return after.error();
    for (const auto& each : all) each->measure(false);

    report found;
    compare(wanted, *before, *after, found);
    return found;
}

}  // namespace

result<report> run(const options& wanted) {
    const auto destination = parse_target(wanted.url);
    if (!destination) return destination.error();
    if (const auto raised = raise_descriptor_limit(connections_to_open(wanted)); !raised) {
        return raised.error();
    }
    auto all = make_workers(wanted, *destination);
    if (!all) return all.error();
    auto found = wanted.work == workload::idle ? run_idle(wanted, *all) : run_load(wanted, *all);
    histogram latencies;
    for (const auto& each : *all) {
        each->finish();
        latencies.add(each->latencies());
    }
    if (!found) return found;
    found->p50 = latencies.quantile(0.5);
    found->p99 = latencies.quantile(0.99);
    found->p999 = latencies.quantile(0.999);
    found->max = latencies.max();
    return found;
}

}  // namespace weft::bench
