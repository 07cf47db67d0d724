// What the programs in C++ share: the modes that peers.py describes, over what each library can.
// C++17, because WebSocket++ does not compile as C++20.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

struct message {
    bool text = false;
    std::string data;
};

/// What ends a conversation, as the library tells it: "1000 reason", or why there is no code.
struct closed {
    std::string how;
};

class peer {
public:
    virtual ~peer() = default;
    /// The subprotocol that the server chose.
    virtual std::string open(const std::string& host, const std::string& port,
                             const std::string& option) = 0;
    virtual void send(const message& what) = 0;
    virtual void send_in_pieces(const message& what) = 0;
    virtual message receive() = 0;  ///< Throws `closed`.
    /// The payload of the pong.
    virtual std::string ping(const std::string& payload) = 0;
    virtual void close(int code, const std::string& reason) = 0;
    virtual void serve(const std::string& option) = 0;
};

inline message content(bool text, std::size_t size) {
    std::string data(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        data[i] = text ? "warp and weft "[i % 14] : static_cast<char>((i * i >> 7U) + i);
    }
    if (text && size >= 7) data.replace(0, 7, "☕🧵");
    return {text, data};
}

inline void expect_back(peer& subject, const message& sent, const char* how) {
    const message back = subject.receive();
    if (back.text != sent.text || back.data != sent.data) {
        throw std::runtime_error(std::to_string(sent.data.size()) + " bytes came back changed");
    }
    std::cout << how << (sent.text ? "text " : "binary ") << sent.data.size() << std::endl;
}

inline void converse(peer& subject) {
    for (const bool text : {true, false}) {
        for (const std::size_t size :
             std::array<std::size_t, 8>{0, 1, 125, 126, 65535, 65536, 1U << 20U, 5'000'000}) {
            const message what = content(text, size);
            subject.send(what);
            expect_back(subject, what, "");
        }
    }
    const message large = content(true, 5'000'000);
    subject.send_in_pieces(large);
    expect_back(subject, large, "pieces ");
    std::cout << "pong " << subject.ping("are you there") << std::endl;
    subject.close(4001, "bye");
    subject.receive();
}

inline int run_peer(peer& subject, int count, char** arguments) {
    const auto argument = [&](int i) { return std::string(i < count ? arguments[i] : ""); };
    try {
        if (argument(1) == "serve") {
            subject.serve(argument(2));
            return 0;
        }
        const std::string place = argument(2).substr(5);  // ws://HOST:PORT/
        const std::size_t colon = place.find(':');
        const std::string host = place.substr(0, colon);
        const std::string port = place.substr(colon + 1, place.find('/') - colon - 1);
        const bool waits = argument(1) == "wait";
        const std::string chosen = subject.open(host, port, waits ? "" : argument(3));
        std::cout << "open" << (waits ? "" : " " + chosen) << std::endl;
        if (!waits) {
            converse(subject);
            return 1;
        }
        if (count > 3) subject.send(content(false, std::stoul(argument(3))));
        subject.receive();
    } catch (const closed& end) {
        std::cout << "close " << end.how << std::endl;
        return 0;
    } catch (const std::exception& error) {
        std::cout << "failed " << error.what() << std::endl;
    }
    return 1;
}
