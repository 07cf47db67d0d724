"""Attacks with frames: rows W1 to W13 of SECURITY.md."""

import json
import random
import re
import struct
import time
import zlib
from contextlib import suppress

import wire
from attacks import MIB, attack, echo, topics
from wire import frame

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
SECONDS = 4


def deflated(data):
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]


def outcome(port, text, more="", path="/"):
    """What becomes of a new WebSocket that sends `text` and then asks for a pong: "alive", its close code, or None if it was cut."""
    stream, frames = wire.websocket(port, path, more, source="127.0.0.2")
    with stream, suppress(OSError):
        stream.sendall(text + frame(9, b"alive"))
        stream.settimeout(5)
        while data := stream.recv(65536):
            for opcode, payload in frames.feed(data):
                if opcode == 10 and payload == b"alive":
                    return "alive"
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
    return None


def open_many(port, count, path="/", more="", addresses=1, **how):
    """WebSockets from one address or from many."""
    return [wire.websocket(port, path, more, source=f"127.0.{1 + i % addresses // 200}.{2 + i % 200 if addresses > 1 else 2}", **how)[0]
            for i in range(count)]


@attack("W1", "all 256 first bytes, masked and not, outside and within messages", echo())
def first_bytes(fight):
    tried = 0
    for state in (b"", frame(1, b"a", fin=False), frame(2, b"a", fin=False)):
        for first in range(256):
            for masked in (True, False):
                opcode, fin, rsv = first & 15, first >> 7, first >> 4 & 7
                legal = masked and not rsv and opcode in ((0, 8, 9, 10) if state else (1, 2, 8, 9, 10)) and (opcode < 8 or fin)
                right = 1002 if not legal else 1005 if opcode == 8 else "alive"
                got = outcome(fight.port, state + frame(opcode, b"", fin=bool(fin), rsv=rsv, masked=masked))
                fight.expect(got == right, f"{first:02x}, masked {masked}, after {state!r}: {got}, not {right}")
                tried += 1
    fight.saw(f"{tried} cases, as RFC 6455 says")


@attack("W2", "lengths up to 2^64, first and after a fragment; 1,000 connections that announce 1 MiB and send nothing",
        echo("--max-message", str(MIB)), memory=16 * MIB)
def lying_lengths(fight):
    lengths = [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**64 - 1, MIB + 1]
    for before in (b"", frame(2, b"ten bytes.", fin=False)):
        opcode = 0 if before else 2
        for length in lengths:
            got = outcome(fight.port, before + frame(opcode, b"some", length=length))
            fight.expect(got in ((1002,) if length >= 2**63 else (1009,)), f"{length} after {before!r}: {got}")
        for text in (struct.pack("!BBH", 0x80 | opcode, 0xfe, 125), struct.pack("!BBQ", 0x80 | opcode, 0xff, 65535)):
            got = outcome(fight.port, before + text + bytes(4))
            fight.expect(got == 1002, f"a length in too many bytes: {got}")
        if before:
            got = outcome(fight.port, before + frame(0, b"some", length=MIB - 5))
            fight.expect(got == 1009, f"a fragment that makes it too long: {got}")
    streams = open_many(fight.port, 1000)
    for stream in streams:
        stream.sendall(frame(2, b"", length=MIB))
    time.sleep(2)
    fight.saw("1009 and 1002; nothing is kept of what is only announced")


@attack("W3", "50 connections send a message of 1 MiB a byte per segment", echo())
def tiny_segments(fight):
    streams = open_many(fight.port, 50)
    for stream in streams:
        stream.sendall(frame(2, b"", length=MIB))
    senders = wire.flood(streams, b"x", SECONDS)
    fight.saw(f"{sum(s.sent for s in senders)} segments")
    fight.expect(all(s.alive for s in senders), "a slow message was cut off at once")


@attack("W3", "20 connections send empty fragments without an end", echo("--max-message", str(MIB)))
def empty_fragments(fight):
    streams = open_many(fight.port, 20)
    for stream in streams:
        stream.sendall(frame(2, b"", fin=False))
    senders = wire.flood(streams, frame(0, b"", fin=False) * 1000, SECONDS, read=False)
    codes = {wire.close_code(s.stream, 5) for s in senders if not s.alive}
    fight.saw(f"{wire.totals(senders)}; codes {sorted(map(str, codes))}")
    fight.expect(any(not s.alive for s in senders), "nobody was stopped")


