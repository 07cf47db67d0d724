// The official browser client, as its npm package has it, built into the library.

#include "socketio/client_bundle.hpp"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weft/http/router.hpp>
#include <weft/http/static_files.hpp>

#include "engineio/engine.hpp"

#ifdef WEFT_HAS_CLIENT_BUNDLE
namespace weft::embedded {
std::span<const http::embedded_file> client_bundle() noexcept;
}
#endif

namespace weft::socketio {
namespace {

/// The path of the server, without a slash at its end.
std::string folder_of(const engineio::engine& engine) {
    std::string path = engine.settings().path;
    while (path.ends_with('/')) path.pop_back();
    return path;
}

}  // namespace

#ifdef WEFT_HAS_CLIENT_BUNDLE

namespace {

/// The files under the paths that this server has for them.
struct placed_files {
    explicit placed_files(std::string_view prefix) {
        for (const http::embedded_file& file : embedded::client_bundle()) {
            paths.push_back(
                std::make_unique<std::string>(std::string(prefix) + std::string(file.path)));
            http::embedded_file placed = file;
            placed.path = *paths.back();
            if (file.path.ends_with(".js"))
                placed.content_type = "application/javascript; charset=utf-8";
            files.push_back(placed);
        }
    }
    std::vector<std::unique_ptr<std::string>> paths;
    std::vector<http::embedded_file> files;
};

}  // namespace

result<void> add_client_bundle(http::router& routes, const engineio::engine& engine) {
    const auto placed = std::make_shared<const placed_files>(folder_of(engine));
    for (const http::embedded_file& file : placed->files) {
        auto added = routes.get(file.path, [placed, &engine](const http::request& asked) {
            http::response answer = http::embedded_files(placed->files, "public, max-age=0")(asked);
            engine.write_cors(asked, answer);
            return answer;
        });
        if (added && engine.settings().cors) {
            added = routes.on(
                http::method::options, file.path,
                [&engine](const http::request& asked) { return engine.preflight(asked); });
        }
        if (!added) return added;
    }
    return {};
}

#else

result<void> add_client_bundle(http::router& routes, const engineio::engine& engine) {
    for (const char* name : {"/socket.io.js", "/socket.io.min.js", "/socket.io.esm.min.js",
                             "/socket.io.msgpack.min.js"}) {
        auto added = routes.get(folder_of(engine) + name, [](const http::request&) {
            return http::response::text(404,
                                        "This library was built without the Socket.IO client: "
                                        "npm's socket.io-client was not installed.\n");
        });
        if (!added) return added;
    }
    return {};
}

#endif

}  // namespace weft::socketio
