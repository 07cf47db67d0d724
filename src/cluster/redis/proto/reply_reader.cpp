// One pass over the bytes of a reply, with a stack of the aggregates that are open. A reply that
// came whole is read where it lies. What is incomplete is kept from its beginning, and the reader
// goes on behind what it has seen, so each byte is looked at once however the reply is split.
// Invariant: lengths are judged when they are announced and memory follows what has come, so a
// peer gets nothing for announcing much; `at_` never exceeds max_reply.

#include "cluster/redis/proto/reply_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weft::cluster::redis {
namespace {

using detail::reply_node;

constexpr std::uint64_t longest_number = 64;  // a line that holds no text; a double has 24 digits
constexpr std::size_t line_end = 2;
constexpr std::size_t most_idle_text = 64 * 1024;  // what a reader without a reply may hold
constexpr std::size_t most_idle_nodes = 2048;

template <class T>
bool parse_number(std::string_view line, T& out) noexcept {
    const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), out);
    return failed == std::errc() && end == line.data() + line.size();
}

std::string_view without_plus(std::string_view line) noexcept {
    if (line.size() > 1 && line[0] == '+' && line[1] != '-') line.remove_prefix(1);
    return line;
}

bool holds_text(char type) noexcept {
    return type == '+' || type == '-' || type == '(';
}

