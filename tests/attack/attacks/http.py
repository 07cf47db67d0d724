"""Attacks below WebSocket: rows H1 to H10 of SECURITY.md, and requests that come all at once."""

import re
import time

import wire
from attacks import MIB, attack, echo, topics

HOST = "Host: 127.0.0.1\r\n"
GET = f"GET /a.txt HTTP/1.1\r\n{HOST}\r\n".encode()
SITE = {"a.txt": b"small\n"}
SECONDS = 4

# What may be read in two ways. Each is refused and the connection closed, so that what follows is no request.
SMUGGLES = [head.encode("latin-1") for head in (
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: +5\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 0x5\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5, 5\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 99999999999999999999\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length : 5\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, identity\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: \x0bchunked\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    f"POST / HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}Host: other\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}X: a\r\n b\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}X: a\rGET /admin HTTP/1.1\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}X: a\0b\r\n\r\n",
    f"GET / HTTP/1.1\n{HOST}\n",
    f"GET / HTTP/1.1\r\n{HOST}: empty\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST} X: a\r\n\r\n",
    f"GET  / HTTP/1.1\r\n{HOST}\r\n",
    f"GET / HTTP/1.9\r\n{HOST}\r\n",
    f"GET / HTTP/2.0\r\n{HOST}\r\n",
    f"GET / http/1.1\r\n{HOST}\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)]


def statuses(said):
    """Of the answers in what a server said: the first, and how many there are."""
    found = re.findall(rb"HTTP/1\.1 (\d\d\d) ", said)
    return (int(found[0]) if found else None), len(found)


def refused_once(fight, port, text, name, pieces=False):
    """One answer of 4xx or 5xx, then the end, whatever is behind it."""
    with wire.connect(port, source="127.0.0.2") as stream:
        try:
            for piece in (text[i:i + 1] for i in range(len(text))) if pieces else (text,):
                stream.sendall(piece)
            stream.sendall(GET)
        except OSError:
            pass
        said, ended = wire.read_all(stream, 5)
    status, count = statuses(said)
    fight.expect(ended and count <= 1 and (status is None or status >= 400), f"{name}: {status}, {count} answers, ended {ended}")
    return status


@attack("H1", "requests that can be read in two ways, whole and byte by byte, with a second one behind", topics(files=SITE))
def smuggling(fight):
    rounds, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end or not rounds:
        for text in SMUGGLES:
            refused_once(fight, fight.port, text, repr(text), pieces=rounds % 2 == 1)
        rounds += 1
    fight.saw(f"{rounds * len(SMUGGLES)} refused, {len(SMUGGLES)} kinds")


@attack("H2", "upgrades with a body or a wrong version, and a request behind them", topics(files=SITE))
def smuggling_by_upgrade(fight):
    whole = wire.upgrade("/ws").decode()
    texts = [whole.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello").encode(),
             whole.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode(),
             whole.replace("Version: 13", "Version: 777").encode(), whole.replace("Version: 13", "Version: 8").encode()]
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        for text in texts:
            refused_once(fight, fight.port, text, repr(text))
            count += 1
    fight.saw(f"{count} refused")


@attack("H3", "200 connections send heads of 16 KB byte by byte; lines of 1 MB; 65 headers", topics(files=SITE))
def long_heads(fight):
    head = f"GET /a.txt HTTP/1.1\r\n{HOST}".encode() + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 7900) for i in range(2))
    streams = [wire.connect(fight.port, source="127.0.0.2") for _ in range(200)]
    for stream in streams:
        stream.setblocking(False)
    end, at = time.monotonic() + SECONDS, 0
    while time.monotonic() < end and at < len(head):
        for stream in streams:
            stream.send(head[at:at + 1])
        at += 1
    for stream in streams:
        stream.settimeout(5)
        stream.sendall(head[at:] + b"\r\n")
    answers = {statuses(stream.recv(4096))[0] for stream in streams}
    fight.expect(answers == {200}, f"long heads: {answers}")
    for name, text, right in (("a line of 1 MB", b"GET /" + b"a" * MIB, 414), ("a header of 1 MB", GET[:-2] + b"X: " + b"a" * MIB, 431),
                              ("65 headers", GET[:-2] + b"X: a\r\n" * 64 + b"\r\n", 431),
                              ("64 headers", GET[:-4] + b"\r\nX: a" * 63 + b"\r\nConnection: close\r\n\r\n", 431),
                              ("63 headers", GET[:-4] + b"\r\nX: a" * 61 + b"\r\nConnection: close\r\n\r\n", 200)):
        said, ended = wire.ask(fight.port, text, source="127.0.0.2")
        fight.expect(ended and statuses(said)[0] == right, f"{name}: {statuses(said)}, ended {ended}")
    fight.saw(f"200 heads in {at} pieces of a byte and one more")


