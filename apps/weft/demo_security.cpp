// What the demo's page on security tries: the doors of the library with their real rules, and short
// times, so that a visitor sees them. The login believes everybody; its secret ends with the
// process, and its tokens open nothing but this page's own doors, which keep nothing and repeat
// what a visitor says to the same visitor only.

#include "demo_security.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <weft/auth/verifier.hpp>
#include <weft/http/router.hpp>
#include <weft/http/static_files.hpp>
#include <weft/schema/schema.hpp>
#include <weft/socketio/json.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/testing/token_signer.hpp>
#include <weft/ws/endpoint.hpp>

#include "listening.hpp"

namespace weft {

namespace embedded {
std::span<const http::embedded_file> foreign_page() noexcept;
}

struct login_form {
    std::string name;
    std::int64_t seconds;  ///< How long the token is good; negative: it ended then.
};
WEFT_FIELDS(login_form, name, seconds)

struct login_claims {
    std::string iss, aud, sub;
    std::int64_t iat, exp;
};
WEFT_FIELDS(login_claims, iss, aud, sub, iat, exp)

struct login_grant {
    std::string token;
};
WEFT_FIELDS(login_grant, token)

namespace {

using namespace std::chrono_literals;
using ws::connection;

constexpr const char* issuer = "weft demo";
constexpr const char* audience = "security page";

constexpr const char* login_schema = R"({
    "type": "object",
    "required": ["name", "seconds"],
    "additionalProperties": false,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 32},
        "seconds": {"type": "integer", "minimum": -60, "maximum": 300}
    }
})";

/// Also the first argument of the event `order`.
constexpr const char* order_schema = R"({
    "type": "object",
    "required": ["symbol", "side", "price"],
    "additionalProperties": false,
    "properties": {
        "symbol": {"type": "string", "pattern": "^[A-Z]{3,12}$"},
        "side": {"enum": ["buy", "sell"]},
        "price": {"type": "number", "exclusiveMinimum": 0}
    }
})";

/// No topic of the chat has a control character, so its visitors cannot join or publish this one.
constexpr std::string_view news = "\x01security";

result<std::string> make_secret() {
    std::string secret(32, '\0');
    if (::getrandom(secret.data(), secret.size(), 0) == static_cast<ssize_t>(secret.size()))
        return secret;
    return error(std::error_code(errno, std::generic_category()), "no random bytes");
}

result<auth::verifier> make_verifier(const std::string& secret) {
    auth::options rules;
    rules.issuers.push_back({.name = issuer,
                             .keys = auth::key_source::secret(secret),
                             .algorithms = {auth::algorithm::hs256},
                             .audience = {audience}});
    rules.from.first_message = true;
    rules.from.socketio_auth = true;
    rules.leeway = 0s;  // one clock
    return auth::verifier::make(std::move(rules));
}

http::response log_in(const token_signer& signer, const schema& form, const http::request& asked) {
    const auto wanted = from_json<login_form>(asked.body_text());
    if (form.check(asked.body_text()) || !wanted)
        return http::response::text(422, "a login is {\"name\":\"Ada\",\"seconds\":120}\n");
    const std::int64_t present = std::chrono::duration_cast<std::chrono::seconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count();
    const std::int64_t issued = wanted->seconds > 0 ? present : present - 120;
    const auto token = signer.sign(
        auth::algorithm::hs256,
        to_json(login_claims{issuer, audience, wanted->name, issued, present + wanted->seconds}));
    if (!token) return http::response::plain_error(500);
    return http::response::json(200, to_json(login_grant{*token}))
        .header("Cache-Control", "no-store");
}

std::string greeting(const peer& from) {
    return "hello, " + from.who()->subject;
}

void add_doors(server& target, socketio::server& io, const auth::verifier& login) {
    target.require("/security/me", login);
    (void)target.http().get("/security/me", [](const http::request& asked) {
        return http::response::text(200, greeting(asked.peer()));
    });
    target.ws("/security/members", {.max_message = 1024})
        .require(login)
        .on_message([](connection<void>& c, message_view) { c.send(greeting(c.peer())); });
    io.of("/security/members").require(login).on("hello", [](socketio::socket& s) {
        return greeting(s.peer());
    });
}

void add_orders(server& target, socketio::server& io, const schema& order, const schema& event) {
    target.ws("/security/orders", {.max_message = 4096, .schema = order})
        .on_message([](connection<void>& c, message_view) { c.send("taken"); });
    io.of("/security/orders")
        .validate("order", event)
        .on("order", [](socketio::socket&, socketio::json_view) { return "taken"; });
}

