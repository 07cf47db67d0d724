"""Attacks on Engine.IO sessions and with Socket.IO packets: rows S1 to S11 of SECURITY.md."""

import json
import secrets
import time
from contextlib import suppress

import wire
from attacks import MIB, attack, socketio_echo, topics
from wire import frame

SECONDS = 4
HOST = "Host: 127.0.0.1\r\n"
POLL = "/socket.io/?EIO=4&transport=polling"
SOCKET = "/socket.io/?EIO=4&transport=websocket"


def request(method, path, body=b"", more=""):
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\n{HOST}{length}{more}\r\n".encode("latin-1") + body


def answer(stream):
    """Status and body of one answer with a length."""
    said = b""
    while b"\r\n\r\n" not in said:
        data = stream.recv(65536)
        if not data:
            return None, b""
        said += data
    head, _, body = said.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (data := stream.recv(65536)):
        body += data
    return int(head[9:12]), body


def session(stream):
    """A new polling session's id."""
    stream.sendall(request("GET", POLL))
    _, body = answer(stream)
    return json.loads(body[1:])["sid"]


def joined(port, **how):
    """A WebSocket client in the main namespace, and its frames."""
    stream, frames = wire.websocket(port, SOCKET, source="127.0.0.2", **how)
    stream.sendall(frame(1, b"40"))
    stream.settimeout(5)
    while not any(payload.startswith(b"40") for _, payload in frames.feed(stream.recv(65536))):
        pass
    return stream, frames


def fate(port, packets):
    """What becomes of a client that sends these: "alive" if an echo behind them is answered, the code of the close, "cut", or "silent"."""
    stream, frames = joined(port)
    with stream, suppress(ConnectionError):
        stream.sendall(b"".join(packets) + frame(1, b'429["echo","alive"]'))
        while True:
            try:
                data = stream.recv(65536)
            except TimeoutError:
                return "silent"
            if not data:
                break
            for opcode, payload in frames.feed(data):
                if payload.startswith(b'439["alive"'):
                    return "alive"
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big")
    return "cut"


def text(packet):
    return frame(1, packet if isinstance(packet, bytes) else packet.encode())


def refused_packets(fight, kinds):
    """Each ends its own connection and nobody else's."""
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        for packets in kinds:
            got = fate(fight.port, packets)
            fight.expect(got not in ("alive", "silent"), f"after {b''.join(packets)[:120]!r} it is {got}")
            count += 1
    fight.saw(f"{count} clients, {len(kinds)} kinds, each closed")


@attack("S1", "packets that announce attachments in every wrong way; 500 clients that announce ten and send none", socketio_echo(), memory=16 * MIB)
def attachments(fight):
    waiting = [joined(fight.port)[0] for _ in range(500)]
    for stream in waiting:
        stream.sendall(text('4510-["echo",{"_placeholder":true,"num":0}]'))
    refused_packets(fight, [[text(p)] for p in (
        '451000000-["echo"]', '450-["echo"]', '45-["echo"]', '451e1-["echo"]', '45+1-["echo"]', '45 1-["echo"]', '45-1-["echo"]', '451',
        '4511-["echo"]', '4599999999999999999999-["echo"]')] + [[frame(2, b"no packet waits for this")]])


@attack("S2", "placeholders that name attachments wrongly", socketio_echo())
def placeholders(fight):
    one = frame(2, b"bytes")
    kinds = [[text('451-["echo",{"_placeholder":true,"num":%s}]' % num), one] for num in ('"splice"', "-1", "1.5", "4294967296", "1", "null", "1e0")]
    kinds += [[text('451-["echo"]'), one], [text('452-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]'), one, one]]
    refused_packets(fight, kinds)


