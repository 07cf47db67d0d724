// The main of a fuzzer that was built without libFuzzer: runs every file of the folders named on
// the command line once, in order of their names, so that each input that ever mattered is tried by
// every compiler and sanitizer. Each input sits in a heap block of exactly its size:
// AddressSanitizer sees a read one byte too far. A folder without inputs is an error, since it
// would pass while testing nothing. It uses the C library only, whose calls MemorySanitizer knows.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

enum class outcome { ran, no_file, failed };

outcome run_file(int folder, const char* name) {
    const int in = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (in < 0 || fstat(in, &about) != 0) return outcome::failed;
    if (!S_ISREG(about.st_mode)) {
        close(in);
        return outcome::no_file;
    }
    const auto size = static_cast<std::size_t>(about.st_size);
    auto* const bytes = static_cast<std::uint8_t*>(std::malloc(size));
    std::size_t have = 0;
    while (have < size) {
        const ssize_t more = read(in, bytes + have, size - have);
        if (more <= 0) break;
        have += static_cast<std::size_t>(more);
    }
    close(in);
    if (have == size) {
        std::fprintf(stderr, "%s\n", name);  // so that a crash shows its input
        LLVMFuzzerTestOneInput(bytes, size);
    }
    std::free(bytes);
    return have == size ? outcome::ran : outcome::failed;
}

bool run_folder(const char* path) {
    dirent** files = nullptr;
    const int count = scandir(path, &files, nullptr, alphasort);
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ran = 0;
    bool good = true;
    for (int i = 0; i < count; ++i) {
        const outcome one = good ? run_file(folder, files[i]->d_name) : outcome::no_file;
        if (one == outcome::failed) {
            std::fprintf(stderr, "cannot read %s/%s\n", path, files[i]->d_name);
            good = false;
        }
        if (one == outcome::ran) ++ran;
        std::free(files[i]);
    }
    std::free(files);
    if (folder >= 0) close(folder);
    if (good && ran == 0) std::fprintf(stderr, "no inputs in %s\n", path);
    if (good && ran != 0) std::printf("%s: %d inputs\n", path, ran);
    return good && ran != 0;
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (!run_folder(argv[i])) return 1;
    }
    return 0;
}
