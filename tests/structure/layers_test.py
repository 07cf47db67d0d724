#!/usr/bin/env python3
"""The rules of the tree that no compiler checks: who may include whom, where code that does no I/O stays pure, and how
long a file may grow. The table below is the one of docs/design/2-architecture.md, section 2."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MAY_USE = {
    "base": set(),
    "schema": {"base"},
    "net": {"base"},
    "pubsub": {"net", "base"},
    "http": {"net", "base"},
    "auth": {"http", "net", "base"},
    "sse": {"auth", "http", "pubsub", "net", "base"},
    "ws": {"schema", "auth", "http", "pubsub", "net", "base"},
    "engineio": {"schema", "ws", "auth", "http", "pubsub", "net", "base"},
    "socketio": {"schema", "engineio", "ws", "auth", "http", "pubsub", "net", "base"},
    "cluster": {"socketio", "engineio", "http", "pubsub", "net", "base"},
}
MAY_USE["server"] = set(MAY_USE)
MAY_USE["testing"] = set(MAY_USE)

# A proto/ folder uses base, itself, the proto/ of protocols below it, and the public vocabulary (errors, limits, messages) of
# both: headers which, with all that they include, use nothing else. Sockets, clocks, threads and streams have no place in it.
NOT_IN_PROTO = re.compile(
    r"sys/|netinet/|arpa/|(unistd|fcntl|poll|netdb|pthread)\.h$|openssl/"
    r"|(chrono|thread|mutex|shared_mutex|condition_variable|future|iostream|fstream|cstdio)$"
)

# `now() + wait` overflows when the wait is duration::max(), and what was to happen never happens at once.
ADDS_TO_NOW = re.compile(r"\bnow(?:\(\))?\s*\+(?![+=])")
MAKES_DEADLINES = ("src", "include", "apps")

MAX_LINES_SOURCE = 800
MAX_LINES_PUBLIC_HEADER = 400

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
USES = re.compile(r"weft_layer\((\w+)[^)]*?\bUSES\b([\w\s]*?)(?:\b[A-Z_]+\b[^)]*)?\)")


def layer_of(include, quote):
    """The layer that an include names, or None: <weft/ws/client.hpp> and "ws/client.hpp" are both of ws."""
    parts = include.split("/")
    if parts[0] == "weft":
        parts = parts[1:]
    elif quote == "<":
        return None
    return parts[0] if len(parts) > 1 else None


def read_public(include):
    """The text of a public header of the tree, or nothing."""
    header = ROOT / "include" / include
    return header.read_text() if header.is_file() else ""


def proto_complaints(own, text, read, seen):
    """What keeps a file of src/<own>/proto/, or a public header that it uses, from being sans-I/O."""
    below = {own} | (MAY_USE[own] - {"net"})
    for quote, include in INCLUDE.findall(text):
        used = layer_of(include, quote)
        if used is None and quote == "<":
            if NOT_IN_PROTO.search(include):
                yield f"proto/ does no I/O and knows no clock or thread: <{include}>"
        elif used != "base" and used in below and include.startswith("weft/"):
            if include not in seen:
                seen.add(include)
                for c in proto_complaints(own, read(include), read, seen):
                    yield f"{c}, by way of {include}"
        elif used != "base" and not (used in below and re.match(rf"{used}/(\w+/)?proto/", include)):
            yield f"proto/ may use base and the proto/ of its own and lower protocols only: {include}"


def complaints(path, text, read=read_public):
    """What is wrong with one file, as a list of sentences; `path` is relative to the root of the tree."""
    parts = path.split("/")
    found = []

    public_header = path.startswith("include/")
    limit = MAX_LINES_PUBLIC_HEADER if public_header else MAX_LINES_SOURCE
    lines = text.count("\n")
    if lines > limit:
        found.append(f"has {lines} lines, more than {limit}")
    if path.endswith(".hpp") and not re.search(r"^#pragma once$", text, re.MULTILINE):
        found.append("lacks `#pragma once`")

    if parts[0] in MAKES_DEADLINES and path != "include/weft/base/time.hpp" and ADDS_TO_NOW.search(text):
        found.append("adds a wait to now: later() does, and knows `never`")

    own = None
    if parts[0] == "src" and len(parts) > 2:
        own = parts[1]
    elif public_header and len(parts) > 3:
        own = parts[2]
    if own is not None and own not in MAY_USE:
        return found + [f"is in `{own}`, which is no layer"]

    for quote, include in INCLUDE.findall(text):
        used = layer_of(include, quote)
        if own is not None:
            if used is None:
                if quote == '"':
                    found.append(f'includes "{include}" without its layer')
            elif used != own and used not in MAY_USE[own]:
                found.append(f"`{own}` may not use `{used}`: {include}")
        if public_header and quote == '"':
            found.append(f'a public header includes <weft/...>, not "{include}"')
        # The load generator is the exception: it drives the codecs themselves, to cost as little as can be.
        if parts[0] in ("apps", "examples") and parts[2:3] != ["bench"] and quote == '"' and used in MAY_USE:
            found.append(f'programs use public headers only, not "{include}"')
    if own is not None and "proto" in parts:
        found += proto_complaints(own, text, read, set())
    return found


def link_complaints(cmake):
    """What is wrong with the USES of each weft_layer() in one CMakeLists.txt."""
    return [
        f"`{layer}` may not link `{used}`"
        for layer, uses in USES.findall(cmake)
        for used in uses.split()
        if used not in MAY_USE.get(layer, set())
    ]


class tree(unittest.TestCase):
    def test_every_source_obeys_the_rules(self):
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.hpp", "*.cpp"],
            cwd=ROOT, capture_output=True, text=True,
        )
        if listed.returncode == 0:
            paths = listed.stdout.split()
        else:  # a tree without git, such as an unpacked release
            paths = [str(p.relative_to(ROOT)) for d in ("include", "src", "apps", "tests", "fuzz", "bench", "examples")
                     for p in (ROOT / d).rglob("*.[hc]pp")]
        paths = [p for p in paths if (ROOT / p).is_file()]
        self.assertGreater(len(paths), 10)
        found = [f"{p} {c}" for p in sorted(paths) for c in complaints(p, (ROOT / p).read_text())]
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_every_layer_links_only_what_it_may_use(self):
        lists = sorted((ROOT / "src").glob("*/CMakeLists.txt"))
        self.assertTrue(lists)
        found = [f"{p.relative_to(ROOT)}: {c}" for p in lists for c in link_complaints(p.read_text())]
        self.assertFalse(found, "\n" + "\n".join(found))


class rules(unittest.TestCase):
    """The check itself: each rule refuses what it is there to refuse, and lets the rest pass."""

    def refused(self, path, text, because):
        self.assertIn(because, " ".join(complaints(path, text)))

    def test_upward_includes_are_refused_in_both_spellings(self):
        self.refused("src/http/router.cpp", '#include "ws/connection_core.hpp"\n', "`http` may not use `ws`")
        self.refused("src/net/loop.cpp", "#include <weft/http/request.hpp>\n", "`net` may not use `http`")
        self.refused("src/http/router.cpp", "  #  include <weft/pubsub/topic.hpp>\n", "`http` may not use `pubsub`")
        self.refused("include/weft/base/log.hpp", "#pragma once\n#include <weft/net/loop.hpp>\n", "may not use `net`")

    def test_downward_includes_pass(self):
        text = '#include <sys/socket.h>\n#include <weft/net/loop.hpp>\n#include "http/proto/parser.hpp"\n'
        self.assertEqual(complaints("src/ws/server.cpp", text), [])

    def test_proto_folders_use_base_themselves_and_protocols_below(self):
        fine = '#include <cstring>\n#include <weft/base/bytes.hpp>\n#include "ws/proto/frame.hpp"\n'
        fine += '#include "http/proto/syntax.hpp"\n'
        self.assertEqual(complaints("src/ws/proto/frame.cpp", fine), [])
        self.assertEqual(complaints("src/net/proto/header.cpp", '#include "net/proto/header.hpp"\n'), [])
        redis = "src/cluster/redis/proto/reply.cpp"
        self.assertEqual(complaints(redis, '#include "cluster/redis/proto/reply.hpp"\n'), [])
        self.refused(redis, '#include "cluster/redis/retry.hpp"\n', "lower protocols only")
        self.assertEqual(complaints("src/cluster/adapter/proto/message.cpp", "#include <weft/pubsub/message.hpp>\n"), [])
        self.refused("src/cluster/adapter/proto/message.cpp", '#include "pubsub/hub.hpp"\n', "lower protocols only")
        self.refused("src/net/proto/header.cpp", '#include "net/loop_core.hpp"\n', "lower protocols only")
        self.refused("src/ws/proto/frame.cpp", "#include <weft/net/loop.hpp>\n", "lower protocols only")
        self.refused("src/ws/proto/frame.cpp", '#include "ws/connection_core.hpp"\n', "lower protocols only")
        self.refused("src/ws/proto/frame.cpp", '#include "http/connection.hpp"\n', "lower protocols only")
        self.refused("src/http/proto/head.cpp", '#include "ws/proto/frame.hpp"\n', "lower protocols only")
        self.refused("src/ws/proto/frame.cpp", "#include <sys/socket.h>\n", "does no I/O")
        self.refused("src/ws/proto/frame.cpp", "#include <chrono>\n", "does no I/O")

    def test_proto_folders_use_only_public_headers_that_are_pure_all_the_way(self):
        headers = {
            "weft/ws/error.hpp": "#include <system_error>\n#include <weft/base/error.hpp>\n",
            "weft/ws/client.hpp": "#include <weft/ws/options.hpp>\n",
            "weft/ws/options.hpp": "#include <weft/ws/client.hpp>\n#include <weft/net/loop.hpp>\n",
        }
        proto = "src/ws/proto/frame.cpp"
        self.assertEqual(complaints(proto, "#include <weft/ws/error.hpp>\n", headers.get), [])
        self.assertEqual(
            complaints(proto, "#include <weft/ws/client.hpp>\n", headers.get),
            ["proto/ may use base and the proto/ of its own and lower protocols only: weft/net/loop.hpp, by way of weft/ws/options.hpp, "
             "by way of weft/ws/client.hpp"],
        )

    def test_public_headers_do_not_include_private_ones(self):
        self.refused("include/weft/ws/client.hpp", '#pragma once\n#include "ws/proto/frame.hpp"\n', "a public header")

    def test_programs_use_public_headers(self):
        self.refused("apps/weft/main.cpp", '#include "ws/proto/frame.hpp"\n', "public headers only")
        self.assertEqual(complaints("apps/weft/main.cpp", '#include "options.hpp"\n#include <weft/weft.hpp>\n'), [])

    def test_deadlines_are_made_by_later(self):
        self.refused("src/http/connection.cpp", "arm(now() + o.idle_timeout);\n", "later() does")
        self.refused("src/ws/connection_core.cpp", "arm(loop().now() +\n    wait);\n", "later() does")
        self.refused("src/ws/connection_core.cpp", "arm(now + wait);\n", "later() does")
        self.assertEqual(complaints("src/ws/connection_core.cpp", "arm(later(now(), wait));\n"), [])
        self.assertEqual(complaints("src/ws/connection_core.cpp", "const auto known + 1;\n"), [])

    def test_files_stay_small_and_guarded(self):
        self.refused("src/net/loop.cpp", "\n" * 801, "more than 800")
        self.refused("include/weft/net/loop.hpp", "#pragma once\n" + "\n" * 400, "more than 400")
        self.refused("src/net/loop.hpp", "int x;\n", "lacks `#pragma once`")
        self.refused("src/util/x.cpp", "", "no layer")

    def test_upward_links_are_refused(self):
        text = "weft_layer(http\n    SOURCES\n        a.cpp\n    USES net ws\n    LINK_PRIVATE ZLIB::ZLIB)\n"
        self.assertEqual(link_complaints(text), ["`http` may not link `ws`"])
        self.assertEqual(link_complaints("weft_layer(http SOURCES a.cpp USES net base)"), [])


if __name__ == "__main__":
    unittest.main()