@attack("W5", "3,000 texts that are UTF-8 or nearly, whole and in fragments", echo())
def utf8(fight):
    random.seed(7)
    edges = [0, 0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff]
    texts = [bytes(random.choice(edges) for _ in range(random.randint(1, 5))) for _ in range(1500)]
    for text in texts:
        try:
            text.decode()
            right = "alive"
        except UnicodeDecodeError:
            right = 1007
        at = random.randint(0, len(text))
        for sent in (frame(1, text), frame(1, text[:at], fin=False) + frame(0, text[at:])):
            got = outcome(fight.port, sent)
            fight.expect(got == right, f"{text!r}: {got}, not {right}")
    fight.expect(outcome(fight.port, frame(1, b"\xed\xa0", fin=False)) == 1007, "not refused at the first wrong byte")
    fight.saw("as Python's decoder says")


@attack("W6", "6,000 codes of close frames, one-byte reasons, data after the close", echo())
def close_codes(fight):
    for code in [*range(0, 5100), *range(5100, 65536, 67)]:
        legal = 3000 <= code < 5000 or 1000 <= code <= 1014 and code not in (1004, 1005, 1006)
        got = outcome(fight.port, frame(8, struct.pack("!H", code)))
        fight.expect(got == (code if legal else 1002), f"{code}: {got}")
    fight.expect(outcome(fight.port, frame(8, b"x")) == 1002, "a payload of one byte")
    fight.expect(outcome(fight.port, frame(8, b"\x03\xe8\xff")) == 1007, "a reason that is no UTF-8")
    fight.expect(outcome(fight.port, frame(8, b"\x03\xe8") + frame(1, b"x") + frame(8, b"\x0f\xa0")) == 1000, "data after a close")
    fight.saw("legal ones come back, all others get 1002")


@attack("W7", "bombs: 260 KB that inflate to 256 MB, whole, in pieces, and before a broken block", echo("--deflate", "--max-message", str(MIB)))
def bombs(fight):
    bomb = deflated(bytes(256 * 10**6))
    pieces = [bomb[i:i + 999] for i in range(0, len(bomb), 999)]
    shapes = {"whole": frame(2, bomb, rsv=4),
              "in pieces": frame(2, b"", rsv=4, fin=False) + b"".join(frame(0, p, fin=False) for p in pieces) + frame(0, b""),
              "16 MB": frame(2, deflated(bytes(16 * 10**6)), rsv=4),
              "then broken": frame(2, bomb[:3000] + b"\xff" * 1000, rsv=4)}
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        for name, text in shapes.items():
            streams = open_many(fight.port, 5, more=OFFER)
            for stream in streams:
                with suppress(OSError):
                    stream.sendall(text)
            codes = {wire.close_code(stream, 5) for stream in streams}
            fight.expect(codes <= {1009, 1007}, f"{name}: {codes}")
            count += len(streams)
    fight.saw(f"{count} bombs of {len(bomb)} bytes and less, all 1009")


@attack("W8", "compressed messages that end their streams, carry stored blocks, leftovers and nothing", echo("--deflate"))
def desynchronised(fight):
    def last(data):
        press = zlib.compressobj(9, zlib.DEFLATED, -15)
        return press.compress(data) + press.flush()

    stored = b"\0\x05\0\xfa\xffhello\0"
    end, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        stream, frames = wire.websocket(fight.port, more=OFFER, source="127.0.0.2")
        with stream:
            texts = [b"message %d" % i for i in range(5)]
            stream.sendall(b"".join(frame(1, last(t), rsv=4) for t in texts) + frame(1, stored, rsv=4) + frame(1, b"\0", rsv=4) + frame(1, b"plain"))
            got = []
            stream.settimeout(5)
            while len(got) < 8 and (data := stream.recv(65536)):
                got += [payload for _, payload in frames.feed(data)]
        fight.expect(len(got) == 8 and got[-1] == b"plain", f"of 8 messages came {got}")
        for name, text in (("leftovers", last(b"x") + b"leftover"), ("a broken block", b"\x07\xff"), ("a wrong distance", b"\x02\x03\x00\xff")):
            got = outcome(fight.port, frame(1, text, rsv=4), OFFER)
            fight.expect(got == 1007, f"{name}: {got}")
        for name, text in (("a control frame", frame(9, b"", rsv=4)), ("a continuation", frame(1, b"", fin=False) + frame(0, b"", rsv=4))):
            got = outcome(fight.port, text, OFFER)
            fight.expect(got == 1002, f"{name}: {got}")
        count += 1
    fight.saw(f"{13 * count} messages")


