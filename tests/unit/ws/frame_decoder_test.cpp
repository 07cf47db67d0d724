#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "unit/ws/proto_support.hpp"
#include "ws/proto/frame_decoder.hpp"

namespace weft::ws {
namespace {

using namespace test;

constexpr std::uint64_t mebibyte = 1024 * 1024;

/// Joins the pieces of frames; feeds `input` cut into runs of `step` bytes.
decoded_stream decode(std::string input, role self, bool deflate, std::size_t step,
                      std::uint64_t max_message = mebibyte) {
    decoded_stream out;
    frame_decoder decoder(self, deflate);
    seen_frame open;
    byte_span rest = writable(input);
    while (!rest.empty() && out.failure == close_code::normal) {
        byte_span now = rest.first(std::min(step, rest.size()));
        rest = rest.subspan(now.size());
        for (;;) {
            frame_piece piece;
            const decode_status status = decoder.next(now, max_message, piece);
            if (status == decode_status::need_more) break;
            if (status == decode_status::failed) {
                out.failure = describe(decoder.error()).close;
                break;
            }
            if (piece.begins) {
                open = {static_cast<std::uint8_t>((piece.fin ? 0x80 : 0) |
                                                  (piece.compressed ? 0x40 : 0) |
                                                  static_cast<unsigned>(piece.op)),
                        {}};
            }
            open.payload += bytes_to_string(piece.payload);
            if (piece.ascii) {
                for (const std::byte b : piece.payload) {
                    EXPECT_LT(std::to_integer<int>(b), 0x80);
                }
            }
            if (piece.ends) {
                EXPECT_EQ(open.payload.size(), piece.size);
                out.frames.push_back(open);
            }
        }
        EXPECT_TRUE(now.empty() || out.failure != close_code::normal);
    }
    return out;
}

errc error_of(std::string input, role self = role::server, bool deflate = false) {
    frame_decoder decoder(self, deflate);
    byte_span rest = writable(input);
    frame_piece piece;
    for (;;) {
        switch (decoder.next(rest, mebibyte, piece)) {
            case decode_status::need_more: return errc{};
            case decode_status::failed: return decoder.error();
            case decode_status::piece: break;
        }
    }
}

TEST(frame_decoder, delivers_a_frame_that_came_in_one_read_as_one_piece_in_place) {
    std::string input = encode({0x81, "Hello, this is a text"});
    byte_span rest = writable(input);
    const std::byte* const payload_place = rest.data() + 6;
    frame_decoder decoder(role::server, false);
    frame_piece piece;
    ASSERT_EQ(decoder.next(rest, mebibyte, piece), decode_status::piece);
    EXPECT_TRUE(piece.begins && piece.ends && piece.fin && piece.ascii);
    EXPECT_EQ(piece.op, opcode::text);
    EXPECT_EQ(piece.payload.data(), payload_place);
    EXPECT_EQ(bytes_to_string(piece.payload), "Hello, this is a text");
    EXPECT_EQ(decoder.next(rest, mebibyte, piece), decode_status::need_more);
    EXPECT_TRUE(decoder.idle());
}

TEST(frame_decoder, is_small) {
    EXPECT_LE(sizeof(frame_decoder), 40U);
}

/// What RFC 6455 sections 5.2, 5.4, 5.5 and RFC 7692 section 6 say about a first byte.
bool rfc_allows(unsigned first, bool in_message, bool deflate, bool closing) {
    if (closing) return true;  // 5.5.1: data after a close frame is ignored
    const unsigned op = first & 0xF;
    const bool fin = (first & 0x80) != 0;
    const bool known = op <= 2 || (op >= 8 && op <= 10);
    const bool rsv1_fits = (first & 0x40) == 0 || (deflate && (op == 1 || op == 2));
    if (!known || (first & 0x30) != 0 || !rsv1_fits) return false;
    if (op >= 8) return fin;
    return in_message == (op == 0);
}

TEST(frame_decoder, sec_w1_all_first_bytes_in_all_states) {
    struct state {
        const char* name;
        std::string before;
        bool deflate, in_message, closing;
    };
    for (const role self : {role::server, role::client}) {
        const bool mask = self == role::server;
        const state states[] = {
            {"idle", "", false, false, false},
            {"in text", encode({0x01, "a", mask}), false, true, false},
            {"in binary", encode({0x02, "a", mask}), false, true, false},
            {"compressed", "", true, false, false},
            {"in compressed", encode({0x41, "a", mask}), true, true, false},
            {"closing", encode({0x88, "\x03\xE8", mask}), false, false, true},
        };
        for (const state& s : states) {
            for (unsigned first = 0; first < 256; ++first) {
                for (const bool masked : {false, true}) {
                    const std::string input =
                        s.before + encode({static_cast<std::uint8_t>(first), "xy", masked});
                    const bool expected = rfc_allows(first, s.in_message, s.deflate, s.closing) &&
                                          (masked == mask || s.closing);
                    for (const std::size_t step : {std::size_t{1}, input.size()}) {
                        const decoded_stream got = decode(input, self, s.deflate, step);
                        ASSERT_EQ(got.failure,
                                  expected ? close_code::normal : close_code::protocol_error)
                            << s.name << " first byte " << first << " masked " << masked;
                        const std::size_t before = s.before.empty() ? 0 : 1;
                        const bool delivered = expected && !s.closing;
                        ASSERT_EQ(got.frames.size(), before + (delivered ? 1 : 0));
                    }
                }
            }
        }
    }
}

TEST(frame_decoder, sec_w1_each_violation_has_its_own_error) {
    EXPECT_EQ(error_of(encode({0xC1, "x"})), errc::reserved_bits);
    EXPECT_EQ(error_of(encode({0xC9, "x"}), role::server, true), errc::reserved_bits);
    EXPECT_EQ(error_of(encode({0x41, "x"}) + encode({0xC0, "x"}), role::server, true),
              errc::reserved_bits);
    EXPECT_EQ(error_of(encode({0xA1, "x"})), errc::reserved_bits);
    EXPECT_EQ(error_of(encode({0x83, "x"})), errc::reserved_opcode);
    EXPECT_EQ(error_of(encode({0x8B, "x"})), errc::reserved_opcode);
    EXPECT_EQ(error_of(encode({0x09, "x"})), errc::fragmented_control);
    EXPECT_EQ(error_of(encode({0x80, "x"})), errc::unexpected_continuation);
    EXPECT_EQ(error_of(encode({0x01, "x"}) + encode({0x81, "x"})), errc::expected_continuation);
    EXPECT_EQ(error_of(encode({0x81, "x", false})), errc::unmasked_frame);
    EXPECT_EQ(error_of(encode({0x81, "x", true}), role::client), errc::masked_frame);
    EXPECT_EQ(error_of(encode({0x89, std::string(126, 'x')})), errc::control_too_long);
    EXPECT_EQ(error_of(encode({0x82, "x", true, std::uint8_t{126}})), errc::non_minimal_length);
    EXPECT_EQ(error_of(encode({0x82, "x", true, std::uint8_t{127}})), errc::non_minimal_length);
    EXPECT_EQ(error_of(encode({0x82, "", true, std::uint8_t{127}, std::uint64_t{1} << 63})),
              errc::length_overflow);
}

TEST(frame_decoder, sec_w1_fails_before_the_payload_is_looked_at) {
    // The unmasked payload must stay as it was sent.
    std::string input = encode({0x81, "payload", false});
    const std::string before = input;
    EXPECT_EQ(error_of(input), errc::unmasked_frame);
    EXPECT_EQ(input, before);
}

TEST(frame_decoder, sec_w2_lengths_are_subtracted_from_the_limit) {
    constexpr std::uint64_t top = std::uint64_t{1} << 63;
    const std::uint64_t lengths[] = {0,
                                     125,
                                     126,
                                     127,
                                     65535,
                                     65536,
                                     1u << 20,
                                     (1u << 20) + 1,
                                     (1ull << 31) - 1,
                                     1ull << 31,
                                     (1ull << 32) - 1,
                                     1ull << 32,
                                     (1ull << 32) + 1,
                                     top - 1,
                                     top,
                                     ~0ull,
                                     ~0ull - 9};
    for (const bool after_fragment : {false, true}) {
        const std::uint64_t limit = mebibyte;
        const std::uint64_t left = after_fragment ? limit - 10 : limit;
        const std::string before = after_fragment ? encode({0x02, std::string(10, 'x')}) : "";
        const std::uint8_t first = after_fragment ? 0x80 : 0x82;
        for (const std::uint64_t length : lengths) {
            for (const std::uint8_t code :
                 {std::uint8_t{0}, std::uint8_t{126}, std::uint8_t{127}}) {
                if (code == 0 && length > 125) continue;
                if (code == 126 && length > 65535) continue;
                const std::uint8_t in_header = code == 0 ? static_cast<std::uint8_t>(length) : code;
                const std::string input = before + encode({first, "", true, in_header, length});
                const bool minimal = (code == 0) || (code == 126 && length >= 126) ||
                                     (code == 127 && length >= 65536 && length < top);
                const close_code expected = !minimal        ? close_code::protocol_error
                                            : length > left ? close_code::message_too_big
                                                            : close_code::normal;
                for (const std::size_t step : {std::size_t{1}, input.size()}) {
                    ASSERT_EQ(decode(input, role::server, false, step, limit).failure, expected)
                        << length << " as " << int{in_header} << " after " << after_fragment;
                }
            }
        }
    }
}

TEST(frame_decoder, sec_w2_the_largest_limit_does_not_wrap) {
    constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
    const std::string huge =
        encode({0xC2, "", true, std::uint8_t{127}, (std::uint64_t{1} << 63) - 1});
    EXPECT_EQ(decode(huge, role::server, true, huge.size(), unlimited).failure, close_code::normal);
}

TEST(frame_decoder, sec_w2_limits_begin_anew_with_each_message) {
    std::string input;
    for (int i = 0; i < 5; ++i) {
        input += encode({0x02, std::string(60, 'a')}) + encode({0x80, std::string(40, 'b')});
    }
    EXPECT_EQ(decode(input, role::server, false, input.size(), 100).frames.size(), 10U);
    EXPECT_EQ(decode(input, role::server, false, input.size(), 99).failure,
              close_code::message_too_big);
}

TEST(frame_decoder, sec_w4_control_frames_may_come_between_fragments) {
    const std::string input = encode({0x01, "one"}) + encode({0x89, "ping"}) +
                              encode({0x00, "two"}) + encode({0x8A, ""}) + encode({0x80, "three"});
    const decoded_stream expected{
        {{0x01, "one"}, {0x89, "ping"}, {0x00, "two"}, {0x8A, ""}, {0x80, "three"}},
        close_code::normal};
    for (std::size_t step = 1; step <= input.size(); ++step) {
        EXPECT_EQ(decode(input, role::server, false, step), expected);
    }
}

TEST(frame_decoder, stays_failed) {
    std::string bad = encode({0x83, "x"});
    std::string good = encode({0x81, "a good frame"});
    frame_decoder decoder(role::server, false);
    frame_piece piece;
    byte_span rest = writable(bad);
    ASSERT_EQ(decoder.next(rest, mebibyte, piece), decode_status::failed);
    rest = writable(good);
    EXPECT_EQ(decoder.next(rest, mebibyte, piece), decode_status::failed);
    EXPECT_EQ(decoder.error(), errc::reserved_opcode);
}

std::string random_stream(std::mt19937& random, bool masked) {
    std::string input;
    bool in_message = false;
    for (std::size_t n = 1 + random() % 6; n > 0; --n) {
        raw_frame frame;
        frame.masked = masked;
        const unsigned kind = random() % 4;
        const bool fin = kind == 0 || random() % 2 == 0;
        if (kind == 0) {
            frame.first = static_cast<std::uint8_t>(0x88 + random() % 3);
            frame.payload.resize(random() % 126);
        } else {
            frame.first =
                static_cast<std::uint8_t>((fin ? 0x80 : 0) | (in_message ? 0 : 1 + random() % 2));
            constexpr std::size_t sizes[] = {0, 1, 20, 125, 126, 300, 70'000};
            frame.payload.resize(sizes[random() % std::size(sizes)]);
            in_message = !fin;
        }
        for (char& c : frame.payload) c = static_cast<char>(random());
        input += encode(frame);
    }
    // One stream in three is damaged, mostly in a header.
    if (random() % 3 == 0) {
        const std::size_t window =
            random() % 2 == 0 ? std::min<std::size_t>(16, input.size()) : input.size();
        input[random() % window] ^= static_cast<char>(1U << random() % 8);
    }
    return input;
}

TEST(frame_decoder, equals_the_reference_on_random_streams_at_random_splits) {
    std::mt19937 random(11);
    for (int round = 0; round < 4000; ++round) {
        const role self = random() % 2 == 0 ? role::server : role::client;
        const bool deflate = random() % 2 == 0;
        const std::string input = random_stream(random, self == role::server);
        const std::uint64_t limit = random() % 3 == 0 ? 500 : mebibyte;
        const decoded_stream expected = reference_decode(input, self, deflate, limit);
        const std::size_t steps[] = {1 + random() % 20, 1 + random() % 2000, input.size()};
        for (const std::size_t step : steps) {
            ASSERT_EQ(decode(input, self, deflate, step, limit), expected);
        }
    }
}

TEST(frame_decoder, every_split_into_two_gives_the_same_frames) {
    const std::string input = encode({0x01, std::string(200, 'a')}) + encode({0x89, "p"}) +
                              encode({0x80, std::string(66'000, 'b')}) + encode({0x82, ""}) +
                              encode({0x88,
                                      "\x03\xE8"
                                      "bye"});
    const decoded_stream expected = reference_decode(input, role::server, false, mebibyte);
    ASSERT_EQ(expected.frames.size(), 5U);
    for (std::size_t split = 0; split <= input.size();
         split += split > 300 && split < 66'200 ? 997 : 1) {
        std::string copy = input;
        frame_decoder decoder(role::server, false);
        std::string payloads;
        std::size_t ends = 0;
        byte_span parts[] = {writable(copy).first(split), writable(copy).subspan(split)};
        for (byte_span part : parts) {
            frame_piece piece;
            while (decoder.next(part, mebibyte, piece) == decode_status::piece) {
                payloads += bytes_to_string(piece.payload);
                ends += piece.ends ? 1 : 0;
            }
        }
        ASSERT_EQ(ends, 5U) << split;
        std::string all;
        for (const seen_frame& frame : expected.frames) all += frame.payload;
        ASSERT_EQ(payloads, all) << split;
    }
}

TEST(frame_encoder, headers_are_read_back_by_the_reference) {
    for (const std::uint64_t size : {0, 1, 125, 126, 65535, 65536, 100'000}) {
        for (const opcode op : {opcode::text, opcode::binary}) {
            for (const bool compressed : {false, true}) {
                const std::string payload(size, 'q');
                const frame_flags flags{op, true, compressed};
                const std::string plain =
                    bytes_to_string(encode_header(flags, size).view()) + payload;
                const auto first = static_cast<std::uint8_t>(0x80 | (compressed ? 0x40 : 0) |
                                                             static_cast<unsigned>(op));
                const decoded_stream expected{{{first, payload}}, close_code::normal};
                EXPECT_EQ(reference_decode(plain, role::client, true, mebibyte), expected);
                const mask_key key = 0xDEADBEEF;
                std::string masked_payload = payload;
                apply_mask(writable(masked_payload), key);
                const std::string masked =
                    bytes_to_string(encode_header(flags, size, key).view()) + masked_payload;
                EXPECT_EQ(reference_decode(masked, role::server, true, mebibyte), expected);
            }
        }
    }
    EXPECT_EQ(encode_header({opcode::text}, 125).size, 2);
    EXPECT_EQ(encode_header({opcode::text}, 126).size, 4);
    EXPECT_EQ(encode_header({opcode::text}, 65536).size, 10);
}

TEST(close_payload, sec_w6_every_code) {
    for (unsigned code = 0; code <= 0xFFFF; ++code) {
        const bool valid = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                           (code >= 3000 && code <= 4999);
        const std::byte payload[] = {static_cast<std::byte>(code >> 8),
                                     static_cast<std::byte>(code & 0xFF), std::byte{'w'},
                                     std::byte{'h'}, std::byte{'y'}};
        const close_info info = parse_close(payload);
        ASSERT_EQ(info.error.has_value(), !valid) << code;
        if (!valid) {
            ASSERT_EQ(*info.error, errc::bad_close_code);
            ASSERT_EQ(describe(*info.error).close, close_code::protocol_error);
        } else {
            ASSERT_EQ(static_cast<unsigned>(info.code), code);
            ASSERT_EQ(info.reason, "why");
        }
        const auto made = close_payload::make(static_cast<close_code>(code), "why");
        ASSERT_EQ(made.has_value(), valid) << code;
        if (made) {
            ASSERT_EQ(bytes_to_string(made->view()), as_text(payload));
        } else {
            ASSERT_EQ(made.error().code(), condition::misuse);
        }
    }
}

TEST(close_payload, sec_w6_lengths_and_reasons) {
    EXPECT_EQ(parse_close({}).code, close_code::no_status);
    EXPECT_FALSE(parse_close({}).error);
    const std::byte one[] = {std::byte{3}};
    EXPECT_EQ(parse_close(one).error, errc::bad_close_payload);
    EXPECT_EQ(parse_close(as_bytes("\x03\xE8\xFF")).error, errc::invalid_utf8);
    EXPECT_EQ(parse_close(as_bytes("\x03\xE8\xE2\x82")).error, errc::invalid_utf8);
    EXPECT_TRUE(close_payload::make(close_code::normal, std::string(123, 'r')));
    EXPECT_FALSE(close_payload::make(close_code::normal, std::string(124, 'r')));
    EXPECT_FALSE(close_payload::make(close_code::normal, "\xFF"));
    EXPECT_TRUE(close_payload{}.view().empty());
    EXPECT_EQ(close_payload::make(close_code::normal, "bye")->view().size(), 5U);
}

TEST(error_table, peers_that_break_rules_and_limits_are_told_apart) {
    EXPECT_TRUE(std::error_code(errc::unmasked_frame) == condition::protocol_violation);
    EXPECT_FALSE(std::error_code(errc::unmasked_frame) == condition::limit_exceeded);
    EXPECT_TRUE(std::error_code(errc::message_too_big) == condition::limit_exceeded);
}

TEST(error_table, maps_every_error_onto_a_condition_and_a_way_out) {
    for (std::size_t i = 1; i <= errc_count; ++i) {
        const auto code = static_cast<errc>(i);
        const error_row& row = describe(code);
        EXPECT_EQ(row.code, code);
        const std::error_code as_code = code;
        EXPECT_TRUE(as_code == row.kind) << row.text;
        EXPECT_EQ(as_code.message(), row.text);
        EXPECT_TRUE(row.close == close_code::abnormal || may_be_sent(row.close));
        EXPECT_TRUE(row.status == 0 || row.close == close_code::abnormal);
        EXPECT_TRUE(row.label.starts_with("error=\"") && row.label.ends_with('"'));
    }
}

/// All that `next_small` and `next` say of the same bytes, `sent` bytes of them there.
void expect_same_small(role self, bool deflate, bool in_message, const std::string& bytes,
                       std::uint64_t max_message, bool& taken) {
    frame_decoder decoder(self, deflate);
    frame_decoder small(self, deflate);
    frame_piece piece;
    if (in_message) {
        for (frame_decoder* each : {&decoder, &small}) {
            std::string begin =
                encode({.first = 0x01, .payload = "a", .masked = self == role::server});
            byte_span rest = writable(begin);
            ASSERT_EQ(each->next(rest, mebibyte, piece), decode_status::piece);
        }
    }
    std::string input = bytes;
    byte_span rest = writable(input);
    frame_piece got;
    taken = small.next_small(rest, max_message, got);
    if (!taken) {
        ASSERT_EQ(rest.size(), bytes.size());
        ASSERT_EQ(input, bytes);
        return;
    }
    std::string model = bytes;
    byte_span model_rest = writable(model);
    ASSERT_EQ(decoder.next(model_rest, max_message, piece), decode_status::piece);
    ASSERT_TRUE(piece.begins && piece.ends && piece.fin && !piece.compressed);
    ASSERT_TRUE(got.begins && got.ends && got.fin && !got.compressed);
    ASSERT_EQ(got.op, piece.op);
    ASSERT_EQ(got.ascii, piece.ascii);
    ASSERT_EQ(got.size, piece.size);
    ASSERT_EQ(rest.size(), model_rest.size());
    ASSERT_EQ(bytes_to_string(got.payload), bytes_to_string(piece.payload));
    ASSERT_TRUE(small.idle());
}

TEST(frame_decoder, takes_small_messages_in_one_go_exactly_where_they_are_right) {
    const std::string tail(200, 'x');
    std::size_t count = 0;
    for (const role self : {role::server, role::client}) {
        for (unsigned first = 0; first < 256; ++first) {
            for (unsigned second = 0; second < 256; ++second) {
                const std::string head{static_cast<char>(first), static_cast<char>(second)};
                for (const bool in_message : {false, true}) {
                    bool taken = false;
                    expect_same_small(self, true, in_message, head + tail, mebibyte, taken);
                    count += taken ? 1 : 0;
                    ASSERT_FALSE(HasFatalFailure()) << first << " " << second;
                }
            }
        }
    }
    EXPECT_EQ(count, 2U * 2U * 126U);  // roles, text and binary, lengths
}

TEST(frame_decoder, leaves_small_messages_that_are_not_all_there_or_too_big) {
    for (const role self : {role::server, role::client}) {
        const std::string frame =
            encode({.first = 0x81, .payload = "hello", .masked = self == role::server});
        bool taken = false;
        for (std::size_t size = 0; size <= frame.size(); ++size) {
            expect_same_small(self, false, false, frame.substr(0, size), mebibyte, taken);
            EXPECT_EQ(taken, size == frame.size());
        }
        expect_same_small(self, false, false, frame, 5, taken);
        EXPECT_TRUE(taken);
        expect_same_small(self, false, false, frame, 4, taken);
        EXPECT_FALSE(taken);
    }
}

}  // namespace
}  // namespace weft::ws
