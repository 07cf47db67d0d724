// Linked into a test program, it lets WEFT_SIM choose how the sim backend behaves: "late" for one
// that completes late and receives into its own buffers, as io_uring does.

#include <cstdlib>
#include <string_view>

#include "net/backend/sim/sim_backend.hpp"

namespace weft::test {
namespace {

[[maybe_unused]] const bool chosen = [] {
    const char* const how = std::getenv("WEFT_SIM");  // NOLINT(concurrency-mt-unsafe)
    const bool late = how != nullptr && std::string_view(how) == "late";
    net::sim_backend::usual_habits() = {.completes_late = late, .lends_buffers = late};
    return late;
}();

}  // namespace
}  // namespace weft::test
