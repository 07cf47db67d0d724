// A chat: rooms, names, who is there and who is typing. docs/tutorial/chat.md writes it step by
// step; index.html beside it is the page.
//
//     weft_example_chat [FOLDER OF THE PAGE [PORT]]

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <weft/weft.hpp>

namespace {

using weft::socketio::socket;

/// What a page asks for when somebody comes in.
struct entrance {
    std::string room;
    std::string name;
};
WEFT_FIELDS(entrance, room, name)

/// Somebody in a room, as the others see them.
struct person {
    std::string id;
    std::string name;
};
WEFT_FIELDS(person, id, name)

struct chat_line {
    person from;
    std::string text;
};
WEFT_FIELDS(chat_line, from, text)

/// What a socket knows about its visitor. Without a room: not in yet.
struct visitor {
    std::string room;
    std::string name;
};

/// Not empty, not too long, no control characters except for line breaks.
bool presentable(std::string_view text, std::size_t max_bytes) {
    const auto control = [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; };
    return !text.empty() && text.size() <= max_bytes &&
           std::none_of(text.begin(), text.end(), control);
}

weft::error refused(const char* why) {
    return {weft::errc::invalid_argument, why};
}

/// Who is in which room. Sockets of several loops write in it, hence the lock.
class guest_book {
public:
    void enter(const std::string& room, const person& who) {
        const std::lock_guard lock(mutex_);
        rooms_[room][who.id] = who.name;
    }
    void leave(const std::string& room, const person& who) {
        const std::lock_guard lock(mutex_);
        const auto found = rooms_.find(room);
        if (found == rooms_.end()) return;
        found->second.erase(who.id);
        if (found->second.empty()) rooms_.erase(found);
    }
    std::vector<person> in(const std::string& room) {
        const std::lock_guard lock(mutex_);
        std::vector<person> people;
        for (const auto& [id, name] : rooms_[room]) people.push_back({id, name});
        return people;
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::map<std::string, std::string>> rooms_;  // room, id, name
};

person person_of(socket& s) {
    return {std::string(s.id()), s.data<visitor>().name};
}

void leave_room(socket& s, guest_book& guests) {
    visitor& me = s.data<visitor>();
    if (me.room.empty()) return;
    guests.leave(me.room, person_of(s));
    s.to(me.room).emit("left", person_of(s));
    s.leave(me.room);
    me.room.clear();
}

void set_up_chat(weft::socketio::space& io) {
    const auto guests = std::make_shared<guest_book>();

    io.on("join", [guests](socket& s, entrance wish) -> weft::result<std::vector<person>> {
        if (!presentable(wish.room, 64)) return refused("a room's name has 1 to 64 bytes");
        if (!presentable(wish.name, 64)) return refused("a name has 1 to 64 bytes");
        leave_room(s, *guests);
        visitor& me = s.data<visitor>();
        me = {"room:" + wish.room, wish.name};
        s.join(me.room);
        guests->enter(me.room, person_of(s));
        s.to(me.room).emit("joined", person_of(s));
        return guests->in(me.room);
    });

    io.on("say", [](socket& s, std::string text) -> weft::result<void> {
        const visitor& me = s.data<visitor>();
        if (me.room.empty()) return refused("join a room first");
        if (!presentable(text, 2000)) return refused("a message has 1 to 2000 bytes");
        s.to(me.room).emit("said", chat_line{person_of(s), text});
        return {};
    });

    io.on("typing", [](socket& s, bool typing) {
        const visitor& me = s.data<visitor>();
        if (!me.room.empty()) s.to(me.room).volatile_().emit("typing", person_of(s), typing);
    });

    io.on_disconnecting(
        [guests](socket& s, weft::socketio::disconnect_reason) { leave_room(s, *guests); });
}

}  // namespace

int main(int argc, char** argv) {
    weft::stderr_log log;
    weft::server server{{.log = &log}};
    weft::socketio::server io{server};
    set_up_chat(io);

    const auto page = weft::http::static_files::make(argc > 1 ? argv[1] : ".");
    if (!page) {
        std::fprintf(stderr, "chat: %s\n", page.error().message().c_str());
        return 1;
    }
    (void)server.http().get("/*path", *page);

    std::uint16_t port = 8080;
    if (argc > 2) std::from_chars(argv[2], argv[2] + std::string_view(argv[2]).size(), port);
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening) {
        std::fprintf(stderr, "chat: %s\n", listening.error().message().c_str());
        return 1;
    }
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
