#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/schema/schema.hpp>

#include "topics/topic_protocol.hpp"
#include "topics/topic_rules.hpp"

namespace weft::topics {

/// Whether clients may ask which topics exist. Off where a topic's name is a secret.
enum class topic_listing { off, on };

struct hub_options {
    std::size_t max_topics_per_client = 100;
    unsigned requests_per_second = 50;  ///< At least 1.
    unsigned burst = 100;
    std::size_t max_topics_listed = 100;
    topic_listing listing = topic_listing::off;
    topic_rules rules{};
    /// Begins the ids of this process' connections; in a cluster no other process has it.
    std::string node{};
};

/// What the hub needs from one connection. The implementation sits on a WebSocket endpoint.
class topic_sink {
public:
    virtual void send(std::string_view text) = 0;
    /// False when there is no room for one more.
    [[nodiscard]] virtual bool subscribe(std::string_view topic) = 0;
    virtual void unsubscribe(std::string_view topic) = 0;
    /// Sends to the subscribers of `topic` on every loop, except to this connection.
    virtual void publish(std::string_view topic, const message& what) = 0;
    /// The same, to those of this process only.
    virtual void publish_here(std::string_view topic, std::string_view text) = 0;
    /// What is wrong with a JSON text of this connection. Who is wrong too often is closed.
    virtual std::optional<schema::violation> check(const schema& rules, std::string_view json) = 0;
    /// Who has this connection, if anybody has said.
    [[nodiscard]] virtual const identity* who() const = 0;

protected:
    ~topic_sink() = default;
};

/// What the hub remembers of one connection. **Threads**: that of its connection.
class topic_client {
public:
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::size_t topic_count() const noexcept { return topics_.size(); }

private:
    friend class topic_hub;

    std::string id_;
    std::string name_;
    std::vector<std::string> topics_;
    std::chrono::steady_clock::time_point paid_until_{};
    std::shared_ptr<const hub_options> options_;  // those of the hub, as of `version_`
    std::uint64_t version_ = 0;
};

/// Counts who is where, for all loops together. Taken only when somebody joins, leaves or lists:
/// no published message comes here. **Threads**: any.
class presence_board {
public:
    struct change {
        presence now;
        /// Whether the others should hear of it. In a topic of more than 64 only every
        /// count/64-th change is told, so that n clients joining cost about 64 n messages, not n².
        bool tell = false;
    };

    change join(std::string_view topic);
    change leave(std::string_view topic);
    [[nodiscard]] std::vector<topic_count> list(std::size_t limit) const;

private:
    struct entry {
        std::size_t count = 0;
        std::size_t untold = 0;
    };
    change changed(entry& topic);

    mutable std::mutex mutex_;
    // Ordered, not hashed: clients choose the names, and must not find ones that collide.
    std::map<std::string, entry, std::less<>> topics_;
    std::uint64_t version_ = 0;
};

/// Answers the requests of the topic protocol, for every connection of a server.
///
/// **Threads**: any, each connection on its own. **See** docs/guide/topic-protocol.md.
class topic_hub {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit topic_hub(hub_options options)
        : options_(std::make_shared<const hub_options>(std::move(options))) {}

    /// Takes other options, but for `node`, for requests from now on. Who is in more topics than
    /// may be stays there; who has lost a right keeps its topics until `review`. **Threads**: any.
    void change(hub_options to);

    /// A connection came: gives it an id that no other has while this server runs.
    void open(topic_client& client);
    /// Carries out one request and answers it. `text` as in `parse_request`.
    void handle(topic_client& client, std::string_view text, time_point now, topic_sink& sink);
    /// Takes the topics away that the connection may not have any more, and tells it.
    void review(topic_client& client, topic_sink& sink);
    /// A connection is gone: leaves its topics. Uses only `publish_here` of `sink`.
    void close(topic_client& client, topic_sink& sink);

    /// What a program of the operator says to a topic, whoever may publish there.
    struct announcement {
        refusal why = refusal::none;
        std::optional<schema::violation> wrong{};  ///< With `invalid_data`.
        message what{};
    };
    [[nodiscard]] announcement announce(std::string_view topic, std::string_view data) const;

private:
    refusal carry_out(topic_client& client, const request& what, topic_sink& sink);
    refusal subscribe(topic_client& client, const request& what, topic_sink& sink);
    refusal unsubscribe(topic_client& client, const request& what, topic_sink& sink);
    refusal publish(topic_client& client, const request& what, topic_sink& sink);
    void leave(std::string_view topic, topic_sink& sink);
    /// The present options, which the client keeps: nobody waits for a lock but after a change.
    const hub_options& options_for(topic_client& client) const;
    [[nodiscard]] std::shared_ptr<const hub_options> options() const;
    [[nodiscard]] bool charge(topic_client& client, time_point now) const;
    static void tell_others(std::string_view topic, const presence_board::change& change,
                            topic_sink& sink);

    mutable std::mutex mutex_;  // for the options
    std::shared_ptr<const hub_options> options_;
    std::atomic<std::uint64_t> version_{1};
    presence_board presence_;
    std::atomic<std::uint64_t> next_id_{1};
};

}  // namespace weft::topics
