#!/usr/bin/env python3
"""docs/guide/limits.md has a row for each option that is a number or a time, with its default; the counters that it names
exist; and whatever the error tables call a limit or a time-out names an option."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/guide/limits.md"

STRUCT = re.compile(r"^struct (\w*(?:options|limits|budgets|rate|backoff)) \{(.*?)^\};", re.MULTILINE | re.DOTALL)
NUMBER = r"std::size_t|std::uint\d+_t|unsigned|int|double"
TIME = r"duration|std::chrono::\w+"
MEMBER = re.compile(rf"^    (?:std::optional<)?({NUMBER}|{TIME}|receive_rate|traffic_limits)>? (\w+)\s*(?:=\s*([^;]+)|\{{\}})?;",
                    re.MULTILINE)
OPTIONAL = re.compile(r"^    std::optional<")
SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001, "microseconds": 0.000001}
UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "ms": 0.001, "µs": 0.000001, "s": 1, "min": 60, "h": 3600, "": 1}
ROW = re.compile(r"^\| `([\w:]+)` \| ([^|]*?) \| ([^|]*?) \| ([^|]*?) \| ([^|]*?) \|$", re.MULTILINE)

# Numbers and times that nobody can meet as a limit.
NO_LIMITS = {
    "listen_options::port": "a name",
    "listen_options::adopt_fd": "a name",
    "loop_options::index": "a name",
    "server_options::threads": "how much there is, not how much may be",
    "ws::deflate_options::window_bits": "a format",
    "ws::deflate_options::level": "a format",
    "ws::deflate_options::threshold": "a format",
    "engineio::cors_options::max_age": "for the browser's cache",
    "engineio::cors_options::options_success_status": "a format",
    "engineio::options::http_compression": "a format",
    "run_options::port": "a name",
    "listen_options::unix_mode": "a right",
    "tls_options::ticket_rotation": "old tickets cost a full handshake",
    "pubsub::message_options::stamp": "a name",
    "ws::backoff::factor": "when we call again",
    "ws::backoff::initial": "when we call again",
    "ws::backoff::max": "when we call again",
    "ws::backoff::stable_after": "when we call again",
    "socketio::client_options::reconnection_stable_after": "when we call again",
    "socketio::client_options::reconnection_delay": "when we call again",
    "socketio::client_options::reconnection_delay_max": "when we call again",
    "socketio::client_options::randomization_factor": "when we call again",
    "cluster::node_options::port": "a name",
    "cluster::node_options::retry_pause": "when we call again",
    "cluster::redis_options::port": "a name",
    "cluster::redis_options::database": "a name",
    "cluster::redis_options::reconnect_min": "when we call again",
    "cluster::redis_options::reconnect_max": "when we call again",
    "socketio::client_options::retries": "how often we ask again",
}


def value_of(expression):
    """A default as it stands in a header: a number, or seconds; None when it is unset."""
    if expression is None:
        return None
    chrono = re.fullmatch(r"std::chrono::(\w+)\(([^()]+)\)", expression.strip())
    if chrono:
        return SECONDS[chrono[1]] * value_of(chrono[2])
    plain = re.sub(r"(?<=\d)(?:'|ULL)", "", expression)
    if not re.fullmatch(r"-?[\d\s*.]+", plain):
        raise ValueError(f"cannot read the default {expression!r}")
    return eval(plain)  # digits and stars only


def shown_value(text):
    """The same as the page shows it: `1 MiB`, `1,000,000`, `50 ms`, `unset`."""
    if text == "unset":
        return None
    number, _, unit = text.partition(" ")
    return float(number.replace(",", "")) * UNITS[unit]


def options_of(path, text):
    """The options of one public header that are numbers or times, by name, with their defaults."""
    layer = path.split("/")[2]
    scope = "" if layer in ("net", "server", "base", "schema") else layer + "::"
    found = {}
    for struct, body in STRUCT.findall(text):
        body = re.sub(r"///?.*", "", body)
        for kind, name, default in MEMBER.findall(body):
            found[f"{scope}{struct}::{name}"] = value_of(default or None)
    return found


def all_options():
    found = {}
    for header in sorted((ROOT / "include").rglob("*.hpp")):
        found.update(options_of(str(header.relative_to(ROOT)), header.read_text()))
    return found


def complaints(options, page):
    """What the page lacks, or says wrongly."""
    rows = {name: default for name, default, *_ in ROW.findall(page)}
    wrong = []
    for name, default in options.items():
        if name in NO_LIMITS:
            continue
        if name not in rows:
            wrong.append(f"{name} has no row")
        elif shown_value(rows[name]) != default:
            wrong.append(f"{name} is {default} by default, not {rows[name]}")
    wrong += [f"{name} is no option" for name in rows if name not in options and "::" in name]
    return wrong


def limit_rows(text):
    """The errors of a table that limits and time-outs cause, with their texts."""
    for code, words, rest in re.findall(r"\{errc::(\w+),\s*(?:\d+,\s*R\"\(\S+\)\",\s*)?((?:\"[^\"]*\"\s*)+),([^{}]*(?:\{\d+\})?[^{}]*)\}",
                                        text):
        if re.search(r"\blimit\b|limit_exceeded|timed_out", rest):
            yield code, "".join(re.findall(r'"([^"]*)"', words)) + " " + rest


# What the program itself decided, and what is fixed: the last section of the page says why.
NAMES_NO_OPTION = {"identity_expired", "trailers_too_large", "too_many_fragments", "no_entropy", "json_too_deep",
                   "too_many_elements", "reply_too_deep"}


class limits(unittest.TestCase):
    def test_the_page_has_every_option_with_its_default(self):
        options = all_options()
        self.assertGreater(len(options), 80)
        self.assertEqual(complaints(options, PAGE.read_text()), [])

    def test_what_is_no_limit_is_an_option(self):
        self.assertEqual(sorted(NO_LIMITS.keys() - all_options().keys()), [])

    def test_a_missing_row_and_a_wrong_default_are_found(self):
        header = "struct options {\n    /// Of one.\n    std::size_t max_a = 4 * 1024;  ///< B; c\n" \
                 "    duration b_timeout =\n        std::chrono::minutes(2);\n    std::optional<duration> c{};\n};\n"
        options = options_of("include/weft/ws/options.hpp", header)
        self.assertEqual(options, {"ws::options::max_a": 4096, "ws::options::b_timeout": 120, "ws::options::c": None})
        good = "| `ws::options::max_a` | 4 KiB | x | y | z |\n| `ws::options::b_timeout` | 2 min | x | y | z |\n" \
               "| `ws::options::c` | unset | x | y | z |\n"
        self.assertEqual(complaints(options, good), [])
        self.assertEqual(complaints(options, good.replace("4 KiB", "4,095 B")),
                         ["ws::options::max_a is 4096 by default, not 4,095 B"])
        self.assertEqual(complaints(options, good[good.index("\n") + 1:]), ["ws::options::max_a has no row"])
        self.assertEqual(complaints({}, "| `ws::options::gone` | 1 | x | y | z |\n"), ["ws::options::gone is no option"])

    def test_the_counters_exist(self):
        sources = "".join(p.read_text() for p in (ROOT / "src").rglob("*.[ch]pp")).replace('\\"', '"')
        for name, _, _, metric, _ in ROW.findall(PAGE.read_text()):
            for counter, label in re.findall(r"`(weft_\w+)(?:\{(.*?)\})?`", metric):
                with self.subTest(option=name, counter=counter):
                    self.assertTrue(f'"{counter}"' in sources, "no such counter")
                    self.assertTrue(not label or label in sources, "no such label")

    def test_the_counters_that_operators_watch_exist(self):
        sources = "".join(p.read_text() for p in (ROOT / "src").rglob("*.[ch]pp"))
        named = re.findall(r"weft_(?:cluster|redis)_\w+", (ROOT / "docs/operations/cluster.md").read_text())
        self.assertGreater(len(named), 8)
        self.assertEqual([name for name in named if f'"{name}"' not in sources], [])

    def test_every_limit_tells_its_option(self):
        known = {name.rsplit("::", 1)[1] for name in all_options()}
        tables = ["src/http/error.cpp", "src/auth/error.cpp", "src/ws/proto/error_table.cpp", "src/engineio/error_table.cpp",
                  "src/socketio/proto/error_table.cpp", "src/cluster/redis/proto/error_table.cpp"]
        seen = 0
        for table in tables:
            for code, words in limit_rows((ROOT / table).read_text()):
                seen += 1
                if code not in NAMES_NO_OPTION:
                    with self.subTest(table=table, code=code):
                        self.assertTrue(known & set(re.findall(r"\w+", words)), f"'{words}' names no option")
        self.assertGreater(seen, 30)


if __name__ == "__main__":
    unittest.main()
