// Standard error is a pipe here, whose reader may go away.

#include <weft/base/log.hpp>

#include <array>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

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
    EXPECT_EQ(read_all(), "warning net: a?b\nerror ws: and this\n");
}

TEST_F(StderrLog, the_default_sink_tells_warnings) {
    default_log()->write({log_level::info, "net", "not this"});
    default_log()->write({log_level::warning, "net", "this"});
    EXPECT_EQ(read_all(), "warning net: this\n");
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
