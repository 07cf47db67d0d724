#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace weft::http::testing {

/// One request that a strict server must refuse, with the status it must give.
struct vector {
    std::string name;
    std::string bytes;
    int status;
    bool in_body = false;  ///< The head is good; the chunked body is not.

    friend void PrintTo(const vector& v, std::ostream* out) { *out << v.name; }
};

/// What an attacker hides behind each vector: it must never reach a handler.
inline constexpr std::string_view smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// Everything packaged parsers were seen to accept, and its relatives.
inline const std::vector<vector>& smuggling_vectors() {
    using namespace std::string_literals;
    const auto get = [](const std::string& lines) { return "GET / HTTP/1.1\r\n" + lines + "\r\n"; };
    const auto post = [](const std::string& lines, const std::string& body = "hello") {
        return "POST / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n" + body;
    };
    const auto chunks = [](const std::string& body) {
        return "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
    };
    static const std::vector<vector> all{
        {"head_ended_by_cr_x", "GET / HTTP/1.1\r\nHost: x\r\n\rX\r\n\r\n", 400},
        {"head_ended_by_cr_get",
         "GET / HTTP/1.1\r\nHost: x\r\n\rGET /a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"empty_value_cr_cr_length", post("X:\r\rContent-Length: 5\r\n"), 400},
        {"unknown_coding", post("Transfer-Encoding: xchunked\r\n"), 501},
        {"gzip_then_chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
        {"chunked_gzip_chunked", post("Transfer-Encoding: chunked, gzip, chunked\r\n", "0\r\n\r\n"),
         400},
        {"chunked_then_nothing", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 400},
        {"chunked_then_identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
         400},
        {"chunked_twice_in_list", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
         400},
        {"two_transfer_encodings",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        {"chunked_then_other_coding",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"), 400},
        {"empty_transfer_encoding", post("Transfer-Encoding:\r\n"), 400},
        {"quoted_chunked", post("Transfer-Encoding: \"chunked\"\r\n"), 501},
        {"vertical_tab_chunked", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400},
        {"chunked_with_parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 501},
        {"chunked_on_http_1_0",
         "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"chunked_and_length",
         post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
        {"length_and_chunked",
         post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        {"two_equal_lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        {"two_unequal_lengths", post("Content-Length: 5\r\nContent-Length: 0\r\n"), 400},
        {"length_list", post("Content-Length: 5, 5\r\n"), 400},
        {"length_with_plus", post("Content-Length: +5\r\n"), 400},
        {"length_negative", post("Content-Length: -5\r\n"), 400},
        {"length_hexadecimal", post("Content-Length: 0x5\r\n"), 400},
        {"length_with_blank_inside", post("Content-Length: 5 5\r\n"), 400},
        {"length_empty", post("Content-Length:\r\n"), 400},
        {"length_fraction", post("Content-Length: 5.0\r\n"), 400},
        {"length_beyond_64_bits", post("Content-Length: 18446744073709551621\r\n"), 413},
        {"obs_fold", get("Host: x\r\nX: a\r\n b\r\n"), 400},
        {"obs_fold_tab", get("Host: x\r\nX: a\r\n\tb\r\n"), 400},
        {"blank_before_colon", get("Host: x\r\nX : a\r\n"), 400},
        {"tab_before_colon", get("Host: x\r\nX\t: a\r\n"), 400},
        {"blank_before_transfer_encoding_colon",
         post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
        {"blank_before_first_header", get(" Host: x\r\n"), 400},
        {"bare_lf_after_request_line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
        {"bare_lf_after_header", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
        {"bare_lf_ends_head", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
        {"bare_cr_in_value", get("Host: x\r\nX: a\rY: b\r\n"), 400},
        {"cr_cr_lf", get("Host: x\r\r\n"), 400},
        {"nul_in_value", get("Host: x\r\nX: a\0b\r\n"s), 400},
        {"nul_in_name", get("Host: x\r\nX\0: a\r\n"s), 400},
        {"delete_in_value", get("Host: x\r\nX: a\x7F\r\n"), 400},
        {"empty_name", get("Host: x\r\n: a\r\n"), 400},
        {"line_without_colon", get("Host: x\r\nGarbage\r\n"), 400},
        {"name_with_parenthesis", get("Host: x\r\nX(y): a\r\n"), 400},
        {"name_with_high_byte", get("Host: x\r\nX\xFF: a\r\n"), 400},
        {"http_1_9", "GET / HTTP/1.9\r\nHost: x\r\n\r\n", 505},
        {"http_2_0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"http_0_9_version", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
        {"http_lower_case", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
        {"http_1_10", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400},
        {"blank_behind_version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
        {"no_version", "GET /\r\n\r\n", 400},
        {"two_blanks_before_target", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two_blanks_behind_target", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"tab_behind_method", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"blank_before_method", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two_empty_lines_before", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"bare_lf_before", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"unknown_method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"lower_case_method", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"connect", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"tls_client_hello", "\x16\x03\x01\x02\x00\x01"s, 400},
        {"high_byte_in_path", "GET /\xFF HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"nul_in_path", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, 400},
        {"fragment_in_target", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"relative_target", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"star_for_get", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"absolute_target_other_host", "GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"absolute_target_other_scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two_hosts", get("Host: x\r\nHost: x\r\n"), 400},
        {"no_host", get(""), 400},
        {"empty_host", get("Host:\r\n"), 400},
        {"host_list", get("Host: x, y\r\n"), 400},
        {"host_with_user", get("Host: u@x\r\n"), 400},
        {"host_with_path", get("Host: x/y\r\n"), 400},
        {"host_port_too_large", get("Host: x:65536\r\n"), 400},
        {"chunk_size_empty", chunks("\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_0x", chunks("0x5\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_plus", chunks("+5\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_negative", chunks("-5\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_leading_blank", chunks(" 5\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_trailing_blank", chunks("5 \r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_17_digits", chunks("00000000000000005\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_size_64_bits", chunks("FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 413, true},
        {"chunk_size_bare_lf", chunks("5\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_extension_bare_lf", chunks("5;a\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_extension_bare_cr", chunks("5;a\rb\r\nhello\r\n0\r\n\r\n"), 400, true},
        {"chunk_data_too_long", chunks("5\r\nhelloX\r\n0\r\n\r\n"), 400, true},
        {"chunk_data_bare_lf", chunks("5\r\nhello\n0\r\n\r\n"), 400, true},
        {"last_chunk_cr_x", chunks("0\r\n\rX"), 400, true},
        {"last_chunk_bare_lf", chunks("0\r\n\n"), 400, true},
        {"trailer_blank_before_colon", chunks("0\r\nX : a\r\n\r\n"), 400, true},
        {"trailer_fold", chunks("0\r\nX: a\r\n b\r\n\r\n"), 400, true},
        {"trailer_empty_name", chunks("0\r\n: a\r\n\r\n"), 400, true},
        {"trailer_bare_lf", chunks("0\r\nX: a\n\r\n"), 400, true},
    };
    return all;
}

}  // namespace weft::http::testing
