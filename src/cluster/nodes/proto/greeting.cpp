// Greetings, without what makes them secret: see `cluster/nodes/secret.hpp`.

#include "cluster/nodes/proto/greeting.hpp"

#include <algorithm>

namespace weft::cluster::nodes {
namespace {

template <class Array>
void append(std::string& out, const Array& bytes) {
    out.append(bytes.data(), bytes.size());
}

template <class Array>
void take(std::string_view& from, Array& into) noexcept {
    std::copy_n(from.data(), into.size(), into.begin());
    from.remove_prefix(into.size());
}

}  // namespace

std::string write_hello(const hello_facts& what) {
    std::string out(1, static_cast<char>(protocol_version));
    append(out, what.asker_nonce);
    append(out, what.asker);
    append(out, what.owner);
    return out;
}

errc read_hello(std::string_view payload, hello_facts& out) noexcept {
    if (payload.size() != hello_size) return errc::wrong_size;
    if (payload[0] != static_cast<char>(protocol_version)) return errc::other_version;
    payload.remove_prefix(1);
    take(payload, out.asker_nonce);
    take(payload, out.asker);
    take(payload, out.owner);
    return errc::none;
}

std::string proof_text(side of, const hello_facts& hello, const nonce& owner_nonce) {
    std::string out = "weft node ";
    out += static_cast<char>(protocol_version);
    out += of == side::asker ? 'a' : 'o';
    append(out, hello.asker_nonce);
    append(out, owner_nonce);
    append(out, hello.asker);
    append(out, hello.owner);
    return out;
}

}  // namespace weft::cluster::nodes
