// What the process may use, from files as the kernel writes them.

#include "server/system_memory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace weft {
namespace {

class system_memory_test : public testing::Test {
protected:
    system_memory_test() {
        (void)!::mkdtemp(root_.data());
        write("/proc/meminfo", "MemTotal:       1000 kB\nMemFree:          10 kB\n");
    }
    ~system_memory_test() override { std::filesystem::remove_all(root_); }

    void write(const std::string& file, const std::string& content) {
        std::filesystem::create_directories(std::filesystem::path(root_ + file).parent_path());
        std::ofstream(root_ + file) << content;
    }
    [[nodiscard]] std::uint64_t found() const { return system_memory(root_); }

private:
    std::string root_ = std::filesystem::temp_directory_path() / "weft-memory-XXXXXX";
};

TEST_F(system_memory_test, without_groups_it_is_that_of_the_machine) {
    EXPECT_EQ(found(), 1000U * 1024);
    write("/proc/self/cgroup", "0::/app\n");
    write("/sys/fs/cgroup/app/memory.max", "max\n");
    EXPECT_EQ(found(), 1000U * 1024);
}

TEST_F(system_memory_test, the_smallest_limit_on_the_way_up_counts) {
    write("/proc/self/cgroup", "0::/system/app\n");
    write("/sys/fs/cgroup/system/app/memory.max", "300000\n");
    EXPECT_EQ(found(), 300'000U);
    write("/sys/fs/cgroup/system/memory.max", "200000\n");
    EXPECT_EQ(found(), 200'000U);
    write("/sys/fs/cgroup/memory.max", "100000\n");
    EXPECT_EQ(found(), 100'000U);
}

TEST_F(system_memory_test, the_root_of_a_container_has_the_limit) {
    write("/proc/self/cgroup", "0::/\n");
    write("/sys/fs/cgroup/memory.max", "400000\n");
    EXPECT_EQ(found(), 400'000U);
}

TEST_F(system_memory_test, version_1_has_a_hierarchy_of_its_own) {
    write("/proc/self/cgroup", "5:cpu,memory:/app\n1:name=systemd:/app\n");
    write("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "500000\n");
    EXPECT_EQ(found(), 500'000U);
    write("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(found(), 1000U * 1024);
}

TEST_F(system_memory_test, nothing_readable_is_zero) {
    write("/proc/meminfo", "MemTotal: lots\n");
    write("/proc/self/cgroup", "nonsense\n");
    EXPECT_EQ(found(), 0U);
}

TEST_F(system_memory_test, this_machine_tells) {
    EXPECT_GT(system_memory(), 0U);
}

}  // namespace
}  // namespace weft
