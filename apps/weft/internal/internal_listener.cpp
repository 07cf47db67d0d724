// The operator's port. Two rules keep it safe where it is reached by more than the operator: what
// tells of clients, or changes something, needs the token unless only this machine can ask; and on
// loopback it answers to names of this machine alone, so that no page of a foreign site reaches it
// through the operator's browser.

#include "internal/internal_listener.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <weft/base/json_writer.hpp>
#include <weft/base/task.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/net/socket_address.hpp>

#include "log/log_text.hpp"

namespace weft {
namespace {

constexpr std::size_t shortest_token = 16;
constexpr std::size_t usual_limit = 50;
constexpr std::size_t largest_limit = 1000;
constexpr std::size_t longest_text = 512;

bool is_loopback(const std::string& host) {
    const auto address = socket_address::make(host, 1);
    return address && address->is_loopback();
}

server_options make_options(const internal_options& wanted, log_sink& log) {
    server_options options;
    options.log = &log;
    if (!is_loopback(wanted.host)) return options;
    const bool v6 = wanted.host.find(':') != std::string::npos;
    options.http.allowed_hosts = {"localhost", "127.0.0.1", "[::1]",
                                  v6 ? "[" + wanted.host + "]" : wanted.host};
    return options;
}

/// Takes as long whatever is wrong with it.
bool is_token(std::string_view given, std::string_view token) noexcept {
    volatile unsigned char differs = given.size() == token.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        differs = static_cast<unsigned char>(differs | (given[i] ^ token[i % token.size()]));
    }
    return differs == 0;
}

/// How many the client wants; nothing if that is no number from 1 to `largest_limit`.
std::optional<std::size_t> limit_of(const http::owned_request& asked) {
    const auto text = asked.query_value("limit");
    if (!text) return usual_limit;
    std::size_t limit = 0;
    const char* const end = text->data() + text->size();
    const auto [stopped, wrong] = std::from_chars(text->data(), end, limit);
    if (wrong != std::errc() || stopped != end || limit == 0 || limit > largest_limit) return {};
    return limit;
}

http::response wrong_limit() {
    return http::response::text(
        400, "limit is a number from 1 to " + std::to_string(largest_limit) + "\n");
}

http::response refused(const admission<void>& said) {
    return http::response::refused(said.why(), 403);
}

std::string to_json(const std::vector<connection_report>& all) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    json.key("connections");
    json.begin_array();
    for (const connection_report& each : all) {
        json.begin_object();
        json.member("kind", each.kind);
        json.member("address", each.address);
        json.member("subject", printable(each.subject, longest_text));
        json.member("path", printable(each.path, longest_text));
        json.member("queued", each.queued);
        if (each.age) json.member("age", std::chrono::duration<double>(*each.age).count());
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return out += '\n';
}

std::string to_json(const std::vector<topic_report>& all) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    json.key("topics");
    json.begin_array();
    for (const topic_report& each : all) {
        json.begin_object();
        json.member("name", printable(each.name, longest_text));
        json.member("kind", each.room ? "room" : "topic");
        json.member("subscribers", each.subscribers);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return out += '\n';
}

}  // namespace

result<void> internal_options::check() const {
    const auto wrong = [](std::string what) {
        return error(errc::invalid_argument, "internal_options::" + std::move(what));
    };
    if (!socket_address::make(host, 1)) return wrong("host must be a numeric address");
    for (const auto& [name, text] : {std::pair("token", &token), {"publish_key", &publish_key}}) {
        if (text->empty()) continue;
        if (text->size() < shortest_token)
            return wrong(std::string(name) + " must have at least " +
                         std::to_string(shortest_token) + " characters");
        if (!std::all_of(text->begin(), text->end(), [](char c) { return c > 0x20 && c < 0x7F; }))
            return wrong(std::string(name) + " must have no blanks, and ASCII only");
    }
    return {};
}

internal_listener::internal_listener(server& about, internal_options options,
                                     internal_actions actions, log_sink& log)
    : about_(about),
      options_(std::move(options)),
      actions_(std::move(actions)),
      log_(log),
      loopback_(is_loopback(options_.host)),
      own_(make_options(options_, log)) {
    add_probes();
    add_reports();
    add_commands();
}

result<std::uint16_t> internal_listener::start() {
    if (auto right = options_.check(); !right) return right.error();
    return own_.start(options_.host, options_.port);
}

