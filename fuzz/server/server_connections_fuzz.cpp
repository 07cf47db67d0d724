// A whole server in memory with up to four clients: the input chooses what they do, byte for byte,
// how their bytes are cut, when time passes and what breaks. The rules are those of the simulation.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/simulation/simulation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weft::simulation;
    constexpr std::size_t longest = 4096;
    if (size > longest) return 0;
    seed_library(1);
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const outcome o = play(choices(input), {.clients = 4, .steps = longest});
    if (o.broken.empty()) return 0;
    std::fprintf(stderr, "step %zu: %s\n", o.step, o.broken.c_str());
    std::abort();
}
