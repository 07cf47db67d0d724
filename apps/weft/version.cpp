// Versions of libraries are those that run, where the library tells, else those compiled against.

#include "version.hpp"

#include <CLI/Version.hpp>
#include <openssl/crypto.h>
#include <simdjson.h>
#include <spdlog/version.h>
#include <toml++/impl/version.h>
#include <zlib.h>

#include "weft_commit.hpp"

namespace weft {
namespace {

std::string dotted(int major, int minor, int patch) {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

std::string version_text() {
    std::string text = "weft " WEFT_VERSION "\ncommit " WEFT_COMMIT "\ncompiler " WEFT_COMPILER
                       "\nbackends epoll\nlibraries OpenSSL ";
    text.append(::OpenSSL_version(OPENSSL_VERSION_STRING));
    text.append(", zlib ").append(::zlibVersion());
    text.append(", simdjson ")
        .append(dotted(simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR,
                       simdjson::SIMDJSON_VERSION_REVISION));
    text.append(", toml++ ").append(dotted(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH));
    text.append(", spdlog ").append(dotted(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH));
    if (WEFT_RE2) text.append(", RE2");
    return text.append(", CLI11 " CLI11_VERSION);
}

}  // namespace weft
