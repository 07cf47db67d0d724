// The bridges between the topic protocol, which knows no sockets, and WebSockets and Socket.IO.
// A topic is a topic of the server and a room of the Socket.IO server; whatever is said to one is
// said to the other. The room has a name of its own, since each socket is in a room that is called
// like itself.

#include "topic_service.hpp"

#include <chrono>
#include <cstdio>
#include <random>
#include <utility>

#include <weft/base/function_ref.hpp>
#include <weft/base/json_writer.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/socketio/codec.hpp>

namespace weft {
namespace {

using socketio::json_text;

std::string room_of(std::string_view topic) {
    return std::string("topic:").append(topic);
}

json_text as_json(std::string_view text) {
    auto made = json_text::parse(std::string(text));
    return made ? std::move(*made) : json_text();
}

/// Says to the sockets of a topic what its subscribers are told.
template <class Phrase>
void emit_message(Phrase&& to, const message& what) {
    auto phrase = std::forward<Phrase>(to);
    if (what.droppable())
        std::move(phrase).volatile_().emit("message", as_json(what.text()));
    else if (what.latest())
        std::move(phrase).latest(what.key()).emit("message", as_json(what.text()));
    else
        std::move(phrase).emit("message", as_json(what.text()));
}

}  // namespace

class connection_sink final : public topics::topic_sink {
public:
    connection_sink(topic_service& all, ws::connection_base& c) noexcept
        : all_(all), connection_(c) {}
    void send(std::string_view text) override { connection_.send(text); }
    bool subscribe(std::string_view topic) override { return connection_.subscribe(topic); }
    void unsubscribe(std::string_view topic) override { connection_.unsubscribe(topic); }
    void publish(std::string_view topic, const message& what) override {
        connection_.publish(topic, what);
        if (all_.io_ != nullptr) emit_message(all_.io_->to(room_of(topic)), what);
    }
    void publish_here(std::string_view topic, std::string_view text) override {
        connection_.publish_here(topic, message_view(text));
        if (all_.io_ != nullptr)
            all_.io_->local().to(room_of(topic)).emit("presence", as_json(text));
    }
    std::optional<schema::violation> check(const schema& rules, std::string_view json) override {
        return connection_.check(rules, json);
    }
    const identity* who() const override { return connection_.peer().who(); }

private:
    topic_service& all_;
    ws::connection_base& connection_;
};

/// What a socket is told unasked: the loss of a topic.
class socket_sink : public topics::topic_sink {
public:
    socket_sink(topic_service& all, socketio::socket& s) noexcept : all_(all), socket_(s) {}
    void send(std::string_view text) override { socket_.emit("unsubscribed", as_json(text)); }
    bool subscribe(std::string_view topic) override { return socket_.join(room_of(topic)); }
    void unsubscribe(std::string_view topic) override { socket_.leave(room_of(topic)); }
    void publish(std::string_view topic, const message& what) override {
        emit_message(socket_.to(room_of(topic)), what);
        all_.target_->publish(topic, what);
    }
    void publish_here(std::string_view topic, std::string_view text) override {
        socket_.local().to(room_of(topic)).emit("presence", as_json(text));
        all_.target_->publish_here(topic, message::text(text));
    }
    std::optional<schema::violation> check(const schema& rules, std::string_view json) override {
        return rules.check(json);
    }
    const identity* who() const override { return socket_.peer().who(); }

    virtual ~socket_sink() = default;

protected:
    topic_service& all_;
    socketio::socket& socket_;
};

/// Carries out one request of a socket, which is acknowledged with what the hub sends.
class answering_sink final : public socket_sink {
public:
    using socket_sink::socket_sink;
    void send(std::string_view text) override { answer_ = text; }
    /// `fields` writes what the request has beside its type.
    json_text ask(std::string_view type, function_ref<void(json_writer&)> fields);

private:
    std::string answer_;
};

json_text answering_sink::ask(std::string_view type, function_ref<void(json_writer&)> fields) {
    std::string request;
    json_writer json(request);
    json.begin_object();
    json.member("type", type);
    fields(json);
    json.end_object();
    all_.hub_.handle(socket_.data<topics::topic_client>(), request,
                     std::chrono::steady_clock::now(), *this);
    return as_json(answer_);
}

void topic_service::add_web_socket(server& target, std::string_view path, ws::options options,
                                   const std::optional<auth::verifier>& verifier) {
    target_ = &target;
    endpoint& made = target.ws<topics::topic_client>(path, std::move(options));
    endpoints_.push_back(&made);
    if (verifier) made.require(*verifier);
    made.on_open([this](auto& c) { hub_.open(c.data()); })
        .on_message([this](auto& c, message_view m) {
            if (!m.is_text()) {
                c.close(ws::close_code::unsupported_data, "the topic protocol is JSON text");
                return;
            }
            connection_sink sink(*this, c);
            hub_.handle(c.data(), m.text(), std::chrono::steady_clock::now(), sink);
        })
        .on_close([this](auto& c, const ws::close_event&) {
            connection_sink sink(*this, c);
            hub_.close(c.data(), sink);
        });
}

void topic_service::add_socketio(server& target, socketio::server& io,
                                 const std::optional<auth::verifier>& verifier) {
    target_ = &target;
    io_ = &io;
    if (verifier) io.require(*verifier);
    const auto ask = [this](socketio::socket& s, std::string_view type,
                            function_ref<void(json_writer&)> fields) {
        return answering_sink(*this, s).ask(type, fields);
    };
    const auto ask_about = [ask](const char* type) {
        return [ask, type](socketio::socket& s, std::string_view topic) {
            return ask(s, type, [&](json_writer& json) { json.member("topic", topic); });
        };
    };
    io.on_connect([this](socketio::socket& s) { hub_.open(s.data<topics::topic_client>()); });
    io.on("hello", [ask](socketio::socket& s, std::string_view name) {
        return ask(s, "hello", [&](json_writer& json) { json.member("name", name); });
    });
    io.on("subscribe", ask_about("subscribe"));
    io.on("unsubscribe", ask_about("unsubscribe"));
    io.on("publish", [ask](socketio::socket& s, std::string_view topic, const json_text& data) {
        return ask(s, "publish", [&](json_writer& json) {
            json.member("id", 0);  // else there is no answer
            json.member("topic", topic);
            json.raw_member("data", data.text());
        });
    });
    io.on("list", [ask](socketio::socket& s) { return ask(s, "list", [](json_writer&) {}); });
    io.on_disconnecting([this](socketio::socket& s, socketio::disconnect_reason) {
        socket_sink sink(*this, s);
        hub_.close(s.data<topics::topic_client>(), sink);
    });
}

topics::topic_hub::announcement topic_service::announce(std::string_view topic,
                                                        std::string_view data) {
    auto made = hub_.announce(topic, data);
    if (!made.what || target_ == nullptr) return made;
    target_->publish(topic, made.what);
    if (io_ != nullptr) emit_message(io_->to(room_of(topic)), made.what);
    return made;
}

void topic_service::review() {
    for (endpoint* const each : endpoints_) {
        spawn(target_->loop(0), each->visit([this](auto& c) {
            connection_sink sink(*this, c);
            hub_.review(c.data(), sink);
        }));
    }
    if (io_ == nullptr) return;
    io_->visit_sockets([this](socketio::socket& s) {
        socket_sink sink(*this, s);
        hub_.review(s.data<topics::topic_client>(), sink);
    });
}

std::string random_node_name() {
    char name[10];
    std::snprintf(name, sizeof name, "%08x.", unsigned{std::random_device()()});
    return name;
}

}  // namespace weft
