// Sec-WebSocket-Extensions, read by one linear pass without allocation (RFC 6455 section 9.1), and
// the negotiation of permessage-deflate (RFC 7692 section 7.1). Nothing in a header can make this
// do more than decline: names are compared, never looked up.

#include <algorithm>

#include "http/proto/syntax.hpp"
#include "ws/proto/extensions.hpp"

namespace weft::ws {
namespace {

constexpr std::string_view deflate_name = "permessage-deflate";
constexpr std::string_view server_no_takeover = "server_no_context_takeover";
constexpr std::string_view client_no_takeover = "client_no_context_takeover";
constexpr std::string_view server_window = "server_max_window_bits";
constexpr std::string_view client_window = "client_max_window_bits";

struct parameter {
    std::string_view name;
    std::string_view value;
    bool has_value = false;
};

/// Walks over one header value: extensions, and within each its parameters.
class extension_reader {
public:
    explicit extension_reader(std::string_view text) noexcept : text_(text) {}

    /// The name of the next extension; empty at the end or after an error. Call it after all
    /// parameters of the one before have been read.
    std::string_view next_extension() noexcept {
        for (;;) {
            skip_spaces();
            if (position_ == text_.size()) return {};
            if (text_[position_] != ',') return token();
            ++position_;  // RFC 9110 section 5.6.1: empty elements are ignored
        }
    }

    /// The next parameter of the present extension; false at its end or after an error.
    bool next_parameter(parameter& out) noexcept {
        skip_spaces();
        if (malformed_ || position_ == text_.size() || text_[position_] == ',') return false;
        if (text_[position_] != ';') return fail();
        ++position_;
        skip_spaces();
        out = {};
        out.name = token();
        skip_spaces();
        if (malformed_ || position_ == text_.size() || text_[position_] != '=') return !malformed_;
        ++position_;
        skip_spaces();
        out.has_value = true;
        out.value = position_ < text_.size() && text_[position_] == '"' ? quoted() : token();
        return !malformed_;
    }

    [[nodiscard]] bool malformed() const noexcept { return malformed_; }

private:
    bool fail() noexcept {
        malformed_ = true;
        position_ = text_.size();
        return false;
    }

    void skip_spaces() noexcept {
        while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t'))
            ++position_;
    }

    std::string_view token() noexcept {
        const std::size_t start = position_;
        while (position_ < text_.size() &&
               http::syntax::is(text_[position_], http::syntax::token_bit))
            ++position_;
        if (position_ == start) fail();
        return malformed_ ? std::string_view{} : text_.substr(start, position_ - start);
    }

    /// A quoted string must hold a token once unescaped. No parameter that we know needs a
    /// backslash, so one is only skipped, and the value then equals nothing that we know.
    std::string_view quoted() noexcept {
        const std::size_t start = ++position_;
        while (position_ < text_.size() && text_[position_] != '"') {
            if (text_[position_] == '\\') ++position_;
            if (position_ == text_.size() ||
                !http::syntax::is(text_[position_], http::syntax::token_bit)) {
                fail();
                return {};
            }
            ++position_;
        }
        if (position_ == text_.size() || position_ == start) {
            fail();
            return {};
        }
        return text_.substr(start, position_++ - start);
    }

    std::string_view text_;
    std::size_t position_ = 0;
    bool malformed_ = false;
};

/// The parameters of one permessage-deflate element. A window size of 0 stands for "not given".
struct deflate_parameters {
    bool acceptable = true;  // nothing unknown, repeated or out of range
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    bool client_window_given = false;  // with or without a value
    std::uint8_t server_max_window_bits = 0;
    std::uint8_t client_max_window_bits = 0;
};

/// 8 to 15 in decimal without leading zeros; 0 for anything else.
std::uint8_t parse_window_bits(std::string_view text) noexcept {
    if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) {
        return static_cast<std::uint8_t>(text[0] - '0');
    }
    if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
        return static_cast<std::uint8_t>(10 + (text[1] - '0'));
    }
    return 0;
}

bool set_flag(bool& flag, const parameter& given) noexcept {
    if (flag || given.has_value) return false;
    flag = true;
    return true;
}

bool set_parameter(deflate_parameters& all, const parameter& given) noexcept {
    if (given.name == server_no_takeover) return set_flag(all.server_no_context_takeover, given);
    if (given.name == client_no_takeover) return set_flag(all.client_no_context_takeover, given);
    if (given.name == server_window) {
        if (all.server_max_window_bits != 0) return false;
        all.server_max_window_bits = parse_window_bits(given.value);
        return all.server_max_window_bits != 0;
    }
    if (given.name == client_window) {
        if (all.client_window_given) return false;
        all.client_window_given = true;
        if (!given.has_value) return true;
        all.client_max_window_bits = parse_window_bits(given.value);
        return all.client_max_window_bits != 0;
    }
    return false;
}

deflate_parameters read_parameters(extension_reader& reader) noexcept {
    deflate_parameters all;
    parameter given;
    while (reader.next_parameter(given)) {
        if (!set_parameter(all, given)) all.acceptable = false;
    }
    return all;
}