bool is_big_number(std::string_view line) noexcept {
    if (!line.empty() && (line[0] == '-' || line[0] == '+')) line.remove_prefix(1);
    return !line.empty() &&
           std::all_of(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view reply_view::text() const noexcept {
    switch (type()) {
        case reply_type::simple:
        case reply_type::error:
        case reply_type::big_number:
        case reply_type::bulk:
        case reply_type::verbatim: return {text_ + node_->at, node_->count};
        default: return {};
    }
}

std::string_view reply_view::format() const noexcept {
    if (type() != reply_type::verbatim) return {};
    return {text_ + node_->at - 4, 3};
}

std::int64_t reply_view::integer() const noexcept {
    return type() == reply_type::integer || type() == reply_type::boolean ? node_->integer : 0;
}

double reply_view::real() const noexcept {
    return type() == reply_type::real ? node_->real : 0;
}

void reply_reader::reset() noexcept {
    done_ = false;
    at_ = searched_ = 0;
    elements_ = 0;
    kept_.clear();
    nodes_.clear();
    if (kept_.capacity() > most_idle_text) kept_ = {};
    if (nodes_.capacity() > most_idle_nodes) nodes_ = {};
}

reply_status reply_reader::fail(errc why) noexcept {
    error_ = make_error_code(why);
    return reply_status::failed;
}

/// How long the line at `at_` may be, and what it breaks when it is longer: the same however the
/// line came.
reply_reader::line_limit reply_reader::limit_of(char type) const noexcept {
    const std::uint64_t room = limits_.max_reply - at_;
    const std::uint64_t most =
        1 + line_end + (holds_text(type) ? limits_.max_bulk : longest_number);
    if (room < most) return {room, errc::reply_too_long};
    return {most, holds_text(type) ? errc::bulk_too_long : errc::malformed_reply};
}

reply_reader::outcome reply_reader::feed(std::string_view data) {
    if (error_) return {reply_status::failed, 0};
    if (done_) reset();
    if (!kept_.empty()) return read_on(data);
    const reply_status status = parse(data);
    if (status == reply_status::incomplete) {
        kept_.assign(data);
        return {status, data.size()};
    }
    text_ = data.data();
    return {status, status == reply_status::complete ? at_ : 0};
}

/// Takes of the data only what belongs to this reply: the rest of a bulk, or of a line.
reply_reader::outcome reply_reader::read_on(std::string_view data) {
    const std::size_t size = data.size();
    while (!data.empty()) {
        const std::size_t have = kept_.size() - at_;
        std::size_t take = data.size();
        if (bulk_type_ != 0) {
            take = std::min<std::uint64_t>(take, bulk_size_ + line_end - have);
        } else {
            if (const auto end = data.find('\n'); end != std::string_view::npos) take = end + 1;
            const line_limit limit = limit_of(have > 0 ? kept_[at_] : data[0]);
            if (take > limit.most - have) return {fail(limit.broken), 0};
        }
        kept_.append(data.substr(0, take));
        data.remove_prefix(take);
        const reply_status status = parse(kept_);
        if (status == reply_status::failed) return {status, 0};
        if (status == reply_status::complete) {
            text_ = kept_.data();
            return {status, size - data.size()};
        }
    }
    return {reply_status::incomplete, size};
}

/// `all` begins where the reply begins.
reply_status reply_reader::parse(std::string_view all) {
    for (;;) {
        reply_status status = reply_status::incomplete;
        if (bulk_type_ != 0) {
            if (all.size() - at_ < bulk_size_ + line_end) return reply_status::incomplete;
            status = end_bulk(all);
        } else {
            if (at_ == all.size()) return reply_status::incomplete;
            const char type = all[at_];
            const auto end = all.find('\n', std::max(searched_, at_));
            const std::size_t size = (end == std::string_view::npos ? all.size() : end + 1) - at_;
            const line_limit limit = limit_of(type);
            if (size > limit.most) return fail(limit.broken);
            if (end == std::string_view::npos) {
                searched_ = all.size();
                return reply_status::incomplete;
            }
            if (size < 1 + line_end || all.find('\r', at_) != end - 1) {
                return fail(errc::malformed_reply);
            }
            const std::string_view line = all.substr(at_ + 1, size - 1 - line_end);
            at_ += size;
            status = parse_line(type, line);
        }
        if (status != reply_status::incomplete) return status;
    }
}

/// Incomplete: the reply goes on.
reply_status reply_reader::parse_line(char type, std::string_view line) {
    reply_node node;
    node.at = at_ - line_end - line.size();
    node.count = line.size();
    switch (type) {
        case '+': node.type = reply_type::simple; return add(node);
        case '-': node.type = reply_type::error; return add(node);
        case '(':
            if (!is_big_number(line)) break;
            node.type = reply_type::big_number;
            return add(node);
        case ':':
            node.type = reply_type::integer;
            if (!parse_number(without_plus(line), node.integer)) break;
            return add(node);
        case ',':
            node.type = reply_type::real;
            if (!parse_number(without_plus(line), node.real)) break;
            return add(node);
        case '#':
            if (line != "t" && line != "f") break;
            node.type = reply_type::boolean;
            node.integer = line == "t" ? 1 : 0;
            return add(node);
        case '_':
            if (!line.empty()) break;
            return add(node);
        case '$':
        case '!':
        case '=': return begin_bulk(type, line);
        case '*':
        case '~':
        case '%':
        case '>':
        case '|': return begin_aggregate(type, line);
        case ';':
        case '.': return fail(errc::streamed_reply);
        default: break;
    }
    return fail(errc::malformed_reply);
}

reply_status reply_reader::begin_bulk(char type, std::string_view line) {
    if (type == '$' && line == "-1") return add({});
    if (line == "?") return fail(errc::streamed_reply);
    std::uint64_t size = 0;
    if (!parse_number(line, size) || (type == '=' && size < 4)) return fail(errc::malformed_reply);
    if (size > limits_.max_bulk) return fail(errc::bulk_too_long);
    const std::uint64_t room = limits_.max_reply - at_;
    if (room < line_end || size > room - line_end) return fail(errc::reply_too_long);
    bulk_size_ = size;
    bulk_type_ = type;
    return reply_status::incomplete;
}

reply_status reply_reader::end_bulk(std::string_view all) {
    const std::string_view text = all.substr(at_, bulk_size_);
    if (all.substr(at_ + bulk_size_, line_end) != "\r\n") return fail(errc::malformed_reply);
    reply_node node;
    node.type = bulk_type_ == '!' ? reply_type::error : reply_type::bulk;
    node.at = at_;
    node.count = bulk_size_;
    if (bulk_type_ == '=') {
        if (text[3] != ':') return fail(errc::malformed_reply);
        node.type = reply_type::verbatim;
        node.at += 4;
        node.count -= 4;
    }
    at_ += bulk_size_ + line_end;
    bulk_type_ = 0;
    return add(node);
}

reply_status reply_reader::begin_aggregate(char type, std::string_view line) {
    if (type == '*' && line == "-1") return add({});
    if (line == "?") return fail(errc::streamed_reply);
    std::uint64_t count = 0;
    if (!parse_number(line, count)) return fail(errc::malformed_reply);
    if (type == '>' && !open_.empty()) return fail(errc::malformed_reply);
    const unsigned each = type == '%' || type == '|' ? 2 : 1;
    if (count > (limits_.max_elements - elements_) / each) return fail(errc::too_many_elements);
    if (open_.size() >= limits_.max_depth) return fail(errc::reply_too_deep);
    count *= each;
    elements_ += count;
    if (type == '|' && count == 0) return reply_status::incomplete;
    reply_node node;
    node.type = type == '~'   ? reply_type::set
                : type == '%' ? reply_type::map
                : type == '>' ? reply_type::push
                              : reply_type::array;
    node.count = count;
    if (count == 0) return add(node);
    open_.push_back({nodes_.size(), count, type == '|'});
    nodes_.push_back(node);
    return reply_status::incomplete;
}

reply_status reply_reader::add(const reply_node& node) {
    nodes_.push_back(node);
    return value_ended();
}

/// Closes the aggregates that end with it. Complete: the reply is one of them.
reply_status reply_reader::value_ended() noexcept {
    while (!open_.empty()) {
        if (--open_.back().left > 0) return reply_status::incomplete;
        const open_aggregate ended = open_.back();
        open_.pop_back();
        if (ended.attribute) {  // the value that it belongs to follows
            nodes_.resize(ended.node);
            return reply_status::incomplete;
        }
        nodes_[ended.node].end = static_cast<std::uint32_t>(nodes_.size() - ended.node);
    }
    done_ = true;
    return reply_status::complete;
}

}  // namespace weft::cluster::redis
