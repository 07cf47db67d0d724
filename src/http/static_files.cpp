// Files from a folder and files from the program. A path has been decoded once and judged before it
// comes here; the kernel then resolves it beneath the folder, so that no link, no race and no
// spelling leads out. What is opened is looked at through its descriptor only, never by name again.

#include <weft/http/static_files.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/unique_fd.hpp"
#include "http/proto/conditional.hpp"
#include "http/proto/head_writer.hpp"

namespace weft::http {
namespace {

// Opens `path` below `root`; ".." and links may not lead out of it (EXDEV), links of /proc nowhere.
// O_NONBLOCK, since opening a pipe must not wait for its writer.
unique_fd open_beneath(int root, const char* path, int flags = 0, unsigned resolve = 0) noexcept {
    open_how how{};
    how.flags = static_cast<__u64>(O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve;
    return unique_fd(static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how)));
}

struct opened_file {
    unique_fd fd;
    struct stat info;
};

bool has_hidden_segment(std::string_view path) noexcept {
    return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

/// Where what was opened is now; empty when the system does not tell.
std::string name_of(int opened) {
    std::string name(4096, '\0');
    const std::string link = "/proc/self/fd/" + std::to_string(opened);
    const ssize_t size = ::readlink(link.c_str(), name.data(), name.size());
    name.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return name;
}

/// Opens by a name without hidden segments. The links on its way, if there are any, may lead to
/// none either.
unique_fd open_shown(int root, const char* path) {
    unique_fd direct = open_beneath(root, path, 0, RESOLVE_NO_SYMLINKS);
    if (direct || errno != ELOOP) return direct;
    unique_fd linked = open_beneath(root, path);
    if (!linked) return linked;
    std::string above = name_of(root);
    if (!above.ends_with('/')) above += '/';
    const std::string name = name_of(linked.get());
    const bool shown = name.starts_with(above) && !has_hidden_segment(name.substr(above.size()));
    return shown ? std::move(linked) : unique_fd();
}

std::optional<opened_file> open_file(int root, const std::string& path) {
    opened_file file{open_shown(root, path.c_str()), {}};
    if (!file.fd || ::fstat(file.fd.get(), &file.info) != 0) return {};
    return file;
}

class file_source final : public body_source {
public:
    file_source(unique_fd fd, std::uint64_t begin) noexcept
        : fd_(std::move(fd)), offset_(static_cast<off_t>(begin)) {}

    std::size_t read(byte_span into) noexcept override {
        const ssize_t size = ::pread(fd_.get(), into.data(), into.size(), offset_);
        if (size <= 0) return 0;
        offset_ += size;
        return static_cast<std::size_t>(size);
    }

private:
    unique_fd fd_;
    off_t offset_;
};

std::string_view content_type_of(std::string_view path) noexcept {
    struct entry {
        std::string_view extension;
        std::string_view type;
    };
    static constexpr std::array<entry, 29> types{{
        {".html", "text/html; charset=utf-8"},
        {".htm", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/markdown; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
        {".xml", "application/xml"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".avif", "image/avif"},
        {".ico", "image/vnd.microsoft.icon"},
        {".woff", "font/woff"},
        {".woff2", "font/woff2"},
        {".ttf", "font/ttf"},
        {".wasm", "application/wasm"},
        {".pdf", "application/pdf"},
        {".zip", "application/zip"},
        {".mp3", "audio/mpeg"},
        {".mp4", "video/mp4"},
        {".webm", "video/webm"},
    }};
    const std::size_t dot = path.rfind('.');
    if (dot != std::string_view::npos) {
        for (const auto& [extension, type] : types) {
            if (same_token(path.substr(dot), extension)) return type;
        }
    }
    return "application/octet-stream";
}

// Size, time and inode change whenever the content does, unless it changes twice within one tick of
// the file system's clock: a tag this fresh is weak.
std::string etag_of(const struct stat& info, std::string_view coding) {
    std::array<char, 64> text;
    char* end = text.data();
    for (const auto part :
         {static_cast<std::uint64_t>(info.st_size), static_cast<std::uint64_t>(info.st_mtim.tv_sec),
          static_cast<std::uint64_t>(info.st_mtim.tv_nsec),
          static_cast<std::uint64_t>(info.st_ino)}) {
        end = std::to_chars(end, text.data() + text.size(), part, 36).ptr;
        *end++ = '-';
    }
    const bool fresh = std::time(nullptr) - info.st_mtim.tv_sec < 2;
    std::string etag(fresh ? "W/\"" : "\"");
    etag.append(text.data(), end).append(coding.empty() ? "id" : coding).append("\"");
    return etag;
}

// What the answers for both kinds of files have in common.
struct description {
    std::string_view type;
    std::string_view coding;
    std::string_view etag;
    std::string_view cache_control;
    std::optional<std::time_t> modified;
};

response describe(const selection& chosen, const description& d, std::uint64_t full_size) {
    response answer(chosen.status);
    answer.header("ETag", d.etag).header("Vary", "Accept-Encoding");
    if (d.modified) {
        const auto date = http_date(*d.modified);
        answer.header("Last-Modified", {date.data(), date.size()});
    }
    if (!d.cache_control.empty()) answer.header("Cache-Control", d.cache_control);
    if (chosen.status == 304 || chosen.status == 412) return answer;
    answer.header("Accept-Ranges", "bytes").header("X-Content-Type-Options", "nosniff");
    if (chosen.status == 416) {
        answer.header("Content-Range", "bytes */" + std::to_string(full_size));
        return answer;
    }
    answer.header("Content-Type", d.type);
    if (!d.coding.empty()) answer.header("Content-Encoding", d.coding);
    if (chosen.status == 206) {
        answer.header("Content-Range", "bytes " + std::to_string(chosen.begin) + "-" +
                                           std::to_string(chosen.begin + chosen.size - 1) + "/" +
                                           std::to_string(full_size));
    }
    return answer;
}

bool is_newer(const struct stat& a, const struct stat& b) noexcept {
    return std::pair(a.st_mtim.tv_sec, a.st_mtim.tv_nsec) >
           std::pair(b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
}

response not_found() {
    return response::plain_error(404);
}

}  // namespace

struct static_files::state {
    std::string name;  // absolute
    unique_fd root;    // as it was when this was made
    static_options options;
};

static_files::static_files(std::shared_ptr<const state> s) noexcept : state_(std::move(s)) {}

result<static_files> static_files::make(const std::string& root, static_options options) {
    const auto failed = [&](std::string_view what) {
        return error(std::error_code(errno, std::system_category()), std::string(what) + root);
    };
    unique_fd folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return failed("cannot open the folder ");
    if (!open_beneath(folder.get(), ".", O_DIRECTORY)) return failed("cannot resolve beneath ");
    std::error_code no_directory;
    auto name = std::filesystem::absolute(root, no_directory).string();
    if (no_directory) return error(no_directory, "the current directory");
    return static_files(std::make_shared<const state>(
        state{std::move(name), std::move(folder), std::move(options)}));
}

response static_files::operator()(const request& req) const {
    // By its name, since a build or a deployment replaces the folder, or moves the link to it. When
    // the name leads nowhere (for now, or since we gave up rights), the folder that was.
    const unique_fd now(::open(state_->name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const int root = now ? now.get() : state_->root.get();
    std::string path;  // what the wildcard stands for: the last parameter, whatever its name
    req.each_param([&](std::string_view, std::string_view value) { path = value; });
    if (has_hidden_segment(path)) return not_found();
    if (path.empty() || path.back() == '/') path += state_->options.index;
    auto file = open_file(root, path);
    if (!file) return not_found();
    if (S_ISDIR(file->info.st_mode)) {
        // Relative links of the folder's page need the slash. Itself relative: a proxy may have cut
        // off what the path began with. With "./": a name may have a colon.
        const std::string_view query = req.query();
        const std::string_view target = req.target().substr(0, req.target().find('?'));
        std::string where = "./";
        where.append(target.substr(target.rfind('/') + 1));
        if (where.size() == 2) return not_found();  // the index is a folder
        where += '/';
        if (!query.empty()) where.append("?").append(query);
        return response::redirect(308, where);
    }
    if (!S_ISREG(file->info.st_mode)) return not_found();

    description d{content_type_of(path), {}, {}, state_->options.cache_control, {}};
    for (const auto& [coding, suffix] : {std::pair("br", ".br"), std::pair("gzip", ".gz")}) {
        if (!d.coding.empty() || !accepts_coding(req.head(), coding)) continue;
        auto packed = open_file(root, path + suffix);
        if (!packed || !S_ISREG(packed->info.st_mode)) continue;
        if (is_newer(file->info, packed->info)) continue;
        file = std::move(packed);
        d.coding = coding;
    }
    const std::string etag = etag_of(file->info, d.coding);
    d.etag = etag;
    d.modified = file->info.st_mtim.tv_sec;
    const auto size = static_cast<std::uint64_t>(file->info.st_size);
    const selection chosen = select_content(req.head(), size, etag, d.modified);
    response answer = describe(chosen, d, size);
    if (chosen.size > 0) {
        answer.body_from(std::make_unique<file_source>(std::move(file->fd), chosen.begin),
                         chosen.size);
    }
    return answer;
}

response embedded_files::operator()(const request& req) const {
    const auto file = std::find_if(files_.begin(), files_.end(),
                                   [&](const embedded_file& f) { return f.path == req.path(); });
    if (file == files_.end()) return not_found();
    description d{file->content_type, {}, {}, cache_control_, {}};
    byte_view content = file->content;
    if (!file->brotli.empty() && accepts_coding(req.head(), "br")) {
        content = file->brotli;
        d.coding = "br";
    } else if (!file->gzip.empty() && accepts_coding(req.head(), "gzip")) {
        content = file->gzip;
        d.coding = "gzip";
    }
    // Each coding is other bytes, so it has another strong tag.
    std::string etag(file->etag.substr(0, file->etag.size() - 1));
    etag.append(d.coding.empty() ? "" : "-").append(d.coding).append("\"");
    d.etag = etag;
    const selection chosen = select_content(req.head(), content.size(), etag, {});
    response answer = describe(chosen, d, content.size());
    answer.body_static(content.subspan(static_cast<std::size_t>(chosen.begin),
                                       static_cast<std::size_t>(chosen.size)));
    return answer;
}

}  // namespace weft::http
