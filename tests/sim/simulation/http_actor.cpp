// Requests and replies by hand. Invariant: `due_` holds what each request that was written whole is
// to be answered with, in their order.

#include "http_actor.hpp"

#include <cstdlib>

namespace weft::simulation {
namespace {

std::string header_value(std::string_view head, std::string_view name) {
    const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string_view::npos) return {};
    const std::string_view rest = head.substr(at + name.size() + 4);
    return std::string(rest.substr(0, rest.find("\r\n")));
}

}  // namespace

bool reply_reader::read_head(std::string& wrong) {
    if (head_) return true;
    const std::size_t end = in_.find("\r\n\r\n");
    if (!in_.starts_with(std::string_view("HTTP/1.1 ").substr(0, in_.size())))
        wrong = "no reply: " + shown(in_);
    if (end == std::string::npos) return false;
    const std::string head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    head_.emplace();
    head_->status = std::atoi(head.c_str() + 9);
    head_->closes = header_value(head, "Connection") == "close";
    left_.reset();
    if (header_value(head, "Transfer-Encoding").empty())
        left_ = static_cast<std::size_t>(std::atoll(header_value(head, "Content-Length").c_str()));
    return true;
}

/// True at the end of the body.
bool reply_reader::read_body(std::string& wrong) {
    if (left_) {
        const std::string part = in_.substr(0, *left_);
        in_.erase(0, part.size());
        head_->body += part;
        *left_ -= part.size();
        return *left_ == 0;
    }
    for (;;) {
        const std::size_t line = in_.find("\r\n");
        if (line == std::string::npos) return false;
        const std::size_t size = std::strtoul(in_.c_str(), nullptr, 16);
        if (in_.size() < line + 4 + size) return false;
        if (in_.substr(line + 2 + size, 2) != "\r\n") wrong = "a chunk without its end";
        head_->body += in_.substr(line + 2, size);
        in_.erase(0, line + 4 + size);
        if (size == 0) return true;
    }
}

std::optional<reply> reply_reader::next(std::string& wrong) {
    if (!read_head(wrong) || !read_body(wrong)) return std::nullopt;
    return std::exchange(head_, std::nullopt);
}

std::string reply_reader::take_body(std::string& wrong) {
    if (!read_head(wrong)) return {};
    if (read_body(wrong)) wrong = "the stream has ended by itself";
    return std::exchange(head_->body, {});
}

http_actor::http_actor(model& all, session& mine, net::sim_backend& io, std::string_view address)
    : all_(all), mine_(mine), wire_(io, address) {}

void http_actor::act(choices& from) {
    switch (from.below(10)) {
        default: ask(from); break;
        case 3:
        case 4: wire_.push(from.size(5000)); break;
        case 5:
        case 6: wire_.push(); break;
        case 7: read(from.size(5000)); break;
        case 8:
            if (from.one_in(6) && !wire_.has_ended()) {
                mine_.wild = true;
                mine_.excuse_for("broke the protocol");
                constexpr std::string_view wrong[] = {
                    "GET / HTTP/1.1\r\n\r\n", "GARBAGE\r\n\r\n",
                    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n",
                    "GET /../x HTTP/1.1\r\nHost: h\r\n\r\n"};
                wire_.write(from.one_in(2) ? from.bytes(50) : std::string(wrong[from.below(4)]));
            }
            break;
        case 9:
            if (from.one_in(6)) leave(from);
            break;
    }
}