@attack("S3 S9", "malformed packets, reserved names, events before their namespace", socketio_echo())
def malformed_packets(fight):
    packets = ["42{}", '42[]', '42[null]', '42[{"a":1}]', '42["connect"]', '42["disconnecting"]', '42["echo"', '42["echo"]x', '4', '49',
               '4x["echo"]', "42/other,[\"echo\",\"x\"]", '42-1["echo"]', '4299999999999999999999["echo"]', "43x[]", '42["echo",NaN]',
               "4" * 5000, "7", "b4AAAA", '40/' + "n" * 5000 + ',', '42["' + "e" * 5000 + '"]']
    kinds = [[text(p)] for p in packets] + [[frame(1, b'42["echo","\x00"]')], [text('42["echo",' + "[" * 600 + "]" * 600 + "]")]]
    refused_packets(fight, kinds)
    stream, frames = wire.websocket(fight.port, SOCKET, source="127.0.0.2")
    stream.sendall(text('420["echo","too early"]'))
    fight.expect(wire.close_code(stream, 5) is not None, "an event before CONNECT did not end its connection")


@attack("S4", "names that mean something elsewhere, as namespaces, events, ids and transports", socketio_echo())
def strange_names(fight):
    names = ["__proto__", "constructor", "toString", "hasOwnProperty", "", "n" * 10_000, "%00", "..%2f"]
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        for name in names:
            for path in (f"/socket.io/?EIO=4&transport={name}", f"/socket.io/?EIO={name}&transport=polling", f"{POLL}&sid={name}"):
                with wire.connect(fight.port, source="127.0.0.2") as stream:
                    stream.sendall(request("GET", path))
                    status, _ = answer(stream)
                fight.expect(status in (400, 414), f"{path[:80]}: {status}")
            got = fate(fight.port, [text(f'42["{name}","x"]'), text(f"40/{name},")][:1 if len(name) < 999 else 2])
            fight.expect(got == ("alive" if len(name) < 999 else got) and (len(name) < 999 or got != "alive"), f"event {name[:20]!r}: {got}")
            count += 4
    fight.saw(f"{count} requests and clients")


@attack("S5 S8", "other revisions, transports and sessions than one's own", socketio_echo())
def foreign_sessions(fight):
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        with wire.connect(fight.port, source="127.0.0.2") as stream:
            sid = session(stream)
            flipped = sid[:-1] + ("A" if sid[-1] != "A" else "B")
            for path in (f"/socket.io/?EIO=3&transport=polling&sid={sid}", f"/socket.io/?EIO=4,4&transport=polling&sid={sid}",
                         f"/socket.io/?transport=polling&sid={sid}", f"{POLL}&sid={flipped}", f"{POLL}&sid={secrets.token_urlsafe(15)}",
                         f"{POLL}&sid={sid}&sid={flipped}"):
                with wire.connect(fight.port, source="127.0.0.2") as other:
                    other.sendall(request("GET", path))
                    status, _ = answer(other)
                fight.expect(status == 400, f"{path}: {status}")
            with wire.connect(fight.port, source="127.0.0.2") as other:
                other.sendall(wire.upgrade(f"/socket.io/?EIO=3&transport=websocket&sid={sid}"))
                fight.expect(other.recv(4096)[9:12] == b"400", "an upgrade of another revision")
            stream.sendall(request("POST", f"{POLL}&sid={sid}", b"41"))
            answer(stream)
        count += 7
    fight.saw(f"{count} refused")


@attack("S6", "10,000 POSTs that are refused, polls that overlap, upgrades that are reset", socketio_echo())
def refused_posts(fight):
    for i in range(10_000):
        with wire.connect(fight.port, source="127.0.0.2") as stream:
            if i % 4 == 0:
                stream.sendall(request("POST", f"{POLL}&sid=none", b"x" * 100, "Content-Type: application/octet-stream\r\n"))
            elif i % 4 == 1:
                stream.sendall(request("POST", POLL, b"4"))
            elif i % 4 == 2:
                stream.sendall(request("POST", f"{POLL}&sid=none")[:-4].replace(b"Content-Length: 0", b"Content-Length: 99999999") + b"\r\n\r\n")
            else:
                sid = session(stream)
                stream.sendall(request("GET", f"{POLL}&sid={sid}") * 2)  # answers are in order, so this is one after the other
                with wire.connect(fight.port, source="127.0.0.2") as second:
                    second.sendall(request("GET", f"{POLL}&sid={sid}"))
                    second.settimeout(5)
                    fight.expect(answer(second)[0] in (200, 400), "a second poll")
                continue
            status, _ = answer(stream)
            fight.expect(status in (400, 413), f"a refused POST: {status}")
    fight.saw("each answered")


