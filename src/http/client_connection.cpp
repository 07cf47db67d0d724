// HTTP from the client's side. Invariant: a request is answered at most once, by the connection it
// was written to: whatever is left of an earlier one (a connect cannot be called back, a stream
// ends in its own time) finds nobody to tell. `exchange` belongs to its stream, so the two point at
// each other, and whoever goes first says so.

#include "http/client_connection.hpp"

#include <charconv>
#include <new>
#include <utility>

#include <weft/http/error.hpp>

#include "base/explained.hpp"
#include "http/proto/head_writer.hpp"
#include "http/proto/response_parser.hpp"
#include "http/user_agent.hpp"

namespace weft::http {
namespace {

constexpr duration shortest_keep = std::chrono::seconds(1);

/// The n of `Keep-Alive: timeout=n`, or nothing.
std::optional<std::chrono::seconds> announced_keep(const message_head& head) {
    std::optional<std::chrono::seconds> keep;
    head.each_item("Keep-Alive", [&](std::string_view item) {
        constexpr std::string_view name = "timeout=";
        if (!same_token(item.substr(0, name.size()), name)) return;
        std::uint32_t seconds = 0;
        const char* const end = item.data() + item.size();
        const auto [stop, failed] = std::from_chars(item.data() + name.size(), end, seconds);
        if (failed == std::errc{} && stop == end) keep = std::chrono::seconds(seconds);
    });
    return keep;
}

}  // namespace

/// What the stream knows of us: reads one response after the other.
class client_connection::exchange final : public net::stream_handler {
public:
    exchange(client_connection& owner, net::byte_stream& stream) noexcept
        : owner_(&owner), stream_(stream) {}

    /// We are gone, or want no more of this connection.
    void leave() noexcept {
        owner_ = nullptr;
        if (parser_) return stream_.abort(make_error_code(weft::errc::closed_locally));
        stream_.close();
    }
    void send() {
        parser_.emplace(owner_->max_body_);
        if (owner_->deadline_) stream_.set_deadline(*owner_->deadline_);
        stream_.write(as_bytes(owner_->text_));
    }

    void on_data(byte_span data) noexcept override {
        guarded([&] { read(as_text(data)); });
    }
    void on_end(net::byte_stream&) noexcept override {
        guarded([&] {
            if (parser_ && parser_->end() == parse_status::complete) return complete(false);
            end({weft::errc::closed_by_peer, "before the response was complete"});
        });
    }
    void on_deadline() noexcept override {
        guarded([&] { end({weft::errc::timed_out, "the response"}); });
    }
    void on_closed(std::error_code why) noexcept override {
        // A loop that ends tells nobody: what waits goes with it.
        if (owner_ != nullptr && why == weft::errc::shutting_down) owner_->done_ = nullptr;
        guarded([&] { end({why, "while waiting for the response"}); });
    }

private:
    /// Memory that runs out ends the connection, and whoever waits for the response is told.
    template <class F>
    void guarded(F&& what) noexcept {
        if (owner_ == nullptr) return;
        try {
            what();
        } catch (const std::bad_alloc&) {
            if (owner_ != nullptr) end(error(std::make_error_code(std::errc::not_enough_memory)));
        }
    }

    void read(std::string_view bytes) {
        owner_->receiving_ = stream_.owner().now();
        if (!parser_) {  // nothing was asked
            return end({errc::bad_status_line, "a response without a request"});
        }
        const auto [status, consumed] = parser_->feed(bytes);
        if (status == parse_status::failed) return end({parser_->error(), "the response"});
        if (status == parse_status::complete) complete(consumed == bytes.size());
    }

    /// The response is whole; `alone`: and nothing came behind it.
    void complete(bool alone) {
        client_connection& owner = *owner_;
        const auto response = std::exchange(parser_, std::nullopt);
        stream_.clear_deadline();
        if (alone && response->keep_alive()) {
            const auto keep = announced_keep(response->head());
            owner.idle_until_ =
                keep ? later(stream_.owner().now(), *keep - shortest_keep) : time_point::max();
        } else {
            owner.exchange_ = nullptr;
            leave();
        }
        owner.finish(client_response{response->head(), response->body()});
    }