void http_actor::ask(choices& from) {
    if (mine_.wild || last_ || answered_last_ || wire_.has_ended() || wire_.over() ||
        wire_.unsent() > 100'000)
        return;
    const std::string number = std::to_string(asked_++);
    const std::string id = std::to_string(all_.index(mine_)) + '/' + number;
    const std::string host = " HTTP/1.1\r\nHost: here\r\n";
    last_ = from.one_in(12);
    const std::string end = last_ ? "Connection: close\r\n\r\n" : "\r\n";
    mine_.up.owe(number);
    switch (from.below(6)) {
        default:
            wire_.write("GET /fast/" + id + host + end);
            due_.push_back({200, "fast " + number});
            break;
        case 1:
            wire_.write("GET /later/" + id + "?ms=" + std::to_string(from.size(5000)) + host + end);
            due_.push_back({200, "later " + number, true});
            break;
        case 2: {
            std::string body = "body " + number + ' ' + std::string(from.size(30'000), 'b');
            wire_.write("POST /echo/" + id + host +
                        "Content-Length: " + std::to_string(body.size()) + "\r\n" + end + body);
            due_.push_back({200, std::move(body)});
            break;
        }
        case 3: {
            std::string body, chunks;
            for (std::size_t pieces = from.below(5); pieces > 0; --pieces) {
                const std::string piece(1 + from.below(500), static_cast<char>('a' + pieces));
                char size[20];
                std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
                chunks += size + piece + "\r\n";
                body += piece;
            }
            wire_.write("POST /echo/" + id + host + "Transfer-Encoding: chunked\r\n" + end +
                        chunks + "0\r\n\r\n");
            due_.push_back({200, std::move(body)});
            break;
        }
        case 4: {
            const std::size_t pieces = from.below(5);
            wire_.write("GET /stream/" + id + "?pieces=" + std::to_string(pieces) + host + end);
            std::string body;
            for (std::size_t i = 0; i < pieces; ++i) body += "piece " + std::to_string(i) + '\n';
            due_.push_back({200, std::move(body), true});
            break;
        }
        case 5:
            wire_.write("GET /throw/" + id + host + end);
            due_.push_back({500, {}});
            break;
    }
}

void http_actor::serve() {
    wire_.push();
    read(SIZE_MAX);
}

void http_actor::read(std::size_t most) {
    replies_.add(wire_.read(most));
    std::string wrong;
    while (const auto got = replies_.next(wrong)) {
        all_.note(mine_, "client got", got->body);
        ++all_.messages;
        if (answered_last_) return broken("a reply behind the last one: " + shown(got->body));
        answered_last_ = got->closes;
        if (due_.empty()) {
            // A refusal of the connection, or of what is no request.
            if (got->status < 400 || !got->closes) broken("a reply that nobody asked for");
            if (!mine_.wild && mine_.excuse.empty() && all_.excuse.empty())
                broken("refused with " + std::to_string(got->status));
            return;
        }
        const request was = std::move(due_.front());
        due_.pop_front();
        const bool right = got->status == was.status && (was.body.empty() || got->body == was.body);
        if (got->closes) due_.clear();
        if (right) continue;
        const bool excused = mine_.wild || !mine_.excuse.empty() || !all_.excuse.empty();
        if (got->status < 400 || !excused)
            return broken("answered " + std::to_string(got->status) + ' ' + shown(got->body) +
                          ", due was " + std::to_string(was.status) + ' ' + shown(was.body));
        if (!got->closes && got->status != 503) broken("refused, and goes on");
    }
    if (!wrong.empty()) broken(wrong);
}

void http_actor::leave(choices& from) {
    if (from.one_in(2)) {
        mine_.excuse_for("reset");
        mine_.wild = true;
        wire_.reset();
    } else {
        mine_.excuse_for("half-closed");
        mine_.wild = true;
        wire_.push();
        wire_.end();
    }
}

void http_actor::check_calm() {
    const bool excused = mine_.wild || !mine_.excuse.empty() || !all_.excuse.empty();
    if (wire_.over()) {  // between requests, time ends it
        if (!due_.empty() && !excused)
            broken("ended before it answered " + shown(due_.front().body));
    } else if (answered_last_) {
        broken("the last reply has come, and the connection is not over");
    } else if (!excused && !due_.empty() &&
               std::none_of(due_.begin(), due_.end(), [](const request& r) { return r.waits; })) {
        // At the second calm at which nothing has come since the first.
        const std::size_t answered = asked_ - due_.size();
        if (std::exchange(stuck_at_, answered) == answered)
            broken("never answered: " + shown(due_.front().body));
    }
}

event_actor::event_actor(model& all, session& mine, net::sim_backend& io, std::string_view address,
                         choices& from)
    : all_(all), mine_(mine), wire_(io, address) {
    std::string topics;
    for (char topic = '0'; topic < '4'; ++topic) {
        if (from.one_in(2)) topics += topic;
    }
    wire_.write("GET /events/" + std::to_string(all.index(mine)) + "?topics=" + topics +
                " HTTP/1.1\r\nHost: here\r\n\r\n");
}

void event_actor::act(choices& from) {
    switch (from.below(8)) {
        default: wire_.push(from.size(200)); break;
        case 1: serve(); break;
        case 2: read(from.size(10'000)); break;
        case 3:
            if (!from.one_in(4)) break;
            stalled_ = true;
            mine_.excuse_for("does not read");
            wire_.window(2048);
            break;
        case 4: wake_up(); break;
        case 5:
            if (from.one_in(6)) leave(from);
            break;
    }
}

void event_actor::serve() {
    wire_.push();
    if (!stalled_) read(SIZE_MAX);
}

void event_actor::wake_up() {
    stalled_ = false;
    wire_.window(256 * 1024);
}

void event_actor::read(std::size_t most) {
    reply_.add(wire_.read(most));
    std::string wrong;
    text_ += reply_.take_body(wrong);
    if (reply_.begun() != 200) {
        text_.clear();
        return;
    }
    if (!wrong.empty() && !mine_.server_closes && mine_.excuse.empty() && all_.excuse.empty())
        all_.fail(mine_, "client: " + wrong);
    for (std::size_t end; (end = text_.find("\n\n")) != std::string::npos;) {
        const std::string event = text_.substr(0, end);
        text_.erase(0, end + 2);
        if (event.starts_with(":")) continue;
        if (!event.starts_with("data: ")) {
            all_.fail(mine_, "client: no event: " + shown(event));
            continue;
        }
        all_.client_got(mine_, "t" + event.substr(6));
    }
}

void event_actor::leave(choices& from) {
    mine_.excuse_for("went away");
    if (from.one_in(2)) {
        wire_.reset();
    } else {
        wire_.end();
    }
}

void event_actor::check_calm() {
    if (stalled_) return;
    if (wire_.over()) {
        if (mine_.live()) all_.fail(mine_, "its connection is over, but the server holds it open");
    } else if (mine_.closed) {
        all_.fail(mine_, "closed by the server, but its connection is not over");
    } else if (mine_.opened && !wire_.has_ended() && mine_.down.due() != nullptr) {
        all_.fail(mine_, "client: never came: " + shown(*mine_.down.due()));
    }
}

}  // namespace weft::simulation
