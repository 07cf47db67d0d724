// Connects with weft::ws::client and does what its arguments say, for end-to-end tests:
//
//   client_probe URL [--ca FILE] [--deflate takeover|alone] [--subprotocol NAME] [--redirects N]
//                [STEP...]
//
// Each STEP waits for one message after it has sent: text:ABC sends that text, big:N sends N bytes
// of a pattern; close:CODE closes. Without a close step it waits for the server to close. Standard
// output has one line per event.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weft/ws/client.hpp>

namespace {

using weft::ws::client;

struct script {
    weft::ws::client_options options;
    weft::tls_client_options tls;
    std::vector<std::string> steps;
};

script parse(int count, char** arguments) {
    script all;
    if (count > 1) all.options.url = arguments[1];
    for (int i = 2; i < count; ++i) {
        const std::string name = arguments[i];
        if (name.substr(0, 2) != "--" || i + 1 == count) {
            all.steps.push_back(name);
            continue;
        }
        const std::string value = arguments[++i];
        if (name == "--ca") {
            all.tls.ca_file = value;
            all.tls.system_cas = false;
        } else if (name == "--deflate") {
            all.options.deflate.emplace().context_takeover = value == "takeover";
        } else if (name == "--proxy") {
            all.options.proxy = value;
        } else if (name == "--subprotocol") {
            all.options.subprotocols.push_back(value);
        } else if (name == "--redirects") {
            all.options.max_redirects = static_cast<unsigned>(std::atoi(value.c_str()));
        }
    }
    return all;
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * i >> 7U) + i);
    return bytes;
}

void next_step(client& c, const std::vector<std::string>& steps, std::size_t& done) {
    if (done == steps.size()) return;
    const std::string& step = steps[done++];
    const std::string value = step.substr(step.find(':') + 1);
    if (step.rfind("text:", 0) == 0) {
        c.send(value);
    } else if (step.rfind("big:", 0) == 0) {
        c.send(weft::as_bytes(pattern(std::stoul(value))));
    } else {
        c.close(static_cast<weft::ws::close_code>(std::stoi(value)), "bye");
    }
}

void report(const weft::message_view& what) {
    if (what.is_text()) {
        std::printf("text %.*s\n", static_cast<int>(what.size()), what.text().data());
    } else {
        const bool same = weft::as_text(what.bytes()) == pattern(what.size());
        std::printf("binary %zu %s\n", what.size(), same ? "intact" : "damaged");
    }
}

}  // namespace

int main(int count, char** arguments) {
    const script all = parse(count, arguments);
    auto loop = weft::loop::make();
    if (!loop) return 2;
    client subject(**loop, all.options, all.tls);
    std::size_t done = 0;
    subject
        .on_open([&](client& c) {
            std::printf("open %.*s\n", static_cast<int>(c.subprotocol().size()),
                        c.subprotocol().data());
            next_step(c, all.steps, done);
        })
        .on_message([&](client& c, weft::message_view what) {
            report(what);
            next_step(c, all.steps, done);
        })
        .on_close([&](client&, const weft::ws::close_event& event) {
            std::printf("close %d %.*s%s\n", static_cast<int>(event.code),
                        static_cast<int>(event.reason.size()), event.reason.data(),
                        event.clean ? " clean" : "");
            (*loop)->stop();
        })
        .on_failure([&](client&, const weft::ws::connect_failure& failure) {
            std::printf("failure %d %s\n", failure.status, failure.why.message().c_str());
            (*loop)->stop();
        });
    if (const auto begun = subject.connect(); !begun) {
        std::printf("refused %s\n", begun.error().message().c_str());
        return 1;
    }
    (*loop)->run();
    return 0;
}
