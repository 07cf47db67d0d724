// The bodies of the classic adapter, against bytes that npm's @socket.io/redis-adapter 8.3,
// @socket.io/redis-emitter 5.1 and notepack.io 3.0.1 wrote.

#include "cluster/adapter/proto/classic_codec.hpp"

#include <gtest/gtest.h>

#include "unit/cluster/adapter_text.hpp"

namespace weft::cluster::classic {
namespace {

using decoder = errc (*)(byte_view, std::string_view, const message_limits&, adapter_message&);
using encoder = errc (*)(std::string&, const message_head&, const socketio::cluster_message&);

std::string read(decoder decode, std::string_view body, std::string_view nsp = "/") {
    adapter_message out;
    const errc failed = decode(as_bytes(body), nsp, {}, out);
    return failed == errc{} ? describe(out) : make_error_code(failed).message();
}
std::string broadcast(std::string_view digits, std::string_view nsp = "/") {
    return read(decode_broadcast, unhex(digits), nsp);
}
std::string request(std::string_view json) {
    return read(decode_request, json);
}
std::string response(std::string_view json) {
    return read(decode_response, json);
}
std::string failed(errc why) {
    return make_error_code(why).message();
}

std::string written(encoder append, const adapter_message& m) {
    std::string out;
    const errc bad = append(out, m.head, m.content);
    return bad == errc{} ? out : make_error_code(bad).message();
}

/// What is read of `body` and written again.
std::string rewritten(decoder decode, encoder append, std::string_view body,
                      std::string_view nsp = "/") {
    adapter_message m;
    const errc bad = decode(as_bytes(body), nsp, {}, m);
    return bad == errc{} ? written(append, m) : make_error_code(bad).message();
}

constexpr std::string_view hello =
    "93a66a66474a326f 83a47479706502a464617461 98a568656c6c6fa5776f726c6401fbcb400c000000000000c3c0"
    "81a1619101 a36e7370a12f 83a5726f6f6d7390a665786365707490a5666c61677380";
constexpr std::string_view flagged =
    "93a66a66474a326f83a47479706502a46461746193a178c40301020381a166c40104a36e7370a52f6368617483a572"
    "6f6f6d7392a5726f6f6d31a5726f6f6d32a665786365707491a5726f6f6d33a5666c61677382a8766f6c6174696c65"
    "c3a8636f6d7072657373c2";

TEST(classic_broadcast, is_read_from_the_bytes_of_node) {
    EXPECT_EQ(
        broadcast(hello),
        R"(broadcast uid=jfGJ2o nsp=/ event=hello args="world",1,-5,3.5,true,null,{"a":[1]})");
    EXPECT_EQ(broadcast(flagged, "/chat"),
              R"(broadcast uid=jfGJ2o nsp=/chat rooms=[room1,room2] except=[room3] event=x )"
              R"(args={"_placeholder":true,"num":0},{"f":{"_placeholder":true,"num":1}} )"
              R"(<010203> <04> volatile uncompressed)");
    EXPECT_EQ(
        broadcast("93a66a66474a326f83a47479706502a46461746198a165cf000000e8d4a51000cf0000000100"
                  "000000d3ffffffff00000000ce00011170cb3ff8000000000000c0d6ff00000000a36e7370"
                  "a12f83a5726f6f6d7390a665786365707490a5666c61677380"),
        R"(broadcast uid=jfGJ2o nsp=/ event=e args=1000000000000,4294967296,-4294967296,)"
        R"(70000,1.5,null,"1970-01-01T00:00:00.000Z")");
}

TEST(classic_broadcast, is_written_as_node_does) {
    for (const auto& [digits, nsp] : {std::pair(hello, "/"), std::pair(flagged, "/chat")}) {
        const std::string body = unhex(digits);
        EXPECT_EQ(hex(rewritten(decode_broadcast, append_broadcast, body, nsp)), hex(body));
    }
}

TEST(classic_broadcast, of_an_emitter_has_another_order) {
    EXPECT_EQ(
        broadcast("93a7656d697474657283a47479706502a46461746192a568656c6c6fa177a36e7370a12f83a5"
                  "726f6f6d7390a5666c61677380a665786365707490"),
        R"(broadcast uid=emitter nsp=/ event=hello args="w")");
    // rooms and except alone; a binary event; no namespace, which is "/"
    EXPECT_EQ(
        broadcast("93a165 82a464617461 91a178 a474797065 05 82a6657863657074 90 a5726f6f6d73 90"),
        "broadcast uid=e nsp=/ event=x");
    EXPECT_EQ(
        broadcast("93a165 82a464617461 91a178 a474797065 05 82a6657863657074 90 a5726f6f6d73 90",
                  "/chat"),
        failed(errc::other_namespace));
    // an unknown member; undefined ones; more than three elements
    EXPECT_EQ(broadcast("94d40000 84a474797065 02 a464617461 91a178 a36e7370 d40000 a16f 81a16101 "
                        "83a5726f6f6d73 c0 a6657863657074 c0 a5666c616773 c0 01"),
              "broadcast nsp=/ event=x");
}

TEST(classic_broadcast, for_another_namespace_is_refused) {
    EXPECT_EQ(broadcast(hello, "/chat"), failed(errc::other_namespace));
}

TEST(classic_broadcast, has_rooms_that_are_numbers) {
    EXPECT_EQ(broadcast("93a165 82a474797065 02 a464617461 91a178 "
                        "82a5726f6f6d73 93 2a fb cb3ff8000000000000 a6657863657074 90"),
              "broadcast uid=e nsp=/ rooms=[42,-5,1.5] event=x");
}

TEST(classic_broadcast, carries_the_key_of_latest_between_our_own) {
    adapter_message m;
    m.head.uid = "u";
    m.content.to.nsp = "/";
    m.content.event = "price";
    m.content.latest = "EUR";
    const std::string body = written(append_broadcast, m);
    EXPECT_EQ(read(decode_broadcast, body), "broadcast uid=u nsp=/ event=price latest=EUR");
}

TEST(classic_broadcast, is_not_sent_under_a_reserved_name) {
    EXPECT_EQ(broadcast("93a165 82a474797065 02 a464617461 91 a7636f6e6e656374 "
                        "82a5726f6f6d73 90 a6657863657074 90"),
              failed(errc::bad_event_name));
}

TEST(classic_broadcast, needs_its_parts) {
    const std::string packet = "82a474797065 02 a464617461 91a178 ";
    const std::string opts = "82a5726f6f6d73 90 a6657863657074 90";
    EXPECT_EQ(broadcast("93a165" + packet + opts), "broadcast uid=e nsp=/ event=x");
    EXPECT_EQ(broadcast("92a165" + packet), failed(errc::bad_member)) << "not meant for all";
    EXPECT_EQ(broadcast("93a165" + packet + "c0"), failed(errc::bad_member)) << "not meant for all";
    EXPECT_EQ(broadcast("93a165 80" + opts), failed(errc::bad_member));
    EXPECT_EQ(broadcast("93a165 81a474797065 02" + opts), failed(errc::bad_member)) << "no data";
    EXPECT_EQ(broadcast("93a165 81a464617461 91a178" + opts), failed(errc::bad_member))
        << "no type";
    EXPECT_EQ(broadcast("93a165 82a474797065 03 a464617461 91a178" + opts),
              failed(errc::bad_member));
    EXPECT_EQ(broadcast("93a165 82a474797065 02 a464617461 90" + opts),
              failed(errc::bad_event_name));
    EXPECT_EQ(broadcast("93a165 82a474797065 02 a464617461 91c0" + opts),
              failed(errc::bad_event_name));
    EXPECT_EQ(broadcast("9305" + packet + opts), failed(errc::bad_member)) << "uid";
    EXPECT_EQ(broadcast("93a165" + packet + "81a5726f6f6d73 a178"), failed(errc::bad_member));
    EXPECT_EQ(broadcast("93a165" + packet + "81a5726f6f6d73 91c0"), failed(errc::bad_member));
    EXPECT_EQ(broadcast("93a165" + packet + "81a5666c616773 90"), failed(errc::bad_member));
    EXPECT_EQ(broadcast("93a165" + packet + "81a5666c616773 81a8766f6c6174696c65 01"),
              failed(errc::bad_member));
    EXPECT_EQ(broadcast("93a165" + packet + opts + "00"), failed(errc::malformed_body));
    EXPECT_EQ(broadcast("a178"), failed(errc::bad_member));
    EXPECT_EQ(broadcast(""), failed(errc::malformed_body));
}

TEST(classic_request, is_read_and_written_as_node_does) {
    const std::pair<std::string_view, std::string_view> all[] = {
        {R"({"requestId":"jXfk8f","type":0,"rooms":["r"]})",
         "list_sockets id=jXfk8f nsp=/ rooms=[r]"},
        {R"({"uid":"jfGJ2o","requestId":"jXfk8f","type":1})",
         "list_rooms uid=jfGJ2o id=jXfk8f nsp=/"},
        {R"({"uid":"jfGJ2o","type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["n1","n2"]})",
         "join uid=jfGJ2o nsp=/ rooms=[a] except=[b] names=[n1,n2]"},
        {R"({"type":2,"opts":{"rooms":[],"except":[]},"rooms":["r"]})", "join nsp=/ names=[r]"},
        {R"({"uid":"jfGJ2o","type":3,"opts":{"rooms":["a"],"except":[]},"rooms":["n1"]})",
         "leave uid=jfGJ2o nsp=/ rooms=[a] names=[n1]"},
        {R"({"uid":"jfGJ2o","type":4,"opts":{"rooms":["a"],"except":[]},"close":true})",
         "disconnect uid=jfGJ2o nsp=/ rooms=[a] close"},
        {R"({"uid":"jfGJ2o","type":4,"opts":{"rooms":[],"except":[]},"close":false})",
         "disconnect uid=jfGJ2o nsp=/"},
        {R"({"uid":"jfGJ2o","requestId":"jXfk8f","type":5,"opts":{"rooms":["room1"],"except":["zz"]}})",
         "fetch_sockets uid=jfGJ2o id=jXfk8f nsp=/ rooms=[room1] except=[zz]"},
        {R"({"uid":"emitter","type":6,"data":["sse",1]})",
         "server_side_emit uid=emitter nsp=/ event=sse args=1"},
        {R"({"uid":"jfGJ2o","requestId":"jXfk8f","type":6,"data":["ev"]})",
         "server_side_emit uid=jfGJ2o id=jXfk8f nsp=/ event=ev"},
    };
    for (const auto& [json, meaning] : all) {
        EXPECT_EQ(request(json), meaning);
        EXPECT_EQ(rewritten(decode_request, append_request, json), json);
    }
}

