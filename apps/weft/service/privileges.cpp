// Root is for binding a port and reading a key. Afterwards there is no way back: the saved ids go
// with the others, which is tried.

#include "privileges.hpp"

#include <cerrno>
#include <optional>
#include <system_error>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace weft {
namespace {

struct account {
    uid_t uid;
    gid_t gid;
};

std::optional<account> find_account(const std::string& name) {
    std::vector<char> text(16'384);
    passwd entry{};
    passwd* found = nullptr;
    (void)::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
    if (found == nullptr) return std::nullopt;
    return account{entry.pw_uid, entry.pw_gid};
}

error failed(const std::string& what) {
    return {{errno, std::system_category()}, what};
}

}  // namespace

result<void> check_privileges(const privilege_options& wanted) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const bool root = ::geteuid() == 0;
    if (wanted.user.empty()) {
        if (!root || wanted.allow_root) return {};
        return error(errc::invalid_argument,
                     "this is root, with rights that a server should not have: name a user to "
                     "become with --user, or say --allow-root");
    }
    const auto whom = find_account(wanted.user);
    if (!whom)
        return error(errc::invalid_argument, "--user: there is no user '" + wanted.user + "'");
    if (!root && whom->uid != ::geteuid())
        return error(errc::invalid_argument, "--user: only root can become '" + wanted.user + "'");
    if (whom->uid == 0 && !wanted.allow_root)
        return error(errc::invalid_argument, "--user: '" + wanted.user + "' is root: --allow-root");
    return {};
}

result<void> drop_privileges(const privilege_options& wanted) {
    if (wanted.user.empty() || ::geteuid() != 0) return {};
    const auto whom = find_account(wanted.user);
    if (!whom) return error(errc::invalid_argument, "--user: '" + wanted.user + "' is gone");
    if (whom->uid == 0) return {};
    if (::initgroups(wanted.user.c_str(), whom->gid) != 0 || ::setgid(whom->gid) != 0 ||
        ::setuid(whom->uid) != 0)
        return failed("to become '" + wanted.user + "'");
    if (::setuid(0) == 0)
        return error(errc::invalid_state, "the rights of root came back: the process must end");
    return {};
}

void hide_memory() noexcept {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace weft