@attack("H6", "a thousand ways to leave the folder", topics(files={**SITE, ".secret": b"canary"}))
def path_traversal(fight):
    (fight.folder / "outside.txt").write_text("canary")
    (fight.folder / "site" / "link").symlink_to(fight.folder / "outside.txt")
    ups = ["..", "%2e%2e", ".%2e", "%2E.", "..%00", "..;", "%252e%252e", "..%c0%af", "%c0%ae%c0%ae", "..\\", "..%5c", "%2e%2e%5c", "...", "....//"]
    slashes = ["/", "//", "%2f", "%2F", "/./", "\\", "%5c", "%252f", "/a.txt/"]
    targets = ["outside.txt", "etc/passwd", "proc/self/environ"]
    paths = ["/" + slash.join([up] * depth + [target]) for up in ups for slash in slashes for depth in (1, 3, 8) for target in targets]
    paths += ["/link", "/.secret", "/%2esecret", "/./.secret", "/a.txt/../.secret", "//etc/passwd", "/%00", "/a.txt%00.html"]
    found, begun = {}, time.monotonic()
    while time.monotonic() < begun + 2 or not found:
        for i in range(0, len(paths), 50):
            text = b"".join(f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode() for path in paths[i:i + 1])
            for path in paths[i:i + 50]:
                text = f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode()
                said, _ = wire.ask(fight.port, text, source="127.0.0.2")
                status = statuses(said)[0]
                found[status] = found.get(status, 0) + 1
                fight.expect(b"canary" not in said and b"root:" not in said and b"PATH=" not in said, f"{path} was served")
    fight.expect(set(found) <= {301, 308, 400, 404}, f"answers {found}")
    fight.saw(f"{sum(found.values())} requests, answers {', '.join(map(str, sorted(found)))}")


@attack("H7 H8", "secrets and forged lines in 3,000 requests of every kind, the log at debug", topics("--log-level", "debug", files=SITE))
def log_secrets(fight):
    secret = "canary-5eaf00d"
    forged = "%0d%0a2026-01-01T00:00:00Z%20error%20forged"
    for i in range(3000):
        path = f"/{forged}?token={secret}&sid={secret}" if i % 2 else f"/\x7f\x9b31m?access_token={secret}"
        text = (f"GET {path} HTTP/1.1\r\n{HOST}Authorization: Bearer {secret}\r\nCookie: sid={secret}\r\nX: \x1b[31m\r\n"
                f"Sec-WebSocket-Protocol: token.{secret}\r\nConnection: close\r\n"
                + ("Upgrade: websocket\r\n" if i % 3 == 0 else "") + "\r\n")
        said, _ = wire.ask(fight.port, text.encode("latin-1"), source="127.0.0.2")
        head = said.partition(b"\r\n\r\n")[0]
        fight.expect(b"\nSet-Cookie" not in head and b"forged\r\n" not in head, f"a split answer: {head!r}")
    log = fight.log.read_bytes()
    fight.expect(secret.encode() not in log, "the log has a secret")
    lines = log.decode("utf-8").split("\n")  # raises if it is not UTF-8
    fight.expect(all(re.match(r'\{"time":"\d{4}-\d\d-\d\dT|$', line) for line in lines), "the log has a line that is none")
    fight.expect("\x1b" not in log.decode() and "\x9b" not in log.decode(), "the log has an escape")
    fight.saw(f"{len(lines) - 1} lines of log, no secret")


def series(fight):
    return sum(not line.startswith("#") for line in fight.metrics().splitlines())


@attack("H9", "10,000 topics of 100 connections; counters asked for where the public is", topics(files=SITE))
def label_explosion(fight):
    before = series(fight)
    for path in ("/metrics", "/metrics/", "/%6detrics"):
        said, _ = wire.ask(fight.port, f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
        fight.expect(statuses(said)[0] in (400, 404), f"{path}: {statuses(said)}")
    streams = [wire.websocket(fight.port, "/ws", source="127.0.0.2")[0] for _ in range(100)]
    for n in range(100):
        for i, stream in enumerate(streams):
            stream.send(wire.frame(1, b'{"type":"subscribe","topic":"t%d-%d"}' % (i, n)))
        time.sleep(0.02)
    after = series(fight)
    fight.expect(after == before, f"{before} series became {after}")
    fight.saw(f"{after} series before and after")


@attack("H10", "one address opens 1,000 connections and says each time that it is another", echo("--max-connections-per-address", "300"))
def spoofed_address(fight):
    got, open_streams = {}, []
    for i in range(1000):
        stream = wire.connect(fight.port, source="127.0.0.2")
        open_streams.append(stream)
        claim = f"10.{i >> 8}.{i & 255}.1"
        try:
            stream.sendall(wire.upgrade("/", f"X-Forwarded-For: {claim}\r\nForwarded: for={claim}\r\nX-Real-IP: {claim}\r\n"))
            status = statuses(stream.recv(4096))[0]
        except OSError:
            status = None
        got[status] = got.get(status, 0) + 1
    fight.expect(got.get(101) == 300, f"answers {got}")
    fight.saw(f"300 let in, {1000 - got.get(101, 0)} refused")


@attack("", "60 connections pipeline small requests without a pause", topics(files=SITE))
def pipelined_requests(fight):
    streams = [wire.connect(fight.port, source="127.0.0.2") for _ in range(60)]
    senders = wire.flood(streams, GET * 500, SECONDS)
    fight.saw(f"{sum(s.sent for s in senders) // len(GET)} requests; {wire.totals(senders)}")
    fight.expect(all(s.alive for s in senders), "an honest pipeline was cut off")