constexpr std::string_view with_ack =
    "85a3756964a66a66474a326fa9726571756573744964a665755a684c6ea47479706507a67061636b657483a4747970"
    "6502a46461746192a171a178a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a5666c61677382a7"
    "74696d656f7574cd03e8b465787065637453696e676c65526573706f6e7365c3";

TEST(classic_request, for_acknowledgements_is_msgpack_and_may_be_json) {
    const std::string meaning =
        R"(broadcast uid=jfGJ2o id=euZhLn nsp=/ event=q args="x" timeout=1000 single)";
    EXPECT_EQ(request(unhex(with_ack)), meaning);
    EXPECT_EQ(hex(rewritten(decode_request, append_request, unhex(with_ack))), with_ack);
    EXPECT_EQ(request(R"({"uid":"jfGJ2o","requestId":"euZhLn","type":7,"packet":{"type":2,)"
                      R"("data":["q","x"]},"opts":{"rooms":[],"except":[],)"
                      R"("flags":{"expectSingleResponse":true,"timeout":1000}}})"),
              meaning);
    EXPECT_EQ(request(R"({"type":7,"packet":{"type":2,"data":["q"]},"opts":{}})"),
              failed(errc::bad_member))
        << "whom to answer?";
    EXPECT_EQ(request(R"({"type":7,"requestId":"a","opts":{},)"
                      R"("packet":{"type":2,"data":["q"],"nsp":"/b"}})"),
              failed(errc::other_namespace));
}