    void end(error why) {
        client_connection& owner = *owner_;
        owner.exchange_ = nullptr;
        leave();
        owner.finish(std::move(why));
    }

    client_connection* owner_;
    net::byte_stream& stream_;
    std::optional<response_parser> parser_;  // of the request under way
};

client_connection::client_connection(net::loop_core& loop, client_origin origin)
    : loop_(loop), origin_(std::move(origin)) {}

client_connection::~client_connection() {
    if (exchange_ != nullptr) exchange_->leave();
}

result<std::string> client_connection::write(const client_request& what) const {
    std::string text;
    text.reserve(256 + what.target.size() + what.body.size());
    const auto field = [&text](std::string_view name, std::string_view value) {
        text.append(name).append(": ").append(value).append("\r\n");
    };
    text.append(to_string(what.method)).append(" ").append(what.target).append(" HTTP/1.1\r\n");
    field("Host", origin_.authority);
    bool named = false;
    for (const header_field& header : what.headers) {
        if (!is_field_name(header.name) || !is_field_value(header.value)) {
            return error(weft::errc::invalid_argument, "a header cannot be sent");
        }
        named = named || same_token(header.name, "User-Agent");
        field(header.name, header.value);
    }
    if (!named) field("User-Agent", user_agent);
    if (!what.body.empty() || what.method == method::post) {
        field("Content-Length", std::to_string(what.body.size()));
    }
    text.append("\r\n").append(what.body);
    return text;
}

bool client_connection::reusable() const noexcept {
    return exchange_ != nullptr && loop_.now() < idle_until_;
}

result<void> client_connection::request(const client_request& what, callback done) {
    if (busy()) return error(weft::errc::invalid_state, "a request is under way");
    auto text = write(what);
    if (!text) return text.error();
    text_ = *std::move(text);
    max_body_ = what.max_body;
    deadline_.reset();
    if (what.timeout) deadline_ = later(loop_.now(), *what.timeout);
    if (reusable()) {
        done_ = std::move(done);
        send();
        return {};
    }
    if (exchange_ != nullptr) std::exchange(exchange_, nullptr)->leave();
    net::connect_options destination = origin_.to;
    if (what.timeout) destination.timeout = std::min(destination.timeout, *what.timeout);
    self_ = std::make_shared<client_connection*>(this);
    connect(loop_, std::move(destination), origin_.proxy,
            [weak_self = std::weak_ptr<client_connection*>(self_)](result<net::byte_stream*> made) {
                if (const auto self = weak_self.lock()) {
                    (*self)->connected(std::move(made));
                } else if (made) {
                    (*made)->abort(make_error_code(weft::errc::closed_locally));
                }
            });
    done_ = std::move(done);  // at last: who sees an exception is not called as well
    return {};
}

void client_connection::connected(result<net::byte_stream*> made) {
    self_.reset();
    if (!made) return finish(explained(made.error().code(), made.error().what()));
    try {
        auto handler = std::make_unique<exchange>(*this, **made);
        exchange_ = handler.get();
        (*made)->set_handler(std::move(handler));
    } catch (const std::bad_alloc&) {
        const std::error_code why = std::make_error_code(std::errc::not_enough_memory);
        (*made)->abort(why);
        return finish(error(why));
    }
    send();
}

void client_connection::send() {
    exchange_->send();
    text_ = {};
}

void client_connection::finish(result<client_response> outcome) {
    receiving_.reset();
    // The last thing that happens here: whoever is told may destroy this object.
    if (auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
}

void client_connection::cancel() noexcept {
    done_ = nullptr;
    self_.reset();
    if (exchange_ != nullptr) std::exchange(exchange_, nullptr)->leave();
}

}  // namespace weft::http
