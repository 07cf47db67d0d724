// Files of unix sockets. A process that ended leaves its file behind, and connecting to that is
// refused (ECONNREFUSED); every other outcome means a living listener, one whose queue is full
// (EAGAIN) included, or one that we have no right to judge.

#include "net/backend/unix_socket.hpp"

#include <cerrno>
#include <charconv>
#include <optional>
#include <vector>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/system_address.hpp"

namespace weft::net {
namespace {

std::error_code system_error(int code) noexcept {
    return {code, std::system_category()};
}

int probe(const socket_address& address) noexcept {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return errno;
    const int outcome =
        ::connect(fd, system_address::get(address), system_address::size(address)) == 0 ? 0 : errno;
    ::close(fd);
    return outcome;
}

result<gid_t> find_group(const std::string& name) {
    gid_t number = 0;
    const char* const end = name.data() + name.size();
    if (const auto [stop, failed] = std::from_chars(name.data(), end, number);
        failed == std::errc{} && stop == end) {
        return number;
    }
    std::vector<char> memory(1024);
    group entry{};
    group* found = nullptr;
    int failed = 0;
    while ((failed = ::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found)) ==
           ERANGE) {
        memory.resize(memory.size() * 2);
    }
    if (found == nullptr) {
        return error(failed != 0 ? system_error(failed) : make_error_code(errc::invalid_argument),
                     "listen_options::unix_group: no group is called '" + name + "'");
    }
    return entry.gr_gid;
}

}  // namespace

result<void> remove_stale_socket(const socket_address& address, const std::string& path) {
    if (path.starts_with('@')) return {};
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return {};
    if (!S_ISSOCK(info.st_mode))
        return error(errc::invalid_argument, path + " exists and is not a socket");
    switch (const int outcome = probe(address)) {
        case 0:
        case EAGAIN: return error(system_error(EADDRINUSE), "another process listens on " + path);
        case ECONNREFUSED:
            if (::unlink(path.c_str()) != 0 && errno != ENOENT)
                return error(system_error(errno), "cannot replace the stale socket " + path);
            return {};
        case ENOENT: return {};  // gone meanwhile
        default:
            return error(system_error(outcome), "cannot tell whether somebody listens on " + path);
    }
}

result<void> restrict_access(const listen_options& options) {
    const char* const path = options.unix_path.c_str();
    if (!options.unix_group.empty()) {
        const auto group = find_group(options.unix_group);
        if (!group) return group.error();
        if (::chown(path, static_cast<uid_t>(-1), *group) != 0) {
            return error(system_error(errno), "listen_options::unix_group: cannot give " +
                                                  options.unix_path + " to '" + options.unix_group +
                                                  "'");
        }
    }
    if (options.unix_mode && ::chmod(path, *options.unix_mode) != 0) {
        return error(system_error(errno),
                     "listen_options::unix_mode: cannot change " + options.unix_path);
    }
    return {};
}

}  // namespace weft::net