TEST(classic_request, with_binary_values_is_msgpack_whatever_its_type) {
    adapter_message m;
    m.head.type = message_type::server_side_emit;
    m.head.uid = "u";
    m.content.event = "e";
    m.content.arguments = R"(1,{"_placeholder":true,"num":0})";
    m.content.attachments.push_back(message::binary(as_bytes("\x07")));
    const std::string body = written(append_request, m);
    EXPECT_EQ(hex(body), "83a3756964a175a47479706506a46461746193a16501c40107");
    EXPECT_EQ(request(body),
              R"(server_side_emit uid=u nsp=/ event=e args=1,{"_placeholder":true,"num":0} <07>)");
}

TEST(classic_request, of_an_old_server_is_about_one_socket) {
    EXPECT_EQ(request(R"({"uid":"u","requestId":"i","type":2,"sid":"s","room":"r"})"),
              "join uid=u id=i nsp=/ rooms=[s] names=[r]");
    EXPECT_EQ(request(R"({"requestId":"i","type":3,"sid":"s","room":7})"),
              "leave id=i nsp=/ rooms=[s] names=[7]");
    EXPECT_EQ(request(R"({"requestId":"i","type":4,"sid":"s","close":true})"),
              "disconnect id=i nsp=/ rooms=[s] close");
    EXPECT_EQ(request(R"({"requestId":"i","type":4})"), failed(errc::bad_member))
        << "not meant for all";
    EXPECT_EQ(request(R"({"requestId":"i","type":2,"sid":"s"})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":2,"requestId":"i","opts":{},"rooms":["r"]})"),
              "join nsp=/ names=[r]")
        << "with opts nobody answers";
}

