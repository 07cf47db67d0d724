#!/usr/bin/env python3
"""`weft serve`: a folder of files by curl, counters, and the topic protocol between two clients; and
what `weft demo` adds to its pages."""

import asyncio
import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import websockets

import support
from support import Server, curl

TEXT = b"over and under the warp\n" * 2000
SECRET = b"nobody may read this"


class files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        outer = tempfile.TemporaryDirectory(prefix="weft-e2e-")
        cls.addClassCleanup(outer.cleanup)
        cls.outer = Path(outer.name)
        root = cls.outer / "public"
        (root / "deep" / "er").mkdir(parents=True)
        (cls.outer / "secret.txt").write_bytes(SECRET)
        (cls.outer / "public-not").mkdir()
        (cls.outer / "public-not" / "secret.txt").write_bytes(SECRET)
        (root / "index.html").write_bytes(b"<!doctype html><title>hello</title>")
        (root / "text.txt").write_bytes(TEXT)
        (root / "text.txt.gz").write_bytes(gzip.compress(TEXT))
        (root / "text.txt.br").write_bytes(b"not really brotli, but nobody looks")
        (root / "deep" / "er" / "a b.bin").write_bytes(bytes(range(256)))
        (root / ".hidden").write_bytes(SECRET)
        (root / "out").symlink_to(cls.outer / "secret.txt")
        (root / "up").symlink_to("..")
        (root / "alias.txt").symlink_to("text.txt")
        (root / "large.bin").write_bytes(os.urandom(20_000_000))
        os.mkfifo(root / "pipe")
        past = time.time() - 3600  # a file changed just now has a weak tag
        for name in root.rglob("*"):
            if name.is_file() and not name.is_symlink():
                os.utime(name, (past, past))
        cls.root = root
        cls.server = Server("serve", str(root))
        cls.addClassCleanup(cls.server.stop)

    def get(self, path, *flags):
        return curl("--path-as-is", *flags, self.server.url.rstrip("/") + path)

    def test_files_with_their_types(self):
        for path, kind, content in (("/", "text/html; charset=utf-8", b"<!doctype html><title>hello</title>"),
                                    ("/text.txt", "text/plain; charset=utf-8", TEXT),
                                    ("/alias.txt", "text/plain; charset=utf-8", TEXT),
                                    ("/deep/er/a%20b.bin", "application/octet-stream", bytes(range(256)))):
            reply = self.get(path)
            self.assertEqual((reply.status, reply.headers["content-type"]), (200, kind), path)
            self.assertEqual(reply.headers["content-length"], str(len(content)))
            self.assertTrue(reply.body == content, path)
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff")

    def test_a_large_file_arrives_whole(self):
        self.assertTrue(self.get("/large.bin").body == (self.root / "large.bin").read_bytes())
        slow = self.get("/large.bin", "--limit-rate", "15M")
        self.assertTrue(slow.body == (self.root / "large.bin").read_bytes())

    def test_HEAD_is_GET_without_the_content(self):
        reply = self.get("/text.txt", "--head")
        self.assertEqual((reply.status, reply.headers["content-length"], reply.body), (200, str(len(TEXT)), b""))

    def test_other_methods_are_405(self):
        for method in ("POST", "PUT", "DELETE"):
            reply = self.get("/text.txt", "-X", method)
            self.assertEqual(reply.status, 405)
            self.assertEqual(reply.headers["allow"], "GET, HEAD, OPTIONS")

    def test_what_is_not_there_is_404(self):
        for path in ("/nothing", "/deep/nothing.txt", "/text.txt/more", "/.hidden", "/pipe", "/deep/er/"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_H6_no_path_leads_out_of_the_folder(self):
        for path in ("/../secret.txt", "/deep/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                     "/%2e%2e%2fsecret.txt", "/deep/%2e%2e/%2e%2e/secret.txt", "/..%5csecret.txt", "/..\\secret.txt",
                     "/%252e%252e/secret.txt", "/....//secret.txt", "/..;/secret.txt", "/%c0%ae%c0%ae/secret.txt",
                     "/%00/../secret.txt", "/text.txt%00.html", "//etc/passwd", "/../public-not/secret.txt",
                     "/out", "/up/secret.txt", "/up/public/text.txt", "/proc/self/environ", "//proc/self/cwd/etc/passwd",
                     "/deep/er/../../../secret.txt", "/.%2e/secret.txt", f"/{self.outer}/secret.txt"):
            reply = self.get(path)
            self.assertIn(reply.status, (400, 403, 404), path)
            self.assertNotIn(SECRET, reply.body, path)
            self.assertNotIn(b"root:", reply.body, path)

    def test_ranges(self):
        size = len(TEXT)
        for wanted, first, last in (("0-0", 0, 0), ("10-19", 10, 19), (f"{size - 1}-", size - 1, size - 1),
                                    ("-5", size - 5, size - 1), ("100-999999999", 100, size - 1)):
            reply = self.get("/text.txt", "-H", f"Range: bytes={wanted}")
            self.assertEqual((reply.status, reply.headers["content-range"]), (206, f"bytes {first}-{last}/{size}"))
            self.assertTrue(reply.body == TEXT[first:last + 1], wanted)
        self.assertEqual(self.get("/text.txt").headers["accept-ranges"], "bytes")
        reply = self.get("/text.txt", "-H", f"Range: bytes={size}-")
        self.assertEqual((reply.status, reply.headers["content-range"]), (416, f"bytes */{size}"))
        for ignored in ("bytes=", "bytes=9-1", "lines=1-2", "bytes=1-2,4-5"):
            self.assertIn(self.get("/text.txt", "-H", f"Range: {ignored}").status, (200, 416), ignored)

    def test_a_download_is_continued(self):
        with tempfile.NamedTemporaryFile() as half:
            half.write((self.root / "large.bin").read_bytes()[:12_345_678])
            half.flush()
            subprocess.run(["curl", "-s", "-f", "-C", "-", "-o", half.name, self.server.url + "large.bin"], check=True,
                           timeout=support.PATIENCE)
            self.assertTrue(Path(half.name).read_bytes() == (self.root / "large.bin").read_bytes())

    def test_what_did_not_change_is_304(self):
        first = self.get("/text.txt")
        tag, date = first.headers["etag"], first.headers["last-modified"]
        self.assertRegex(tag, r'^"[^"]+"$')
        for flags in (("-H", f"If-None-Match: {tag}"), ("-H", f"If-None-Match: \"other\", W/{tag}"),
                      ("-H", "If-None-Match: *"), ("-H", f"If-Modified-Since: {date}")):
            reply = self.get("/text.txt", *flags)
            self.assertEqual((reply.status, reply.body, reply.headers["etag"]), (304, b"", tag), flags)
        for flags in (("-H", 'If-None-Match: "other"'),
                      ("-H", "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT")):
            self.assertEqual(self.get("/text.txt", *flags).status, 200, flags)
        # Of a file that changed no part is sent that would not fit the old ones.
        reply = self.get("/text.txt", "-H", 'If-Range: "other"', "-H", "Range: bytes=10-19")
        self.assertEqual((reply.status, len(reply.body)), (200, len(TEXT)))
        reply = self.get("/text.txt", "-H", f"If-Range: {tag}", "-H", "Range: bytes=10-19")
        self.assertEqual(reply.status, 206)

    def test_compressed_siblings_are_negotiated(self):
        tags = set()
        for accepted, coding in (("br, gzip", "br"), ("gzip, br", "br"), ("gzip", "gzip"), ("gzip, br;q=0", "gzip"),
                                 ("identity", None), ("gzip;q=0", None), ("deflate", None)):
            reply = self.get("/text.txt", "-H", f"Accept-Encoding: {accepted}")
            self.assertEqual((reply.status, reply.headers.get("content-encoding")), (200, coding), accepted)
            self.assertEqual(reply.headers["content-type"], "text/plain; charset=utf-8")
            self.assertEqual(reply.headers["vary"].lower(), "accept-encoding")
            tags.add(reply.headers["etag"])
            if coding == "gzip":
                self.assertTrue(gzip.decompress(reply.body) == TEXT)
        self.assertEqual(len(tags), 3)
        self.assertTrue(subprocess.run(["curl", "-s", "--compressed", "-H", "Accept-Encoding: gzip",
                                        self.server.url + "text.txt"], capture_output=True, check=True,
                                       timeout=support.PATIENCE).stdout == TEXT)

    def test_one_connection_serves_many(self):
        url = self.server.url
        done = subprocess.run(["curl", "-s", "-w", "%{num_connects} ", "-o", "/dev/null", url + "text.txt", "-o",
                               "/dev/null", url, "-o", "/dev/null", url + "nothing"], capture_output=True, check=True,
                              timeout=support.PATIENCE)
        self.assertEqual(done.stdout, b"1 0 0 ")

    def test_over_https(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        with Server("serve", str(self.root), *certificate.flags) as server:
            self.assertRegex(server.url, r"^https://")
            self.assertTrue(curl("--cacert", certificate.cert, server.url + "large.bin").body
                            == (self.root / "large.bin").read_bytes())


class replaced(unittest.TestCase):
    def test_a_folder_that_is_built_anew_is_served(self):
        with tempfile.TemporaryDirectory(prefix="weft-e2e-") as outer:
            dist = Path(outer) / "dist"
            dist.mkdir()
            (dist / "page.txt").write_text("one")
            server = Server("serve", "dist", cwd=outer)
            self.addCleanup(server.stop)
            url = server.url + "page.txt"
            self.assertEqual(curl(url).body, b"one")
            shutil.rmtree(dist)
            self.assertEqual(curl(url).status, 404)
            dist.mkdir()
            (dist / "page.txt").write_text("two")
            self.assertEqual(curl(url).body, b"two")

    def test_a_link_that_is_moved_is_followed(self):
        with tempfile.TemporaryDirectory(prefix="weft-e2e-") as outer:
            for name in ("one", "two"):
                (Path(outer) / name).mkdir()
                (Path(outer) / name / "page.txt").write_text(name)
            current = Path(outer) / "current"
            current.symlink_to("one")
            server = Server("serve", str(current))
            self.addCleanup(server.stop)
            self.assertEqual(curl(server.url + "page.txt").body, b"one")
            current.unlink()
            current.symlink_to("two")
            self.assertEqual(curl(server.url + "page.txt").body, b"two")


class counters(unittest.TestCase):
    def test_only_when_asked_for(self):
        with Server("serve") as server:
            self.assertEqual(curl(server.url + "metrics").status, 404)

    def test_sec_h9_prometheus_text_on_a_port_of_its_own(self):
        with Server("serve", "--metrics-port", "0") as server:
            url = re.fullmatch(r"metrics on (http://127\.0\.0\.1:\d+/metrics)\n", server.process.stderr.readline())[1]
            self.assertNotIn(f":{server.port}/", url)
            self.assertEqual(curl(server.url + "metrics").status, 404, "not where everybody can ask")
            reply = curl(url)
            self.assertEqual(reply.status, 200)
            self.assertTrue(reply.headers["content-type"].startswith("text/plain"))
            self.assertRegex(reply.body.decode(), r"(?m)^# TYPE weft_ws_connections gauge\nweft_ws_connections(\{.*\})? 0$")
            for line in reply.body.decode().splitlines():
                self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?[0-9.e+]+)$')
            self.assertEqual(curl(url.removesuffix("metrics")).status, 404)


class person:
    """A client of the topic protocol. It ignores a count that is older than one it has, as the protocol says."""

    def __init__(self, socket_):
        self.socket = socket_
        self.versions = {}

    async def ask(self, **request):
        await self.socket.send(json.dumps(request))
        return await self.hear()

    async def hear(self):
        while True:
            heard = json.loads(await asyncio.wait_for(self.socket.recv(), support.PATIENCE))
            if "version" not in heard:
                return heard
            newest = self.versions.get(heard["topic"], 0)
            self.versions[heard["topic"]] = max(newest, heard["version"])
            if heard["version"] > newest:
                return heard


class topics(unittest.IsolatedAsyncioTestCase):
    """docs/guide/topic-protocol.md, by its own example."""

    def serve(self, *flags):
        self.server = self.enterContext(Server("serve", *flags))

    async def people(self, count, **options):
        url = f"ws://127.0.0.1:{self.server.port}/ws"
        return [person(await self.enterAsyncContext(websockets.connect(url, **options))) for _ in range(count)]

    async def converse(self, *flags):
        self.serve(*flags)
        ada, bob = await self.people(2)
        self.assertEqual((await ada.ask(type="hello", name="Ada", id=1))["you"]["name"], "Ada")
        self.assertEqual((await bob.ask(type="hello", name="Bob", id=1))["you"]["name"], "Bob")
        joined = await ada.ask(type="subscribe", topic="lobby", id=2)
        self.assertEqual((joined["type"], joined["id"], joined["topic"], joined["count"]),
                         ("subscribed", 2, "lobby", 1))
        self.assertEqual((await bob.ask(type="subscribe", topic="lobby"))["count"], 2)
        seen = await ada.hear()
        self.assertEqual((seen["type"], seen["topic"], seen["count"]), ("presence", "lobby", 2))
        self.assertGreater(seen["version"], joined["version"])

        await bob.socket.send('{"type":"publish","topic":"lobby","data":{"text":"hello Ada","n":1.10},"id":3}')
        self.assertEqual(await bob.hear(), {"type": "published", "id": 3, "topic": "lobby"})
        heard = await ada.socket.recv()
        self.assertIn('"data":{"text":"hello Ada","n":1.10}', heard)  # as it was written
        self.assertEqual((json.loads(heard)["type"], json.loads(heard)["from"]["name"]), ("message", "Bob"))

        for i in range(30):
            await ada.socket.send(json.dumps({"type": "publish", "topic": "lobby", "data": i}))
        self.assertEqual([(await bob.hear())["data"] for _ in range(30)], list(range(30)))

        self.assertEqual((await bob.ask(type="unsubscribe", topic="lobby"))["type"], "unsubscribed")
        self.assertEqual((await ada.hear())["count"], 1)
        self.assertEqual(await bob.ask(type="ping", id=9), {"type": "pong", "id": 9})
        await bob.ask(type="subscribe", topic="lobby")
        self.assertEqual((await ada.hear())["count"], 2)
        await bob.socket.close()
        left = await ada.hear()
        self.assertEqual((left["type"], left["count"]), ("presence", 1))

    async def test_a_conversation(self):
        await self.converse()

    async def test_a_conversation_across_three_loops(self):
        await self.converse("--threads", "3")

    async def test_a_conversation_with_deflate(self):
        await self.converse("--deflate")

    async def test_errors_leave_the_connection_open(self):
        self.serve()
        ada, = await self.people(1)
        await ada.ask(type="subscribe", topic="t")
        for text, code in (('nonsense', "bad_json"), ('{"type":"ping"} {}', "bad_json"), ('[]', "bad_request"),
                           ('{"type":"dance"}', "unknown_type"), ('{"type":"subscribe"}', "bad_request"),
                           ('{"type":"subscribe","topic":""}', "bad_topic"),
                           ('{"type":"subscribe","topic":"t"}', "already_subscribed"),
                           ('{"type":"unsubscribe","topic":"u"}', "not_subscribed"),
                           (json.dumps({"type": "hello", "name": "n" * 65}), "bad_name"),
                           ('{"type":"publish","topic":"t","data":' + "[" * 520 + "]" * 520 + "}", "too_deep"),
                           ('{"type":"list"}', "list_disabled")):
            await ada.socket.send(text)
            answer = await ada.hear()
            self.assertEqual((answer["type"], answer["code"]), ("error", code), text)
        self.assertEqual(await ada.ask(type="ping", id=1), {"type": "pong", "id": 1})

    async def test_who_asks_too_fast_is_told(self):
        self.serve()
        ada, = await self.people(1)
        for i in range(600):
            await ada.socket.send(json.dumps({"type": "ping", "id": i}))
        kinds = [(await ada.hear())["type"] for _ in range(600)]
        self.assertEqual(kinds[:100], ["pong"] * 100)
        self.assertIn("error", kinds)

    async def test_topics_are_listed_when_allowed(self):
        self.serve("--list-topics")
        ada, bob = await self.people(2)
        await ada.ask(type="subscribe", topic="a")
        await ada.ask(type="subscribe", topic="b")
        await bob.ask(type="subscribe", topic="b")
        await ada.hear()
        listed = await bob.ask(type="list", id=1)
        self.assertEqual(listed["topics"], [{"topic": "b", "count": 2}, {"topic": "a", "count": 1}])

    async def test_topics_with_schemas(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-e2e-"))
        rules = Path(folder) / "price.json"
        rules.write_text('{"type":"object","properties":{"price":{"maximum":100}}}')
        self.serve("--schema", f"prices/*={rules}")
        ada, bob = await self.people(2)
        await ada.ask(type="subscribe", topic="prices/eur")
        answer = await bob.ask(type="publish", topic="prices/eur", data={"price": 101}, id=1)
        self.assertEqual((answer["code"], answer["path"], answer["rule"], answer["kind"]),
                         ("invalid_data", "/price", "maximum", "number"))
        await bob.ask(type="publish", topic="prices/eur", data={"price": 100}, id=2)
        self.assertEqual((await ada.hear())["data"], {"price": 100})
        for i in range(20):
            await bob.socket.send('{"type":"publish","topic":"prices/eur","data":1}')
        await bob.socket.wait_closed()
        self.assertEqual(bob.socket.close_code, 1008)
        self.assertIn("max_violations", bob.socket.close_reason)
        rules.write_text('{"maximun":1}')
        refused = support.run(support.WEFT, "serve", "--port", "0", "--schema", f"a={rules}")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("maximun", refused.stderr)

    async def test_binary_messages_are_1003(self):
        self.serve()
        ada, = await self.people(1)
        await ada.socket.send(b"\x00")
        await ada.socket.wait_closed()
        self.assertEqual(ada.socket.close_code, 1003)

    async def test_foreign_pages_are_refused(self):
        self.serve("--origin", "https://friend.example")
        friend, = await self.people(1, origin="https://friend.example")
        self.assertEqual(await friend.ask(type="ping", id=1), {"type": "pong", "id": 1})
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            await self.people(1, origin="https://evil.example")
        self.assertEqual(refused.exception.status_code, 403)


class limits(unittest.TestCase):
    """The flags for limits per address."""

    def test_of_connections(self):
        with Server("echo", "--max-connections-per-address", "1") as server:
            with socket.create_connection(("127.0.0.1", server.port)) as first:
                first.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b" 404 ", first.recv(4096))
                refused = curl(f"http://127.0.0.1:{server.port}/")
            self.assertEqual(refused.status, 429)
            self.assertEqual(refused.body, b"too many connections of one address: traffic.per_address.max_connections\n")
            server.stop()
        self.assertIn("traffic.per_address.max_connections, from 127.0.0.1:", server.errors)

    def test_of_connects(self):
        for flags, expected in (((), [404, 429, 429]), (("--limits-dry-run",), [404, 404, 404])):
            with Server("echo", "--connects-per-minute", "1", *flags) as server:
                replies = [curl(f"http://127.0.0.1:{server.port}/nothing") for _ in range(3)]
                server.stop()
            self.assertEqual([reply.status for reply in replies], expected)
            self.assertEqual("dry_run: let through" in server.errors, bool(flags))
        self.assertNotIn("retry-after", replies[0].headers)

    def test_of_messages(self):
        with Server("serve", "--messages-per-second", "1") as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=support.PATIENCE) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
                answer = b"".join(iter(lambda: client.recv(65_536), b""))
        self.assertEqual(re.findall(rb"^HTTP/1.1 (\d+)", answer, re.MULTILINE), [b"404"] * 3 + [b"429"])


