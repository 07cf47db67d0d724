// What nodes say to each other: frames, greetings, who is carried, and how much may be under way.

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/nodes/proto/frame.hpp"
#include "cluster/nodes/proto/greeting.hpp"
#include "cluster/nodes/proto/stream_account.hpp"
#include "cluster/nodes/proto/stream_facts.hpp"
#include "cluster/nodes/secret.hpp"

namespace weft::cluster::nodes {
namespace {

using status = frame_reader::status;

std::string bytes_of(frame_type type, std::uint32_t stream, std::string_view payload = {}) {
    std::string out;
    append_frame(out, type, stream, payload);
    return out;
}

/// What a reader makes of these bytes, fed so many at a time: "type/stream/payload " for each
/// frame, and the error.
std::string read(std::string_view wire, std::size_t step, bool greeted = true) {
    frame_reader reader;
    if (greeted) reader.greeted();
    std::string out;
    while (!wire.empty()) {
        const std::string piece(wire.substr(0, step));  // its own block, for the sanitizers
        std::string_view rest = piece;
        wire.remove_prefix(piece.size());
        while (!rest.empty()) {
            const auto [what, consumed] = reader.feed(rest);
            rest.remove_prefix(consumed);
            if (what == status::failed) {
                EXPECT_EQ(reader.feed("more").what, status::failed);
                return out + "failed: " + make_error_code(reader.error()).message();
            }
            if (what == status::incomplete) break;
            const frame& got = reader.current();
            out += std::to_string(static_cast<int>(got.type)) + '/' + std::to_string(got.stream) +
                   '/' + std::string(got.payload) + ' ';
        }
        EXPECT_TRUE(rest.empty());
        EXPECT_LE(reader.kept(), frame_header_size + max_data);
    }
    return out;
}

std::string some_frames() {
    std::string wire = bytes_of(frame_type::data, 1, "hello") + bytes_of(frame_type::ping, 0) +
                       bytes_of(frame_type::end, 0xFFFF'FFFF);
    append_window(wire, 7, 65536);
    return wire + bytes_of(frame_type::reset, 2) + bytes_of(frame_type::pong, 0) +
           bytes_of(frame_type::data, 3, std::string(300, 'x'));
}

TEST(node_frame, is_the_same_however_it_is_split) {
    const std::string wire = some_frames();
    const std::string whole = read(wire, wire.size());
    EXPECT_THAT(whole, testing::StartsWith("6/1/hello 10/0/ 8/4294967295/ 7/7/"));
    EXPECT_THAT(whole, testing::EndsWith(std::string(300, 'x') + " "));
    for (std::size_t step = 1; step < wire.size(); ++step) EXPECT_EQ(read(wire, step), whole);
}

TEST(node_frame, tells_how_large_a_window_is) {
    std::string wire;
    append_window(wire, 1, 0x01020304);
    frame_reader reader;
    reader.greeted();
    ASSERT_EQ(reader.feed(wire).what, status::complete);
    EXPECT_EQ(window_size(reader.current()), 0x01020304U);
}

TEST(node_frame, sec_p13_is_judged_by_its_header) {
    const auto header = [](frame_type type, std::uint32_t stream, std::size_t size) {
        std::string out;
        append_frame_header(out, type, stream, size);
        return out;
    };
    const auto why = [](errc e) { return "failed: " + make_error_code(e).message(); };
    for (const std::size_t step : {std::size_t{1}, std::size_t{100}}) {
        EXPECT_EQ(read(header(frame_type::data, 1, max_data + 1), step), why(errc::frame_too_long));
        EXPECT_EQ(read(header(frame_type::data, 1, 0xFFFF'FFFF), step), why(errc::frame_too_long));
        EXPECT_EQ(read(header(frame_type::data, 1, 0), step), why(errc::wrong_size));
        EXPECT_EQ(read(header(frame_type::data, 0, 1), step), why(errc::wrong_stream));
        EXPECT_EQ(read(header(frame_type::ping, 1, 0), step), why(errc::wrong_stream));
        EXPECT_EQ(read(header(frame_type::ping, 0, 1), step), why(errc::frame_too_long));
        EXPECT_EQ(read(header(frame_type::window, 1, 3), step), why(errc::wrong_size));
        EXPECT_EQ(read(header(frame_type::open, 1, max_stream_facts + 1), step),
                  why(errc::frame_too_long));
        EXPECT_EQ(read(header(static_cast<frame_type>(0), 1, 0), step), why(errc::unknown_type));
        EXPECT_EQ(read(header(static_cast<frame_type>(12), 1, 0), step), why(errc::unknown_type));
        EXPECT_EQ(read(header(static_cast<frame_type>(255), 1, 0), step), why(errc::unknown_type));
    }
}

TEST(node_frame, sec_p13_of_a_greeting_has_its_place) {
    const std::string proof(proof_size, 'p');
    const std::string why = "failed: " + make_error_code(errc::out_of_order).message();
    EXPECT_EQ(read(bytes_of(frame_type::proof, 0, proof), 10, false), "3/0/" + proof + ' ');
    EXPECT_EQ(read(bytes_of(frame_type::proof, 0, proof), 10, true), why);
    EXPECT_EQ(read(bytes_of(frame_type::data, 1, "x"), 10, false), why);
    EXPECT_EQ(read(bytes_of(frame_type::ping, 0), 10, false), why);
}

TEST(node_greeting, comes_back_as_it_was_written) {
    hello_facts said;
    said.asker_nonce.fill('n');
    said.asker = {'a', 'b', 'c', 'd'};
    said.owner = {'w', 'x', 'y', 'z'};
    const std::string wire = write_hello(said);
    ASSERT_EQ(wire.size(), hello_size);
    hello_facts heard;
    ASSERT_EQ(read_hello(wire, heard), errc::none);
    EXPECT_EQ(heard.asker_nonce, said.asker_nonce);
    EXPECT_EQ(heard.asker, said.asker);
    EXPECT_EQ(heard.owner, said.owner);
    EXPECT_EQ(read_hello('\2' + wire.substr(1), heard), errc::other_version);
    EXPECT_EQ(read_hello(wire.substr(1), heard), errc::wrong_size);
}

TEST(node_greeting, sec_p13_each_proof_is_of_one_side_and_one_greeting) {
    const shared_secret right("a secret of more than 16 bytes"),
        wrong("another secret of 16 bytes");
    hello_facts hello;
    nonce owner{};
    const auto text = proof_text(side::asker, hello, owner);
    const auto proof = right.sign(text);
    ASSERT_TRUE(proof);
    const std::string_view given(proof->data(), proof->size());
    EXPECT_TRUE(right.is_proof(given, text));
    EXPECT_FALSE(wrong.is_proof(given, text));
    EXPECT_FALSE(right.is_proof(given.substr(1), text));
    EXPECT_FALSE(right.is_proof(given, proof_text(side::owner, hello, owner)));
    owner[31] = 'x';
    EXPECT_FALSE(right.is_proof(given, proof_text(side::asker, hello, owner)));
    owner = {};
    hello.asker_nonce[0] = 'x';
    EXPECT_FALSE(right.is_proof(given, proof_text(side::asker, hello, owner)));
    hello = {};
    hello.owner[3] = 'x';
    EXPECT_FALSE(right.is_proof(given, proof_text(side::asker, hello, owner)));
}

TEST(node_stream_facts, come_back_as_they_were_written) {
    for (const stream_facts& said :
         {stream_facts{"192.0.2.1", 65535, true, true, "0123456789abcdefABCD"},
          stream_facts{"2001:db8::1", 1, false, true, "s"},
          stream_facts{"", 0, true, false, "s"}}) {
        stream_facts heard;
        ASSERT_EQ(read_stream_facts(write_stream_facts(said), heard), errc::none);
        EXPECT_EQ(heard.address, said.address);
        EXPECT_EQ(heard.port, said.port);
        EXPECT_EQ(heard.secure, said.secure);
        EXPECT_EQ(heard.by_proxy, said.by_proxy);
        EXPECT_EQ(heard.sid, said.sid);
    }
    const stream_facts longest{std::string(100, 'a'), 1, true, true, std::string(100, 's')};
    EXPECT_EQ(write_stream_facts(longest).size(), max_stream_facts);
}

TEST(node_stream_facts, sec_p13_that_are_none_are_refused) {
    const std::string right = write_stream_facts({"127.0.0.1", 80, false, false, "sid"});
    stream_facts out;
    for (std::size_t size = 0; size < right.size() - 2; ++size)
        EXPECT_EQ(read_stream_facts(right.substr(0, size), out), errc::malformed_open) << size;
    std::string flags = right, address = right;
    flags[0] = 4;
    EXPECT_EQ(read_stream_facts(flags, out), errc::malformed_open);
    address[3] = '\xFF';
    EXPECT_EQ(read_stream_facts(address, out), errc::malformed_open);
    EXPECT_EQ(read_stream_facts(right + std::string(65, 's'), out), errc::malformed_open);
    EXPECT_EQ(read_stream_facts(std::string(1000, '\0'), out), errc::malformed_open);
}

TEST(node_stream_account, sec_p13_lets_one_window_be_under_way) {
    stream_account account;
    EXPECT_EQ(account.receive(stream_window), errc::none);
    EXPECT_EQ(account.receive(1), errc::window_exceeded);
    account.made_room(10);
    EXPECT_EQ(account.receive(11), errc::window_exceeded);
    EXPECT_EQ(account.receive(10), errc::none);
    EXPECT_EQ(account.credit(1), errc::credit_overflow) << "nothing was sent";
    EXPECT_EQ(account.credit(0), errc::credit_overflow);
    account.sent(100);
    EXPECT_EQ(account.credit(UINT32_MAX), errc::credit_overflow);
    EXPECT_EQ(account.credit(101), errc::credit_overflow);
    EXPECT_EQ(account.credit(100), errc::none);
    EXPECT_EQ(account.may_go(), stream_window);
}

TEST(node_stream_account, ends_once_on_each_side) {
    stream_account account;
    EXPECT_EQ(account.they_end(), errc::none);
    EXPECT_EQ(account.they_end(), errc::out_of_order);
    EXPECT_EQ(account.receive(1), errc::out_of_order);
    EXPECT_FALSE(account.is_over());
    account.we_end();
    EXPECT_TRUE(account.is_over());
}

}  // namespace
}  // namespace weft::cluster::nodes