TEST(classic_request, may_be_in_any_order_with_members_we_do_not_know) {
    EXPECT_EQ(request(R"({ "rooms" : ["n"] , "x":[{"y":null}], "opts":{"more":1,"rooms":["a"]},)"
                      R"("type":2,"uid":null})"),
              "join nsp=/ rooms=[a] names=[n]");
    EXPECT_EQ(request(R"({"\u0074ype":1,"requestId":"i"})"), "list_rooms id=i nsp=/");
}

TEST(classic_request, with_equal_names_means_the_last) {
    EXPECT_EQ(request(R"({"type":6,"type":1,"requestId":"i","requestId":"j","data":["a"]})"),
              "list_rooms id=j nsp=/");
    EXPECT_EQ(request(R"({"type":2,"opts":{"rooms":["a","b"],"rooms":["c"]},"rooms":["x"]})"),
              "join nsp=/ rooms=[c] names=[x]");
}

TEST(classic_request, of_the_wrong_form_is_refused) {
    EXPECT_EQ(request(R"({"type":8,"requestId":"i"})"), failed(errc::unknown_type));
    EXPECT_EQ(request(R"({"type":18446744073709551615})"), failed(errc::unknown_type));
    EXPECT_EQ(request(R"({"type":-1})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":"1","requestId":"i"})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"requestId":"i"})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":1})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":1,"requestId":5})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":5,"requestId":"i"})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":6})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":6,"data":{}})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":2,"opts":{},"rooms":"r"})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":4,"opts":{},"close":"yes"})"), failed(errc::bad_member));
    EXPECT_EQ(request(R"({"type":1,"requestId":"i"}x)"), failed(errc::malformed_body));
    EXPECT_EQ(request(R"({"type":1,"requestId":"i")"), failed(errc::malformed_body));
    EXPECT_EQ(request("{\"type\":1,\"requestId\":\"\xff\"}"), failed(errc::invalid_utf8));
    EXPECT_EQ(request(""), failed(errc::malformed_body));
    EXPECT_EQ(request("[]"), failed(errc::malformed_body)) << "msgpack: 91, and a byte too many";
}

constexpr std::string_view described =
    R"({"requestId":"jXfk8f","sockets":[{"id":"kbku","handshake":{"headers":{"a":"b"},)"
    R"("time":"Sun Nov 22 2026","address":"::ffff:127.0.0.1","xdomain":false,"auth":{}},)"
    R"("rooms":["kbku","room1"],"data":{"name":"u"}},{"id":"b","handshake":{},"rooms":[],)"
    R"("data":null}]})";

TEST(classic_response, is_read_and_written_as_node_does) {
    const std::pair<std::string_view, std::string_view> all[] = {
        {described,
         R"(sockets id=jXfk8f nsp=/ {kbku {"headers":{"a":"b"},"time":"Sun Nov 22 2026",)"
         R"("address":"::ffff:127.0.0.1","xdomain":false,"auth":{}} [kbku,room1] {"name":"u"}} )"
         R"({b {} [] null})"},
        {R"({"requestId":"i","sockets":["a","b"]})", "socket_ids id=i nsp=/ names=[a,b]"},
        {R"({"requestId":"i","sockets":[]})", "sockets id=i nsp=/"},
        {R"({"requestId":"i","rooms":["a","b"]})", "rooms id=i nsp=/ names=[a,b]"},
        {R"({"requestId":"i","rooms":[]})", "rooms id=i nsp=/"},
        {R"({"requestId":"i"})", "done id=i nsp=/"},
        {R"({"type":6,"requestId":"i","data":{"a":1}})",
         R"(server_side_answer id=i nsp=/ args={"a":1})"},
        {R"({"type":6,"requestId":"i","data":null})", "server_side_answer id=i nsp=/ args=null"},
        {R"({"type":6,"requestId":"i"})", "server_side_answer id=i nsp=/"},
        {R"({"type":8,"requestId":"WZhLnN","clientCount":1})",
         "client_count id=WZhLnN nsp=/ count=1"},
    };
    for (const auto& [json, meaning] : all) {
        EXPECT_EQ(response(json), meaning);
        EXPECT_EQ(rewritten(decode_response, append_response, json), json);
    }
}

