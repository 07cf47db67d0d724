// A system that has no more threads to give. `pthread_create` is ours here, and refuses when asked
// to; a sanitizer needs its own.

#include <cerrno>
#include <climits>
#include <string>

#include <dlfcn.h>
#include <pthread.h>

#include <weft/socketio/client_thread.hpp>

#include "net/backend/sim/sim_backend.hpp"
#include "net/worker_pool.hpp"
#include "unit/server/server_world.hpp"

namespace {

int threads_left = INT_MAX;

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*work)(void*),
                              void* with) noexcept {
    if (threads_left == 0) return EAGAIN;
    --threads_left;
    using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, how, work, with);
}

namespace weft::test {
namespace {

class refused_threads : public testing::Test {
protected:
    ~refused_threads() override { threads_left = INT_MAX; }
};

TEST_F(refused_threads, end_run_with_1_and_those_that_were_started) {
    server s(with_threads(8));
    ASSERT_TRUE(s.listen(loopback()));
    threads_left = 3;
    EXPECT_EQ(s.run(signal_handling::none), 1);
    EXPECT_NE(s.failure().find("cannot start the thread of loop 5 of 8"), std::string::npos)
        << s.failure();
    EXPECT_EQ(threads_left, 0);
}

TEST_F(refused_threads, are_an_error_of_a_client_thread) {
    threads_left = 0;
    const auto refused = socketio::client_thread::make({.url = "http://127.0.0.1:1"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), std::errc::resource_unavailable_try_again);
}

TEST_F(refused_threads, let_a_worker_pool_wait_for_the_next_job) {
    net::worker_pool pool;
    inbox<int> done;
    threads_left = 0;
    EXPECT_NO_THROW(pool.run([&] { done.put(1); }));
    threads_left = INT_MAX;
    pool.run([&] { done.put(2); });
    EXPECT_EQ(done.wait_for(2).size(), 2U);
}

TEST_F(refused_threads, do_not_keep_blocking_work_waiting_once_there_are_some) {
    auto* io = new net::sim_backend;
    loop_options options;
    options.log = nullptr;
    net::loop_core loop(std::unique_ptr<net::backend>(io), options);
    loop.start();
    bool done = false;
    threads_left = 0;
    loop.run_blocking([] {}, [&] { done = true; });
    const auto pass = [&](duration time) {
        io->advance(time);
        loop.turn(duration::zero());
    };
    for (int i = 0; i < 5; ++i) pass(std::chrono::milliseconds(101));
    EXPECT_FALSE(done);
    threads_left = INT_MAX;
    pass(std::chrono::milliseconds(101));
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    while (!done && steady_clock::now() < deadline) loop.turn(duration::zero());
    EXPECT_TRUE(done);
}

}  // namespace
}  // namespace weft::test
