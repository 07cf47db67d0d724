"""Libraries of others as clients of `weft echo` and as servers of our client. Each has a small program of ours, with modes:

  echo URL [OPTION]   Sends texts and binary messages of every length form and waits for each to come back; then a text in
                      pieces and a ping, as far as the library can; closes with 4001 "bye". Asks for the subprotocols
                      "other" and "chat". Prints a line per step.
  wait URL [BYTES]    Sends one message of so many bytes, if any, and waits until the server closes.
  serve [OPTION]      Says `listening on URL` and echoes. Speaks the subprotocol "chat", sends a ping with "are you there"
                      and prints the pong, closes with 4321 "because" when told "leave", prints how connections end.

OPTION chooses what the library offers or accepts of permessage-deflate; without it, nothing. All go through a `Tap`, which
shows what was really said. Needs WEFT_BIN and CLIENT_PROBE_BIN."""

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
import support  # noqa: E402

SIZES = (0, 1, 125, 126, 65535, 65536, 1 << 20, 5_000_000)
MOST = 8 << 20  # bytes of a message that `weft echo` takes
VOLUME = 2 * sum(SIZES)  # bytes of the messages of a conversation, at least
PATIENCE = 100  # seconds of a conversation, on a machine that does much else
PROBE = os.environ.get("CLIENT_PROBE_BIN", "")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


class Tap:
    """A way to a server on loopback that keeps the heads and counts the bytes of the one connection through it."""

    def __init__(self, url):
        self._target = ("127.0.0.1", urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._heads = [b"", b""]
        self._counts = [0, 0]
        self._worker = threading.Thread(target=self._run, daemon=True)
        self._worker.start()

    def _run(self):
        with self._listener:
            self._listener.settimeout(support.PATIENCE)
            near, _ = self._listener.accept()
        with near, socket.create_connection(self._target) as far:
            there = threading.Thread(target=self._copy, args=(near, far, 0), daemon=True)
            there.start()
            self._copy(far, near, 1)
            there.join()

    def _copy(self, source, sink, way):
        try:
            while data := source.recv(1 << 18):
                if b"\r\n\r\n" not in self._heads[way]:
                    self._heads[way] += data
                self._counts[way] += len(data)
                sink.sendall(data)
        except OSError:
            pass  # a reset is an end as well
        for end, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(how)
            except OSError:
                pass

    def ended(self):
        """After the connection: the fields of the request and of the answer by lower-case name, and the bytes of each way."""
        self._worker.join(PATIENCE)
        fields = []
        for head in self._heads:
            lines = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
            fields.append({name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)})
        return (*fields, *self._counts)


