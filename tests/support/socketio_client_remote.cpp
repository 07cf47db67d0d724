// A Socket.IO client under remote control, so that tests/e2e/socketio_scenario.mjs runs with ours
// as it does with npm's: lines of JSON say what to do, lines of JSON tell what was seen. Bytes are
// {"$bytes":"<base64>"} there. tests/e2e/weft_client.mjs is the other end.
//
//     socketio_client_remote URL [--transports a,b] [--msgpack] [--reconnection]

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/base64.hpp>
#include <weft/socketio/client_thread.hpp>
#include <weft/socketio/value.hpp>

namespace {

using namespace std::chrono_literals;
using weft::socketio::client;
using weft::socketio::client_socket;
using weft::socketio::raw_ack;
using weft::socketio::raw_arguments;
using weft::socketio::rest;
using weft::socketio::value;

constexpr std::string_view bytes_key = "$bytes";

value with_bytes(value what) {
    if (auto* elements = what.get_if<value::array>()) {
        for (value& one : *elements) one = with_bytes(std::move(one));
    } else if (auto* members = what.get_if<value::object>()) {
        const value* text = what.find(bytes_key);
        if (text != nullptr && text->get_if<std::string>() != nullptr) {
            const std::string& encoded = *text->get_if<std::string>();
            value::bytes bytes(encoded.size());
            bytes.resize(weft::base64_decode(encoded, bytes).value_or(0));
            return bytes;
        }
        for (auto& [name, one] : *members) one = with_bytes(std::move(one));
    }
    return what;
}

value without_bytes(value what) {
    if (auto* elements = what.get_if<value::array>()) {
        for (value& one : *elements) one = without_bytes(std::move(one));
    } else if (auto* members = what.get_if<value::object>()) {
        for (auto& [name, one] : *members) one = without_bytes(std::move(one));
    } else if (const auto* bytes = what.get_if<value::bytes>()) {
        return value::object{{std::string(bytes_key), weft::base64_encode(*bytes)}};
    }
    return what;
}

template <class T>
T member(const value& of, std::string_view name, T otherwise = {}) {
    const value* found = of.find(name);
    const T* held = found != nullptr ? found->get_if<T>() : nullptr;
    return held != nullptr ? *held : otherwise;
}

value read(std::string_view json, std::span<const weft::byte_view> attachments = {}) {
    weft::socketio::borrowed_texts texts;
    auto all =
        weft::socketio::detail::decode_arguments<rest<value>>("line", {json, attachments}, texts);
    return all ? value(std::move(std::get<0>(*all).values)) : value();
}

class remote {
public:
    explicit remote(client& io) : io_(io) {
        io.on_upgrade([](std::string_view to) {
              say({{"saw", "upgrade"}, {"transport", to}});
          }).on_reconnect([](unsigned n) {
            say({{"saw", "reconnect"}, {"attempt", n}});
        });
    }

    void obey(const value& line) {
        client_socket& s = socket(member<std::string>(line, "nsp"));
        const auto verb = member<std::string>(line, "do");
        if (verb == "connect") {
            (void)s.connect();
        } else if (verb == "disconnect") {
            s.disconnect();
        } else if (verb == "auth") {
            s.set_auth(with_bytes(value(member<value::object>(line, "auth"))));
        } else if (verb == "ack") {
            const auto found = asked_.extract(member<std::int64_t>(line, "question"));
            if (found) found.mapped().send(weft::socketio::detail::encode_arguments(args_of(line)));
        } else if (verb == "emit") {
            emit(s, line);
        }
    }

private:
    static void say(value::object what) {
        const auto line = weft::socketio::detail::encode_arguments(without_bytes(std::move(what)));
        std::printf("%s\n", line.json.c_str());
        std::fflush(stdout);
    }

    static rest<value> args_of(const value& line) {
        rest<value> args{member<value::array>(line, "args")};
        for (value& one : args.values) one = with_bytes(std::move(one));
        return args;
    }

    client_socket& socket(const std::string& nsp) {
        client_socket& s = io_.of(nsp);
        if (!known_.insert(&s).second) return s;
        s.on_connect([nsp, this](client_socket& me) {
             say({{"saw", "connect"},
                  {"nsp", nsp},
                  {"id", me.id()},
                  {"recovered", me.recovered()},
                  {"transport", io_.transport()}});
         })
            .on_disconnect([nsp](client_socket&, const weft::socketio::client_disconnect& how) {
                say({{"saw", "disconnect"}, {"nsp", nsp}, {"reason", to_string(how.reason)}});
            })
            .on_connect_error([nsp](client_socket&, const weft::socketio::connect_error& how) {
                const value data = read(how.data);
                const auto* values = data.get_if<value::array>();
                value::object line{
                    {"saw", "connect_error"}, {"nsp", nsp}, {"message", how.message}};
                if (values != nullptr && !values->empty()) line.emplace_back("data", (*values)[0]);
                say(std::move(line));
            })
            .on_unhandled([nsp, this](client_socket&, std::string_view event,
                                      const raw_arguments& args, raw_ack to) {
                value::object line{{"saw", "event"},
                                   {"nsp", nsp},
                                   {"event", event},
                                   {"args", read(args.json, args.attachments)}};
                if (to) {
                    line.emplace_back("question", questions_);
                    asked_.emplace(questions_++, std::move(to));
                }
                say(std::move(line));
            });
        return s;
    }

    static void emit(client_socket& s, const value& line) {
        const auto event = member<std::string>(line, "event");
        if (member<bool>(line, "volatile")) {
            s.volatile_().emit(event, args_of(line));
            return;
        }
        const value* question = line.find("question");
        if (question == nullptr) {
            s.emit(event, args_of(line));
            return;
        }
        const std::chrono::milliseconds limit(member<std::int64_t>(line, "timeout"));
        s.timeout(limit).emit_with_ack<rest<value>>(
            event, args_of(line), [number = *question](weft::result<rest<value>> answer) {
                value::object told{{"saw", "answer"}, {"question", number}};
                if (answer) {
                    told.emplace_back("args", value(std::move(answer->values)));
                } else {
                    told.emplace_back("error", answer.error().what());
                }
                say(std::move(told));
            });
    }

    client& io_;
    std::set<client_socket*> known_;
    std::map<std::int64_t, raw_ack> asked_;
    std::int64_t questions_ = 0;
};

weft::socketio::client_options parse(int count, char** arguments) {
    weft::socketio::client_options options;
    options.url = count > 1 ? arguments[1] : "";
    options.auto_connect = false;
    options.reconnection = false;
    options.reconnection_delay = 20ms;
    options.reconnection_delay_max = 40ms;
    for (int i = 2; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--msgpack") {
            options.parser = weft::socketio::packet_parser::msgpack;
        } else if (name == "--reconnection") {
            options.reconnection = true;
        } else if (i + 1 < count && name == "--transports") {
            const std::string_view wanted = arguments[++i];
            std::erase_if(options.transports, [&](weft::engineio::transport_kind kind) {
                return wanted.find(to_string(kind)) == std::string_view::npos;
            });
        }
    }
    return options;
}

}  // namespace

int main(int count, char** arguments) {
    std::shared_ptr<remote> hands;
    auto io = weft::socketio::client_thread::make(
        parse(count, arguments), [&](client& c) { hands = std::make_shared<remote>(c); });
    if (!io) return 2;
    for (std::string line; std::getline(std::cin, line);) {
        (*io)->with([&hands, line](client&) {
            const value all = read(line);
            if (const auto* values = all.get_if<value::array>(); values && !values->empty()) {
                hands->obey(values->front());
            }
        });
    }
    return 0;
}
