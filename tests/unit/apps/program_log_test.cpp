// The program's log: what its lines look like, and that nothing that happens to them holds up who
// logs.

#include "log/program_log.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "log/log_text.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;
using json = nlohmann::json;

struct temporary_folder {
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "weft-log-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~temporary_folder() { std::filesystem::remove_all(path); }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    [[nodiscard]] std::string file(std::string_view name) const { return (path / name).string(); }
    std::filesystem::path path;
};

std::vector<std::string> lines_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::unique_ptr<program_log> log_to(const std::string& file, log_options options = {}) {
    options.file = file;
    auto made = program_log::make(options);
    EXPECT_TRUE(made) << (made ? "" : made.error().message());
    return made ? *std::move(made) : nullptr;
}

std::map<std::string, std::uint64_t> counters_of(const program_log& log) {
    std::map<std::string, std::uint64_t> found;
    log.visit_metrics([&](const metric_sample& sample) {
        found[std::string(sample.name) + std::string(sample.labels)] = sample.value;
    });
    return found;
}

access_record ended(const peer& whose, std::string_view path, std::error_code cause = {}) {
    return {access_kind::request, whose, "GET", path, 1234567ns, 10, 20, 200, cause, {}};
}

std::string line_of(const access_record& record, log_form form) {
    std::string out;
    line_start start;
    start.append(out, std::chrono::sys_days{std::chrono::year(2026) / 5 / 4} + 7h + 8min + 9123ms,
                 log_level::info, form);
    append_record(out, record, form);
    return out.append(line_end(form));
}

const peer& ann() {
    static peer p(nullptr, *socket_address::make("192.0.2.7", 4000));
    p.identify(identity{"ann"});
    return p;
}

TEST(program_log, an_access_line_for_people) {
    access_record record = ended(ann(), "/a b", make_error_code(errc::closed_by_peer));
    record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    EXPECT_EQ(line_of(record, log_form::text),
              "2026-05-04T07:08:09.123Z info access: request GET /a b 200, from 192.0.2.7:4000 as "
              "ann, 1.234 ms, 10 bytes in, 20 out, trace 4bf92f3577b34da6a3ce929d0e0e4736: " +
                  make_error_code(errc::closed_by_peer).message() + "\n");
}

TEST(program_log, an_access_line_for_machines) {
    access_record record = ended(ann(), "/a b", make_error_code(errc::closed_by_peer));
    record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    EXPECT_EQ(json::parse(line_of(record, log_form::json)),
              json({{"time", "2026-05-04T07:08:09.123Z"},
                    {"level", "info"},
                    {"layer", "access"},
                    {"kind", "request"},
                    {"method", "GET"},
                    {"path", "/a b"},
                    {"code", 200},
                    {"address", "192.0.2.7:4000"},
                    {"subject", "ann"},
                    {"ms", 1.234},
                    {"received", 10},
                    {"sent", 20},
                    {"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"},
                    {"cause", make_error_code(errc::closed_by_peer).message()}}));
}

