#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::pubsub {

/// Whose topics these are. The topics of two owners never meet, whatever their names: a WebSocket
/// cannot name the topic of a Socket.IO room.
enum class topic_owner : std::uint32_t {
    program = 0,  ///< Topics that the program names: those of WebSockets and `server::publish`.
    // Every other value belongs to one module of the server; see `owner_of_module`.
};

/// The owner of the topics of a server's module, by its number.
[[nodiscard]] constexpr topic_owner owner_of_module(std::size_t number) noexcept {
    return static_cast<topic_owner>(number + 1);
}

/// Names one topic. **Lifetime**: borrows the name.
struct topic_key {
    topic_owner owner;
    std::string_view name;
    friend bool operator==(const topic_key&, const topic_key&) = default;
};

[[nodiscard]] constexpr topic_key program_topic(std::string_view name) noexcept {
    return {topic_owner::program, name};
}

}  // namespace weft::pubsub
