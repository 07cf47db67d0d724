// What the writer emits, and that simdjson reads the same values back from random trees.

#include <weft/base/json_writer.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

namespace weft {
namespace {

std::string json_text(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

template <class T>
std::string written(const T& content) {
    std::string out;
    json_writer(out).value(content);
    return out;
}

TEST(json_writer, places_commas_between_members_and_elements) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    json.member("type", "presence");
    json.member("count", 3);
    json.key("from");
    json.begin_object();
    json.end_object();
    json.key("list");
    json.begin_array();
    json.value(true);
    json.value(nullptr);
    json.begin_array();
    json.end_array();
    json.raw(R"({"raw": [1, 2]})");
    json.end_array();
    json.raw_member("data", "1e400");
    json.end_object();
    EXPECT_EQ(
        out,
        R"({"type":"presence","count":3,"from":{},"list":[true,null,[],{"raw": [1, 2]}],"data":1e400})");
}

TEST(json_writer, appends_to_what_the_string_already_holds) {
    std::string out = "event: ";
    json_writer(out).value(1);
    EXPECT_EQ(out, "event: 1");
}

TEST(json_writer, escapes_what_json_must_escape) {
    EXPECT_EQ(json_text(""), R"("")");
    EXPECT_EQ(json_text("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(json_text("\b\f\n\r\t"), R"("\b\f\n\r\t")");
    EXPECT_EQ(json_text(std::string_view("\0\x01\x0f\x10\x1f\x7f", 6)),
              "\"\\u0000\\u0001\\u000f\\u0010\\u001f\x7f\"");
    EXPECT_EQ(json_text("gr\xc3\xbc\xc3\x9f \xf0\x9f\xa7\xb5"),
              "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\xa7\xb5\"");
}

TEST(json_writer, finds_every_special_byte_at_every_position) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool special = byte < 0x20 || c == '"' || c == '\\';
        for (std::size_t size = 1; size <= 40; ++size) {
            for (std::size_t at = 0; at < size; ++at) {
                std::string text(size, 'x');
                text[at] = c;
                const std::string out = json_text(text);
                ASSERT_EQ(out.size() > size + 2, special) << byte << " at " << at << " of " << size;
                ASSERT_EQ(out.substr(1, at), std::string(at, 'x'));
                ASSERT_EQ(out.substr(out.size() - 1 - (size - at - 1)),
                          std::string(size - at - 1, 'x') + '"');
            }
        }
    }
}

TEST(json_writer, writes_numbers_that_read_back_the_same) {
    EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(written(std::uint8_t{200}), "200");
    EXPECT_EQ(written(0.1), "0.1");
    EXPECT_EQ(written(-0.0), "-0");
    EXPECT_EQ(written(0.5F), "0.5");
    EXPECT_EQ(written(1e300), "1e+300");
    EXPECT_EQ(written(3907686972202263511040.0), "3.9076869722022635e+21");
    EXPECT_EQ(written(9007199254740991.0), "9007199254740991");
    EXPECT_EQ(written(std::numeric_limits<double>::denorm_min()), "5e-324");
}

TEST(json_writer, writes_null_for_numbers_json_does_not_have) {
    EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(written(std::nan("")), "null");
}

TEST(json_writer, tells_texts_from_booleans) {
    EXPECT_EQ(written("false"), R"("false")");
    EXPECT_EQ(written(std::string("x")), R"("x")");
    EXPECT_EQ(written(std::string_view("y")), R"("y")");
    EXPECT_EQ(written(false), "false");
}

// A random tree is written and remembered as events; walking what simdjson parsed must give the
// same events.
class random_tree {
public:
    explicit random_tree(unsigned seed) : random_(seed) {}

    std::string text() const { return text_; }
    const std::vector<std::string>& events() const { return events_; }

