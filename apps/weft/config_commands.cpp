// `weft init`, `weft check` and `weft config`: what there is to know about a configuration without
// serving anything.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "commands.hpp"
#include "config/pages.hpp"
#include "listening.hpp"

namespace weft {
namespace {

constexpr int nothing_wrong = 0;
constexpr int wrong = 2;

int complain(const std::string& what) {
    std::fprintf(stderr, "weft: %s\n", what.c_str());
    return wrong;
}

int print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    return std::fflush(stdout) == 0
               ? nothing_wrong
               : complain(std::string("standard output: ") + std::strerror(errno));
}

}  // namespace

int run_init(const std::string& file) {
    const std::string text = config::commented_file();
    if (file == "-") return print(text);
    // It may get secrets: nobody else reads it.
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return complain("'" + file + "': " + std::strerror(errno) +
                        (errno == EEXIST ? ": it stays as it is; choose another name" : ""));
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int why = errno;
    if (::close(fd) != 0 || !written) return complain("'" + file + "': " + std::strerror(why));
    std::printf("%s is written: weft serve --config %s\n", file.c_str(), file.c_str());
    return nothing_wrong;
}

int run_check(const config::sources& from) {
    if (!make_plan(from)) return wrong;
    return print(from.file + ": nothing is wrong with it\n");
}

int run_config_print(const config::sources& from) {
    const config::loaded settings = config::load(from);
    if (settings.problems.empty()) return print(config::effective_file(settings.values));
    for (const std::string& each : settings.problems) complain(each);
    return wrong;
}

int run_config_explain(const std::string& key) {
    const auto text = config::explain(key);
    return text ? print(*text) : complain(text.error().what());
}

int run_config_reference() {
    return print(config::reference_page());
}

}  // namespace weft
