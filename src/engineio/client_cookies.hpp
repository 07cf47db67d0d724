#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/head.hpp>

namespace weft::engineio {

/// The cookies of one origin for the length of a session: what load balancers keep clients by.
/// Domain and path are not looked at, as there is one origin and one path.
class cookie_jar {
public:
    static constexpr std::size_t max_cookies = 32;
    static constexpr std::size_t max_size = 4096;  // of one, with its name

    /// Keeps what `Set-Cookie` lines say; one that has expired is forgotten.
    void take(const http::message_head& response, std::time_t now);
    /// The value of a `Cookie` line; empty when there is none.
    [[nodiscard]] std::string header() const;

private:
    struct cookie {
        std::string name;
        std::string value;
    };
    void take_one(std::string_view line, std::time_t now);

    std::vector<cookie> cookies_;
};

}  // namespace weft::engineio
