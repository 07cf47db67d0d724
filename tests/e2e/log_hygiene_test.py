"""What strangers send does not come out of the log, the counters or the replies to others: neither their secrets nor
bytes that forge a line or steer a terminal. All levels are on. Needs WEFT_BIN and DOORS_APP_BIN."""

import base64
import hashlib
import hmac
import json
import os
import socket
import time
import unittest
from contextlib import contextmanager

import support

SECRET = "x" * 48
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
PLACES = ("query_token", "query_access_token", "query_auth", "query_sid", "authorization", "cookie", "subprotocol",
          "socketio_auth", "first_message")


def sign(life, subject="ada", **more):
    """A token that the application accepts for `life` seconds."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {"iss": "doors", "aud": "doors", "sub": subject, "iat": int(time.time()) - 60,
              "exp": int(time.time()) + life, **more}
    own = hashlib.sha256(json.dumps(claims).encode()).hexdigest()[:12]  # so that no two begin alike
    text = part(f'{{"x":"{own}","alg":"HS256"}}'.encode()) + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))


def head(target, headers=(), method="GET", version="HTTP/1.1", host="localhost"):
    lines = {"Host": host, **dict(headers)}
    return (f"{method} {target} {version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items() if v is not None)
            + "\r\n").encode("latin-1")


def frame(payload, opcode=1):
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload


class Peer:
    """One connection; what it sent is answered when the server closes, or when `until` came."""

    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=support.PATIENCE)
        self.got = b""

    def ask(self, data, until=None):
        self.stream.sendall(data)
        return self.read(until)

    def read(self, until=None):
        start = len(self.got)
        try:
            while until is None or until not in self.got[start:]:
                piece = self.stream.recv(65536)
                if not piece:
                    break
                self.got += piece
        except ConnectionResetError:
            pass
        return self.got[start:]


class Strangers:
    """Peers with secrets in every place, and all that they were answered."""

    def __init__(self, port, make_secret):
        self.port = port
        self.secrets = {place: make_secret(place) for place in PLACES}
        self.answers = b""

    @property
    def query(self):
        s = self.secrets
        return f"token={s['query_token']}&access_token={s['query_access_token']}&auth={s['query_auth']}&sid={s['query_sid']}"

    @property
    def headers(self):
        s = self.secrets
        return {"Authorization": f"Bearer {s['authorization']}", "Cookie": f"token={s['cookie']}; id={s['cookie']}",
                "Sec-WebSocket-Protocol": f"doors.v1, bearer.{s['subprotocol']}"}

    def send(self, *data):
        peer = Peer(self.port)
        peer.ask(b"".join(data[:1]), until=b"\r\n\r\n")
        for each in data[1:]:
            peer.stream.sendall(each)
        peer.stream.shutdown(socket.SHUT_WR)
        peer.read()
        peer.stream.close()
        self.answers += peer.got

    def everything(self, path, **more):
        return self.send(head(f"{path}?{self.query}", {**self.headers, **more.pop("headers", {})}, **more))

    def one_place_each(self, path, more=()):
        """A request for each place alone, so that the token in it is what is judged."""
        for name in ("token", "access_token", "auth", "sid"):
            self.send(head(f"{path}?{name}={self.secrets['query_' + name]}", more))
        for name, value in self.headers.items():
            self.send(head(path, {**dict(more), name: value}))


def attack_http(peers):
    for path in ("/nothing", "/throw", "/slow", "/members/secret", "/members/nothing", "/events", "/socket.io/",
                 "/socket.io", "/topics"):
        peers.everything(path)
        peers.everything(path, method="POST", headers={"Content-Length": "0"})
        peers.everything(path, method="DELETE")
        peers.everything(path, host="evil.example")
        peers.everything(path, headers={"Origin": "https://evil.example"})
    peers.one_place_each("/members/secret")
    peers.one_place_each("/members/secret", {"Origin": "https://evil.example"})
    # Heads with something wrong in them.
    target = f"/nothing?{peers.query}"
    for broken in ({"Bad Name": "x"}, {"X": "a\0b"}, {"X": "a\r\n folded"}, {"X": "a\nb"}, {"Content-Length": "1x"},
                   {"Transfer-Encoding": "nonsense"}, {"X": "y" * 9000}, {f"X{i}": "y" for i in range(100)},
                   {"Host": None}, {"Content-Length": "99999999"}, {"Expect": "nonsense"}):
        peers.send(head(target, {**peers.headers, **broken}))
    for version in ("HTTP/9.9", "HTTP/1.0", "HTTP/2.0", "XTTP/1.1", ""):
        peers.send(head(target, peers.headers, version=version))
    for odd in (f"http://user:{peers.secrets['authorization']}@localhost{target}", f"http://localhost{target}",
                f"{target}#{peers.secrets['query_token']}", f"//{target}", f"*?{peers.query}", f"?{peers.query}",
                target + "&x=" + "y" * 9000, target + "\x80", target + " y"):
        peers.send(head(odd, peers.headers))
        peers.send(head(odd, {**peers.headers, **UPGRADE}))


def attack_websockets(peers):
    for path in ("/ws", "/member-ws", "/checked", "/topics", "/socket.io/?EIO=4&transport=websocket&"):
        target = f"{path}?{peers.query}" if "?" not in path else path + peers.query
        for more in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-WebSocket-Version": "7"},
                     {"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Key": None}, {"Sec-WebSocket-Extensions": ";;;"}):
            peers.send(head(target, {**peers.headers, **UPGRADE, **more}), frame(b"throw"))
        peers.send(head(target, {**peers.headers, **UPGRADE, "Content-Length": "3"}) + b"abc")
        peers.one_place_each(path.rstrip("&"), UPGRADE)
        for payload in (b"\xff", b'{"n":"' + peers.secrets["first_message"].encode() + b'"}'):
            peers.send(head(path, UPGRADE), frame(payload))
    secret = peers.secrets["first_message"]
    for message in (json.dumps({"type": "auth", "token": secret}), json.dumps({"type": "auth", "token": secret})[:-1],
                    secret, json.dumps({"type": "auth", "token": [secret]}),
                    json.dumps({"type": "auth", "token": secret + "y" * 9000}), json.dumps({"token": secret})):
        for opcode in (1, 2):
            peers.send(head("/member-ws", UPGRADE), frame(message.encode(), opcode))
    peers.send(head("/ws", UPGRADE), b"\xf1\x80\0\0\0\0")


def attack_socketio(peers):
    polling = "/socket.io/?EIO=4&transport=polling"
    secret = peers.secrets["socketio_auth"]
    for wrong in (f"{polling}&{peers.query}", f"/socket.io/?transport=polling&{peers.query}",
                  f"/socket.io/?EIO=9&transport=polling&{peers.query}", f"/socket.io/?EIO=4&transport=x&{peers.query}",
                  f"{polling}&j=x&{peers.query}"):
        peers.send(head(wrong, peers.headers))
        peers.send(head(wrong, {**peers.headers, "Content-Length": "2"}, method="POST") + b"40")
    connects = [json.dumps({"token": secret}), json.dumps({"token": secret})[:-1], json.dumps({"token": [secret]}),
                json.dumps([secret]), json.dumps(secret), json.dumps({"token": secret, "more": {"token": secret}})]
    for connect in connects:
        for space in ("", "/members,", "/nothing,", f"/members?token={secret},", f"/nothing?token={secret},"):
            peers.send(head("/socket.io/?EIO=4&transport=websocket", UPGRADE), frame(f"40{space}{connect}".encode()))
    for packet in (f'420["number","{secret}"]', f'42["throw","{secret}"]', f'420["refresh_token","{secret}"]',
                   f'42["{secret}', f'42/members,0["say","{secret}"]', f'4x{secret}', f'9{secret}', f'451-["{secret}"]',
                   f'43999["{secret}"]', f'42[{{"token":"{secret}"}}]', f'420["join",["{secret}"]]'):
        peers.send(head("/socket.io/?EIO=4&transport=websocket", UPGRADE), frame(b"40"), frame(packet.encode()))


def open_until_they_expire(port):
    """Peers with good tokens of two seconds, one in each place."""
    tokens = {place: sign(2, subject=place) for place in PLACES}
    handshakes = [(f"/member-ws?token={tokens['query_token']}", {}),
                  ("/member-ws", {"Authorization": f"Bearer {tokens['authorization']}"}),
                  ("/member-ws", {"Cookie": f"token={tokens['cookie']}"}),
                  ("/member-ws", {"Sec-WebSocket-Protocol": f"doors.v1, bearer.{tokens['subprotocol']}"})]
    peers = []
    for target, headers in handshakes:
        peers.append(Peer(port))
        peers[-1].ask(head(target, {**UPGRADE, **headers}), until=b"welcome")
    for target, hello, answer in (
            ("/member-ws", json.dumps({"type": "auth", "token": tokens["first_message"]}), b"welcome"),
            ("/socket.io/?EIO=4&transport=websocket", "40/members," + json.dumps({"token": tokens["socketio_auth"]}),
             b"welcome")):
        peers.append(Peer(port))
        peers[-1].ask(head(target, UPGRADE), until=b"\r\n\r\n")
        peers[-1].ask(frame(hello.encode()), until=answer)
    return peers, tokens


@contextmanager
def doors():
    with support.Server(SECRET, program=os.environ["DOORS_APP_BIN"], loud=True) as server:
        yield server


def kinds_of_secrets():
    return [lambda place: hashlib.sha256(place.encode()).hexdigest(),
            lambda place: sign(-30, subject=place, jti="expired"),
            lambda place: sign(600, subject=place, jti="good"),
            lambda place: sign(600, subject=place, aud="elsewhere")]


class Secrets(unittest.TestCase):
    def attack(self, port):
        attackers = [Strangers(port, kind) for kind in kinds_of_secrets()]
        for each in attackers:
            attack_http(each)
            attack_websockets(each)
            attack_socketio(each)
        return attackers

    def expect_not_in(self, where, text, secrets):
        for place, secret in secrets.items():
            for part in (secret[:24], secret[-24:]):
                at = text.find(part)
                self.assertEqual(at, -1, f"{place} is in {where}: {text[max(at - 200, 0):at + 200]}")

    def expect_nowhere(self, server, attackers, others):
        """No secret of anybody in what was written, nor in replies. Messages are echoed to whoever sent them."""
        self.assertEqual(server.stop(), 0)
        for each in attackers:
            for where, text in (("standard error", server.errors), ("standard output", server.output), ("others", others)):
                self.expect_not_in(where, text, each.secrets)
            sent = {place: each.secrets[place] for place in PLACES if place not in ("first_message", "socketio_auth")}
            self.expect_not_in("answers", each.answers.decode("latin-1"), sent)

    def test_sec_h8_no_secret_is_in_logs_counters_or_replies(self):
        with doors() as server:
            lasting, tokens = open_until_they_expire(server.port)
            attackers = self.attack(server.port)
            for peer in lasting:
                self.assertRegex(peer.read(), rb"(?s)expired|^.?.?41|\x88")
                peer.stream.close()
            others = "".join(str(support.curl(f"{server.url}{path}").body)
                             for path in ("metrics", "nothing", "throw", "members/secret", "socket.io/?EIO=4"))
            self.expect_nowhere(server, attackers, others)
            self.expect_not_in("standard error", server.errors, tokens)
            self.expect_not_in("others", others, tokens)
            self.assertGreater(server.errors.count("\n"), 400)

    def test_sec_h8_neither_in_those_of_the_program(self):
        for command in (("serve", "--metrics-port", "0"), ("echo",), ("demo",)):
            with support.Server(*command, "--log-level", "debug", loud=True) as server:
                attackers = self.attack(server.port)
                internal = server.internal() if "--metrics-port" in command else None
                others = "".join(str(support.curl(f"{internal}/{path}?limit=1000").body)
                                 for path in ("metrics", "connections", "topics") if internal)
                self.expect_nowhere(server, attackers, others)
                self.assertGreater(server.errors.count("\n"), 100)


# What may steer a terminal, end a line or reorder what is read: escapes of C0 and C1, also as bytes and in words of JSON.
CONTROLS = ["\r\n3 http: forged", "\x1b[2J\x1b]0;owned\x07", "\x7f\x08\x00", "\x9b31m", "\x85forged", "\u2028forged", "\u202eforged"]


class Injection(unittest.TestCase):
    def expect_clean(self, errors, shape):
        self.assertGreater(errors.count("\n"), 50)
        for line in errors.removesuffix("\n").split("\n"):
            self.assertRegex(line, shape)
            self.assertNotRegex(line, "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
            self.assertNotRegex(line, "^.{0,30}forged")

    def attack(self, peers):
        """The same by each way, in every text that could be told."""
        for text in CONTROLS:
            encoded = "".join(f"%{byte:02x}" for byte in text.encode())
            raw = text.encode().decode("latin-1")
            for path in (f"/{encoded}", f"/socket.io/{encoded}", f"/members/{encoded}", f"/members/{raw}", f"/throw/{encoded}",
                         f"/throw?{encoded}", f"/ws?{raw}", f"/member-ws?token={encoded}"):
                peers.send(head(path))
                peers.send(head(path, {**UPGRADE, "Origin": "https://evil.example"}))
            for field in ("User-Agent", "Origin", "Host", "Cookie", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
                          "X-Forwarded-For", "Authorization"):
                for value in (raw, encoded, f"https://a{raw}.example", f"a{encoded}.example"):
                    for path in ("/ws", "/throw", "/members/secret", "/socket.io/?EIO=4&transport=websocket"):
                        peers.send(head(path, {**UPGRADE, field: value}))
                        peers.send(head(path, {field: value}))
            quoted = [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text]
            for said in quoted:
                packets = [f'42["{said}",1]', f'420["{said}"]', f'42["join","{said}"]', f'42["number","{said}"]', f'42["throw"]',
                           f'40/{said},', f'40/{said}?x,{{}}', f'42/{said},["x"]', f'40/members,{{"token":"{said}"}}', said]
                for packet in packets:
                    peers.send(head("/socket.io/?EIO=4&transport=websocket", UPGRADE), frame(b"40"), frame(packet.encode()))
                for message in (f'{{"type":"auth","token":"{said}"}}', f'{{"{said}":1}}', f'{{"n":"{said}"}}', said):
                    for path in ("/member-ws", "/checked"):
                        peers.send(head(path, UPGRADE), frame(message.encode()))
                peers.send(head("/ws", UPGRADE), frame(b"\x0f\xa1" + said.encode()[:100], 8))
                peers.send(head("/ws", UPGRADE), frame(b"\x03\xe8" + raw.encode("latin-1")[:100], 8))

    def test_sec_h7_nobody_forges_lines_of_the_log(self):
        with doors() as server:
            self.attack(Strangers(server.port, str))
            self.assertEqual(server.stop(), 0)
            self.expect_clean(server.errors, r"^\d (net|http|auth|sse|ws|engineio|socketio|cluster|server): .")

    def test_sec_h7_nor_of_that_of_the_program(self):
        with support.Server("serve", "--log-level", "debug", loud=True) as server:
            self.attack(Strangers(server.port, str))
            self.assertEqual(server.stop(), 0)
            self.expect_clean(server.errors, r'^\{"time":"[-\d]{10}T[:.\d]{12}Z","level":"(debug|info|warning|error)","layer":"\w+",')
            for line in server.errors.splitlines():
                json.loads(line)


if __name__ == "__main__":
    unittest.main()