    void grow() { grow(6); }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    std::string any_text() {
        static const std::vector<std::string> pieces = {"a",
                                                        "\"",
                                                        "\\",
                                                        "\n",
                                                        std::string(1, '\0'),
                                                        "\x1f",
                                                        "\xc3\xa9",
                                                        "\xf0\x9f\x98\x80",
                                                        "a longer run of ordinary characters",
                                                        "\xe2\x80\xa8",
                                                        "</script>"};
        std::string text;
        for (std::size_t n = pick(8); n > 0; --n) text += pieces[pick(pieces.size())];
        return text;
    }

    double any_double() {
        const auto number = std::bit_cast<double>((std::uint64_t{random_()} << 32) | random_());
        return std::isfinite(number) ? number : 0.25;
    }

    void grow(int depth) {
        switch (pick(depth == 0 ? 5 : 7)) {
            case 0: leaf(any_text()); break;
            case 1:
                leaf(static_cast<std::int64_t>((std::uint64_t{random_()} << 32) | random_()));
                break;
            case 2: leaf(any_double()); break;
            case 3: leaf(pick(2) == 1); break;
            case 4:
                json_.value(nullptr);
                events_.push_back("null");
                break;
            case 5:
                json_.begin_array();
                events_.push_back("[");
                for (std::size_t n = pick(5); n > 0; --n) grow(depth - 1);
                json_.end_array();
                events_.push_back("]");
                break;
            default:
                json_.begin_object();
                events_.push_back("{");
                for (std::size_t n = pick(5); n > 0; --n) {
                    const std::string name = any_text();
                    json_.key(name);
                    events_.push_back("k" + name);
                    grow(depth - 1);
                }
                json_.end_object();
                events_.push_back("}");
        }
    }

    void leaf(const std::string& content) {
        json_.value(content);
        events_.push_back("s" + content);
    }
    void leaf(std::int64_t content) {
        json_.value(content);
        events_.push_back("i" + std::to_string(content));
    }
    void leaf(double content) {
        json_.value(content);
        events_.push_back("d" + std::to_string(std::bit_cast<std::uint64_t>(content)));
    }
    void leaf(bool content) {
        json_.value(content);
        events_.push_back(content ? "true" : "false");
    }

    std::mt19937 random_;
    std::string text_;
    json_writer json_{text_};
    std::vector<std::string> events_;
};

// A double without a fraction is an integer to simdjson: the written event decides how to read.
bool same_number(const std::string& event, simdjson::dom::element element) {
    if (event[0] == 'i') return "i" + std::to_string(std::int64_t(element)) == event;
    return "d" + std::to_string(std::bit_cast<std::uint64_t>(double(element))) == event;
}

void walk(simdjson::dom::element element, const std::vector<std::string>& events, std::size_t& at) {
    const auto expect = [&](const std::string& event) { ASSERT_EQ(events.at(at++), event); };
    switch (element.type()) {
        case simdjson::dom::element_type::ARRAY:
            expect("[");
            for (const auto child : simdjson::dom::array(element)) walk(child, events, at);
            return expect("]");
        case simdjson::dom::element_type::OBJECT:
            expect("{");
            for (const auto field : simdjson::dom::object(element)) {
                expect("k" + std::string(field.key));
                walk(field.value, events, at);
            }
            return expect("}");
        case simdjson::dom::element_type::STRING:
            return expect("s" + std::string(std::string_view(element)));
        case simdjson::dom::element_type::BOOL: return expect(bool(element) ? "true" : "false");
        case simdjson::dom::element_type::NULL_VALUE: return expect("null");
        default: ASSERT_TRUE(same_number(events.at(at), element)) << events.at(at); ++at;
    }
}

TEST(json_writer, round_trips_random_trees_through_simdjson) {
    simdjson::dom::parser parser;
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        random_tree tree(seed);
        tree.grow();
        simdjson::dom::element root;
        ASSERT_EQ(parser.parse(tree.text()).get(root), simdjson::SUCCESS) << tree.text();
        std::size_t at = 0;
        walk(root, tree.events(), at);
        ASSERT_EQ(at, tree.events().size()) << tree.text();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace weft
