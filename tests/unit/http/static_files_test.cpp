// Files over a real folder and the sim network: what is served, how, and that nothing outside of
// the folder is ever opened.

#include <weft/http/static_files.hpp>

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;
namespace fs = std::filesystem;

std::string header_of(std::string_view reply, std::string_view name) {
    const std::string start = "\r\n" + std::string(name) + ": ";
    const std::size_t at = reply.find(start);
    if (at == std::string_view::npos) return "";
    const std::size_t begin = at + start.size();
    return std::string(reply.substr(begin, reply.find("\r\n", begin) - begin));
}

/// folder/secret.txt is outside, its subfolder `root` is served under /files/.
class files_world : public ::testing::Test {
protected:
    files_world() {
        std::string name = (fs::temp_directory_path() / "weft_http_XXXXXX").string();
        folder = ::mkdtemp(name.data());
        root = folder / "root";
        fs::create_directories(root / "sub");
        put("../secret.txt", "canary");
        put("a.txt", "0123456789");
        put("index.html", "<p>index");
        put("sub/index.html", "<p>sub");
        put("sub/b c.js", "script");
        put(".hidden", "canary");
        auto made = static_files::make(root.string());
        EXPECT_TRUE(made);
        EXPECT_TRUE(world.routes.get("/files/*path", *made));
    }
    ~files_world() override {
        world.shut_down();
        fs::remove_all(folder);
    }
    // Written a minute ago, so that its tag is strong; later files are newer by `newer` seconds.
    void put(const fs::path& name, std::string_view content, int newer = 0) const {
        std::ofstream(root / name, std::ios::binary) << content;
        const auto when = fs::file_time_type::clock::now() - std::chrono::seconds(60 - newer);
        fs::last_write_time(root / name, when);
    }
    std::string ask(std::string_view path, std::string_view lines = "") {
        return world.ask(testing::get(path, lines));
    }
    int status(std::string_view path) { return statuses(ask(path)).at(0); }

    fs::path folder;
    fs::path root;
    http_world world;
};

