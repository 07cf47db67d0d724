// The messages of the sharded adapter and the streams adapter, against bytes that npm's
// socket.io-adapter 2.5, notepack.io 3.0.1 and @msgpack/msgpack 2.8 wrote.

#include "cluster/adapter/proto/cluster_codec.hpp"

#include <gtest/gtest.h>

#include <weft/base/base64.hpp>

#include "unit/cluster/adapter_text.hpp"

namespace weft::cluster {
namespace {

std::string meaning_of(errc bad, const adapter_message& m) {
    return bad == errc{} ? describe(m) : make_error_code(bad).message();
}

std::string read(std::string_view body) {
    adapter_message out;
    const errc bad = decode_message(as_bytes(body), {}, out);
    return meaning_of(bad, out);
}

std::string read_entry(const stream_entry_view& entry) {
    adapter_message out;
    const errc bad = decode_entry(entry, {}, out);
    return meaning_of(bad, out);
}

std::string failed(errc why) {
    return make_error_code(why).message();
}

std::string rewritten(std::string_view body, body_form form) {
    adapter_message m;
    std::string out;
    const errc bad = decode_message(as_bytes(body), {}, m);
    if (bad != errc{}) return failed(bad);
    EXPECT_EQ(append_message(out, m.head, m.content, form), errc{});
    return out;
}

constexpr std::string_view envelope = R"(,"uid":"10fdff8e357d80a2","nsp":"/"})";

/// The JSON of a message, and what it means behind its type.
struct example {
    int number;
    std::string_view data;
    std::string_view type;
    std::string_view id;
    std::string_view meaning;
};

constexpr example examples[] = {
    {1, "", "initial_heartbeat", "", ""},
    {2, "", "heartbeat", "", ""},
    {13, "", "adapter_close", "", ""},
    {3,
     R"({"packet":{"type":2,"data":["hello","r"]},"opts":{"rooms":["room1"],"except":[],"flags":{}}})",
     "broadcast", "", R"( rooms=[room1] event=hello args="r")"},
    {3,
     R"({"packet":{"type":2,"data":["q"]},"requestId":"d304974d2b946759","opts":{"rooms":[],"except":["x"],)"
     R"("flags":{"volatile":true,"compress":false,"timeout":1000,"expectSingleResponse":true}}})",
     "broadcast", "d304974d2b946759",
     " except=[x] event=q volatile uncompressed timeout=1000 single"},
    {4, R"({"opts":{"rooms":["a"],"except":[],"flags":{}},"rooms":["n"]})", "join", "",
     " rooms=[a] names=[n]"},
    {5, R"({"opts":{"rooms":["a"],"except":[],"flags":{}},"rooms":["n"]})", "leave", "",
     " rooms=[a] names=[n]"},
    {6, R"({"opts":{"rooms":["a"],"except":[],"flags":{}},"close":true})", "disconnect", "",
     " rooms=[a] close"},
    {7, R"({"opts":{"rooms":["a"],"except":[],"flags":{}},"requestId":"i"})", "fetch_sockets", "i",
     " rooms=[a]"},
    {8,
     R"({"requestId":"i","sockets":[{"id":"a","handshake":{"auth":{}},"rooms":["a"],"data":{}}]})",
     "sockets", "i", R"( {a {"auth":{}} [a] {}})"},
    {9, R"({"packet":["ev",1,"two"]})", "server_side_emit", "", R"( event=ev args=1,"two")"},
    {9, R"({"requestId":"i","packet":["ev"]})", "server_side_emit", "i", " event=ev"},
    {10, R"({"requestId":"i","packet":[1]})", "server_side_answer", "i", " args=[1]"},
    {10, R"({"requestId":"i"})", "server_side_answer", "i", ""},
    {11, R"({"requestId":"i","clientCount":3})", "client_count", "i", " count=3"},
    {12, R"({"requestId":"i","packet":"pong"})", "client_ack", "i", R"( args="pong")"},
};

std::string json_of(const example& e) {
    std::string out = R"({"type":)" + std::to_string(e.number);
    if (!e.data.empty()) out.append(R"(,"data":)").append(e.data);
    return out.append(envelope);
}

std::string meaning_of(const example& e) {
    std::string out(e.type);
    out += " uid=10fdff8e357d80a2";
    if (!e.id.empty()) out.append(" id=").append(e.id);
    return out.append(" nsp=/").append(e.meaning);
}

TEST(cluster_messages, of_every_type_are_read_and_written_as_node_does) {
    for (const example& e : examples) {
        const std::string json = json_of(e);
        EXPECT_EQ(read(json), meaning_of(e));
        EXPECT_EQ(rewritten(json, body_form::json), json);
    }
}

TEST(cluster_messages, of_every_type_may_be_msgpack) {
    for (const example& e : examples) {
        const std::string body = rewritten(json_of(e), body_form::msgpack);
        EXPECT_NE(body[0], '{');
        EXPECT_EQ(read(body), meaning_of(e));
        EXPECT_EQ(rewritten(body, body_form::json), json_of(e));
    }
}

TEST(cluster_messages, of_every_type_may_be_entries_of_a_stream) {
    for (const example& e : examples) {
        const std::string number = std::to_string(e.number);
        EXPECT_EQ(read_entry({"10fdff8e357d80a2", "/", number, e.data}), meaning_of(e));
        adapter_message m;
        stream_entry entry{"old", "old", "old", "old"};
        ASSERT_EQ(decode_entry({"10fdff8e357d80a2", "/", number, e.data}, {}, m), errc{});
        ASSERT_EQ(make_entry(entry, m.head, m.content), errc{});
        EXPECT_EQ(entry.uid, "10fdff8e357d80a2");
        EXPECT_EQ(entry.nsp, "/");
        EXPECT_EQ(entry.type, number);
        EXPECT_EQ(entry.data, e.data);
    }
}

constexpr std::string_view uid_and_nsp = "a3756964b031306664666638653335376438306132a36e7370a12f";

TEST(cluster_messages, in_msgpack_are_those_of_node) {
    const std::pair<std::string_view, std::string_view> all[] = {
        {"84a47479706503a46461746182a67061636b657482a47479706502a46461746192a362696ec403010203a46f7"
         "074"
         "7383a5726f6f6d7390a665786365707490a5666c61677380",
         R"(broadcast uid=10fdff8e357d80a2 nsp=/ event=bin args={"_placeholder":true,"num":0} <010203>)"},
        {"84a47479706503a46461746183a67061636b657482a47479706502a46461746192a171a178a97265717565737"
         "449"
         "64b064333034393734643262393436373539a46f70747383a5726f6f6d7390a665786365707490a5666c61677"
         "381"
         "a774696d656f7574cd03e8",
         R"(broadcast uid=10fdff8e357d80a2 id=d304974d2b946759 nsp=/ event=q args="x" timeout=1000)"},
        {"84a47479706507a46461746182a46f70747383a5726f6f6d7391a172a665786365707490a5666c61677380a97"
         "265"
         "7175657374"
         "4964b064333034393734643262393436373539",
         "fetch_sockets uid=10fdff8e357d80a2 id=d304974d2b946759 nsp=/ rooms=[r]"},
        {"84a4747970650aa46461746182a9726571756573744964a172a67061636b657497cb3ff8000000000000ffcf0"
         "000"
         "010000000000d3ffffff0000000000a3e282acc3c0",
         "server_side_answer uid=10fdff8e357d80a2 id=r nsp=/ "
         "args=[1.5,-1,1099511627776,-1099511627776,\"\u20ac\",true,null]"},
    };
    for (const auto& [digits, meaning] : all) {
        const std::string body = unhex(std::string(digits) + std::string(uid_and_nsp));
        EXPECT_EQ(read(body), meaning);
        EXPECT_EQ(hex(rewritten(body, body_form::msgpack)), hex(body));
    }
    EXPECT_EQ(hex(rewritten(unhex(std::string(all[0].first) + std::string(uid_and_nsp)),
                            body_form::json)),
              std::string(all[0].first) + std::string(uid_and_nsp))
        << "attachments make msgpack of it";
}

TEST(cluster_messages, with_undefined_members_are_as_without) {
    const std::string envelope_end(uid_and_nsp);
    EXPECT_EQ(
        read(unhex("84a47479706509a46461746182a9726571756573744964c0a67061636b657492a373736501" +
                   envelope_end)),
        "server_side_emit uid=10fdff8e357d80a2 nsp=/ event=sse args=1");
    EXPECT_EQ(read(R"({"type":3,"uid":"u","nsp":"/","data":{"requestId":null,"packet":{"type":2,)"
                   R"("data":["e"],"nsp":null},"opts":{"rooms":null,"flags":{"timeout":null,)"
                   R"("volatile":null,"compress":null}}}})"),
              "broadcast uid=u nsp=/ event=e");
}

TEST(cluster_messages, with_descriptions_in_msgpack_have_base64) {
    const std::string body = unhex(
        "84a47479706508a46461746182a9726571756573744964b064333034393734643262393436373539a7736f636b"
        "6574739184a26964a161a968616e647368616b6581a46175746880a5726f6f6d7392a161a172a46461746181a1"
        "62c403010203a3756964b031306664666638653335376438306132a36e7370a12f");
    EXPECT_EQ(read(body), R"(sockets uid=10fdff8e357d80a2 id=d304974d2b946759 nsp=/ )"
                          R"({a {"auth":{}} [a,r] {"b":"AQID"}})");
}

TEST(cluster_messages, with_descriptions_have_base64_wherever_the_type_stands) {
    constexpr std::string_view data =
        "82 a9726571756573744964 a169 a7736f636b657473 91 83 a26964 a161 a5726f6f6d73 90 "
        "a464617461 81a162 c403010203";
    constexpr std::string_view meaning = R"(sockets uid=u id=i nsp=/ {a  [] {"b":"AQID"}})";
    EXPECT_EQ(read(unhex("84 a464617461" + std::string(data) +
                         "a3756964 a175 a36e7370 a12f a474797065 08")),
              meaning);
    std::string base64 = base64_encode(as_bytes(unhex(data)));
    EXPECT_EQ(read_entry({"u", "/", "8", base64}), meaning);
}

TEST(cluster_messages, may_tell_their_type_last) {
    EXPECT_EQ(read(R"({"data":{"packet":["e"]},"nsp":"/","uid":"u","type":9})"),
              "server_side_emit uid=u nsp=/ event=e");
}

TEST(cluster_messages, of_the_wrong_form_are_refused) {
    const auto with = [](std::string_view type, std::string_view data) {
        return R"({"uid":"u","nsp":"/","type":)" + std::string(type) + R"(,"data":)" +
               std::string(data) + '}';
    };
    EXPECT_EQ(read(with("0", "{}")), failed(errc::unknown_type));
    EXPECT_EQ(read(with("14", "{}")), failed(errc::unknown_type));
    EXPECT_EQ(read(with("\"3\"", "{}")), failed(errc::bad_member));
    EXPECT_EQ(read(with("3", "{}")), failed(errc::bad_member));
    EXPECT_EQ(read(with("3", "[]")), failed(errc::bad_member));
    EXPECT_EQ(read(with("3", R"({"packet":{"type":2,"data":["e"]}})")), failed(errc::bad_member))
        << "not meant for all";
    EXPECT_EQ(read(with("3", R"({"packet":{"type":2,"data":["e"],"nsp":"/a"},"opts":{}})")),
              failed(errc::other_namespace));
    EXPECT_EQ(read(with("3", R"({"packet":{"type":2,"data":["disconnect"]},"opts":{}})")),
              failed(errc::bad_event_name));
    EXPECT_EQ(read(with("4", R"({"rooms":["a"]})")), failed(errc::bad_member));
    EXPECT_EQ(read(with("7", R"({"opts":{}})")), failed(errc::bad_member));
    EXPECT_EQ(read(with("8", R"({"requestId":"i","sockets":["a"]})")), failed(errc::bad_member));
    EXPECT_EQ(read(with("8", R"({"requestId":"i"})")), failed(errc::bad_member));
    EXPECT_EQ(read(with("11", R"({"requestId":"i"})")), failed(errc::bad_member));
    EXPECT_EQ(read(with("12", R"({"packet":1})")), failed(errc::bad_member));
    EXPECT_EQ(read(R"({"nsp":"/","type":1})"), failed(errc::bad_member));
    EXPECT_EQ(read(R"({"uid":"u","type":1})"), failed(errc::bad_member));
    EXPECT_EQ(read(R"({"uid":"u","nsp":"/","type":3})"), failed(errc::bad_member));
    EXPECT_EQ(read(""), failed(errc::malformed_body));
}

TEST(cluster_messages, that_only_the_classic_adapter_has_are_not_written) {
    adapter_message m;
    for (const message_type type :
         {message_type::list_sockets, message_type::list_rooms, message_type::socket_ids,
          message_type::rooms, message_type::done}) {
        m.head.type = type;
        std::string out;
        stream_entry entry;
        EXPECT_EQ(append_message(out, m.head, m.content, body_form::json), errc::unknown_type);
        EXPECT_EQ(make_entry(entry, m.head, m.content), errc::unknown_type);
        EXPECT_EQ(out, "");
    }
}

TEST(stream_entries, with_binary_values_are_base64) {
    constexpr std::string_view data =
        "gqZwYWNrZXSCpHR5cGUCpGRhdGGSo2JpbsQDAQIDpG9wdHODpXJvb21zkKZleGNlcHSQpWZsYWdzgA==";
    EXPECT_EQ(read_entry({"u", "/", "3", data}),
              R"(broadcast uid=u nsp=/ event=bin args={"_placeholder":true,"num":0} <010203>)");
    adapter_message m;
    stream_entry entry;
    ASSERT_EQ(decode_entry({"u", "/", "3", data}, {}, m), errc{});
    ASSERT_EQ(make_entry(entry, m.head, m.content), errc{});
    EXPECT_EQ(entry.data, data);
}

TEST(stream_entries, of_an_emitter_tell_the_namespace_twice) {
    EXPECT_EQ(read_entry({"emitter", "/chat", "3",
                          R"({"packet":{"type":2,"data":["e",1],"nsp":"/chat"},)"
                          R"("opts":{"rooms":["a"],"flags":{},"except":[]}})"}),
              "broadcast uid=emitter nsp=/chat rooms=[a] event=e args=1");
}

TEST(stream_entries, of_the_wrong_form_are_refused) {
    EXPECT_EQ(read_entry({"u", "/", "", "{}"}), failed(errc::bad_member));
    EXPECT_EQ(read_entry({"u", "/", "1x", ""}), failed(errc::bad_member));
    EXPECT_EQ(read_entry({"u", "/", "-3", "{}"}), failed(errc::bad_member));
    EXPECT_EQ(read_entry({"u", "/", "99999999999999999999", "{}"}), failed(errc::bad_member));
    EXPECT_EQ(read_entry({"u", "/", "0", "{}"}), failed(errc::unknown_type));
    EXPECT_EQ(read_entry({"u", "/", "14", "{}"}), failed(errc::unknown_type));
    EXPECT_EQ(read_entry({"u", "/", "9", "gA="}), failed(errc::malformed_body)) << "base64";
    EXPECT_EQ(read_entry({"u", "/", "9", "gA=="}), failed(errc::bad_member));
    EXPECT_EQ(read_entry({"u", "/", "9", ""}), failed(errc::malformed_body));
    EXPECT_EQ(read_entry({"u\xff", "/", "1", ""}), failed(errc::invalid_utf8));
    EXPECT_EQ(read_entry({"u", "/\xff", "1", ""}), failed(errc::invalid_utf8));
    EXPECT_EQ(read_entry({"u", "/", "9", "{\"packet\":[\"\xff\"]}"}), failed(errc::invalid_utf8));
    EXPECT_EQ(read_entry({"u", "/", "1", "not looked at"}), "initial_heartbeat uid=u nsp=/");
}

TEST(session_records, are_read_and_written_as_node_does) {
    for (const std::string_view value :
         {"hKNzaWSiczGjcGlkonAxpXJvb21zkqJzMaFypGRhdGGCpG5hbWWhdaFuAQ==",
          "hKNzaWSiczGjcGlkonAxpXJvb21zkaJzMaRkYXRhgA=="}) {
        session_record session;
        ASSERT_EQ(decode_session(value, {}, session), errc{});
        EXPECT_EQ(session.sid, "s1");
        EXPECT_EQ(session.pid, "p1");
        std::string out = "before";
        EXPECT_EQ(append_session(out, session), errc{});
        EXPECT_EQ(out, "before" + std::string(value));
    }
    session_record session;
    ASSERT_EQ(
        decode_session("hKNzaWSiczGjcGlkonAxpXJvb21zkqJzMaFypGRhdGGCpG5hbWWhdaFuAQ==", {}, session),
        errc{});
    EXPECT_EQ(list(session.rooms), "[s1,r]");
    EXPECT_EQ(session.data, R"({"name":"u","n":1})");
}

TEST(session_records, have_places_that_node_overlooks) {
    const session_record session{"s", "p", {"r"}, "{}", "/chat", "1-0", "2-0", "3-4", "uid"};
    std::string out;
    ASSERT_EQ(append_session(out, session), errc{});
    session_record read;
    ASSERT_EQ(decode_session(out, {}, read), errc{});
    EXPECT_EQ(read.nsp, "/chat");
    EXPECT_EQ(read.since, "1-0");
    EXPECT_EQ(read.last, "2-0");
    EXPECT_EQ(read.left, "3-4");
    EXPECT_EQ(read.server, "uid");
}

TEST(session_records, of_the_wrong_form_are_refused) {
    session_record session;
    EXPECT_EQ(decode_session("", {}, session), errc::malformed_body);
    EXPECT_EQ(decode_session("!", {}, session), errc::malformed_body);
    EXPECT_EQ(decode_session("gA==", {}, session), errc::bad_member);
    EXPECT_EQ(decode_session("kA==", {}, session), errc::bad_member);
    session = {"s", "p", {}, std::string(600, '[') + std::string(600, ']')};
    std::string out;
    EXPECT_EQ(append_session(out, session), errc::body_too_deep);
    EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace weft::cluster