void internal_listener::add_probes() {
    (void)own_.http().get("/metrics", [this](const http::request&) {
        http::response page;
        page.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        return std::move(page.body(metrics_text()));
    });
    (void)own_.http().get("/ready", [this](const http::request&) {
        const auto judged = about_.ready();
        return judged ? http::response::text(200, "ready\n")
                      : http::response::text(503, judged.error().message() + "\n");
    });
    // Nobody answers while a loop hangs.
    (void)own_.http().get("/live", [this](http::owned_request) -> task<http::response> {
        for (unsigned i = 0; i < about_.loops(); ++i)
            co_await sleep_for(about_.loop(i), duration::zero());
        co_await sleep_for(own_.loop(), duration::zero());
        co_return http::response::text(200, "live\n");
    });
}

void internal_listener::add_reports() {
    (void)own_.http().get(
        "/connections", [this](http::owned_request asked) -> task<http::response> {
            if (const auto said = judge(asked.header("authorization"), power::look);
                !said.allowed())
                co_return refused(said);
            const auto limit = limit_of(asked);
            if (!limit) co_return wrong_limit();
            std::string found = to_json(co_await about_.slowest_connections(*limit));
            co_await sleep_for(own_.loop(), duration::zero());
            co_return http::response::json(200, std::move(found));
        });
    (void)own_.http().get("/topics", [this](http::owned_request asked) -> task<http::response> {
        if (const auto said = judge(asked.header("authorization"), power::look); !said.allowed())
            co_return refused(said);
        const auto limit = limit_of(asked);
        if (!limit) co_return wrong_limit();
        std::string found = to_json(co_await about_.largest_topics(*limit));
        co_await sleep_for(own_.loop(), duration::zero());
        co_return http::response::json(200, std::move(found));
    });
}

void internal_listener::add_commands() {
    (void)own_.http().post("/topics/*topic", [this](const http::request& asked) {
        if (const auto said = judge(asked.header("authorization"), power::publish); !said.allowed())
            return refused(said);
        if (!actions_.publish) return http::response::text(501, "there are no topics\n");
        const auto done = actions_.publish(asked.param("topic"), asked.body_text());
        return done ? http::response::text(202, "published\n")
                    : http::response::text(422, done.error().what() + "\n");
    });
    (void)own_.http().post("/drain", [this](const http::request& asked) {
        if (const auto said = judge(asked.header("authorization"), power::command); !said.allowed())
            return refused(said);
        log_.write({log_level::info, "server",
                    "a drain was asked for, by " + asked.peer().address().to_string()});
        if (actions_.drain) actions_.drain();
        return http::response::text(202, "draining\n");
    });
    (void)own_.http().post("/reload", [this](const http::request& asked) {
        if (const auto said = judge(asked.header("authorization"), power::command); !said.allowed())
            return refused(said);
        log_.write({log_level::info, "server",
                    "a reload was asked for, by " + asked.peer().address().to_string()});
        if (!actions_.reload) return http::response::text(501, "there is nothing to reload\n");
        const auto done = actions_.reload();
        return done ? http::response::text(200, *done + "\n")
                    : http::response::text(422, done.error().message() + "\n");
    });
}

admission<void> internal_listener::judge(std::string_view authorization, power wanted) {
    const bool has_publish_key = wanted == power::publish && !options_.publish_key.empty();
    if (options_.token.empty() && !has_publish_key) {
        if (loopback_ && wanted == power::look) return true;
        refused_.add();
        if (wanted == power::publish)
            return refusal(403, "this needs a key, and none is set: [internal] publish_key_file");
        return refusal(403, wanted == power::command
                                ? "this needs a token, and none is set: [internal] token_file"
                                : "beyond loopback this needs a token, and none is set: "
                                  "[internal] token_file");
    }
    constexpr std::string_view scheme = "Bearer ";
    if (http::same_token(authorization.substr(0, scheme.size()), scheme)) {
        const std::string_view shown = authorization.substr(scheme.size());
        if (!options_.token.empty() && is_token(shown, options_.token)) return true;
        if (has_publish_key && is_token(shown, options_.publish_key)) return true;
    }
    refused_.add();
    return refusal(401, has_publish_key ? "this needs the key of [internal] publish_key_file"
                                        : "this needs the token of [internal] token_file")
        .header("WWW-Authenticate", "Bearer");
}

std::string internal_listener::metrics_text() {
    metrics_page page;
    const auto add = [&](const metric_sample& sample) { page.add(sample); };
    add({"weft_internal_refused_total",
         {},
         "Requests on the internal listener without the token that they need.",
         metric_kind::counter,
         refused_.read()});
    if (actions_.visit_metrics) actions_.visit_metrics(add);
    return about_.metrics_text() + page.text();
}

}  // namespace weft