TEST_F(files_world, serves_files_with_type_tag_and_date) {
    const std::string reply = ask("/files/a.txt");
    EXPECT_EQ(statuses(reply), std::vector{200});
    EXPECT_EQ(body_of(reply), "0123456789");
    EXPECT_EQ(header_of(reply, "Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(header_of(reply, "Content-Length"), "10");
    EXPECT_EQ(header_of(reply, "Accept-Ranges"), "bytes");
    EXPECT_EQ(header_of(reply, "Vary"), "Accept-Encoding");
    EXPECT_EQ(header_of(reply, "Cache-Control"), "no-cache");
    EXPECT_EQ(header_of(reply, "X-Content-Type-Options"), "nosniff");
    EXPECT_TRUE(header_of(reply, "ETag").starts_with('"'));
    EXPECT_TRUE(header_of(reply, "Last-Modified").ends_with(" GMT"));
    EXPECT_EQ(body_of(ask("/files/sub/b%20c.js")), "script");
}

TEST_F(files_world, the_wildcard_may_have_any_name) {
    ASSERT_TRUE(world.routes.get("/of/:site/*rest", *static_files::make(root.string())));
    EXPECT_EQ(body_of(ask("/of/me/a.txt")), "0123456789");
    EXPECT_EQ(body_of(ask("/of/me/")), "<p>index");
}

TEST_F(files_world, folders_give_their_index_or_send_there) {
    EXPECT_EQ(body_of(ask("/files/")), "<p>index");
    EXPECT_EQ(body_of(ask("/files/sub/")), "<p>sub");
    const std::string reply = ask("/files/sub?x=y");
    EXPECT_EQ(statuses(reply), std::vector{308});
    EXPECT_EQ(header_of(reply, "Location"), "./sub/?x=y") << "behind any prefix of a proxy";
    fs::create_directories(root / "a:b" / "index.html");
    EXPECT_EQ(header_of(ask("/files/a:b"), "Location"), "./a:b/") << "no scheme";
    EXPECT_EQ(status("/files/a:b/"), 404) << "an index that is a folder";
    fs::create_directory(root / "empty");
    EXPECT_EQ(status("/files/empty/"), 404);
    EXPECT_EQ(status("/files/a.txt/"), 404);
    EXPECT_EQ(status("/files/none"), 404);
}

TEST_F(files_world, follow_a_folder_that_was_replaced) {
    fs::remove_all(root);
    EXPECT_EQ(status("/files/a.txt"), 404);
    fs::create_directories(root);
    put("a.txt", "built anew");
    EXPECT_EQ(body_of(ask("/files/a.txt")), "built anew");
}

TEST_F(files_world, follow_a_link_that_was_moved) {
    fs::create_directories(folder / "release");
    std::ofstream(folder / "release" / "a.txt") << "the next one";
    fs::create_directory_symlink(root, folder / "current");
    http_world other;
    EXPECT_TRUE(other.routes.get("/*path", *static_files::make((folder / "current").string())));
    EXPECT_EQ(body_of(other.ask(testing::get("/a.txt"))), "0123456789");
    fs::remove(folder / "current");
    EXPECT_EQ(body_of(other.ask(testing::get("/a.txt"))), "0123456789") << "between two";
    fs::create_directory_symlink(folder / "release", folder / "current");
    EXPECT_EQ(body_of(other.ask(testing::get("/a.txt"))), "the next one");
    other.shut_down();
}

TEST_F(files_world, head_has_the_headers_only) {
    const std::string reply = world.ask("HEAD /files/a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(header_of(reply, "Content-Length"), "10");
    EXPECT_EQ(body_of(reply), "");
}

TEST_F(files_world, answers_conditions_with_304) {
    const std::string first = ask("/files/a.txt");
    for (const std::string& lines :
         {"If-None-Match: " + header_of(first, "ETag") + "\r\n",
          "If-Modified-Since: " + header_of(first, "Last-Modified") + "\r\n"}) {
        const std::string reply = ask("/files/a.txt", lines);
        EXPECT_EQ(statuses(reply), std::vector{304});
        EXPECT_EQ(header_of(reply, "ETag"), header_of(first, "ETag"));
        EXPECT_EQ(header_of(reply, "Content-Length"), "");
        EXPECT_EQ(body_of(reply), "");
    }
}

TEST_F(files_world, a_changed_file_has_another_tag) {
    const std::string before = header_of(ask("/files/a.txt"), "ETag");
    put("a.txt", "9876543210", 1);
    const std::string after = ask("/files/a.txt", "If-None-Match: " + before + "\r\n");
    EXPECT_EQ(statuses(after), std::vector{200});
    EXPECT_NE(header_of(after, "ETag"), before);
}

TEST_F(files_world, a_file_written_just_now_has_a_weak_tag) {
    std::ofstream(root / "new.txt") << "x";
    const std::string reply = ask("/files/new.txt");
    EXPECT_TRUE(header_of(reply, "ETag").starts_with("W/\""));
    EXPECT_EQ(statuses(ask("/files/new.txt",
                           "Range: bytes=0-0\r\nIf-Range: " + header_of(reply, "ETag") + "\r\n")),
              std::vector{200});
}

TEST_F(files_world, ranges) {
    const std::string part = ask("/files/a.txt", "Range: bytes=2-4\r\n");
    EXPECT_EQ(statuses(part), std::vector{206});
    EXPECT_EQ(header_of(part, "Content-Range"), "bytes 2-4/10");
    EXPECT_EQ(body_of(part), "234");
    EXPECT_EQ(body_of(ask("/files/a.txt", "Range: bytes=-3\r\n")), "789");
    const std::string beyond = ask("/files/a.txt", "Range: bytes=10-\r\n");
    EXPECT_EQ(statuses(beyond), std::vector{416});
    EXPECT_EQ(header_of(beyond, "Content-Range"), "bytes */10");
    EXPECT_EQ(body_of(ask("/files/a.txt", "Range: bytes=0-0,2-2\r\n")), "0123456789");
}

TEST_F(files_world, precompressed_siblings_are_taken_when_accepted_and_not_older) {
    put("app.js", "plain", 10);
    put("app.js.gz", "zipped", 10);
    put("app.js.br", "brotli", 10);
    const auto with = [&](std::string_view accepted) {
        const std::string reply =
            ask("/files/app.js", "Accept-Encoding: " + std::string(accepted) + "\r\n");
        EXPECT_EQ(header_of(reply, "Vary"), "Accept-Encoding");
        EXPECT_EQ(header_of(reply, "Content-Type"), "text/javascript; charset=utf-8");
        return header_of(reply, "Content-Encoding") + "|" + body_of(reply);
    };
    EXPECT_EQ(with("gzip, br"), "br|brotli");
    EXPECT_EQ(with("gzip, br;q=0"), "gzip|zipped");
    EXPECT_EQ(with("identity"), "|plain");
    EXPECT_NE(header_of(ask("/files/app.js"), "ETag"),
              header_of(ask("/files/app.js", "Accept-Encoding: br\r\n"), "ETag"));
    put("app.js", "newer", 20);
    EXPECT_EQ(with("gzip, br"), "|newer");
}

TEST_F(files_world, large_files_go_out_as_the_peer_takes_them) {
    std::string content;
    for (int i = 0; content.size() < 3'000'000; ++i) content += std::to_string(i) + ",";
    put("large.bin", content);
    const auto client = world.open();
    world.io.peer_window(client, 100'000);
    world.send(client, get("/files/large.bin") + get("/files/a.txt"));
    std::string reply = world.take(client);
    EXPECT_LT(reply.size(), 200'000U);
    for (int i = 0; i < 1'000 && !reply.ends_with("0123456789"); ++i) {
        world.run(1);
        reply += world.take(client);
    }
    EXPECT_EQ(statuses(reply), (std::vector{200, 200}));
    EXPECT_EQ(body_of(reply).substr(0, content.size()), content);
}

TEST_F(files_world, a_fast_reader_does_not_hold_up_the_loop) {
    put("large.bin", std::string(30'000'000, 'x'));
    const auto client = world.open();
    world.io.peer_window(client, 100'000'000);
    world.io.peer_send(client, get("/files/large.bin"));
    world.run(1);
    std::string reply = world.take(client);
    EXPECT_LT(reply.size(), 9'000'000U) << "turn_work, at four bytes per unit, and a share";
    world.run(50);
    reply += world.take(client);
    EXPECT_EQ(body_of(reply).size(), 30'000'000U);
}

TEST_F(files_world, a_file_that_shrinks_while_it_is_sent_cuts_the_connection) {
    put("shrinks.bin", std::string(1'000'000, 'x'));
    const auto client = world.open();
    world.io.peer_window(client, 100'000);
    world.send(client, get("/files/shrinks.bin"));
    fs::resize_file(root / "shrinks.bin", 0);
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(world.take(client));
        world.run(1);
    }
    EXPECT_TRUE(world.io.peer_sees_reset(client));
}

TEST_F(files_world, an_empty_file_has_an_empty_body) {
    put("empty.txt", "");
    const std::string reply = ask("/files/empty.txt");
    EXPECT_EQ(header_of(reply, "Content-Length"), "0");
    EXPECT_EQ(status("/files/a.txt"), 200);
}

TEST(static_files, of_a_folder_that_is_not_there_are_refused) {
    const auto made = static_files::make("/nonexistent/folder");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), std::errc::no_such_file_or_directory);
}

// ---- H6: path traversal ----

// Sees every opening of what must not be opened.
class watch {
public:
    explicit watch(const fs::path& outside) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
        EXPECT_GE(::inotify_add_watch(fd_, outside.c_str(), IN_OPEN | IN_ACCESS), 0);
    }
    ~watch() { ::close(fd_); }
    [[nodiscard]] bool saw_something() const {
        std::array<char, 4096> events;
        return ::read(fd_, events.data(), events.size()) > 0;
    }

private:
    int fd_;
};

TEST_F(files_world, sec_h6_no_spelling_leads_out_of_the_folder) {
    fs::create_symlink(folder / "secret.txt", root / "link_out");
    fs::create_symlink("../secret.txt", root / "relative_link_out");
    fs::create_symlink("..", root / "up");
    fs::create_symlink("/proc/self", root / "proc");
    fs::create_symlink("/", root / "slash");
    fs::create_symlink("a.txt", root / "link_in");
    fs::create_symlink(".hidden", root / "link_to_hidden");
    fs::create_symlink("link_to_hidden", root / "link_to_link");
    fs::create_directory(root / ".folder");
    fs::create_directory_symlink(".folder", root / "link_to_folder");
    fs::create_symlink("../sub/.hidden", root / "sub" / "index.html.gz");
    put(".folder/file", "canary");
    fs::create_symlink("file", root / ".folder" / "shown");
    ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
    const watch outside(folder / "secret.txt");

    const std::array dots{"..",     "%2e%2e",       ".%2e",         "%2e.",
                          "%2E%2E", "%252e%252e",   "..%00",        "..;",
                          "....",   "%c0%ae%c0%ae", "%u002e%u002e", "%ef%bc%8e%ef%bc%8e"};
    const std::array slashes{"/",     "%2f", "%2F", "\\",     "%5c",
                             "%252f", "//",  "/./", "%c0%af", "/%2e/"};
    const std::string out = folder.string();
    const std::array<std::string, 4> targets{"secret.txt", "root/../secret.txt",
                                             "proc/self/environ", out.substr(1) + "/secret.txt"};
    int tried = 0;
    const auto refused = [&](const std::string& path) {
        const auto client = world.open();
        world.send(client, get(path));
        const std::string reply = world.take(client);
        const auto got = statuses(reply);
        EXPECT_TRUE(got == std::vector{400} || got == std::vector{404}) << path << "\n" << reply;
        EXPECT_FALSE(has(reply, "canary")) << path;
        world.io.peer_end(client);
        world.run(2);
        ++tried;
    };
    for (const std::string dot : dots) {
        for (const std::string slash : slashes) {
            for (const auto& target : targets) {
                refused("/files/" + dot + slash + target);
                refused("/files/sub/" + dot + slash + dot + slash + target);
            }
        }
    }
    for (const std::string path :
         {"link_out", "relative_link_out", "up/secret.txt", "proc/environ", "proc/cwd/etc/passwd",
          "slash/etc/passwd", "slash/proc/self/environ", ".hidden", "sub/.hidden", "pipe",
          "link_to_hidden", "link_to_link", "link_to_folder/file", "link_to_folder/shown",
          "/etc/passwd", "%2fetc%2fpasswd", "a.txt%00.html", "a.txt%00", "a%5ctxt"}) {
        refused("/files/" + path);
    }
    EXPECT_GE(tried, 960);
    EXPECT_FALSE(outside.saw_something());
    EXPECT_EQ(body_of(ask("/files/link_in")), "0123456789");
    // What the operator names is shown, whatever its own name.
    auto below = static_files::make((root / ".folder").string());
    ASSERT_TRUE(below);
    http_world hidden;
    ASSERT_TRUE(hidden.routes.get("/*path", *std::move(below)));
    EXPECT_EQ(body_of(hidden.ask(get("/shown"))), "canary");
}

// ---- Files in the program ----

TEST(embedded_files, are_served_by_path_with_coding_range_and_tag) {
    static constexpr std::string_view plain = "<p>page";
    static const std::array<embedded_file, 2> table{{
        {"/", "text/html; charset=utf-8", "\"tag\"", as_bytes(plain), as_bytes("zipped"), {}},
        {"/app.js", "text/javascript", "\"js\"", as_bytes("code"), {}, {}},
    }};
    http_world world;
    ASSERT_TRUE(world.routes.get("/*path", embedded_files(table)));
    const std::string reply = world.ask(get("/"));
    EXPECT_EQ(body_of(reply), plain);
    EXPECT_EQ(header_of(reply, "ETag"), "\"tag\"");
    EXPECT_EQ(header_of(reply, "Content-Type"), "text/html; charset=utf-8");
    const std::string zipped = world.ask(get("/", "Accept-Encoding: gzip, br\r\n"));
    EXPECT_EQ(body_of(zipped), "zipped");
    EXPECT_EQ(header_of(zipped, "Content-Encoding"), "gzip");
    EXPECT_EQ(header_of(zipped, "ETag"), "\"tag-gzip\"");
    EXPECT_EQ(statuses(world.ask(get("/", "If-None-Match: \"tag\"\r\n"))), std::vector{304});
    EXPECT_EQ(body_of(world.ask(get("/", "Range: bytes=3-\r\n"))), "page");
    EXPECT_EQ(body_of(world.ask(get("/app.js", "Accept-Encoding: gzip\r\n"))), "code");
    EXPECT_EQ(statuses(world.ask(get("/none"))), std::vector{404});
}

}  // namespace
}  // namespace weft::http