std::optional<deflate_agreement> accept_offer(const deflate_parameters& offer,
                                              const deflate_wishes& wishes) noexcept {
    // zlib cannot compress with a window of 256 bytes.
    if (!offer.acceptable || offer.server_max_window_bits == 8) return std::nullopt;
    deflate_agreement agreed;
    agreed.server_no_context_takeover =
        offer.server_no_context_takeover || wishes.server_no_context_takeover;
    agreed.client_no_context_takeover =
        offer.client_no_context_takeover || wishes.client_no_context_takeover;
    agreed.server_max_window_bits = wishes.server_max_window_bits;
    if (offer.server_max_window_bits != 0) {
        agreed.server_window_named = true;
        agreed.server_max_window_bits =
            std::min(agreed.server_max_window_bits, offer.server_max_window_bits);
    }
    // Only a client that said it knows this parameter can be told to use a smaller window.
    if (offer.client_window_given) {
        agreed.client_max_window_bits = wishes.client_max_window_bits;
        if (offer.client_max_window_bits != 0) {
            agreed.client_max_window_bits =
                std::min(agreed.client_max_window_bits, offer.client_max_window_bits);
        }
    }
    return agreed;
}

/// Whether the response keeps to what was offered.
bool answers_offer(const deflate_parameters& response, const deflate_wishes& offered) noexcept {
    if (!response.acceptable) return false;
    if (response.client_window_given && response.client_max_window_bits == 0) return false;
    if (response.client_max_window_bits > offered.client_max_window_bits) return false;
    if (offered.server_no_context_takeover && !response.server_no_context_takeover) return false;
    const std::uint8_t server_bits =
        response.server_max_window_bits != 0 ? response.server_max_window_bits : 15;
    return server_bits <= offered.server_max_window_bits;
}

void append_window(std::string& text, std::string_view name, std::uint8_t bits) {
    text.append("; ").append(name).append("=").append(std::to_string(bits));
}

void append_flag(std::string& text, std::string_view name, bool set) {
    if (set) text.append("; ").append(name);
}

}  // namespace

extension_outcome accept_extensions(std::span<const std::string_view> headers,
                                    const deflate_wishes& wishes) noexcept {
    extension_outcome outcome;
    for (const std::string_view header : headers) {
        extension_reader reader(header);
        for (;;) {
            const std::string_view name = reader.next_extension();
            if (name.empty()) break;
            const deflate_parameters offer = read_parameters(reader);
            if (reader.malformed()) break;
            if (name == deflate_name && !outcome.deflate) {
                outcome.deflate = accept_offer(offer, wishes);
            }
        }
        if (reader.malformed()) return {errc::bad_extensions, std::nullopt};
    }
    return outcome;
}

std::string deflate_response(const deflate_agreement& agreement) {
    std::string text(deflate_name);
    append_flag(text, server_no_takeover, agreement.server_no_context_takeover);
    append_flag(text, client_no_takeover, agreement.client_no_context_takeover);
    if (agreement.server_window_named) {
        append_window(text, server_window, agreement.server_max_window_bits);
    }
    if (agreement.client_max_window_bits < 15) {
        append_window(text, client_window, agreement.client_max_window_bits);
    }
    return text;
}

std::string deflate_offer(const deflate_wishes& wishes) {
    std::string text(deflate_name);
    append_flag(text, server_no_takeover, wishes.server_no_context_takeover);
    append_flag(text, client_no_takeover, wishes.client_no_context_takeover);
    if (wishes.server_max_window_bits < 15) {
        append_window(text, server_window, wishes.server_max_window_bits);
    }
    if (wishes.client_max_window_bits < 15) {
        append_window(text, client_window, wishes.client_max_window_bits);
    } else {
        append_flag(text, client_window, true);
    }
    return text;
}

extension_outcome check_extensions(std::span<const std::string_view> headers,
                                   const deflate_wishes* offered) noexcept {
    constexpr extension_outcome refused{errc::unexpected_extensions, std::nullopt};
    extension_outcome outcome;
    for (const std::string_view header : headers) {
        extension_reader reader(header);
        for (;;) {
            const std::string_view name = reader.next_extension();
            if (name.empty()) break;
            const deflate_parameters response = read_parameters(reader);
            const bool expected =
                offered != nullptr && name == deflate_name && !outcome.deflate.has_value();
            if (reader.malformed() || !expected || !answers_offer(response, *offered)) {
                return refused;
            }
            deflate_agreement& agreed = outcome.deflate.emplace();
            agreed.server_no_context_takeover = response.server_no_context_takeover;
            agreed.client_no_context_takeover =
                response.client_no_context_takeover || offered->client_no_context_takeover;
            if (response.server_max_window_bits != 0) {
                agreed.server_window_named = true;
                agreed.server_max_window_bits = response.server_max_window_bits;
            }
            agreed.client_max_window_bits = response.client_max_window_bits != 0
                                                ? response.client_max_window_bits
                                                : offered->client_max_window_bits;
        }
        if (reader.malformed()) return refused;
    }
    return outcome;
}

}  // namespace weft::ws
