// What all connections of the generator share, and the raw one. Answers come in the order of the
// questions, so a ring of send times is all that timing needs. The clock is read once per read, not
// once per message: what one read brought is answered by one write.

#include "bench/link.hpp"

#include <algorithm>

#include "net/loop_core.hpp"
#include "ws/proto/frame.hpp"

namespace weft::bench {

void link::start() {
    sent_.resize(worker_.wanted().in_flight);
    const time_point now = steady_clock::now();
    for (unsigned i = 0; i < worker_.wanted().in_flight; ++i) send_next(now);
}

void link::send_next(time_point now) {
    sent_[next_ % sent_.size()] = now;
    send(next_++);
}

void link::on_message(time_point now) {
    const std::uint64_t number = received_++;
    if (part_ == part::subscribes) {
        worker_.delivered(number, now);
    } else if (part_ == part::echoes && number < next_) {
        worker_.count(now - sent_[number % sent_.size()]);
        if (worker_.running()) send_next(now);
    }
}

void link::give_up(const std::string& why) {
    worker_.fail(why);
    stream_.abort(make_error_code(errc::malformed));
}

void link::on_deadline() noexcept {
    stream_.abort(make_error_code(errc::timed_out));
}

void link::on_closed(std::error_code why) noexcept {
    worker_.on_gone(*this, why.message());
}

namespace {

/// Messages are runs of bytes as long as a server's frame with the same payload.
class raw_link final : public link {
public:
    raw_link(worker& owner, net::byte_stream& stream) noexcept
        : link(owner, stream),
          block_(ws::encode_header({ws::opcode::binary}, owner.wanted().size).size +
                 owner.wanted().size) {}

    void begin() override {
        stream_.clear_deadline();
        worker_.on_ready(*this);
    }
    void finish() override { stream_.close(); }
    void send(std::uint64_t) override {
        stream_.write(byte_view(worker_.scratch(block_).first(block_)));
    }
    void on_data(byte_span data) noexcept override {
        const time_point now = steady_clock::now();
        for (pending_ += data.size(); pending_ >= block_; pending_ -= block_) on_message(now);
    }

private:
    std::size_t block_;
    std::size_t pending_ = 0;
};

}  // namespace

std::unique_ptr<link> make_raw_link(worker& owner, net::byte_stream& stream) {
    return std::make_unique<raw_link>(owner, stream);
}

}  // namespace weft::bench
