#pragma once

#include <memory>
#include <string>
#include <vector>

#include <weft/base/weak_handle.hpp>
#include <weft/net/loop.hpp>

#include "base/seldom.hpp"

namespace weft::http {
class client_connection;
struct client_response;
}  // namespace weft::http

namespace weft::auth {

class issuer_keys;
class verifier_core;

/// Fetches the key sets of a verifier and looks at its files, on one loop. A verifier may have one
/// on each of several loops: whoever claims a fetch first does it.
/// **Threads**: the loop's. **Lifetime**: that of the loop or of the verifier, whichever ends
/// first.
class key_keeper {
public:
    /// Makes one on the loop in place of the one that is there, unless no keys change.
    /// **Threads**: any.
    static void start(const loop_ref& loop, std::weak_ptr<verifier_core> core);

    key_keeper(const loop_ref& loop, std::weak_ptr<verifier_core> core);
    key_keeper(const key_keeper&) = delete;
    key_keeper& operator=(const key_keeper&) = delete;
    /// Gives back what was claimed and did not end.
    ~key_keeper();

    /// Begins what is due.
    void tend();

private:
    struct fetch;

    void begin(fetch& one);
    void ask(fetch& one);
    /// Reads the file, if there is one, and loads keys on a worker.
    void load(fetch& one, std::string text);
    void fail(fetch& one, const std::string& why);

    const loop_ref loop_;
    const std::weak_ptr<verifier_core> core_;
    std::vector<std::unique_ptr<fetch>> fetches_;  // one for each issuer whose keys change
    timer_ref timer_;
    weak_anchor<key_keeper> anchor_;
};

}  // namespace weft::auth
