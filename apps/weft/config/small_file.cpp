// Files of people, by system calls: a stream of the standard library throws when it reads a folder,
// and does not say why it cannot open something.

#include "config/small_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace weft::config {
namespace {

error why() {
    return {{errno, std::system_category()}, std::strerror(errno)};
}

}  // namespace

result<std::string> read_small_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // waits for no pipe
    if (fd < 0) return why();
    std::string text(largest_file + 1, '\0');
    std::size_t had = 0;
    ssize_t got = 1;
    while (got > 0 && had < text.size()) {
        got = ::read(fd, text.data() + had, text.size() - had);
        if (got > 0) had += static_cast<std::size_t>(got);
    }
    const error failed = why();
    ::close(fd);
    if (got < 0) return failed;
    if (had == text.size())
        return error(errc::limit_exceeded, "expected at most 1 MiB, found more");
    text.resize(had);
    return text;
}

}  // namespace weft::config