TEST(classic_response, that_is_an_acknowledgement_is_msgpack) {
    const std::pair<std::string_view, std::string_view> all[] = {
        {"83a47479706509a9726571756573744964a665755a684c6ea67061636b6574a4706f6e67",
         R"(client_ack id=euZhLn nsp=/ args="pong")"},
        {"82a47479706509a9726571756573744964a665755a684c6e", "client_ack id=euZhLn nsp=/"},
        {"83a47479706509a9726571756573744964a665755a684c6ea67061636b6574c0",
         "client_ack id=euZhLn nsp=/ args=null"},
        {"83a47479706509a9726571756573744964a665755a684c6ea67061636b6574c40109",
         R"(client_ack id=euZhLn nsp=/ args={"_placeholder":true,"num":0} <09>)"},
    };
    for (const auto& [digits, meaning] : all) {
        EXPECT_EQ(response(unhex(digits)), meaning);
        EXPECT_EQ(hex(rewritten(decode_response, append_response, unhex(digits))), digits);
    }
    EXPECT_EQ(response(R"({"type":9,"requestId":"i","packet":[1,2]})"),
              "client_ack id=i nsp=/ args=[1,2]");
}

TEST(classic_response, tells_one_argument) {
    adapter_message m;
    m.head.type = message_type::client_ack;
    m.head.request_id = "i";
    m.content.arguments = R"("pong","more")";
    EXPECT_EQ(read(decode_response, written(append_response, m)),
              R"(client_ack id=i nsp=/ args="pong")");
}

TEST(classic_response, with_descriptions_in_msgpack_has_base64) {
    std::string bodies = "82 a9726571756573744964 a169 a7736f636b657473 dc0064";
    std::string meaning = "sockets id=i nsp=/";
    for (int i = 0; i < 100; ++i) {  // more than a message has attachments
        bodies += "83 a26964 a161 a5726f6f6d73 90 a464617461 81a162 c403010203";
        meaning += R"( {a  [] {"b":"AQID"}})";
    }
    EXPECT_EQ(response(unhex(bodies)), meaning);
}

TEST(classic_response, with_what_looks_like_a_placeholder_in_data_of_a_client_is_fine) {
    EXPECT_EQ(response(R"({"requestId":"i","sockets":[{"id":"a","rooms":[],)"
                       R"("handshake":{"auth":{"_placeholder":true,"num":0}}}]})"),
              R"(sockets id=i nsp=/ {a {"auth":{"_placeholder":true,"num":0}} [] })");
}

TEST(classic_response, of_the_wrong_form_is_refused) {
    EXPECT_EQ(response("{}"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":null})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","sockets":{}})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","sockets":[1]})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","sockets":["a",{}]})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","sockets":[{"id":"a"},"b"]})"),
              failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","sockets":[{"rooms":[]}]})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","sockets":[{"id":"a","handshake":[]}]})"),
              failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","rooms":[null]})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","type":8})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","type":8,"clientCount":-1})"), failed(errc::bad_member));
    EXPECT_EQ(response(R"({"requestId":"i","type":"9","packet":1})"), failed(errc::bad_member));
}

TEST(classic_writers, write_no_types_that_are_not_theirs) {
    adapter_message m;
    m.content.to.nsp = "/";
    m.content.event = "e";
    for (int type = 0; type <= static_cast<int>(message_type::adapter_close); ++type) {
        m.head.type = static_cast<message_type>(type);
        const bool broadcast = m.head.type == message_type::broadcast;
        const bool question = m.head.type <= message_type::list_rooms;
        const bool answer = !question && m.head.type <= message_type::done;
        std::string out;
        m.head.request_id.clear();
        EXPECT_EQ(append_broadcast(out, m.head, m.content) == errc{}, broadcast) << type;
        EXPECT_EQ(append_request(out, m.head, m.content) == errc{}, question && !broadcast) << type;
        m.head.request_id = "i";
        EXPECT_EQ(append_request(out, m.head, m.content) == errc{}, question) << type;
        EXPECT_EQ(append_response(out, m.head, m.content) == errc{}, answer) << type;
    }
}

TEST(classic_writers, append_nothing_when_it_is_too_deep) {
    adapter_message m;
    m.head.uid = "u";
    m.content.to.nsp = "/";
    m.content.event = "e";
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    std::string out = "before";
    m.content.arguments = nested(510);
    EXPECT_EQ(append_broadcast(out, m.head, m.content), errc::body_too_deep);
    EXPECT_EQ(out, "before");
    m.content.arguments = nested(509);
    EXPECT_EQ(append_broadcast(out, m.head, m.content), errc{});
    EXPECT_EQ(read(decode_broadcast, out.substr(6)),
              "broadcast uid=u nsp=/ event=e args=" + nested(509));
}

}  // namespace
}  // namespace weft::cluster::classic