void add_rate(server& target) {
    const receive_rate rate{.messages_per_second = 20, .bytes_per_second = 64 * 1024, .burst = 1s};
    target.ws("/security/flood", {.max_message = 1024, .rate = rate})
        .on_message([](connection<void>& c, message_view what) { c.send(what); });
}

/// What the page shows beside what its visitor does.
class evidence {
public:
    evidence(server& of, const demo_log& log, const foreign_page& foreign)
        : target_(of), log_(log), foreign_(foreign) {}

    /// `{"foreign":URL,"lines":[...],"counters":[[NAME,"3"],...]}`.
    [[nodiscard]] std::string text() const {
        std::string out;
        json_writer json(out);
        json.begin_object();
        json.member("foreign", foreign_.url());
        json.key("lines");
        log_.write_lines(json);
        json.key("counters");
        write_counters(json);
        json.end_object();
        return out;
    }
    void watch(int more) noexcept { watchers_ += more; }
    /// Tells those who watch, if there is anything new. **Threads**: one at a time.
    void tell() {
        if (watchers_ == 0) return;
        std::string now = text();
        if (now == told_) return;
        told_ = std::move(now);
        target_.publish(news, told_);
    }

private:
    /// Those about refusals, as far as they have counted anything.
    void write_counters(json_writer& json) const {
        constexpr std::array<std::string_view, 6> shown{
            "weft_auth_errors_total{",     "weft_ws_errors_total{",
            "weft_ws_throttled_total ",    "weft_schema_violations_total{",
            "weft_engineio_errors_total{", "weft_socketio_refused_total "};
        const std::string all = target_.metrics_text();
        json.begin_array();
        for (std::string_view rest = all; !rest.empty();) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            const bool wanted = std::any_of(shown.begin(), shown.end(), [&](std::string_view name) {
                return line.starts_with(name);
            });
            const std::size_t value = line.rfind(' ') + 1;
            if (!wanted || line.substr(value) == "0") continue;
            json.begin_array();
            json.value(line.substr(0, value - 1));
            json.value(line.substr(value));
            json.end_array();
        }
        json.end_array();
    }

    server& target_;
    const demo_log& log_;
    const foreign_page& foreign_;
    std::atomic<int> watchers_{0};
    std::string told_;
};

void add_evidence(server& target, const demo_log& log, const foreign_page& foreign) {
    const auto shown = std::make_shared<evidence>(target, log, foreign);
    target.sse("/security/events")
        .on_open([shown](sse::stream& s, const http::request&) {
            shown->watch(+1);
            s.subscribe(news);
            s.send({.data = shown->text()});
        })
        .on_close([shown](sse::stream&) { shown->watch(-1); });
    (void)target.loop(0).every(200ms, [shown] { shown->tell(); });
}

}  // namespace

foreign_page::foreign_page(log_sink& log)
    : server_(page_options({}, {{.host = "127.0.0.1"}}, log)) {
    (void)server_.http().get(
        "/*path", [page = http::embedded_files(embedded::foreign_page())](const http::request& r) {
            return page(r).header("Content-Security-Policy",
                                  "default-src 'self'; connect-src http: https: ws: wss:");
        });
}

void foreign_page::start() {
    const auto port = server_.start("127.0.0.1", 0);
    if (port) url_ = "http://127.0.0.1:" + std::to_string(*port) + "/foreign.html";
}

result<void> add_security(server& target, socketio::server& io, const demo_log& log,
                          const foreign_page& foreign) {
    const auto secret = make_secret();
    if (!secret) return secret.error();
    const auto login = make_verifier(*secret);
    if (!login) return login.error();
    const auto form = schema::make(login_schema), order = schema::make(order_schema),
               event =
                   schema::make(std::string(R"({"minItems": 1, "items": [)") + order_schema + "]}");
    for (const auto* made : {&form, &order, &event}) {
        if (!*made) return made->error();
    }
    (void)target.http().post(
        "/security/login", [signer = token_signer::secret(*secret), form = *form](
                               const http::request& asked) { return log_in(signer, form, asked); });
    add_doors(target, io, *login);
    add_orders(target, io, *order, *event);
    add_rate(target);
    add_evidence(target, log, foreign);
    return {};
}

}  // namespace weft
