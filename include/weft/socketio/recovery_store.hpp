#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/cluster_message.hpp>

namespace weft::socketio {

/// What is kept of a socket, so that its client can come back to any server.
struct kept_socket {
    std::string nsp;  ///< Empty: unknown, since Node does not tell it.
    std::string id;
    std::string recovery_id;  ///< Secret.
    std::vector<std::string> rooms;
    std::string data;  ///< A JSON object, or empty.

    // What it has had: everything up to `since`; and who shows `last` has had everything up to
    // `left`.
    log_position since{};
    log_position last{};  ///< The last message that it was sent; zero: none.
    log_position left{};
    std::uint64_t returns = 0;  ///< How often it came back.
    std::string server{};       ///< That kept it; the store's to fill in.
};

/// A log of what was said to the sockets of a cluster, and what is left of sockets that are gone:
/// both outlive the servers, so that a client can come back to another one.
///
/// Adapters that have one make it a part of themselves; see `adapter::open_store`.
/// **Threads**: any, several at once, unless it says otherwise. Nothing here blocks.
class recovery_store {
public:
    using stored_handler = unique_function<void(result<void>)>;
    /// Tells all servers, this one too: `adapter_target::apply` is called on each, at the message's
    /// place in the log. While the log cannot be reached, this server applies it at once, without a
    /// place, and the others later. `stored`, if any, is called on the home loop, later: when the
    /// log has it, or why it never will.
    virtual void append(std::shared_ptr<const cluster_message> what, stored_handler stored) = 0;

    /// Keeps a socket for so long, or keeps it anew; that also ends what `take` began.
    virtual void keep(kept_socket what, duration limit) = 0;
    virtual void forget(std::string_view recovery_id) = 0;

    using taken_handler = unique_function<void(std::unique_ptr<kept_socket>)>;
    /// Gives a kept socket to one server at a time: until that keeps it anew, or some seconds
    /// later. It stays kept, so that it is not lost with its taker. `offset` is what its client
    /// showed, if anything; the socket's `last` and `left` are then what that says. Null: there is
    /// none, or it is of another namespace. `taken` is called on the home loop, later.
    virtual void take(std::string_view nsp, std::string_view recovery_id,
                      std::optional<std::string_view> offset, taken_handler taken) = 0;

    /// Its client has not waited: another server may take it at once.
    virtual void put_back(std::string_view recovery_id) = 0;

    using missed_list = std::vector<std::shared_ptr<const cluster_message>>;
    using missed_handler = unique_function<void(std::unique_ptr<missed_list>)>;
    /// What a taken socket has not had, from its `left` on, in order. `told` is called on the home
    /// loop, between the messages that are applied there: what was applied before is in the list,
    /// what comes afterwards is not. Null: some of it is lost, or it may have had some of it.
    virtual void find_missed(const kept_socket& whom, missed_handler told) = 0;

protected:
    ~recovery_store() = default;
};

}  // namespace weft::socketio
