// Standard error is a pipe here, whose reader may go away.

#include <weft/base/log.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/log_line.hpp"

namespace weft {
namespace {

class StderrLog : public testing::Test {
protected:
    void SetUp() override {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe(ends.data()), 0);
        reader_ = ends[0];
        before_ = ::dup(STDERR_FILENO);
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[1]);
        open_ = true;
    }
    void TearDown() override {
        restore();
        close_reader();
    }
    void restore() {
        if (std::exchange(open_, false)) {
            ::dup2(before_, STDERR_FILENO);
            ::close(before_);
        }
    }
    void close_reader() {
        if (reader_ >= 0) ::close(std::exchange(reader_, -1));
    }
    std::string read_all() {
        restore();  // the last writer goes, so that there is an end
        std::string all;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::read(reader_, part.data(), part.size())) > 0;)
            all.append(part.data(), static_cast<std::size_t>(n));
        return all;
    }

private:
    int reader_ = -1;
    int before_ = -1;
    bool open_ = false;
};

std::string without_times(const std::string& lines) {
    constexpr std::size_t stamp = std::string_view("2026-05-04T07:08:09.123Z ").size();
    std::string out;
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = lines.find('\n', at) + 1;
        EXPECT_EQ(lines.substr(at + stamp - 2, 2), "Z ");
        out += lines.substr(at + stamp, end - at - stamp);
        at = end;
    }
    return out;
}

bool sigpipe_pending() {
    sigset_t pending;
    sigemptyset(&pending);
    ::sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

TEST_F(StderrLog, writes_what_its_level_asks_for) {
    stderr_log log(log_level::warning);
    log.write({log_level::info, "net", "not this"});
    log.write({log_level::warning, "net", "a\nb"});
    log.write({log_level::error, "ws", "and this"});
    EXPECT_EQ(without_times(read_all()), "warning net: a?b\nerror ws: and this\n");
}

TEST(LogLine, begins_with_the_time_in_utc) {
    using namespace std::chrono;
    const system_clock::time_point leap_day = sys_days(2024y / February / 29) + 23h + 5min + 7s;
    EXPECT_EQ(log_line({log_level::info, "server", "hi"}, leap_day + 45ms),
              "2024-02-29T23:05:07.045Z info server: hi\n");
    EXPECT_EQ(log_line({log_level::debug, "ws", "a\x1b[31m\x7f\r\n"}, leap_day),
              "2024-02-29T23:05:07.000Z debug ws: a?[31m???\n");
}

TEST(LogLine, sec_h7_has_no_control_character_and_is_utf_8) {
    const auto written = [](std::string_view text) {
        std::string out;
        append_printable(out, text, text.size());
        return out;
    };
    EXPECT_EQ(written("z\xC3\xBCrich \xE2\x82\xAC \xF0\x9F\xA7\xB5"),
              "z\xC3\xBCrich \xE2\x82\xAC \xF0\x9F\xA7\xB5");
    EXPECT_EQ(written("\xC2\x80\xC2\x85\xC2\x9B\x33\x31m\xC2\xA0"), "??????31m\xC2\xA0") << "C1";
    EXPECT_EQ(written("a\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAE\xE2\x81\xA6z"), "a????????????z");
    EXPECT_EQ(written("\x9B\xFF\xC3 \xE2\x82"), "??? ??") << "no UTF-8";
    for (int byte = 0; byte < 256; ++byte) {
        const std::string out = written(std::string(1, static_cast<char>(byte)));
        EXPECT_EQ(out, byte >= 0x20 && byte < 0x7F ? std::string(1, static_cast<char>(byte)) : "?");
    }
    std::string cut;
    append_printable(cut, "ab\xC3\xBC", 3);
    EXPECT_EQ(cut, "ab...") << "cut between characters";
}

TEST_F(StderrLog, wants_only_what_it_writes) {
    EXPECT_FALSE(stderr_log(log_level::info).wants(log_level::debug));
    EXPECT_TRUE(stderr_log(log_level::info).wants(log_level::info));
    EXPECT_TRUE(stderr_log(log_level::debug).wants(log_level::debug));
}

TEST_F(StderrLog, the_default_sink_tells_warnings) {
    default_log()->write({log_level::info, "net", "not this"});
    default_log()->write({log_level::warning, "net", "this"});
    EXPECT_EQ(without_times(read_all()), "warning net: this\n");
}

TEST_F(StderrLog, a_reader_that_went_away_ends_nobody) {
    close_reader();
    stderr_log log;
    log.write({log_level::error, "net", "SIGPIPE would end the process here"});
    EXPECT_FALSE(sigpipe_pending());
}

TEST_F(StderrLog, what_the_user_chose_for_sigpipe_stays) {
    struct sigaction before {};
    ::sigaction(SIGPIPE, nullptr, &before);
    sigset_t mask_before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
    close_reader();
    stderr_log().write({log_level::error, "net", "nobody reads this"});
    struct sigaction after {};
    ::sigaction(SIGPIPE, nullptr, &after);
    EXPECT_EQ(after.sa_handler, before.sa_handler);
    sigset_t mask_after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
    EXPECT_EQ(sigismember(&mask_after, SIGPIPE), sigismember(&mask_before, SIGPIPE));
}

TEST_F(StderrLog, a_sigpipe_of_the_user_stays_pending) {
    close_reader();
    // On a thread of its own, whose mask and pending signals end with it.
    std::thread([] {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
        ::pthread_kill(::pthread_self(), SIGPIPE);
        stderr_log().write({log_level::error, "net", "nobody reads this"});
        EXPECT_TRUE(sigpipe_pending());
    }).join();
}

}  // namespace
}  // namespace weft