@attack("W9 W13", "offers of extensions, subprotocols and keys that parsers choke on", echo("--deflate", "--subprotocol", "chat"))
def strange_offers(fight):
    offers = ["; a=b" * 1400, "; constructor", "; __proto__=1", "; server_max_window_bits=8", "; server_max_window_bits=16",
              "; server_max_window_bits=007", "; server_max_window_bits=-1", "; server_max_window_bits=1e1", "; x=\"" + "\\\\" * 3000,
              "; server_max_window_bits=15; server_max_window_bits=15", ", permessage-deflate" * 300, "," * 8000]
    lines = [f"Sec-WebSocket-Extensions: permessage-deflate{offer}\r\n" for offer in offers]
    lines += ["Sec-WebSocket-Protocol: " + " " * 8000 + "\r\n", "Sec-WebSocket-Protocol: " + "," * 8000 + "\r\n",
              "Sec-WebSocket-Protocol: " + "a, " * 2700 + "\r\n", "X: a\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"]
    keys = ["", "A", "A" * 24, "A" * 8000, "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA===", "AAAAAAAAAAA AAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAA\xff=="]
    heads = [wire.upgrade("/", line) for line in lines]
    heads += [wire.upgrade("/").replace(b"AAAAAAAAAAAAAAAAAAAAAA==", key.encode("latin-1")) for key in keys]
    answers, end = {}, time.monotonic() + SECONDS
    while time.monotonic() < end:
        for i, head in enumerate(heads):
            with wire.connect(fight.port, source="127.0.0.2") as stream:
                stream.sendall(head)
                said = stream.recv(65536)
            status = said[9:12].decode("latin-1")
            answers[status] = answers.get(status, 0) + 1
            fight.expect(status == "400" if i >= len(lines) else status in ("101", "400", "431"), f"{head[:300]!r}: {said[:100]!r}")
    fight.saw(f"{sum(answers.values())} handshakes, answers {', '.join(sorted(answers))}")


class Member:
    """A client of the topic protocol, with what it is to get and what it got."""

    def __init__(self, fight, index):
        self.fight, self.id = fight, 0
        self.stream, self.frames = wire.websocket(fight.port, "/ws", source=f"127.0.0.{2 + index}")
        self.topics, self.due, self.got = set(), [], []

    def ask(self, **what):
        """Sends a request, and takes what comes until it is answered."""
        self.id += 1
        self.stream.sendall(frame(1, json.dumps({**what, "id": self.id}).encode()))
        answered = False
        while not answered:
            for _, payload in self.frames.feed(self.stream.recv(65536)):
                said = json.loads(payload)
                self.fight.expect(said["type"] != "error", f"an error: {said}")
                if said["type"] == "message":
                    self.got.append((said["topic"], said["data"]))
                answered = answered or said.get("id") == self.id


@attack("S10", "60 clients come to and leave topics with names that resemble each other, and publish", topics())
def neighbours(fight):
    names = ["a", "A", "a ", " a", "a/b", "a/", "/a", "aa", "a.b", "a*", "*", "#", "a#", "/#", "socket.io#/#", "ä", "a\u0308", "é" * 60]
    members, random_ = [Member(fight, i) for i in range(60)], random.Random(11)
    end, serial = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        one, topic = random_.choice(members), random_.choice(names)
        if random_.random() < 0.3:
            one.ask(type="unsubscribe" if topic in one.topics else "subscribe", topic=topic)
            one.topics ^= {topic}
            continue
        serial += 1
        one.ask(type="publish", topic=topic, data=serial)
        for other in members:
            if topic in other.topics and other is not one:
                other.due.append((topic, serial))
    for one in members:
        one.ask(type="ping")
        fight.expect(one.got == one.due, f"a client got {len(one.got)} messages, not the {len(one.due)} of its topics")
    fight.saw(f"{serial} messages, {sum(len(m.due) for m in members)} deliveries, each to members only, in order, once")


