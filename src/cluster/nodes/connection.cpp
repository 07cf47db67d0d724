// A connection between two nodes. Invariant: before both have proved themselves nothing but
// greetings is read; from then on whatever the other side gets wrong ends this connection with all
// its streams, and nothing else.

#include "cluster/nodes/connection.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace weft::cluster::nodes {

connection::connection(connection_home& home, net::byte_stream& stream, side which, tag wanted)
    : home_(home), stream_(stream), side_(which) {
    (side_ == side::asker ? home_.metrics.asking : home_.metrics.serving).add();
    hello_.owner = wanted;
}

connection::~connection() {
    (side_ == side::asker ? home_.metrics.asking : home_.metrics.serving).sub();
}

template <class F>
void connection::within_memory(F&& work) noexcept {
    try {
        work();
    } catch (const std::bad_alloc&) {
        fail(std::make_error_code(std::errc::not_enough_memory));
    }
}

// ---- The greeting ----

void connection::on_open() noexcept {
    stream_.set_deadline(later(stream_.owner().now(), home_.chosen.connect_timeout));
}

void connection::greet() {
    hello_.asker = home_.own;
    if (!home_.random.fill(
            {reinterpret_cast<std::byte*>(hello_.asker_nonce.data()), hello_.asker_nonce.size()}))
        return fail(make_error_code(weft::errc::not_supported));
    step_ = step::challenge;
    stream_.set_deadline(later(stream_.owner().now(), home_.chosen.connect_timeout));
    std::string out;
    append_frame(out, frame_type::hello, 0, write_hello(hello_));
    write(out);
}

errc connection::take_greeting(const frame& got) {
    const auto prove = [this](frame_type as, side who) {
        const auto proof = home_.secret.sign(proof_text(who, hello_, owner_nonce_));
        if (!proof) return errc::wrong_proof;
        std::string out;
        append_frame(out, as, 0, {proof->data(), proof->size()});
        write(out);
        return errc::none;
    };
    const auto proves = [&](side who) {
        return home_.secret.is_proof(got.payload, proof_text(who, hello_, owner_nonce_));
    };
    const bool asks = side_ == side::asker;
    if (got.type == frame_type::hello && !asks && step_ == step::hello) {
        if (const errc wrong = read_hello(got.payload, hello_); wrong != errc::none) return wrong;
        if (!home_.random.fill(
                {reinterpret_cast<std::byte*>(owner_nonce_.data()), owner_nonce_.size()}))
            return errc::wrong_proof;
        step_ = step::proof;
        std::string out;
        append_frame(out, frame_type::challenge, 0, {owner_nonce_.data(), owner_nonce_.size()});
        write(out);
        return errc::none;
    }
    if (got.type == frame_type::challenge && asks && step_ == step::challenge) {
        std::copy_n(got.payload.data(), owner_nonce_.size(), owner_nonce_.begin());
        step_ = step::welcome;
        return prove(frame_type::proof, side::asker);
    }
    if (got.type == frame_type::proof && !asks && step_ == step::proof) {
        if (!proves(side::asker)) return errc::wrong_proof;
        // Only who knows the secret is told who we are not.
        if (hello_.owner != home_.own) return errc::other_node;
        if (const errc wrong = prove(frame_type::welcome, side::owner); wrong != errc::none)
            return wrong;
        greeted();
        return errc::none;
    }
    if (got.type == frame_type::welcome && asks && step_ == step::welcome) {
        if (!proves(side::owner)) return errc::wrong_proof;
        greeted();
        return errc::none;
    }
    return errc::out_of_order;
}

void connection::greeted() {
    step_ = step::open;
    greeted_ = true;
    reader_.greeted();
    stream_.clear_deadline();
    heard_ = stream_.owner().now();
    stream_.owner().arm(life_, later(heard_, home_.chosen.ping_interval));
    home_.user.on_greeted(*this);
}

void connection::on_deadline() noexcept {
    fail(make_error_code(errc::greeting_too_slow));
}

// ---- Streams ----

bool connection::open(const std::shared_ptr<home_end>& what, const std::string& facts) {
    if (streams_.size() >= max_streams || last_id_ == UINT32_MAX) return false;
    std::string out;
    append_frame(out, frame_type::open, last_id_ + 1, facts);
    streams_.emplace(last_id_ + 1, what);
    ++last_id_;
    home_.metrics.asked.add();
    home_.metrics.carried.add();
    write(out);
    what->begin(*this, last_id_);
    return true;
}

void connection::send(home_end& stream, const pipe_news& news) noexcept {
    if (step_ == step::dead) return;
    if (news.reset) return give_up(stream);
    within_memory([&] { send_all(stream, news); });
}

void connection::send_all(home_end& stream, const pipe_news& news) {
    const std::uint32_t id = stream.id();
    std::string out;
    if (news.room != 0) {
        append_window(out, id, news.room);
        stream.account.made_room(news.room);
    }
    for (std::string_view rest = news.bytes; !rest.empty();) {
        const std::string_view piece = rest.substr(0, max_data);
        rest.remove_prefix(piece.size());
        append_frame_header(out, frame_type::data, id, piece.size());
        if (piece.size() < 4096) {
            out += piece;
            continue;
        }
        write(std::exchange(out, {}));
        write(piece);
    }
    stream.account.sent(news.bytes.size());
    home_.metrics.bytes_sent.add(news.bytes.size());
    if (news.end) {
        append_frame(out, frame_type::end, id);
        stream.account.we_end();
    }
    write(out);
    if (stream.account.is_over()) forget(stream);
}