@attack("S7", "bodies of 1 MB in chunks of one byte", socketio_echo(), memory=100 * MIB)
def tiny_chunks(fight):
    def took(size):
        with wire.connect(fight.port, source="127.0.0.2") as stream:
            sid = session(stream)
            stream.sendall(request("POST", f"{POLL}&sid={sid}").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
            begun = time.perf_counter()
            stream.sendall(b"1\r\n6\r\n" + b"1\r\nx\r\n" * size + b"0\r\n\r\n")
            status, _ = answer(stream)
            fight.expect(status == 200, f"{size} chunks: {status}")
            return time.perf_counter() - begun

    half = min(took(490_000) for _ in range(4))
    whole = min(took(980_000) for _ in range(4))
    fight.saw(f"{half * 1000:.0f} ms for half, {whole * 1000:.0f} ms for the whole")
    fight.expect(whole < 2.5 * half, "time grows faster than size")


@attack("S11", "20 clients send acknowledgements that nobody asked for", socketio_echo())
def acknowledgements(fight):
    streams = [joined(fight.port)[0] for _ in range(20)]
    block = b"".join(text(f"43{i}[]") for i in range(500))
    senders = wire.flood(streams, block, SECONDS)
    fight.saw(f"{sum(s.sent for s in senders) * 500 // len(block) / 1e6:.1f} million; {wire.totals(senders)}")


@attack("", "60 clients send events without a pause", socketio_echo(), memory=200 * MIB)
def event_flood(fight):
    streams = [joined(fight.port)[0] for _ in range(60)]
    senders = wire.flood(streams, text('421["echo","hello"]') * 500, SECONDS)
    fight.saw(wire.totals(senders))
    fight.expect(all(s.alive for s in senders), "an honest sender was cut off")


def handshake_flood(fight, streams, seconds):
    senders = wire.flood(streams, request("GET", POLL) * 100, seconds)
    opened = sum(s.sent for s in senders) / len(request("GET", POLL))
    fight.saw(f"about {opened / 1e3:.0f} thousand asked for; {wire.totals(senders)}")


@attack("", "four connections of one address pipeline handshakes of polling sessions", socketio_echo(), memory=100 * MIB)
def polling_sessions(fight):
    handshake_flood(fight, [wire.connect(fight.port, source="127.0.0.2") for _ in range(4)], 8)


@attack("", "60 connections of 60 addresses pipeline handshakes of polling sessions", socketio_echo(), memory=1000 * MIB)
def sessions_of_many(fight):
    handshake_flood(fight, [wire.connect(fight.port, source=f"127.0.0.{i + 2}") for i in range(60)], 8)
    with suppress(OSError):
        with wire.connect(fight.port, source="127.0.9.9") as stream:
            stream.settimeout(5)
            fight.expect(len(session(stream)) >= 20, "a newcomer got no polling session")


@attack("P11", "arrays in arrays, a million deep, as topics' requests and as packets", topics())
def deep_json(fight):
    count, end = 0, time.monotonic() + SECONDS
    deep = b"[" * 1_000_000
    while time.monotonic() < end:
        stream, frames = wire.websocket(fight.port, "/ws", source="127.0.0.2")
        with stream:
            for data in (deep, b'{"type":"publish","topic":"t","data":' + b"[" * 600 + b"]" * 600 + b"}", b'{"a":' * 100_000):
                stream.sendall(frame(1, data))
            got = []
            stream.settimeout(5)
            while len(got) < 3 and (data := stream.recv(65536)):
                got += [payload for _, payload in frames.feed(data)]
        fight.expect(all(b'"error"' in payload for payload in got), f"answers {got}")
        count += 3
    fight.saw(f"{count} refused")
