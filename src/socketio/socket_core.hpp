#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/socketio/socket.hpp>

#include "base/byte_budget.hpp"
#include "pubsub/hub.hpp"
#include "socketio/core.hpp"

namespace weft::engineio {
class session;
}

namespace weft::socketio {

class client_link;
struct pending_ack;

namespace detail {
struct recovery_place;
struct restored_session;
}  // namespace detail

/// Names a socket on its loop: slot and generation.
using socket_key = std::uint64_t;

/// A socket as the library sees it.
///
/// A socket is made when its client asks for the namespace (`asking`), connected when every
/// middleware agreed, and leaves once; only in between does it take part in anything.
/// **Threads**: its loop's. **Lifetime**: its slot in the loop's slab, until its link forgets it.
class socket_core final : public socket, public pubsub::subscriber {
public:
    enum class state : std::uint8_t {
        asking,  // middlewares decide
        connected,
        leaving,  // takes part in nothing; the handlers are to be told
        gone,
    };

    socket_core(std::uint32_t slot, std::uint32_t generation, client_link& link,
                std::shared_ptr<const detail::space_info> space, std::string_view auth);
    ~socket_core();

    static socket_core& of(socket& s) noexcept { return static_cast<socket_core&>(s); }
    static const socket_core& of(const socket& s) noexcept {
        return static_cast<const socket_core&>(s);
    }

    // pubsub::subscriber
    send_status deliver(const message& what) noexcept override;
    send_status deliver_group(std::span<const message> group) noexcept override;

    [[nodiscard]] std::string_view id_text() const noexcept { return {id.data(), id.size()}; }
    [[nodiscard]] detail::loop_context& context() const noexcept;
    /// Whether memory is left for one more room.
    [[nodiscard]] bool has_room_for(std::string_view room) const;
    bool enter(std::string_view room);
    /// What users keep with it. Changed by these two only, which charge and release it.
    void give_data(weft::detail::owned_ptr<detail::data_node> what) noexcept;
    [[nodiscard]] weft::detail::owned_ptr<detail::data_node> take_data() noexcept;
    [[nodiscard]] static std::size_t cost_of(const detail::data_node* first) noexcept;
    /// The members of all of it that can be written, as one JSON object.
    [[nodiscard]] std::string data_as_json() const;
    /// What another server had of it; null: none did.
    [[nodiscard]] const detail::stored_data* stored_data() const noexcept;
    /// Beside that while it is asking: frames of those who decide take their time, and may be of
    /// any size.
    static constexpr std::size_t asking_cost = 1024;
    /// What a socket takes with this `auth`, which is kept.
    [[nodiscard]] static std::size_t cost_of(std::string_view auth) noexcept;

    struct early_joins {  // of middlewares
        explicit early_joins(byte_budget& memory) noexcept;
        std::vector<std::string> rooms;
        byte_charge charge;
    };

    client_link& link;
    engineio::session& session;  // the link's: one step less for each delivery
    std::shared_ptr<const detail::space_info> space;
    socket_key key;
    const std::string auth;  // empty for {}
    weft::detail::owned_ptr<detail::data_node> data;
    std::unique_ptr<early_joins> early_rooms;
    std::unique_ptr<detail::recovery_place> place;       // while recovery is on
    std::unique_ptr<detail::restored_session> restored;  // until connected
    pending_ack* waiting = nullptr;                      // acknowledgements that we asked it for
    std::uint32_t waiting_count = 0;
    std::uint32_t step = 0;  // how many predicates and middlewares agreed
    std::array<char, 20> id;
    state now = state::asking;
    bool recovered = false;
    disconnect_reason why{};
};

}  // namespace weft::socketio