void connection::give_up(home_end& stream) noexcept {
    if (step_ == step::dead) return;
    within_memory([&] {
        std::string out;
        append_frame(out, frame_type::reset, stream.id());
        write(out);
        forget(stream);
    });
}

void connection::forget(home_end& stream) noexcept {
    const auto found = streams_.find(stream.id());
    if (found == streams_.end()) return;
    const auto alive = std::move(found->second);
    streams_.erase(found);
    (side_ == side::asker ? home_.metrics.asked : home_.metrics.served).sub();
    home_.user.on_stream_over(*alive);
    alive->finish();
}

errc connection::begin_stream(const frame& got) {
    if (side_ != side::owner) return errc::out_of_order;
    if (got.stream <= last_id_) return errc::stream_repeated;
    if (streams_.size() >= max_streams) return errc::too_many_streams;
    last_id_ = got.stream;
    stream_facts facts;
    if (const errc wrong = read_stream_facts(got.payload, facts); wrong != errc::none) return wrong;
    const auto place = streams_.emplace(got.stream, nullptr).first;
    std::shared_ptr<home_end> made;
    try {
        made = home_.user.on_stream(std::move(facts));
    } catch (...) {
        streams_.erase(place);
        throw;
    }
    place->second = made;
    home_.metrics.served.add();
    home_.metrics.accepted.add();
    made->begin(*this, got.stream);
    return errc::none;
}

/// One that is gone here may still be on its way there: what comes of it says nothing.
errc connection::take_stream(const frame& got) {
    if (got.type == frame_type::open) return begin_stream(got);
    const auto found = streams_.find(got.stream);
    if (found == streams_.end()) return got.stream <= last_id_ ? errc::none : errc::wrong_stream;
    const auto stream = found->second;
    errc wrong = errc::none;
    switch (got.type) {
        case frame_type::data:
            wrong = stream->account.receive(got.payload.size());
            if (wrong != errc::none) return wrong;
            home_.metrics.bytes_received.add(got.payload.size());
            stream->heard.bytes += got.payload;
            break;
        case frame_type::window:
            wrong = stream->account.credit(window_size(got));
            if (wrong != errc::none) return wrong;
            stream->heard.room += window_size(got);
            break;
        case frame_type::end:
            wrong = stream->account.they_end();
            if (wrong != errc::none) return wrong;
            stream->heard.end = true;
            if (stream->account.is_over()) {
                forget(*stream);
                return errc::none;
            }
            break;
        case frame_type::reset:
            stream->heard.reset = make_error_code(errc::reset_by_node);
            forget(*stream);
            return errc::none;
        default: return errc::out_of_order;
    }
    news_.push_back(stream);
    return errc::none;
}

void connection::pass_on() noexcept {
    for (const auto& stream : std::exchange(news_, {})) {
        const pipe_news& news = stream->heard;
        if (!news.bytes.empty() || news.room != 0 || news.end) stream->pass_on();
    }
}

// ---- What the stream tells ----

errc connection::take(const frame& got) {
    if (step_ != step::open) return take_greeting(got);
    if (got.stream != 0) return take_stream(got);
    if (got.type != frame_type::ping) return errc::none;
    std::string out;
    append_frame(out, frame_type::pong, 0);
    write(out);
    return errc::none;
}

void connection::on_data(byte_span data) noexcept {
    heard_ = stream_.owner().now();
    pinged_ = false;
    within_memory([&] {
        std::string_view rest = as_text(data);
        while (!rest.empty() && step_ != step::dead) {
            const auto [status, consumed] = reader_.feed(rest);
            rest.remove_prefix(consumed);
            if (status == frame_reader::status::incomplete) break;
            const errc wrong =
                status == frame_reader::status::failed ? reader_.error() : take(reader_.current());
            if (wrong != errc::none) return fail(make_error_code(wrong));
        }
    });
    pass_on();
}

void connection::look_for_life() noexcept {
    net::loop_core& loop = stream_.owner();
    const time_point due =
        later(heard_, pinged_ ? home_.chosen.ping_timeout : home_.chosen.ping_interval);
    if (due > loop.now()) return loop.arm(life_, due);
    if (pinged_) return fail(make_error_code(errc::silent));
    within_memory([&] {
        std::string out;
        append_frame(out, frame_type::ping, 0);
        write(out);
        pinged_ = true;
        heard_ = loop.now();
        loop.arm(life_, later(heard_, home_.chosen.ping_timeout));
    });
}

// ---- Its end ----

void connection::fail(std::error_code why) noexcept {
    if (std::exchange(step_, step::dead) == step::dead) return;
    life_.cancel();
    stream_.abort(why);
}

void connection::on_closed(std::error_code why) noexcept {
    step_ = step::dead;
    life_.cancel();
    lost_some_ = !streams_.empty();
    for (const auto& [id, stream] : std::exchange(streams_, {})) {
        (side_ == side::asker ? home_.metrics.asked : home_.metrics.served).sub();
        if (side_ == side::asker) home_.metrics.lost.add();
        home_.user.on_stream_over(*stream);
        stream->lose(why);
    }
    home_.user.on_gone(*this, why);
}

}  // namespace weft::cluster::nodes
