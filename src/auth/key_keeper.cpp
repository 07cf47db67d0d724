// Fetching key sets. Everything slow is elsewhere: the connection is the loop's, files are read and
// keys are made on a worker (a key set may cost milliseconds). Invariant: what a keeper has claimed
// it ends, by `succeed`, by `fail`, or by `abandon` when it goes; so no fetch stays claimed.

#include "auth/key_keeper.hpp"

#include <optional>
#include <utility>

#include "auth/issuer_keys.hpp"
#include "auth/verifier_core.hpp"
#include "http/client_connection.hpp"
#include "net/loop_core.hpp"

namespace weft::auth {

struct key_keeper::fetch {
    explicit fetch(std::shared_ptr<issuer_keys> whose) noexcept
        : kept(std::move(whose)), of(*kept) {}

    const std::shared_ptr<issuer_keys> kept;
    issuer_keys& of;
    std::unique_ptr<http::client_connection> connection;
    bool claimed = false;
    seldom failures;
};

void key_keeper::start(const loop_ref& loop, std::weak_ptr<verifier_core> core) {
    loop.post([loop, core = std::move(core)]() mutable {
        const auto whose = core.lock();
        if (whose == nullptr) return;
        if (key_keeper* const former = whose->keeper_on(loop)) former->timer_.cancel();
        if (!whose->issuers()->changes()) return;
        auto made = std::make_unique<key_keeper>(loop, std::move(core));
        key_keeper& keeper = *made;
        keeper.timer_ =
            loop.every(issuer_keys::look_interval, [made = std::move(made)] { made->tend(); });
        keeper.tend();
    });
}

key_keeper::key_keeper(const loop_ref& loop, std::weak_ptr<verifier_core> core)
    : loop_(loop), core_(std::move(core)), anchor_(loop.owner(), this) {
    const auto whose = core_.lock();
    for (const auto& one : whose->issuers()->all) {
        if (one->changes()) fetches_.push_back(std::make_unique<fetch>(one));
    }
    whose->add_keeper(loop_, anchor_.handle());
}

key_keeper::~key_keeper() {
    for (const auto& one : fetches_) {
        if (one->claimed) one->of.abandon();
    }
}

void key_keeper::tend() {
    const auto whose = core_.lock();
    if (whose == nullptr) return timer_.cancel();
    for (const auto& one : fetches_) {
        if (one->claimed || !one->of.try_begin(loop_.now())) continue;
        one->claimed = true;
        begin(*one);
    }
}

void key_keeper::begin(fetch& one) {
    if (one.of.url()) return ask(one);
    load(one, {});
}

void key_keeper::ask(fetch& one) {
    const auto whose = core_.lock();
    const https_url& url = *one.of.url();
    if (one.connection == nullptr) {
        http::client_origin origin;
        origin.to.host = url.host;
        origin.to.port = url.port;
        origin.to.timeout = whose->options().fetch_timeout;
        origin.to.tls = one.of.tls();
        origin.to.tls_name = url.host;
        origin.authority = url.authority;
        one.connection =
            std::make_unique<http::client_connection>(*loop_.core(), std::move(origin));
    }
    static constexpr http::header_field headers[] = {{"Accept", "application/json"}};
    http::client_request what;
    what.target = url.target;
    what.headers = headers;
    what.timeout = whose->options().fetch_timeout;
    what.max_body = jwk_set::max_size;
    auto asked = one.connection->request(what, [this, &one](result<http::client_response> got) {
        const auto alive = core_.lock();  // `one` refers to its issuer
        if (alive == nullptr) return;
        if (!got) return fail(one, got.error().message());
        const int status = got->head.status();
        if (status == 200) return load(one, std::string(got->body));
        fail(one, "the server answered " + std::to_string(status) +
                      (status / 100 == 3 ? " (redirects are not followed)" : ""));
    });
    if (!asked) fail(one, asked.error().message());
}

void key_keeper::load(fetch& one, std::string text) {
    struct job {
        std::string file;
        std::string text;
        jwks_secrets secrets;
        result<std::shared_ptr<const key_set>> loaded = weft::errc::invalid_state;

        void run() {
            if (!file.empty()) {
                auto read = read_key_file(file);
                if (!read) {
                    loaded = read.error();
                    return;
                }
                text = *std::move(read);
            }
            loaded = load_fetched(text, secrets);
        }
    };
    const auto shared = std::make_shared<job>();
    shared->file = one.of.file();
    shared->text = std::move(text);
    shared->secrets = one.of.url() ? jwks_secrets::skipped : jwks_secrets::used;
    loop_.core()->run_blocking(
        [shared] {
            try {
                shared->run();
            } catch (const std::exception&) {
                shared->loaded = error(std::make_error_code(std::errc::not_enough_memory));
            }
        },
        [shared, &one, keeper = anchor_.handle()] {
            key_keeper* const self = keeper.get();
            if (self == nullptr) return;
            const auto whose = self->core_.lock();
            if (whose == nullptr) return;
            if (!shared->loaded) return self->fail(one, shared->loaded.error().message());
            one.claimed = false;
            whose->count_fetch(false);
            const auto set = *shared->loaded;
            const bool changed = one.of.succeed(self->loop_.now(), std::move(shared->text), set);
            if (!changed) return;
            self->loop_.core()->log(
                set->keys.empty() ? log_level::warning : log_level::info, "auth",
                "the issuer " + one.of.of().name + " has " + std::to_string(set->keys.size()) +
                    " keys" +
                    (set->skipped == 0 ? ""
                                       : ", without " + std::to_string(set->skipped) +
                                             " that cannot be used (" + set->why_skipped + ")"));
        });
}

void key_keeper::fail(fetch& one, const std::string& why) {
    const auto whose = core_.lock();
    if (whose == nullptr) return;
    one.claimed = false;
    whose->count_fetch(true);
    const time_point now = loop_.now();
    one.of.fail(now);
    const std::size_t times = one.failures.count(now);
    if (times == 0) return;
    const bool have = one.of.current(now) != nullptr;
    loop_.core()->log(
        have ? log_level::warning : log_level::error, "auth",
        "the key set of the issuer " + one.of.of().name + " could not be loaded: " + why +
            (have ? "; the last one counts on (auth::options::stale_for)"
                  : "; its tokens are refused") +
            (times > 1 ? " (" + std::to_string(times) + " since the last such line)" : ""));
}

}  // namespace weft::auth
