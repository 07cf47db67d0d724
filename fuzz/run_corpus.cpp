// The main of a fuzzer that was built without libFuzzer: runs every file of the folders named on
// the command line once, in order of their names, so that each input that ever mattered is tried by
// every compiler and sanitizer. Each input sits in a heap block of exactly its size:
// AddressSanitizer sees a read one byte too far. A folder without inputs is an error, since it
// would pass while testing nothing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

bool run_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    const auto size = in ? static_cast<std::size_t>(in.tellg()) : 0;
    const auto bytes = std::make_unique<char[]>(size);
    if (!in || !in.seekg(0) || !in.read(bytes.get(), static_cast<std::streamsize>(size))) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return false;
    }
    std::fprintf(stderr, "%s\n", path.filename().c_str());  // so that a crash shows its input
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.get()), size);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const auto files = files_of(argv[i]);
        if (files.empty()) {
            std::fprintf(stderr, "no inputs in %s\n", argv[i]);
            return 1;
        }
        if (!std::all_of(files.begin(), files.end(), run_file)) return 1;
        std::printf("%s: %zu inputs\n", argv[i], files.size());
    }
    return 0;
}
