// A search for the master: a connection of one attempt to each Sentinel, until one names an
// address. Invariant: the handler is called at most once, and the search ends, since each Sentinel
// has connect_timeout. Whether what it named is a master is for the connection to ask.

#include "cluster/redis/master_search.hpp"

#include <array>
#include <charconv>
#include <new>
#include <string>
#include <utility>

#include "base/explained.hpp"

namespace weft::cluster::redis {
namespace {

constexpr std::size_t most_host = 253;  // RFC 1035, section 2.3.4

/// Two texts: host and port.
std::optional<redis_address> read_address(const reply_view& reply) {
    if (!reply.is_aggregate() || reply.size() != 2) return {};
    const std::string_view host = (*reply.begin()).text();
    const std::string_view digits = (*++reply.begin()).text();
    std::uint16_t port = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (code != std::errc() || end != digits.data() + digits.size() || port == 0) return {};
    if (host.empty() || host.size() > most_host) return {};
    return redis_address{std::string(host), port};
}

}  // namespace

master_search::master_search(std::shared_ptr<connection_home> home,
                             std::shared_ptr<const redis_options> wanted, found_handler done)
    : home_(std::move(home)),
      wanted_(std::move(wanted)),
      done_(std::move(done)),
      at_(home_->last_sentinel),
      left_(wanted_->sentinels.size()) {}

master_search::~master_search() {
    cancel();
}

void master_search::cancel() noexcept {
    done_ = nullptr;
    if (asked_ != nullptr) std::exchange(asked_, nullptr)->end();
}

void master_search::ask() {
    const auto& all = wanted_->sentinels;
    const redis_address& whom = all[at_ % all.size()];
    auto to = std::make_shared<redis_options>(*wanted_);
    to->host = whom.host;
    to->port = whom.port;
    to->sentinels.clear();
    to->master_name.clear();
    to->user = wanted_->sentinel_user;
    to->password = wanted_->sentinel_password;
    to->database = 0;
    to->command_timeout = wanted_->connect_timeout;
    connection_user& user = *this;
    asked_ = std::make_shared<connection>(home_, std::move(to), user, connection_role::commands,
                                          persistence::once);
    if (auto begun = asked_->start(); !begun) return tell(begun.error());
    const std::array<std::string_view, 3> words{"SENTINEL", "get-master-addr-by-name",
                                                wanted_->master_name};
    const auto sent =
        asked_->command(words, [mine = weak_from_this()](const result<reply_view>& reply) {
            if (const auto self = mine.lock()) self->answered(reply);
        });
    if (!sent) tell(error(errc::no_master, sent.error().message()));  // memory was out
}

void master_search::answered(const result<reply_view>& reply) {
    if (!done_) return;
    try {
        if (!reply && reply.error().code() == weft::errc::shutting_down) return tell(reply.error());
        if (!reply) return ask_next(reply.error());
        auto found = read_address(*reply);
        if (!found) return ask_next(error(errc::no_master, "it does not know master_name"));
        home_->last_sentinel = at_;
        tell(std::move(*found));
    } catch (const std::bad_alloc&) {
        tell(error(std::make_error_code(std::errc::not_enough_memory)));
    }
}

void master_search::ask_next(const error& why) {
    std::exchange(asked_, nullptr)->end();
    const auto& all = wanted_->sentinels;
    const redis_address& whom = all[at_++ % all.size()];
    if (--left_ > 0) return ask();
    tell(error(errc::no_master, "the last of the sentinels, " + whom.host + ':' +
                                    std::to_string(whom.port) + ", said: " + why.message()));
}

void master_search::tell(result<redis_address> outcome) {
    if (asked_ != nullptr) std::exchange(asked_, nullptr)->end();
    if (auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
}

}  // namespace weft::cluster::redis
