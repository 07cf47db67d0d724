#include "cluster/redis/proto/reply_reader.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "cluster/redis/proto/command_writer.hpp"

namespace weft::cluster::redis {
namespace {

/// A reply as a text that says all of it.
std::string describe(const reply_view& r) {
    const auto all = [&](std::string out, char close) {
        const std::size_t bare = out.size();
        for (const reply_view one : r) out += (out.size() > bare ? " " : "") + describe(one);
        return out + close;
    };
    switch (r.type()) {
        case reply_type::simple: return "+" + std::string(r.text());
        case reply_type::error: return "-" + std::string(r.text());
        case reply_type::integer: return std::to_string(r.integer());
        case reply_type::real: return "," + std::to_string(r.real());
        case reply_type::big_number: return "(" + std::string(r.text());
        case reply_type::boolean: return r.integer() != 0 ? "true" : "false";
        case reply_type::null: return "null";
        case reply_type::bulk: return "'" + std::string(r.text()) + "'";
        case reply_type::verbatim:
            return std::string(r.format()) + "'" + std::string(r.text()) + "'";
        case reply_type::array: return all("[", ']');
        case reply_type::set: return all("~[", ']');
        case reply_type::map: return all("{", '}');
        case reply_type::push: return all(">[", ']');
    }
    return "?";
}

using strings = std::vector<std::string>;

/// What comes of `wire`, given in these pieces. The last may be how it failed.
strings read_pieces(const std::vector<std::string_view>& pieces, const reply_limits& limits = {}) {
    reply_reader reader(limits);
    strings out;
    for (const std::string_view piece : pieces) {
        // Each in a block of its own, which ends before the next: what is kept must be a copy.
        const std::vector<char> block(piece.begin(), piece.end());
        std::string_view data(block.data(), block.size());
        while (!data.empty()) {
            const auto [status, consumed] = reader.feed(data);
            if (status == reply_status::failed) {
                out.push_back("failed: " + reader.error().message());
                return out;
            }
            data.remove_prefix(consumed);
            if (status == reply_status::complete) out.push_back(describe(reader.reply()));
            EXPECT_TRUE(status == reply_status::complete || data.empty());
        }
    }
    return out;
}

/// Whole, split at every byte, and byte by byte: always the same.
strings read(std::string_view wire, const reply_limits& limits = {}) {
    const strings whole = read_pieces({wire}, limits);
    for (std::size_t i = 1; i < wire.size(); ++i) {
        EXPECT_EQ(read_pieces({wire.substr(0, i), wire.substr(i)}, limits), whole)
            << "split at " << i;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < wire.size(); ++i) bytes.push_back(wire.substr(i, 1));
    EXPECT_EQ(read_pieces(bytes, limits), whole);
    return whole;
}

strings failed(errc why) {
    return {"failed: " + make_error_code(why).message()};
}

TEST(reply_reader, reads_every_type_however_it_is_split) {
    EXPECT_EQ(read("+OK\r\n"), strings{"+OK"});
    EXPECT_EQ(read("+\r\n"), strings{"+"});
    EXPECT_EQ(read("-ERR no\r\n"), strings{"-ERR no"});
    EXPECT_EQ(read(":-42\r\n:+7\r\n:9223372036854775807\r\n"),
              (strings{"-42", "7", "9223372036854775807"}));
    EXPECT_EQ(read("$5\r\nhe\r\no\r\n"), strings{"'he\r\no'"});
    EXPECT_EQ(read("$0\r\n\r\n"), strings{"''"});
    EXPECT_EQ(read("$-1\r\n*-1\r\n_\r\n"), (strings{"null", "null", "null"}));
    EXPECT_EQ(read("!9\r\nSYNTAX no\r\n"), strings{"-SYNTAX no"});
    EXPECT_EQ(read("=9\r\ntxt:hello\r\n=4\r\nmkd:\r\n"), (strings{"txt'hello'", "mkd''"}));
    EXPECT_EQ(read(",1.5\r\n,-2e3\r\n,inf\r\n,-inf\r\n,10\r\n"),
              (strings{",1.500000", ",-2000.000000", ",inf", ",-inf", ",10.000000"}));
    EXPECT_EQ(read("(3492890328409238509324850943850943825024385\r\n"),
              strings{"(3492890328409238509324850943850943825024385"});
    EXPECT_EQ(read("#t\r\n#f\r\n"), (strings{"true", "false"}));
    EXPECT_EQ(read("*3\r\n:1\r\n$1\r\na\r\n*2\r\n+b\r\n*0\r\n"), strings{"[1 'a' [+b []]]"});
    EXPECT_EQ(read("~2\r\n:1\r\n:2\r\n"), strings{"~[1 2]"});
    EXPECT_EQ(read("%2\r\n+a\r\n:1\r\n+b\r\n%0\r\n"), strings{"{+a 1 +b {}}"});
    EXPECT_EQ(read(">3\r\n+message\r\n$1\r\nc\r\n$2\r\nhi\r\n+OK\r\n"),
              (strings{">[+message 'c' 'hi']", "+OK"}));
}

TEST(reply_reader, reads_a_double_that_is_no_number) {
    reply_reader reader({});
    ASSERT_EQ(reader.feed(",nan\r\n").status, reply_status::complete);
    EXPECT_TRUE(std::isnan(reader.reply().real()));
}

TEST(reply_reader, leaves_attributes_out_wherever_they_stand) {
    EXPECT_EQ(read("|1\r\n+key-popularity\r\n%1\r\n$1\r\na\r\n,0.19\r\n*2\r\n:1\r\n:2\r\n"),
              strings{"[1 2]"});
    EXPECT_EQ(read("*3\r\n:1\r\n:2\r\n|1\r\n+ttl\r\n:3600\r\n:3\r\n"), strings{"[1 2 3]"});
    EXPECT_EQ(read("|0\r\n+OK\r\n|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n_\r\n"),
              (strings{"+OK", "null"}));
    EXPECT_EQ(read("*1\r\n*1\r\n|1\r\n+a\r\n:1\r\n:5\r\n:6\r\n"), (strings{"[[5]]", "6"}));
}

TEST(reply_reader, refuses_what_is_malformed) {
    for (const std::string_view wire : {"?\r\n",
                                        "\r\n",
                                        "\n",
                                        "+OK\n",
                                        "+O\rK\r\n",
                                        ":\r\n",
                                        ":1x\r\n",
                                        ":1 \r\n",
                                        ":+-1\r\n",
                                        ":9223372036854775808\r\n",
                                        "$x\r\n",
                                        "$-2\r\n",
                                        "$+1\r\n",
                                        "$\r\n",
                                        "$1\r\nabc",
                                        "$1\r\na\rb",
                                        "$18446744073709551616\r\n",
                                        "*-2\r\n",
                                        "*1x\r\n",
                                        "%-1\r\n",
                                        "~-1\r\n",
                                        "!-1\r\n",
                                        "=3\r\nabc\r\n",
                                        "=5\r\ntxt.a\r\n",
                                        "#x\r\n",
                                        "#\r\n",
                                        "#tt\r\n",
                                        "_x\r\n",
                                        ",\r\n",
                                        ",1.5x\r\n",
                                        "(\r\n",
                                        "(-\r\n",
                                        "(12a\r\n",
                                        "*1\r\n>1\r\n:1\r\n"}) {
        EXPECT_EQ(read(wire), failed(errc::malformed_reply)) << wire;
    }
}

TEST(reply_reader, refuses_streamed_replies) {
    for (const std::string_view wire :
         {"$?\r\n", "*?\r\n", "%?\r\n", "~?\r\n", ">?\r\n", ";4\r\n", ".\r\n"}) {
        EXPECT_EQ(read(wire), failed(errc::streamed_reply)) << wire;
    }
}

TEST(reply_reader, stays_failed) {
    reply_reader reader({});
    EXPECT_EQ(reader.feed("?\r\n").status, reply_status::failed);
    EXPECT_EQ(reader.feed("+OK\r\n").status, reply_status::failed);
    EXPECT_EQ(reader.feed("+OK\r\n").consumed, 0U);
}

TEST(reply_reader, takes_texts_up_to_max_bulk) {
    const reply_limits limits{.max_bulk = 4};
    EXPECT_EQ(read("$4\r\nabcd\r\n", limits), strings{"'abcd'"});
    EXPECT_EQ(read("$5\r\nabcde\r\n", limits), failed(errc::bulk_too_long));
    EXPECT_EQ(read("!5\r\nabcde\r\n", limits), failed(errc::bulk_too_long));
    EXPECT_EQ(read("+abcd\r\n", limits), strings{"+abcd"});
    EXPECT_EQ(read("+abcde\r\n", limits), failed(errc::bulk_too_long));
    EXPECT_EQ(read("-abcdefghij", limits), failed(errc::bulk_too_long));
}

TEST(reply_reader, takes_numbers_of_a_bounded_length_only) {
    EXPECT_EQ(read(":" + std::string(65, '0') + "\r\n"), failed(errc::malformed_reply));
    EXPECT_EQ(read("*" + std::string(200, '0')), failed(errc::malformed_reply));
    EXPECT_EQ(read("?" + std::string(200, 'x')), failed(errc::malformed_reply));
}

TEST(reply_reader, counts_the_elements_of_all_levels) {
    const reply_limits limits{.max_elements = 4};
    EXPECT_EQ(read("*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n", limits), strings{"[[1 2] 3]"});
    EXPECT_EQ(read("*2\r\n*3\r\n:1\r\n", limits), failed(errc::too_many_elements));
    EXPECT_EQ(read("%3\r\n", limits), failed(errc::too_many_elements));
    EXPECT_EQ(read("|3\r\n", limits), failed(errc::too_many_elements));
    EXPECT_EQ(read("*5\r\n", limits), failed(errc::too_many_elements));
    EXPECT_EQ(read("%9223372036854775808\r\n"), failed(errc::too_many_elements));
    EXPECT_EQ(read("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", limits),
              (strings{"[1 2 3 4]", "[1 2 3 4]"}))
        << "each reply begins anew";
}

TEST(reply_reader, nests_up_to_max_depth) {
    const reply_limits limits{.max_depth = 3};
    EXPECT_EQ(read("*1\r\n*1\r\n*1\r\n:1\r\n", limits), strings{"[[[1]]]"});
    EXPECT_EQ(read("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", limits), failed(errc::reply_too_deep));
    EXPECT_EQ(read("*1\r\n*1\r\n|1\r\n%1\r\n", limits), failed(errc::reply_too_deep));
}

TEST(reply_reader, takes_replies_up_to_max_reply) {
    const reply_limits limits{.max_reply = 20};
    EXPECT_EQ(read("*2\r\n$4\r\nabcd\r\n:1234\r\n", limits), failed(errc::reply_too_long))
        << "a line";
    EXPECT_EQ(read("*2\r\n$3\r\nabc\r\n:12\r\n", limits), strings{"['abc' 12]"}) << "18 bytes";
    EXPECT_EQ(read("*2\r\n+abcdefghi\r\n$1\r\n", limits), failed(errc::reply_too_long));
    EXPECT_EQ(read("*2\r\n$7\r\nabcdefg\r\n", limits).size(), 0U);
    EXPECT_EQ(read("*2\r\n$11\r\n", limits), failed(errc::reply_too_long)) << "when announced";
    EXPECT_EQ(read("|0\r\n|0\r\n|0\r\n|0\r\n|0\r\n|0\r\n", limits), failed(errc::reply_too_long))
        << "nothing but attributes";
}

TEST(reply_reader, keeps_nothing_because_it_was_announced) {
    reply_reader reader({.max_elements = 1ULL << 31U});
    EXPECT_EQ(reader.feed("*2147483648\r\n$16000000\r\nab").status, reply_status::incomplete);
    EXPECT_LT(reader.kept(), 100U);
}

TEST(reply_reader, takes_of_later_data_what_the_reply_needs) {
    reply_reader reader({});
    EXPECT_EQ(reader.feed("*2\r\n$4\r\nab").consumed, 10U);
    const auto [status, consumed] = reader.feed("cd\r\n:1\r\n+OK\r\n");
    EXPECT_EQ(status, reply_status::complete);
    EXPECT_EQ(consumed, 8U);
    EXPECT_EQ(reader.kept(), 18U);
}

TEST(reply_reader, reads_a_reply_that_came_whole_where_it_lies) {
    const std::string_view wire = "*1\r\n$4\r\nabcd\r\n";
    reply_reader reader({});
    ASSERT_EQ(reader.feed(wire).status, reply_status::complete);
    EXPECT_EQ((*reader.reply().begin()).text().data(), wire.data() + 8);
    EXPECT_EQ(reader.kept(), 0U);
}

TEST(reply_view, gives_nothing_of_other_types) {
    reply_reader reader({});
    ASSERT_EQ(reader.feed("*2\r\n:1\r\n$1\r\na\r\n").status, reply_status::complete);
    const reply_view all = reader.reply();
    EXPECT_EQ(all.text(), "");
    EXPECT_EQ(all.integer(), 0);
    EXPECT_EQ(all.real(), 0);
    EXPECT_EQ(all.size(), 2U);
    auto at = all.begin();
    EXPECT_EQ((*at).text(), "");
    EXPECT_EQ((*at).size(), 0U);
    EXPECT_EQ((*++at).format(), "");
    EXPECT_EQ((*at).integer(), 0);
    EXPECT_EQ(++at, all.end());
}

TEST(command_writer, writes_arrays_of_bulk_strings) {
    std::string out = "before";
    const std::array<std::string_view, 3> set{"SET", "k\r\n", ""};
    append_command(out, set);
    EXPECT_EQ(out, "before*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n");
    EXPECT_EQ(command_size(set), out.size() - 6);
    const std::string long_text(1000, 'x');
    const std::vector<std::string_view> many(12, long_text);
    out.clear();
    append_command(out, many);
    EXPECT_EQ(command_size(many), out.size());
    EXPECT_EQ(out.substr(0, 12), "*12\r\n$1000\r\n");
}

TEST(redis_errors, name_the_option_and_have_a_condition) {
    EXPECT_NE(make_error_code(errc::bulk_too_long).message().find("max_reply_size"),
              std::string::npos);
    EXPECT_TRUE(make_error_code(errc::bulk_too_long) == condition::limit_exceeded);
    EXPECT_TRUE(make_error_code(errc::malformed_reply) == condition::protocol_violation);
    EXPECT_TRUE(make_error_code(errc::connection_lost) == condition::peer_gone);
    EXPECT_EQ(std::string(error_category().name()), "weft.redis");
}

}  // namespace
}  // namespace weft::cluster::redis
