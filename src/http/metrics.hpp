#pragma once

#include <array>

#include <weft/base/metrics.hpp>

#include "base/histogram.hpp"
#include "http/error_table.hpp"

namespace weft::http {

/// What the HTTP connections of one loop count.
struct metrics {
    counter connections;  ///< Now open and not upgraded.
    counter late;         ///< Of them, those that owe their first request for long.
    counter turned_away;  ///< Ended with 408, 429 or 503 before they asked anything.
    counter cut_off;      ///< The same, without an answer.
    counter requests;
    std::array<counter, 5> replies;  ///< 1xx to 5xx.
    counter upgrades;
    time_histogram handshakes;  ///< Of those that began with their connection.
    counter stream_drops;       ///< Pieces of streamed replies that found `max_stream_queue` full.
    std::array<counter, error_count> errors;

    void count_reply(int status) noexcept {
        const auto group = static_cast<std::size_t>(status / 100) - 1;
        if (group < replies.size()) replies[group].add();
    }
    void visit(metric_visitor visitor) const;
};

}  // namespace weft::http
