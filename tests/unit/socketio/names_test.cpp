// Names of events, namespaces and rooms: what is too long, reserved, or no text.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(socketio_names, names_that_clients_refuse_are_not_emitted) {
    for (const bool recovers : {false, true}) {
        options chosen;
        if (recovers) chosen.connection_state_recovery.emplace();
        sio_world w(chosen);
        std::vector<send_status> got;
        std::vector<std::error_code> refused;
        w.server.on("go", [&](socket& s) {
            for (const char* name : {"disconnect", "connect_error", "newListener", "caf\xe9"}) {
                got.push_back(s.emit(name, 1));
                s.emit_with_ack<int>(name,
                                     [&](result<int> r) { refused.push_back(r.error().code()); });
                w.server.emit(name, 1);
                s.to("room").emit(name);
                w.server.of("/").timeout(1s).emit_with_ack<int>(
                    name, [&](broadcast_replies<int> r) { EXPECT_EQ(r.missing, 0U); });
            }
            EXPECT_FALSE(s.join("caf\xe9"));
            EXPECT_TRUE(s.join("caf\xc3\xa9"));
        });
        w.start();
        sio_world::peer c{};
        w.connect(c);
        w.say(c, R"(42["go"])");
        w.run();
        EXPECT_TRUE(w.packets(c).empty());
        EXPECT_FALSE(w.ended(c));
        EXPECT_EQ(got, std::vector(4, send_status::misuse));
        ASSERT_EQ(refused.size(), 4U);
        EXPECT_EQ(refused[0], errc::reserved_event_name);
        EXPECT_EQ(refused[3], errc::invalid_utf8);
        EXPECT_EQ(w.lines.front(),
                  "the event 'disconnect' is not sent: Socket.IO uses this name itself");
        EXPECT_EQ(w.lines.back(), "an event is not sent: its name is not UTF-8");
    }
}

TEST(socketio_names, takes_events_and_names_as_long_as_the_options_say) {
    options chosen;
    chosen.max_event_length = 300;
    sio_world w(chosen);
    std::size_t handled = 0;
    w.server.on_any([&](socket&, std::string_view, const raw_arguments&) { ++handled; });
    w.server.of("/" + std::string(200, 'n'));
    w.start();
    sio_world::peer c{};
    EXPECT_NE(w.connect(c, "/" + std::string(200, 'n')), "");
    w.join(c, "/");
    std::string cyrillic;
    for (int i = 0; i < 150; ++i) cyrillic += "\xd0\xb6";
    w.say(c, "42[\"" + cyrillic + "\"]");
    EXPECT_EQ(handled, 1U);
    std::string keys = R"({"k":0)";
    for (int i = 0; i < 1'025; ++i) keys += R"(,"k":0)";
    w.say(c, R"(42["said",)" + keys + "}," + std::string(70, '[') + std::string(70, ']') + ']');
    EXPECT_EQ(handled, 2U);
    EXPECT_FALSE(w.ended(c));
    w.say(c, "42[\"" + cyrillic + "n\"]");
    EXPECT_TRUE(w.ended(c));
}

}  // namespace
}  // namespace weft::socketio::test
