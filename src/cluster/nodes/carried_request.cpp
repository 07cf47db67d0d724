// Requests about sessions of other nodes. Invariant: each is answered once: by the owner, or as one
// about a session that nobody knows. Once a part of an answer may have been lost nothing is tried
// again: the client begins anew, with recovery.

#include "cluster/nodes/carried_request.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "base/heap_cost.hpp"
#include "cluster/nodes/relay.hpp"

namespace weft::cluster::nodes {
namespace {

/// What is about one connection only (RFC 9110 section 7.6.1), or is written anew.
constexpr std::array<std::string_view, 10> hop_by_hop{
    "Connection",        "Keep-Alive", "Proxy-Connection", "TE",     "Trailer",
    "Transfer-Encoding", "Upgrade",    "Content-Length",   "Expect", "Proxy-Authorization"};

bool goes_on(const http::message_head& head, std::string_view name) {
    return std::none_of(hop_by_hop.begin(), hop_by_hop.end(),
                        [&](std::string_view n) { return http::same_token(n, name); }) &&
           !head.has_item("Connection", name);
}

http::header_lines headers_of(const http::message_head& head) {
    http::header_lines lines;
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        const auto [name, value] = head.field(i);
        if (goes_on(head, name)) lines.add(name, value);
    }
    return lines;
}

std::error_code give(http::responder& answer, http::response what) {
    return answer.send(std::move(what));
}
std::error_code give(http::upgrade& answer, http::response what) {
    return answer.refuse(std::move(what));
}

}  // namespace

std::string write_request(const http::request& what, bool upgrades) {
    std::string out;
    out.reserve(512 + what.body().size());
    const auto line = [&out](std::string_view name, std::string_view value) {
        out.append(name).append(": ").append(value).append("\r\n");
    };
    out.append(to_string(what.method())).append(" ").append(what.target()).append(" HTTP/1.1\r\n");
    const http::message_head& head = what.head();
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        const auto [name, value] = head.field(i);
        const bool asks = upgrades && http::same_token(name, "Upgrade");
        if (asks || goes_on(head, name)) line(name, value);
    }
    line("Connection", upgrades ? "Upgrade" : "close");
    if (what.method() == http::method::post)
        line("Content-Length", std::to_string(what.body().size()));
    return out.append("\r\n").append(what.body_text());
}

template <class Handle>
carried_request<Handle>::carried_request(loop_part& part, std::shared_ptr<pipe_end> pipe,
                                         Handle answer, lost_handler lost)
    : carried_end(part),
      pipe_(std::move(pipe)),
      answer_(std::move(answer)),
      lost_(std::move(lost)),
      charge_(part.loop.budget(),
              heap_cost_of<carried_request> + heap_cost_of<pipe_end> + heap_cost_of<home_end>) {}

template <class Handle>
bool carried_request<Handle>::begin(loop_part& part, std::shared_ptr<pipe_end> pipe,
                                    const http::request& what, Handle answer, lost_handler lost) {
    const std::string text = write_request(what, upgrades);
    const auto made = std::make_shared<carried_request>(part, std::move(pipe), std::move(answer),
                                                        std::move(lost));
    if (!made->charge_.try_add(heap_cost(text))) {
        (void)give(made->answer_, http::response::plain_error(503));
        return false;
    }
    made->pipe_->write(text);
    made->answer_.on_gone([made] { made->finish(); });
    made->pipe_->attach(*made);
    made->self_ = made;
    return true;
}

template <class Handle>
void carried_request<Handle>::on_bytes(std::string bytes) noexcept {
    try {
        read(bytes);
    } catch (const std::bad_alloc&) {
        lose();
    }
}

template <class Handle>
void carried_request<Handle>::read(std::string_view bytes) {
    const auto alive = self_;
    pipe_->took(bytes.size());
    if (!response_) read_head(bytes);
    if (!response_ || self_ == nullptr) return;
    if (!charge_.try_add(bytes.size())) return lose();
    switch (response_->feed(bytes).status) {
        case http::parse_status::complete: return respond();
        case http::parse_status::failed: return lose();
        case http::parse_status::incomplete: return;
    }
}

template <class Handle>
void carried_request<Handle>::read_head(std::string_view& bytes) {
    const auto [status, consumed] = head_.feed(bytes);
    bytes.remove_prefix(consumed);
    if (status == http::parse_status::failed) return lose();
    if (status == http::parse_status::incomplete) return;
    if (head_.head().status() == 101) return switch_to_relay(bytes);
    // The owner limits what it sends, and what comes of it is charged.
    response_.emplace(std::move(head_), UINT64_MAX);
}

template <class Handle>
void carried_request<Handle>::switch_to_relay(std::string_view rest) {
    if constexpr (upgrades) {
        if (!answer_) return finish();
        net::byte_stream& stream = answer_.stream();
        auto made = std::make_unique<relay>(part(), pipe_, stream);  // hears the pipe from now on
        http::header_lines headers = headers_of(head_.head());
        headers.add("Upgrade", head_.head().header("Upgrade"));
        const auto alive = std::exchange(self_, nullptr);
        if (!answer_.accept(std::move(headers), std::move(made)) && !rest.empty())
            stream.write(as_bytes(rest));
    } else {
        lose();
    }
}

template <class Handle>
void carried_request<Handle>::respond() {
    http::response answer(response_->head().status());
    answer.headers(headers_of(response_->head())).body(response_->body());
    const auto alive = self_;
    pipe_->end();
    finish();
    (void)give(answer_, std::move(answer));
}

/// The owner has ended before it had answered.
template <class Handle>
void carried_request<Handle>::on_end() noexcept {
    lose();
}

template <class Handle>
void carried_request<Handle>::on_reset(std::error_code) noexcept {
    lose();
}

/// As if the client had gone: the owner then ends the session, and whoever comes back finds another
/// node.
template <class Handle>
void carried_request<Handle>::on_drain() noexcept {
    lose();
}

template <class Handle>
void carried_request<Handle>::lose() noexcept {
    if (self_ == nullptr) return;
    const auto alive = self_;
    finish();
    try {
        lost_(std::move(answer_));
    } catch (const std::bad_alloc&) {  // a handle without an answer says 500
    }
}

template <class Handle>
void carried_request<Handle>::finish() noexcept {
    const auto alive = std::exchange(self_, nullptr);
    if (alive == nullptr) return;
    pipe_->detach();
    charge_.set(0);
}

template class carried_request<http::responder>;
template class carried_request<http::upgrade>;

}  // namespace weft::cluster::nodes
