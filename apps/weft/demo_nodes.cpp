// The parent of `weft demo --nodes`. It serves nothing: it starts processes, looks after them and
// ends them. Invariant: no child outlives it, however it ends (PR_SET_PDEATHSIG), and each is in a
// process group of its own, so that Ctrl-C comes here alone.
//
// Redis listens to a Unix socket in a folder that only this user may enter, and to no port. The
// ports of the nodes are bound here, too, and never listened to: nobody else gets one while its
// node is away, and whoever calls it then is refused at once.

#include "demo_nodes.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <weft/base/time.hpp>

#include "listening.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr auto rest = 3s;          // before a process is started again
constexpr auto redis_start = 10s;  // at the most
constexpr auto last_wait = 15s;    // for processes that were asked to end; longer than their drain
constexpr int no_program = 127;    // the exit code when there is no redis-server

class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&&) = delete;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

int complain(const std::string& what) {
    std::fprintf(stderr, "weft demo: %s\n", what.c_str());
    return 1;
}

class supervisor {
public:
    supervisor(const server_address& first, unsigned nodes,
               function_ref<int(const demo_node&)> serve)
        : first_(first), nodes_(nodes), serve_(serve) {
        sigemptyset(&signals_);
        for (const int each : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, each);
        ::sigprocmask(SIG_BLOCK, &signals_, &before_);
    }
    supervisor(const supervisor&) = delete;
    supervisor& operator=(const supervisor&) = delete;
    ~supervisor();

    int run();

private:
    struct child {
        std::string name;
        pid_t pid = -1;
        std::optional<time_point> due{};  // to be started again
    };

    bool reserve_ports();
    std::optional<std::uint16_t> reserve(const std::string& host, unsigned port);
    bool make_folder();
    template <class F>
    bool fork_into(child& one, F&& code);
    bool start_redis();
    bool start_node(std::size_t index);
    bool start(std::size_t which) { return which == 0 ? start_redis() : start_node(which - 1); }
    /// The next of our signals; nothing when `until` comes first.
    std::optional<int> wait(time_point until);
    void reap();
    void end(std::size_t from, std::size_t to);

    const server_address& first_;
    const unsigned nodes_;
    const function_ref<int(const demo_node&)> serve_;
    const pid_t self_ = ::getpid();
    sigset_t signals_{}, before_{};
    std::vector<descriptor> reserved_;
    demo_node node_;
    std::string folder_;
    std::vector<child> children_;  // Redis, then the nodes
};

supervisor::~supervisor() {
    end(1, children_.size());
    end(0, std::min<std::size_t>(1, children_.size()));
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

int supervisor::run() {
    if (!reserve_ports() || !make_folder()) return 1;
    children_.push_back({.name = "Redis"});
    for (unsigned i = 1; i <= nodes_; ++i)
        children_.push_back({.name = "node " + std::to_string(i)});
    for (std::size_t i = 0; i < children_.size(); ++i) {
        if (!start(i)) return 1;
    }
    for (std::size_t i = 0; i < node_.ports.size(); ++i)
        std::printf("%s http://%s:%u/\n", i == 0 ? "listening on" : "and on",
                    url_host(first_.host).c_str(), unsigned{node_.ports[i]});
    std::fflush(stdout);
    for (;;) {
        time_point next = time_point::max();
        for (const child& one : children_) {
            if (one.due) next = std::min(next, *one.due);
        }
        const std::optional<int> signal = wait(next);
        if (signal && *signal != SIGCHLD) return 0;
        reap();
        for (std::size_t i = 0; i < children_.size(); ++i) {
            if (!children_[i].due || *children_[i].due > steady_clock::now()) continue;
            children_[i].due.reset();
            if (!start(i)) return 1;
            std::fprintf(stderr, "weft demo: %s is back\n", children_[i].name.c_str());
        }
    }
}

bool supervisor::reserve_ports() {
    for (unsigned i = 0; i < nodes_; ++i) {
        const unsigned wanted = first_.port == 0 ? 0 : first_.port + i;
        const auto port = wanted <= 65'535 ? reserve(first_.host, wanted) : std::nullopt;
        if (!port) {
            complain("port " + std::to_string(wanted) +
                     " cannot be had: choose others with --port, or --port 0 for any free ones");
            return false;
        }
        node_.ports.push_back(*port);
    }
    return true;
}

/// Binds a port for as long as we are there; 0 takes any.
std::optional<std::uint16_t> supervisor::reserve(const std::string& host, unsigned port) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
        return std::nullopt;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
    descriptor fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    char name[NI_MAXSERV];
    if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 ||
        ::getsockname(fd.get(), found->ai_addr, &found->ai_addrlen) != 0 ||
        ::getnameinfo(found->ai_addr, found->ai_addrlen, nullptr, 0, name, sizeof name,
                      NI_NUMERICSERV) != 0)
        return std::nullopt;
    reserved_.push_back(std::move(fd));
    return static_cast<std::uint16_t>(std::atoi(name));
}