class demo(unittest.TestCase):
    def test_the_page_and_its_files(self):
        with Server("demo") as server:
            page = curl(server.url)
            self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
            self.assertIn("default-src 'self'", page.headers["content-security-policy"])
            for name in ("app.js", "style.css", "favicon.svg"):
                self.assertIn(name.encode(), page.body)
                plain, packed = curl(server.url + name), curl("-H", "Accept-Encoding: gzip", server.url + name)
                self.assertEqual((plain.status, packed.status), (200, 200))
                if packed.headers.get("content-encoding") == "gzip":
                    self.assertEqual(gzip.decompress(packed.body), plain.body)
                tag = plain.headers["etag"]
                self.assertEqual(curl("-H", f"If-None-Match: {tag}", server.url + name).status, 304)

    def test_B3_a_foreign_name_for_this_address_is_421(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "index.html").write_text("hello")
        for command in (["demo"], ["serve", str(folder), "--allow-host", "friend.example"]):
            with Server(*command) as server:
                url = server.url
                self.assertEqual(curl("-H", f"Host: evil.example:{server.port}", url).status, 421)
                self.assertEqual(curl("-H", f"Host: localhost:{server.port}", url).status, 200)
                friend = curl("-H", "Host: friend.example", url).status
                self.assertEqual(friend, 421 if command == ["demo"] else 200)


if __name__ == "__main__":
    unittest.main()
