// OpenSSL's generator gives way to one that a seed drives: keys of hash tables, ids, masking keys
// and delays are then the same in every run.

#include <openssl/rand.h>

#include "simulation.hpp"

namespace weft::simulation {
namespace {

choices& source() {
    static choices from(0);
    return from;
}

int draw(unsigned char* out, int count) {
    for (int i = 0; i < count; ++i) out[i] = static_cast<unsigned char>(source().below(256));
    return 1;
}
int ready() {
    return 1;
}

}  // namespace

void seed_library(std::uint64_t seed) {
    source() = choices(seed);
    static const RAND_METHOD method{nullptr, draw, nullptr, nullptr, draw, ready};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    RAND_set_rand_method(&method);
#pragma GCC diagnostic pop
}

}  // namespace weft::simulation