TEST(program_log, lines_are_valid_whatever_a_peer_sent) {
    std::string all_bytes;
    for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
    for (const std::string& text : {all_bytes, std::string("\xff\xfe\"\\"), std::string("\xe2\x80"),
                                    std::string("\xe2\x80\xa8"), std::string(10'000, '\x01'),
                                    std::string(10'000, '"'), std::string("a\nb")}) {
        peer whose(nullptr, *socket_address::make("::1", 1));
        whose.identify(identity{text});
        for (const access_kind kind :
             {access_kind::request, access_kind::websocket, access_kind::engineio}) {
            access_record record = ended(whose, text);
            record.kind = kind;
            const std::string line = line_of(record, log_form::json);
            EXPECT_TRUE(json::accept(line)) << line;
            EXPECT_EQ(line.find('\n'), line.size() - 1);
            EXPECT_LT(line.size(), 3000);
            EXPECT_EQ(
                std::count_if(line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; }),
                1);
            const std::string said = line_of(record, log_form::text);
            EXPECT_EQ(said.find('\n'), said.size() - 1);
        }
        std::string line;
        line_start().append(line, std::chrono::system_clock::now(), log_level::error,
                            log_form::json);
        append_record(line, log_record{log_level::error, "ws", text}, log_form::json);
        EXPECT_TRUE(json::accept(line.append(line_end(log_form::json)))) << line;
    }
}

TEST(program_log, writes_what_its_level_lets_through_to_its_file) {
    const temporary_folder folder;
    const std::string file = folder.file("log");
    {
        const auto log = log_to(file, {.level = log_level::info});
        EXPECT_FALSE(log->wants(log_level::debug));
        log->write(log_record{log_level::debug, "ws", "never"});
        log->write(log_record{log_level::warning, "ws", "one {} {0} %v"});
        log->write(ended(ann(), "/two"));
        log->change({.level = log_level::info, .access = false});
        log->write(ended(ann(), "/never"));
        log->change({.level = log_level::warning});
        log->write(ended(ann(), "/never"));
        log->write(log_record{log_level::info, "ws", "never"});
        log->write(log_record{log_level::error, "ws", "three"});
        log->change({.level = log_level::debug});
        log->write(log_record{log_level::debug, "ws", "four"});
    }
    const auto lines = lines_of(file);
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_EQ(json::parse(lines[0])["message"], "one {} {0} %v");
    EXPECT_EQ(json::parse(lines[0])["level"], "warning");
    EXPECT_EQ(json::parse(lines[1])["path"], "/two");
    EXPECT_EQ(json::parse(lines[2])["message"], "three");
    EXPECT_EQ(json::parse(lines[3])["level"], "debug");
}

TEST(program_log, a_rotated_file_is_opened_anew) {
    const temporary_folder folder;
    const std::string file = folder.file("log");
    {
        const auto log = log_to(file);
        log->write(log_record{log_level::error, "ws", "before"});
        while (lines_of(file).empty()) std::this_thread::yield();
        std::filesystem::rename(file, folder.file("old"));
        log->change({});
        log->write(log_record{log_level::error, "ws", "behind"});
    }
    ASSERT_EQ(lines_of(folder.file("old")).size(), 1U);
    ASSERT_EQ(lines_of(file).size(), 1U);
    EXPECT_EQ(json::parse(lines_of(file)[0])["message"], "behind");
}

TEST(program_log, a_full_disk_loses_lines_and_counts_them) {
    const auto log = log_to("/dev/full");
    for (int i = 0; i < 10; ++i) log->write(log_record{log_level::error, "ws", "lost"});
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (counters_of(*log)[R"(weft_log_lost_lines_totalwhy="write")"] < 10 &&
           std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
    EXPECT_EQ(counters_of(*log)[R"(weft_log_lost_lines_totalwhy="write")"], 10U);
}

TEST(program_log, a_reader_that_has_stopped_blocks_nobody_and_the_loss_is_told) {
    const temporary_folder folder;
    const std::string pipe = folder.file("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    {
        const auto log = log_to(pipe, {.queue = 100, .records_per_second = 1'000'000});
        // 64 KiB are in the pipe, 100 lines in the queue; all others have nowhere to go.
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < 100'000; ++i) log->write(log_record{log_level::error, "ws", "much"});
        EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
        EXPECT_GT(counters_of(*log)[R"(weft_log_lost_lines_totalwhy="queue")"], 90'000U);
    }  // and not the end of the program either
    ::close(reader);
}

TEST(program_log, a_flood_of_records_is_cut_and_access_lines_are_not) {
    const temporary_folder folder;
    const std::string file = folder.file("log");
    {
        const auto log = log_to(file, {.level = log_level::info, .records_per_second = 3});
        for (int i = 0; i < 1000; ++i) log->write(log_record{log_level::error, "ws", "thrown"});
        for (int i = 0; i < 10; ++i) log->write(ended(ann(), "/"));
        EXPECT_GT(counters_of(*log)[R"(weft_log_lost_lines_totalwhy="rate")"], 900U);
        const std::uint64_t before = counters_of(*log)["weft_log_lines_total"];
        log->change({.level = log_level::debug});
        for (int i = 0; i < 10; ++i) log->write(log_record{log_level::debug, "ws", "asked for"});
        EXPECT_EQ(counters_of(*log)["weft_log_lines_total"], before + 10);
    }
    EXPECT_LT(lines_of(file).size(), 100U);
    EXPECT_GT(lines_of(file).size(), 20U);
}

TEST(program_log, refuses_what_it_cannot_be) {
    EXPECT_FALSE(program_log::make({.queue = 0}));
    EXPECT_FALSE(program_log::make({.records_per_second = 0}));
    const auto nowhere = program_log::make({.file = "/nowhere/log"});
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().message().find("/nowhere/log"), std::string::npos);
}

}  // namespace
}  // namespace weft::test