class client:
    """The library as a client. A test case that has these sets:"""

    command = ()  # the program and what comes before the mode
    origin = None  # the Origin it sends by itself
    pieces = True  # it can send a message in pieces
    pings = True  # it can send a ping and see the pong
    farewell = "4001 "  # how it tells our answer to its close frame
    too_big = r"1009 .+"  # how it tells our close of a message that is too big
    going_away = r"1001 .*"  # ... and of a server that ends
    offers = {}  # option: (what is in its offer, what is in our answer)
    compresses = True  # it compresses what it sends once that is agreed

    def converse(self, *flags, option=None):
        with support.Server("echo", "--max-message", str(MOST), "--subprotocol", "chat", *flags) as server:
            tap = Tap(server.url)
            done = run(*self.command, "echo", tap.url, *([option] if option else []))
            seen = tap.ended()
        expected = ["open chat", *(f"text {size}" for size in SIZES), *(f"binary {size}" for size in SIZES)]
        expected += ["pieces text 5000000"] if self.pieces else []
        expected += ["pong are you there"] if self.pings else []
        self.assertEqual(done.stdout.split("\n"), [*expected, f"close {self.farewell}", ""], done.stderr)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(server.errors, r"\A(\S+ warning net: a turn took .*\n)*\Z")  # a busy machine
        return seen

    def test_echo(self):
        asked, _, sent, received = self.converse()
        self.assertEqual(asked.get("origin"), self.origin)
        self.assertGreater(min(sent, received), VOLUME)

    def test_echo_by_a_server_that_compresses(self):
        for option, (offer, answer) in {None: ("^$", "^$"), **self.offers}.items():
            with self.subTest(option=option):
                asked, answered, sent, received = self.converse("--deflate", option=option)
                self.assertRegex(asked.get("sec-websocket-extensions", ""), offer)
                self.assertRegex(answered.get("sec-websocket-extensions", ""), answer)
                check = self.assertLess if option else self.assertGreater
                check(received, VOLUME)  # the texts are half of it and nearly vanish
                if self.compresses:
                    check(sent, VOLUME)

    def test_a_message_that_is_too_big(self):
        with support.Server("echo", "--max-message", "100000") as server:
            done = run(*self.command, "wait", server.url, "100001")
        self.assertRegex(done.stdout, rf"\Aopen\nclose {self.too_big}\n\Z", done.stderr)

    def test_a_server_that_ends(self):
        with support.Server("echo") as server:
            child = subprocess.Popen([*self.command, "wait", server.url], stdout=subprocess.PIPE, text=True)
            self.addCleanup(child.kill)
            self.assertEqual(child.stdout.readline(), "open\n")
            self.assertEqual(server.stop(), 0)
            rest, _ = child.communicate(timeout=support.PATIENCE)
        self.assertRegex(rest, rf"\Aclose {self.going_away}\n\Z")


class server:
    """The library as a server of our client. A test case that has these sets:"""

    command = ()
    pings = True
    farewell = "4001 bye"  # how it tells our close frame
    answer = "4001  clean"  # how it answers that
    leaving = "4321 because"  # what arrives here of its own
    answers = {}  # option: what is in its answer to our offer

    CONVERSATION = ("text:hello ☕", "text:" + "again " * 200, "text:" + "again " * 200, "big:70000", "big:5000000")

    def converse(self, *steps, option=None, deflate=None, lines=0):
        """What our client says, the next lines of the library's program, and what the tap saw."""
        child = subprocess.Popen([*self.command, "serve", *([option] if option else [])], stdout=subprocess.PIPE, text=True)
        try:
            listening = re.fullmatch(r"listening on (\S+)\n", child.stdout.readline())
            self.assertIsNotNone(listening)
            tap = Tap(listening[1])
            done = run(PROBE, tap.url, "--subprotocol", "chat", *(["--deflate", deflate] if deflate else []), *steps)
            seen = tap.ended()
            heard = [child.stdout.readline() for _ in range(lines)]
        finally:
            child.kill()
            child.communicate()
        return done.stdout.split("\n"), heard, seen

    def check_conversation(self, **options):
        said, heard, seen = self.converse(*self.CONVERSATION, "close:4001", lines=1 + self.pings, **options)
        self.assertEqual(said, ["open chat", "text hello ☕", "text " + "again " * 200, "text " + "again " * 200,
                                "binary 70000 intact", "binary 5000000 intact", f"close {self.answer}", ""])
        self.assertEqual(heard, [*(["pong are you there\n"] if self.pings else []), f"close {self.farewell}\n"])
        return seen

    def test_conversation(self):
        for option in (None, *self.answers):
            with self.subTest(option=option):
                _, answered, _, _ = self.check_conversation(option=option)
                self.assertNotIn("sec-websocket-extensions", answered)

    def test_conversation_with_our_offer(self):
        for option, answer in {None: "^$", **self.answers}.items():
            for deflate in ("takeover", "alone"):
                with self.subTest(option=option, deflate=deflate):
                    asked, answered, _, _ = self.check_conversation(option=option, deflate=deflate)
                    self.assertRegex(asked["sec-websocket-extensions"], "^permessage-deflate;.* client_max_window_bits$")
                    self.assertRegex(answered.get("sec-websocket-extensions", ""), answer)

    def test_it_closes(self):
        said, _, _ = self.converse("text:leave")
        self.assertEqual(said, ["open chat", f"close {self.leaving} clean", ""])