bool supervisor::make_folder() {
    std::error_code why;
    std::string name = (std::filesystem::temp_directory_path(why) / "weft-demo-XXXXXX").string();
    if (why || ::mkdtemp(name.data()) == nullptr) {
        complain("cannot make a folder for Redis (TMPDIR): " +
                 (why ? why.message() : std::string(std::strerror(errno))));
        return false;
    }
    folder_ = std::move(name);
    node_.redis = folder_ + "/redis";
    if (node_.redis.size() < sizeof(sockaddr_un::sun_path)) return true;
    complain("the name of '" + folder_ + "' is too long for a Unix socket: choose another TMPDIR");
    return false;
}

/// In the child: `code`, whose result is its exit code.
template <class F>
bool supervisor::fork_into(child& one, F&& code) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self_) ::_exit(1);  // it died meanwhile
        ::setpgid(0, 0);
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
        const int result = std::forward<F>(code)();
        std::fflush(stdout);
        ::_exit(result);
    }
    if (pid < 0) complain("cannot start " + one.name + ": " + std::strerror(errno));
    one.pid = pid;
    return pid > 0;
}

bool supervisor::start_redis() {
    child& redis = children_[0];
    const std::string socket = node_.redis;
    const bool forked = fork_into(redis, [&] {
        const descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        ::dup2(nowhere.get(), STDOUT_FILENO);
        ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket.c_str(),
                 "--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--dir",
                 folder_.c_str(), nullptr);
        return no_program;
    });
    if (!forked) return false;
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    socket.copy(where.sun_path, sizeof where.sun_path - 1);
    const descriptor trial(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const time_point patience = later(steady_clock::now(), redis_start);
    while (::connect(trial.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
        int status = 0;
        if (::waitpid(redis.pid, &status, WNOHANG) == redis.pid) {
            redis.pid = -1;
            complain(WIFEXITED(status) && WEXITSTATUS(status) == no_program
                         ? "--nodes needs redis-server in PATH: on Debian, apt install redis-server"
                         : "redis-server ends as soon as it is started");
            return false;
        }
        if (steady_clock::now() > patience) {
            complain("redis-server does not listen");
            return false;
        }
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

/// Waits until it listens, which it says as a demo of its own does.
bool supervisor::start_node(std::size_t index) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        complain(std::string("no pipe: ") + std::strerror(errno));
        return false;
    }
    const descriptor in(ends[0]);
    {
        const descriptor out(ends[1]);
        node_.index = index;
        const bool forked = fork_into(children_[index + 1], [&] {
            ::dup2(out.get(), STDOUT_FILENO);
            return serve_(node_);
        });
        if (!forked) return false;
    }
    char said = 0;
    while (said != '\n') {
        const ssize_t got = ::read(in.get(), &said, 1);
        if (got == 0) return false;  // it said why
        if (got < 0 && errno != EINTR) return false;
    }
    return true;
}

std::optional<int> supervisor::wait(time_point until) {
    const duration left = std::clamp<duration>(until - steady_clock::now(), 0s, 1h);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec limit{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    const int signal = ::sigtimedwait(&signals_, nullptr, &limit);
    return signal > 0 ? std::optional(signal) : std::nullopt;
}

void supervisor::reap() {
    int status = 0;
    while (const pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
        if (pid < 0) return;
        for (child& one : children_) {
            if (one.pid != pid) continue;
            one.pid = -1;
            one.due = later(steady_clock::now(), rest);
            std::fprintf(stderr, "weft demo: %s has ended (%s %d); it starts again in %d s\n",
                         one.name.c_str(), WIFSIGNALED(status) ? "signal" : "exit code",
                         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                         static_cast<int>(rest.count()));
        }
    }
}

/// These of the children, with force when they do not go or the user asks again.
void supervisor::end(std::size_t from, std::size_t to) {
    const auto are_gone = [&] {
        for (std::size_t i = from; i < to; ++i) {
            child& one = children_[i];
            if (one.pid > 0 && ::waitpid(one.pid, nullptr, WNOHANG) == one.pid) one.pid = -1;
            if (one.pid > 0) return false;
        }
        return true;
    };
    const auto signal_all = [&](int which) {
        for (std::size_t i = from; i < to; ++i) {
            if (children_[i].pid > 0) ::kill(children_[i].pid, which);
        }
    };
    signal_all(SIGTERM);
    const time_point patience = later(steady_clock::now(), last_wait);
    while (!are_gone()) {
        const std::optional<int> signal = wait(patience);
        if (!signal || *signal != SIGCHLD) signal_all(SIGKILL);
    }
}

}  // namespace

int run_demo_nodes(const server_address& address, unsigned nodes,
                   function_ref<int(const demo_node&)> serve) {
    if (!config::on_loopback({address}) || address.host.find(':') != std::string::npos)
        return complain(
            "--nodes needs an address such as 127.0.0.1 as --host: its pages kill "
            "processes");
    return supervisor(address, nodes, serve).run();
}

}  // namespace weft
