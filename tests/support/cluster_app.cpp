// The application of tests/e2e/cluster_node_app.mjs on weft, so that the servers of a cluster may
// be of both kinds. Prints "listening on URL" when ready; SIGTERM drains it.
//
// Arguments: --port N --redis PORT --adapter classic|sharded|streams --prefix P --name N
// --threads N --ack-timeout MS --recovery yes --max-queue BYTES --by server|adapter
// --stream-length N --nodes SECRET (carries the sessions of other nodes)
//
// By the server, it tells at /ready at once when Redis is gone, and has /metrics.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/cluster/adapter.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>
#include <weft/socketio/value.hpp>

namespace {

using weft::task;
using weft::socketio::ack;
using weft::socketio::broadcast_operator;
using weft::socketio::disconnect_scope;
using weft::socketio::fetched_sockets;
using weft::socketio::json_text;
using weft::socketio::raw_arguments;
using weft::socketio::rest;
using weft::socketio::socket;  // not the system call
using weft::socketio::socket_ref;
using weft::socketio::space;
using weft::socketio::value;
using io_server = weft::socketio::server;

/// Who is meant by a verb, and how.
struct aim {
    std::vector<std::string> rooms, except;
    std::optional<bool> droppable, uncompressed, local, others;
    std::optional<int> timeout;  // ms
};
WEFT_FIELDS(aim, rooms, except, droppable, uncompressed, local, others, timeout)

/// What the program keeps of a socket.
struct profile {
    std::string name;
    int level = 0;
};
WEFT_FIELDS(profile, name, level)

/// What is told of a socket.
struct description {
    std::string id;
    std::vector<std::string> rooms;
    json_text data, auth;
    std::string url, address;
    bool secure = false, sound = false;
    std::map<std::string, std::string> headers, query;
};
WEFT_FIELDS(description, id, rooms, data, auth, url, address, secure, sound, headers, query)

struct answers {
    std::vector<value> answers;
    bool complete = false;
};
WEFT_FIELDS(answers, answers, complete)

/// What other servers said here.
class journal {
public:
    void add(value what) {
        const std::lock_guard lock(mutex_);
        entries_.push_back(std::move(what));
    }
    std::vector<value> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(entries_, {});
    }

private:
    std::mutex mutex_;
    std::vector<value> entries_;
};

/// **Lifetime**: borrows the names in `to`.
broadcast_operator chain(broadcast_operator begin, const aim& to) {
    for (const auto& room : to.rooms) static_cast<void>(std::move(begin).to(room));
    for (const auto& room : to.except) static_cast<void>(std::move(begin).except(room));
    if (to.droppable.value_or(false)) static_cast<void>(std::move(begin).volatile_());
    if (to.uncompressed.value_or(false)) static_cast<void>(std::move(begin).uncompressed());
    if (to.local.value_or(false)) static_cast<void>(std::move(begin).local());
    if (to.timeout)
        static_cast<void>(std::move(begin).timeout(std::chrono::milliseconds(*to.timeout)));
    return begin;
}

broadcast_operator chain(const space& in, const aim& to) {
    return chain(in.to(std::initializer_list<std::string_view>{}), to);
}

json_text parsed(const std::string& json) {
    auto text = json_text::parse(json);
    return text ? *std::move(text) : json_text();
}

description describe(const weft::socketio::remote_socket& one) {
    const auto& from = one.handshake;
    description told;
    told.id = one.id;
    told.rooms = one.rooms;
    told.data = parsed(one.data);
    told.auth = parsed(one.auth);
    told.url = from.url();
    told.address = from.address();
    told.secure = from.secure();
    const auto age = std::chrono::system_clock::now() - from.issued();
    told.sound = age < std::chrono::minutes(5) && age > -std::chrono::minutes(5);
    from.each_header([&](std::string_view name, std::string_view content) {
        std::string lower(name);
        std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        told.headers[lower] = content;
    });
    for (std::string_view rest = from.query(); !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::string name(pair.substr(0, pair.find('=')));
        told.query[name] = from.query_value(name).value_or("");
    }
    return told;
}

std::vector<value> decoded(std::string_view event, const raw_arguments& args) {
    weft::socketio::borrowed_texts texts;
    auto all = weft::socketio::detail::decode_arguments<rest<value>>(event, args, texts);
    return all ? std::get<0>(*std::move(all)).values : std::vector<value>{};
}

template <class Replies>
answers collected(Replies&& replies, bool complete) {
    answers all{{}, complete};
    for (auto& one : replies.answers) all.answers.push_back(one ? *one : value("error"));
    return all;
}

void rooms(space& in) {
    in.on("join", [](socket& s, std::vector<std::string> rooms) {
        for (const auto& room : rooms) s.join(room);
        return true;
    });
    in.on("leave", [](socket& s, std::string room) { return s.leave(room); });
    in.on("rooms", [](socket& s) { return s.rooms(); });
    in.on("set_data", [](socket& s, profile data) {
        s.data<profile>() = std::move(data);
        return true;
    });
    in.on("sockets_join", [&in](socket&, aim to, std::vector<std::string> rooms) {
        for (const auto& room : rooms) chain(in, to).sockets_join(room);
        return true;
    });
    in.on("sockets_leave", [&in](socket&, aim to, std::vector<std::string> rooms) {
        for (const auto& room : rooms) chain(in, to).sockets_leave(room);
        return true;
    });
    in.on("disconnect_sockets", [&in](socket&, aim to, bool close) {
        chain(in, to).disconnect_sockets(close ? disconnect_scope::connection
                                               : disconnect_scope::this_namespace);
        return true;
    });
}

