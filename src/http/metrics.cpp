// The names under which HTTP counters are scraped. Every label is a static text of ours: nothing a
// peer sends can add a series.

#include "http/metrics.hpp"

namespace weft::http {

void metrics::visit(metric_visitor visitor) const {
    visitor({"weft_http_connections",
             {},
             "HTTP connections open now, without upgraded ones.",
             metric_kind::gauge,
             connections.read()});
    visitor({"weft_http_late_connections",
             {},
             "Connections that have owed their first request for more than a second.",
             metric_kind::gauge,
             late.read()});
    constexpr std::string_view refused = "weft_http_connections_refused_total";
    constexpr std::string_view refused_help =
        "Connections ended before their first request: too many were late, or connected.";
    visitor({refused, R"(answer="given")", refused_help, metric_kind::counter, turned_away.read()});
    visitor({refused, R"(answer="none")", refused_help, metric_kind::counter, cut_off.read()});
    visitor({"weft_http_requests_total",
             {},
             "Requests whose head was read.",
             metric_kind::counter,
             requests.read()});
    constexpr std::array<std::string_view, 5> classes{
        R"(class="1xx")", R"(class="2xx")", R"(class="3xx")", R"(class="4xx")", R"(class="5xx")"};
    for (std::size_t i = 0; i < classes.size(); ++i) {
        visitor({"weft_http_replies_total", classes[i], "Replies begun, by class of status.",
                 metric_kind::counter, replies[i].read()});
    }
    visitor({"weft_http_upgrades_total",
             {},
             "Connections handed to another protocol.",
             metric_kind::counter,
             upgrades.read()});
    handshakes.visit(
        visitor, {"weft_http_handshake_seconds_bucket", "weft_http_handshake_seconds_sum",
                  "weft_http_handshake_seconds_count",
                  "From accepting a connection to its upgrade: TLS, the request, on_accept. Not "
                  "of connections that asked for something before."});
    visitor({"weft_http_stream_drops_total",
             {},
             "Pieces of streamed replies dropped because max_stream_queue waited for the peer.",
             metric_kind::counter,
             stream_drops.read()});
    for (std::size_t i = 1; i < errors.size(); ++i) {
        visitor({"weft_http_errors_total", row_of(static_cast<errc>(i)).label,
                 "What ended requests and connections other than by their own will.",
                 metric_kind::counter, errors[i].read()});
    }
}

}  // namespace weft::http
