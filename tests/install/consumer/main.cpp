// A user's program, as small as it gets: it must compile, link and start.

#include <cstdio>

#include <weft/base/error.hpp>

int main() {
    const weft::error refused{weft::errc::limit_exceeded, "consumer"};
    std::puts(refused.message().c_str());
    return refused.code() == weft::condition::limit_exceeded ? 0 : 1;
}