void events(space& in, const std::string& name) {
    // Answered by the name of the server, once no server can lose it.
    in.on("say", [&in, name](socket_ref, std::string room, std::string text) -> task<std::string> {
        const weft::result<void> stored = co_await in.to(room).emit_stored("said", text);
        co_return stored ? name : std::string();
    });
    in.on("emit", [&in](socket& s, aim to, std::string event, rest<value> what) {
        auto whom = to.others.value_or(false) ? chain(s.broadcast(), to) : chain(in, to);
        std::move(whom).emit(event, what);
        return true;
    });
    in.on("count", [&in](socket&, std::vector<aim> to, std::string event, int times) {
        for (int i = 0; i < times; ++i) {
            for (const aim& one : to) chain(in, one).emit(event, i);
        }
        return true;
    });
    in.on("ask", [&in](socket_ref, aim to, std::string event, rest<value> what) -> task<answers> {
        auto replies = co_await chain(in, to).emit_with_ack<value>(event, what);
        co_return collected(replies, replies.missing == 0 && replies.silent.count == 0);
    });
    in.on("fetch", [&in](socket_ref, aim to) -> task<std::vector<description>> {
        const fetched_sockets all = co_await chain(in, to).fetch_sockets();
        std::vector<description> told;
        for (const auto& one : all.sockets) told.push_back(describe(one));
        co_return told;
    });
}

void servers(space& in, journal& heard, const std::string& name) {
    in.on("server_side_emit", [&in](socket&, std::string event, rest<value> what) {
        in.server_side_emit(event, what);
        return true;
    });
    in.on("server_side_ask",
          [&in](socket_ref, std::string event, rest<value> what) -> task<answers> {
              auto replies = co_await in.server_side_emit_with_ack<value>(event, what);
              co_return collected(replies, replies.silent.count == 0);
          });
    in.on("heard", [&heard](socket&) { return heard.take(); });
    in.on_server_side("note",
                      [&heard](const raw_arguments& args) { heard.add(decoded("note", args)); });
    in.on_server_side("question", [&heard, name](const raw_arguments& args, ack reply) {
        value::array answer{value(name)};
        for (auto& one : decoded("question", args)) answer.push_back(std::move(one));
        heard.add(answer);
        reply(answer);
    });
    in.on_server_side("silence_of_b", [name](const raw_arguments&, ack reply) {
        if (name != "b") reply(name);
    });
}

void verbs(space& in, journal& heard, const std::string& name) {
    rooms(in);
    events(in, name);
    servers(in, heard, name);
}

struct settings {
    weft::server_options server{};
    weft::socketio::options io{};
    weft::cluster::options cluster{};
    std::string name = "a";
    bool by_server = false;
    std::uint16_t port = 0;
};

template <class Number>
void read(std::string_view text, Number& out) {
    std::from_chars(text.data(), text.data() + text.size(), out);
}

bool parse(int argc, char** argv, settings& out) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view flag = argv[i];
        const std::string_view what = argv[i + 1];
        if (flag == "--port") {
            read(what, out.port);
        } else if (flag == "--redis") {
            read(what, out.cluster.redis.port);
        } else if (flag == "--adapter") {
            using kind = weft::cluster::adapter_kind;
            out.cluster.adapter = what == "sharded"   ? kind::sharded
                                  : what == "streams" ? kind::streams
                                                      : kind::classic;
        } else if (flag == "--recovery") {
            out.io.connection_state_recovery.emplace();
        } else if (flag == "--stream-length") {
            read(what, out.cluster.stream_length);
        } else if (flag == "--prefix") {
            out.cluster.prefix = what;
        } else if (flag == "--name") {
            out.name = what;
        } else if (flag == "--threads") {
            read(what, out.server.threads);
        } else if (flag == "--ack-timeout") {
            int ms = 0;
            read(what, ms);
            out.io.ack_timeout = std::chrono::milliseconds(ms);
        } else if (flag == "--max-queue") {
            read(what, out.cluster.redis.max_queue);
        } else if (flag == "--by") {
            out.by_server = what == "server";
        } else if (flag == "--nodes") {
            out.cluster.nodes.emplace().secret = what;
        } else {
            std::fprintf(stderr, "cluster_app: unknown flag %s\n", argv[i]);
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    if (!parse(argc, argv, chosen)) return 2;
    if (chosen.by_server) chosen.cluster.ready_without_redis = {};
    if (chosen.by_server || chosen.cluster.nodes) {
        chosen.server.cluster = chosen.cluster;
    } else {
        chosen.io.adapter = weft::cluster::make_redis_adapter(chosen.cluster);
    }
    weft::server server(chosen.server);
    (void)server.http().get("/metrics", [&server](const weft::http::request&) {
        return weft::http::response::text(200, server.metrics_text());
    });
    (void)server.http().get("/ready", [&server](const weft::http::request&) {
        const auto judged = server.ready();
        return weft::http::response::text(judged ? 200 : 503,
                                          judged ? "" : judged.error().message());
    });
    io_server io(server, chosen.io);
    journal main_heard, chat_heard;
    space& chat = io.of("/chat");
    space& control = io.of("/control");
    verbs(io, main_heard, chosen.name);
    verbs(chat, chat_heard, chosen.name);
    control.on("settle", [&](socket&, int token) {
        for (space* in : {static_cast<space*>(&io), &chat, &control}) in->emit("settled", token);
    });
    const auto port = server.listen({.host = "127.0.0.1", .port = chosen.port});
    if (!port) {
        std::fprintf(stderr, "cluster_app: %s\n", port.error().message().c_str());
        return 1;
    }
    std::printf("listening on http://127.0.0.1:%d\n", int{*port});
    std::fflush(stdout);
    return server.run();
}
