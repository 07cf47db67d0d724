// `weft token`: makes tokens for tests and development, and says what is in one. It verifies as a
// server does, by the same public interface, so that what it says is what a server would do.
// Secrets and keys come from files, never from the command line, which others can see.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/random.h>

#include <weft/auth/claims.hpp>
#include <weft/auth/verifier.hpp>
#include <weft/base/base64.hpp>
#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>
#include <weft/testing/token_signer.hpp>

#include "commands.hpp"

namespace weft {
namespace {

constexpr int refused = 1;
constexpr int usage_error = 2;

using auth::algorithm;

int complain(const std::string& what) {
    std::fprintf(stderr, "weft token: %s\n", what.c_str());
    return usage_error;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The bytes of a file. If they are text, the line end that editors leave behind it is no part.
std::string read_secret(const std::string& path) {
    std::string secret = read_file(path);
    const std::string text = secret.substr(0, secret.find_last_not_of("\r\n") + 1);
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    return printable ? text : secret;
}

std::int64_t present() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

/// The usual algorithm of a private key: the first of these that it can do.
std::optional<algorithm> usual_algorithm(const token_signer& signer) {
    for (const algorithm by : {algorithm::hs256, algorithm::eddsa, algorithm::es256,
                               algorithm::es384, algorithm::rs256}) {
        if (signer.sign(by, "{}")) return by;
    }
    return std::nullopt;
}

/// 128 random bits, so that the token can be revoked.
std::string random_id() {
    std::string bytes(16, '\0');
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
    return token_signer::base64url(bytes);
}

bool is_json(std::string_view text) {
    json_reader json(text);
    return validate_utf8(as_bytes(text)) && json.skip() && json.finish();
}

/// The claims of the flags; an error names the flag.
result<std::string> claims_of(const token_mint_flags& flags) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    json.member("iss", flags.issuer);
    if (!flags.subject.empty()) json.member("sub", flags.subject);
    if (flags.audience.size() == 1) json.member("aud", flags.audience[0]);
    if (flags.audience.size() > 1) {
        json.key("aud");
        json.begin_array();
        for (const std::string& one : flags.audience) json.value(one);
        json.end_array();
    }
    const std::int64_t issued = present();
    json.member("iat", issued);
    json.member("exp", issued + flags.lifetime.count());
    if (const std::string id = random_id(); !id.empty()) json.member("jti", id);
    for (const std::string& claim : flags.claims) {
        const std::size_t equals = claim.find('=');
        const std::string_view value =
            equals == claim.npos ? "" : std::string_view(claim).substr(equals + 1);
        if (equals == 0 || !is_json(value)) {
            return error(errc::invalid_argument,
                         "--claim '" + claim + "': it is NAME=JSON, for example role='\"admin\"'");
        }
        json.raw_member(std::string_view(claim).substr(0, equals), value);
    }
    json.end_object();
    return out;
}

/// Base64 for URLs, decoded; nothing if it is not that.
std::optional<std::string> decode(std::string_view part) {
    std::string text(part);
    for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
    text.append((4 - text.size() % 4) % 4, '=');
    std::string bytes(text.size(), '\0');
    const auto size =
        base64_decode(text, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    if (!size) return std::nullopt;
    bytes.resize(*size);
    return bytes;
}

/// Text of a stranger for a terminal: without control characters.
std::string printable(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return validate_utf8(as_bytes(text)) ? text : "(not UTF-8)";
}

/// The value of a member of a JSON object, still JSON; empty if it is not there.
std::string_view member(std::string_view object, std::string_view name) {
    json_reader json(object);
    std::string_view key, value, found;
    std::string scratch;
    if (!json.begin_object()) return {};
    while (json.next_key(key, scratch)) {
        const bool this_one = key == name;
        if (json.raw(value) && this_one) found = value;
    }
    return json.finish() ? found : std::string_view{};
}

std::string text_member(std::string_view object, std::string_view name) {
    std::string text;
    json_reader json(member(object, name));
    return json.read(text) ? text : "";
}

/// A time as text, and how far it is away.
void print_time(const char* label, std::string_view value) {
    std::int64_t seconds = 0;
    json_reader json(value);
    if (!json.read(seconds) || seconds < 0 || seconds > 253'402'300'799) return;
    const std::time_t when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    char text[32] = "";
    ::gmtime_r(&when, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    const std::int64_t away = seconds - present();
    std::printf("%-8s %s (%s%lld s%s)\n", label, text, away >= 0 ? "in " : "",
                static_cast<long long>(away >= 0 ? away : -away), away >= 0 ? "" : " ago");
}

/// What the token itself says, where the flags leave it open.
auth::options options_of(const token_inspect_flags& flags, std::string_view header,
                         std::string_view claims) {
    auth::options options;
    auth::issuer one;
    one.name = flags.issuer.empty() ? text_member(claims, "iss") : flags.issuer;
    if (!flags.secret_file.empty()) {
        one.keys = auth::key_source::secret(read_secret(flags.secret_file));
    } else if (!flags.pem_file.empty()) {
        one.keys = auth::key_source::pem(read_file(flags.pem_file));
    } else {
        one.keys = auth::key_source::jwks_file(flags.jwks_file);
    }
    for (const std::string& name : flags.algorithms) {
        one.algorithms.push_back(*auth::algorithm_of(name));
    }
    if (one.algorithms.empty()) {
        if (const auto said = auth::algorithm_of(text_member(header, "alg"))) {
            one.algorithms.push_back(*said);
        }
    }
    one.audience = flags.audience;
    if (one.audience.empty()) {
        one.require_audience = false;
        const std::string_view said = member(claims, "aud");
        json_reader json(said);
        if (json.peek() == json_kind::string) {
            json.read(one.audience.emplace_back());
        } else if (json.begin_array()) {
            while (json.next_element() && json.read(one.audience.emplace_back())) {
            }
        }
    }
    options.issuers.push_back(std::move(one));
    return options;
}

std::string first_line_of_input() {
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar()) {
        line += static_cast<char>(c);
    }
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

}  // namespace

int run_token_mint(const token_mint_flags& flags) {
    if (flags.secret_file.empty() && flags.key_file.empty()) {
        return complain(
            "mint: give --secret-file or --key\n  weft token mint --help explains all flags");
    }
    auto signer = flags.key_file.empty()
                      ? result<token_signer>(token_signer::secret(read_secret(flags.secret_file)))
                      : token_signer::pem(read_file(flags.key_file));
    if (!signer) return complain("--key: " + signer.error().what());
    const auto by = flags.alg.empty() ? usual_algorithm(*signer) : auth::algorithm_of(flags.alg);
    if (!by) return complain("--key: its type is none that tokens are signed with here");
    auto claims = claims_of(flags);
    if (!claims) return complain(claims.error().what());
    auto token = signer->sign(*by, *claims, flags.kid, flags.type);
    if (!token) return complain("--alg " + flags.alg + ": " + token.error().what());
    std::printf("%s\n", token->c_str());
    return 0;
}

int run_token_inspect(const token_inspect_flags& flags) {
    const std::string token = flags.token == "-" ? first_line_of_input() : flags.token;
    const std::string_view text = token;
    const std::size_t first = std::min(text.find('.'), text.size());
    const std::size_t second = std::min(text.find('.', first + 1), text.size());
    const auto header = decode(text.substr(0, first));
    const auto claims = decode(second > first ? text.substr(first + 1, second - first - 1) : "");
    std::printf("header   %s\n", header ? printable(*header).c_str() : "(no base64url)");
    std::printf("claims   %s\n", claims ? printable(*claims).c_str() : "(no base64url)");
    if (claims) {
        print_time("issued", member(*claims, "iat"));
        print_time("expires", member(*claims, "exp"));
    }
    if (flags.secret_file.empty() && flags.pem_file.empty() && flags.jwks_file.empty()) {
        std::printf("unknown: give --secret-file, --pem or --jwks to verify it\n");
        return usage_error;
    }
    auth::options options = options_of(flags, header.value_or(""), claims.value_or(""));
    if (options.issuers[0].algorithms.empty() || options.issuers[0].name.empty()) {
        std::printf("refused: its header has no alg that is known, or its claims no iss\n");
        return refused;
    }
    auto verifier = auth::verifier::make(std::move(options));
    if (!verifier) return complain(verifier.error().what());
    const auto who = verifier->verify(token);
    if (!who) {
        std::printf("refused: %s\n", who.error().message().c_str());
        return refused;
    }
    std::printf("good: from \"%s\" for \"%s\"\n", printable(auth::claims(*who).issuer()).c_str(),
                printable(who->subject).c_str());
    return 0;
}

}  // namespace weft