@attack("W11", "1,000 members of a topic read nothing while it receives 10 MB/s", topics(), memory=200 * MIB)
def slow_consumers(fight):
    stuck = open_many(fight.port, 1000, "/ws", receive=2048)
    for stream in stuck:
        stream.sendall(frame(1, b'{"type":"subscribe","topic":"news"}'))
    publishers = open_many(fight.port, 5, "/ws")
    text = frame(1, b'{"type":"publish","topic":"news","data":"' + b"x" * 60000 + b'"}')
    senders = wire.flood(publishers, text, 8, rate=10e6 / len(text))
    told = re.search(r'weft_ws_errors_total{error="slow_consumer"} (\d+)', fight.metrics())
    fight.saw(f"{wire.totals(senders)}; {told[1]} of 1,000 were closed as slow")
    fight.expect(told[1] == "1000", "not all stuck members were closed")
    fight.expect(all(s.alive for s in senders), "a publisher was cut off")


@attack("W11", "100 KB go to 1,030 members of a topic, 5 times a second", topics(), memory=200 * MIB)
def wide_topic(fight):
    members = open_many(fight.port, 1030, "/ws")
    for stream in members:
        stream.sendall(frame(1, b'{"type":"subscribe","topic":"news"}'))
    publisher = wire.websocket(fight.port, "/ws", source="127.0.0.2")[0]
    text = frame(1, b'{"type":"publish","topic":"news","data":"' + b"x" * 100_000 + b'"}')
    for _ in range(5 * SECONDS):
        publisher.sendall(text)
        wire.flood(members, b"", 0.2, rate=0.001)
    alive = sum(s.alive for s in wire.flood(members, b"", 2, rate=0.001))
    fight.expect(alive == len(members), f"{len(members) - alive} members were cut off")
    fight.saw(f"{5 * SECONDS} messages")


@attack("", "60 connections send small messages without a pause", echo(), memory=200 * MIB)
def message_flood(fight):
    streams = open_many(fight.port, 60)
    senders = wire.flood(streams, frame(2, b"twenty bytes of data") * 500, SECONDS)
    fight.saw(wire.totals(senders))
    fight.expect(all(s.alive for s in senders), "an honest sender was cut off")


@attack("P4", "connections that reset while they are being answered", echo())
def resets(fight):
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        stream = wire.websocket(fight.port, source="127.0.0.2", receive=2048)[0]
        stream.setblocking(False)
        with suppress(OSError):
            stream.send(frame(2, bytes(60000)))
        stream.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: close() sends a reset
        stream.close()
        count += 1
    fight.saw(f"{count} resets")


@attack("W7", "200 connections send 1 KB messages that inflate to 1 MiB, 1 MB/s in all", echo("--deflate", "--max-message", str(MIB)),
        memory=900 * MIB)
def inflated_bytes(fight):
    message = frame(2, deflated(bytes(MIB)), rsv=4)
    streams = open_many(fight.port, 200, more=OFFER)
    senders = wire.flood(streams, message, SECONDS, rate=1e6 / len(message))
    fight.saw(f"{len(message)} bytes per message; {wire.totals(senders)}")
    fight.expect(all(s.alive for s in senders), "a sender within all limits was cut off")


@attack("W4", "20 connections send pings without a pause and read nothing", echo())
def ping_flood(fight):
    streams = open_many(fight.port, 20)
    senders = wire.flood(streams, frame(9, b"x" * 125) * 100, SECONDS, read=False)
    codes = {wire.close_code(s.stream, 5) for s in senders}
    fight.saw(f"{wire.totals(senders)}; close codes {sorted(map(str, codes))}")
    fight.expect(codes <= {1008, None}, f"close codes {codes}")


@attack("W3", "20 connections send endless messages in one-byte fragments", echo(), memory=400 * MIB)  # 20 times max_message
def tiny_fragments(fight):
    streams = open_many(fight.port, 20)
    for stream in streams:
        stream.sendall(frame(2, b"x", fin=False))
    senders = wire.flood(streams, frame(0, b"x", fin=False) * 1000, SECONDS)
    fight.saw(wire.totals(senders))
