// A worker's loop and its connections. Connections are opened a hundred at a time, so that neither
// the server's accept queue nor the handshakes pile up. Everything but the counters is touched by
// the worker's thread only; the other threads post to its loop.

#include "bench/worker.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bench/link.hpp"
#include "net/loop_core.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::bench {
namespace {

constexpr unsigned opening_at_once = 128;
constexpr duration setup_time = std::chrono::seconds(30);
constexpr duration publish_interval = std::chrono::milliseconds(21);
constexpr duration goodbye_time = std::chrono::seconds(1);
constexpr ws::mask_key frame_key = 0x5AC3'96E1;  // nobody listens in on what we send to ourselves
constexpr std::size_t idle_blocks = 64 * 1024 * 1024;
constexpr std::uint64_t largest_message = std::uint64_t{1} << 32U;

payload_style style_of(const options& wanted) {
    if (!wanted.deflate) return payload_style::letters;
    return wanted.work == workload::broadcast ? payload_style::unquoted_json : payload_style::json;
}

}  // namespace

result<std::unique_ptr<worker>> worker::make(const options& wanted, const target& destination,
                                             std::shared_ptr<net::tls_client_context> tls) {
    auto own = loop::make();
    if (!own) return own.error();
    auto sha1 = sha1_digest::make();
    if (!sha1) return sha1.error();
    return std::unique_ptr<worker>(
        new worker(wanted, destination, std::move(tls), std::move(*own), std::move(*sha1)));
}

worker::worker(const options& wanted, const target& destination,
               std::shared_ptr<net::tls_client_context> tls, std::unique_ptr<loop> own,
               sha1_digest sha1)
    : options_(wanted),
      destination_(destination),
      tls_(std::move(tls)),
      loop_(std::move(own)),
      payloads_(wanted.size, style_of(wanted)),
      sha1_(std::move(sha1)),
      budget_(UINT64_MAX),
      inflate_memory_(64 * 1024),
      blocks_(block_cache::make(idle_blocks)),
      shared_{budget_, inflate_memory_, blocks_.get()},
      published_(wanted.in_flight) {
    limits_.max_message = largest_message;
    limits_.control_burst = UINT32_MAX;
    thread_ = std::thread([this] { loop_->run(); });
}

worker::~worker() {
    loop_->stop();
    if (thread_.joinable()) thread_.join();
    finishing_ = true;
    loop_->core().shut_down();  // ends what connections are left, which tell this worker
}

void worker::open(unsigned count) {
    loop_->core().post([this, count] {
        to_open_ += count;
        connect_more();
    });
}

void worker::start() {
    loop_->core().post([this] { start_links(); });
}

void worker::measure(bool measuring) {
    loop_->core().post([this, measuring] { measuring_ = measuring; });
}

void worker::finish() {
    loop_->core().post([this] { close_links(); });
    thread_.join();
}

std::string worker::failure() const {
    const std::lock_guard lock(failure_mutex_);
    return failure_;
}

void worker::fail(const std::string& why) {
    const std::lock_guard lock(failure_mutex_);
    if (failure_.empty()) failure_ = why;
}

byte_span worker::scratch(std::size_t size) {
    if (scratch_.size() < size) scratch_.resize(size);
    return scratch_;
}

byte_view worker::numbered_frame(std::uint64_t number) {
    const ws::mask_key key = frame_key;
    const std::size_t size = options_.size;
    const auto header =
        ws::encode_header({options_.text ? ws::opcode::text : ws::opcode::binary}, size, key);
    if (frame_.empty()) {
        frame_.assign(header.view().begin(), header.view().end());
        const byte_view payload = as_bytes(payloads_.make(0));
        frame_.insert(frame_.end(), payload.begin(), payload.end());
        ws::apply_mask(byte_span(frame_).subspan(header.size), key);
    }
    if (size >= number_digits) {
        const byte_span into = byte_span(frame_).subspan(header.size, number_digits);
        const auto digits = number_text(number);
        std::memcpy(into.data(), digits.data(), digits.size());
        ws::apply_mask(into, key);
    }
    return frame_;
}

void worker::connect_more() {
    while (to_open_ > 0 && opening_ < opening_at_once && failure().empty()) {
        --to_open_;
        ++opening_;
        net::connect_options where{.host = destination_.host, .port = destination_.port};
        where.timeout = setup_time;
        where.tls = tls_;
        loop_->core().connect(std::move(where), [this](result<net::byte_stream*> connected) {
            if (connected) {
                adopt(**connected);
            } else {
                fail("cannot connect to " + options_.url + ": " + connected.error().message());
            }
        });
    }
}

void worker::adopt(net::byte_stream& stream) {
    auto fresh = destination_.how == scheme::raw       ? make_raw_link(*this, stream)
                 : destination_.how == scheme::polling ? make_polling_link(*this, stream)
                                                       : make_ws_link(*this, stream);
    link& made = *fresh;
    links_.insert(&made);
    stream.set_handler(std::move(fresh));
    stream.set_deadline(later(loop_->ref().now(), setup_time));
    made.begin();
}

void worker::on_ready(link& ready_link) {
    --opening_;
    connect_more();
    if (options_.work == workload::idle) return ready_link.take_part(part::none);
    if (options_.work == workload::echo) return ready_link.take_part(part::echoes);
    if (publisher_ != nullptr) return ready_link.take_part(part::subscribes);
    publisher_ = &ready_link;
    ready_link.take_part(part::publishes);
}

void worker::on_gone(link& gone_link, const std::string& why) {
    links_.erase(&gone_link);
    if (finishing_) {
        if (links_.empty()) loop_->stop();
        return;
    }
    fail("a connection ended early: " + why);
}

void worker::start_links() {
    running_ = true;
    if (options_.work == workload::echo) {
        for (link* each : links_) each->start();
    } else if (options_.work == workload::broadcast) {
        for (unsigned i = 0; i < options_.in_flight; ++i) publish_next(steady_clock::now());
    }
}

/// `weft serve` takes 50 requests a second from one client; what a delivery costs shows at that
/// rate as well.
void worker::publish_next(time_point now) {
    if (destination_.how == scheme::raw) return publish(now);
    publish_at_ = std::max(publish_at_ + publish_interval, now);
    loop_->ref().after(publish_at_ - now, [this] {
        if (running_) publish(steady_clock::now());
    });
}

void worker::publish(time_point now) {
    published_[next_publish_ % published_.size()] = now;
    publisher_->send(next_publish_++);
}

void worker::delivered(std::uint64_t number, time_point now) {
    if (number >= next_publish_) return fail("a subscriber got a message that was not published");
    count(now - published_[number % published_.size()]);
    if (++deliveries_ % options_.connections == 0 && running_) publish_next(now);
}

void worker::close_links() {
    running_ = false;
    finishing_ = true;
    if (links_.empty()) return loop_->stop();
    for (link* each : links_) each->finish();
    loop_->ref().after(goodbye_time, [this] { loop_->stop(); });
}

}  // namespace weft::bench
