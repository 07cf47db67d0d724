"""What operators see of `weft serve`: the internal listener (counters, probes, who is connected) and the log, also while nobody
can read it. The format of /metrics is judged by the parser of prometheus_client."""

import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import unittest.mock
from datetime import datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

import support
from support import Server, curl

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UPGRADE = ("GET /ws?token=secret HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\r\n").encode()


def frame(payload, opcode=1):
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else (
        b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big"))
    return bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload


def connect(port, receive_buffer=None):
    """A WebSocket whose handshake is over."""
    stream = socket.socket()
    stream.settimeout(support.PATIENCE)
    if receive_buffer:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    stream.connect(("127.0.0.1", port))
    stream.sendall(UPGRADE)
    head = b""
    while b"\r\n\r\n" not in head:
        head += stream.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return stream


def ask(stream, **request):
    stream.sendall(frame(json.dumps(request).encode()))


def hear(stream, wanted):
    """Reads until that has come."""
    got = b""
    while wanted not in got:
        piece = stream.recv(65536)
        assert piece, got
        got += piece
    return got


def until(found, wanted=lambda it: it):
    end = time.monotonic() + support.PATIENCE
    while not wanted(got := found()):
        assert time.monotonic() < end, got
        time.sleep(0.01)
    return got


def samples_of(text):
    """By name and labels."""
    return {(s.name, tuple(sorted(s.labels.items()))): s.value
            for family in text_string_to_metric_families(text) for s in family.samples}


class Internal(unittest.TestCase):
    def serve(self, *flags):
        server = self.enterContext(Server("serve", "--metrics-port", "0", *flags))
        self.internal = server.internal()
        return server

    def get(self, path, *flags):
        return curl(*flags, self.internal + path)

    def connect(self, server, receive_buffer=None):
        stream = connect(server.port, receive_buffer)
        self.addCleanup(stream.close)
        return stream

    def report(self, path):
        reply = self.get(path)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.headers["content-type"].split(";")[0], "application/json")
        return json.loads(reply.body)

    def test_sec_h9_metrics_are_what_prometheus_reads(self):
        server = self.serve()
        stream = self.connect(server)
        for number in range(520):
            ask(stream, type="hello", name="Ada", id=number)
        hear(stream, b'"id":519')
        reply = self.get("/metrics")
        self.assertEqual(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        families = list(text_string_to_metric_families(reply.body.decode()))
        self.assertEqual(len({f.name for f in families}), len(families), "each family is there once")
        for family in families:
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), family.name)
        histograms = {f.name: f for f in families if f.type == "histogram"}
        for name in ("weft_http_handshake_seconds", "weft_ws_message_seconds", "weft_pubsub_fanout_seconds",
                     "weft_pubsub_queue_bytes", "weft_net_turn_seconds"):
            buckets = [s for s in histograms[name].samples if s.name == name + "_bucket"]
            bounds = [float(s.labels["le"]) for s in buckets]
            self.assertEqual(bounds, sorted(bounds))
            values = [s.value for s in buckets]
            self.assertEqual(values, sorted(values), name)
            self.assertEqual(bounds[-1], float("inf"))
            self.assertEqual([s.value for s in histograms[name].samples if s.name == name + "_count"], values[-1:])
        samples = samples_of(reply.body.decode())
        self.assertEqual(samples["weft_http_handshake_seconds_count", ()], 1)
        self.assertEqual(samples["weft_ws_message_seconds_count", ()], 2, "one of 256 is timed")
        self.assertGreater(samples["weft_ws_message_seconds_sum", ()], 0)

    def test_sec_h9_names_of_users_make_no_series(self):
        server = self.serve()
        before = samples_of(self.get("/metrics").body.decode()).keys()
        for begin in range(0, 10_000, 100):
            stream = self.connect(server)  # each may ask a hundred times at once
            for number in range(begin, begin + 100):
                ask(stream, type="subscribe", topic=f"room-{number}", id=number)
            hear(stream, f'"id":{begin + 99}'.encode())
        behind = samples_of(self.get("/metrics").body.decode())
        self.assertEqual(behind["weft_pubsub_topics", ()], 10_000)
        self.assertEqual(behind.keys(), before)
        self.assertEqual(len(self.report("/topics?limit=1000")["topics"]), 1000)

    def test_sec_h9_nothing_of_it_is_where_the_public_is(self):
        server = self.serve()
        for path in ("metrics", "live", "ready", "connections", "topics"):
            self.assertEqual(curl(server.url + path).status, 404, path)
        for path in ("drain", "reload"):
            self.assertEqual(curl("-X", "POST", server.url + path).status, 404, path)
        self.assertEqual(self.get("/metrics", "-H", "Host: evil.example").status, 421)

    def test_probes(self):
        self.serve()
        self.assertEqual(self.get("/live").status, 200)
        self.assertEqual(self.get("/ready").status, 200)

    def test_a_server_that_drains_is_not_ready(self):
        server = self.serve()
        stream = self.connect(server)
        server.signal(15)
        until(lambda: self.get("/ready").status, lambda status: status == 503)
        stream.close()
        self.assertEqual(server.wait(), 0)

    def test_the_slowest_reader_is_told_first(self):
        server = self.serve()
        slow, quick = self.connect(server, 4096), self.connect(server)
        ask(slow, type="subscribe", topic="news", id=1)
        hear(slow, b'"id":1')
        ask(quick, type="hello", name="Ada", id=1)
        hear(quick, b'"id":1')
        for number in range(90):
            ask(quick, type="publish", topic="news", data="x" * 60_000, id=number + 2)
            hear(quick, f'"id":{number + 2}'.encode())
            found = self.report("/connections?limit=1")["connections"]
            if found[0]["queued"] > 100_000:
                break
        self.assertEqual(len(found), 1)
        host, port = slow.getsockname()
        self.assertEqual(found[0]["address"], f"{host}:{port}")
        self.assertEqual((found[0]["kind"], found[0]["path"], found[0]["subject"]), ("websocket", "/ws", ""))
        self.assertGreater(found[0]["queued"], 100_000)
        self.assertGreater(found[0]["age"], 0)
        everybody = self.report("/connections")["connections"]
        self.assertEqual(len(everybody), 2)
        self.assertGreaterEqual(everybody[0]["queued"], everybody[1]["queued"])
        self.assertEqual(self.report("/topics"), {"topics": [{"name": "news", "kind": "topic", "subscribers": 1}]})
        depths = samples_of(self.get("/metrics").body.decode())
        self.assertGreater(depths["weft_pubsub_queue_bytes_count", ()], 0)

    def test_a_limit_is_a_number(self):
        self.serve()
        for wrong in ("0", "1001", "x", "1x", "-1", ""):
            self.assertEqual(self.get(f"/connections?limit={wrong}").status, 400, wrong)
            self.assertEqual(self.get(f"/topics?limit={wrong}").status, 400, wrong)

    def test_with_the_token_of_the_file_the_server_reloads_and_drains(self):
        right = ("-H", "Authorization: Bearer correct-horse-battery")
        with tempfile.NamedTemporaryFile("w") as token:
            token.write("correct-horse-battery\n")
            token.flush()
            server = self.serve("--set", f"internal.token_file={token.name}")
            self.assertEqual(self.get("/connections").status, 401)
            self.assertEqual(self.get("/connections", *right).status, 200)
            self.assertEqual(self.get("/drain", "-X", "POST", "-H", "Authorization: Bearer wrong-horse-battery-").status, 401)
            self.assertEqual(self.get("/reload", "-X", "POST", *right).status, 200)
        reply = self.get("/reload", "-X", "POST", *right)
        self.assertEqual(reply.status, 422, "the file of the token has gone")
        self.assertIn(token.name.encode(), reply.body)
        self.assertEqual(self.get("/ready").status, 200)
        self.assertEqual(self.get("/drain", "-X", "POST", *right).status, 202)
        self.assertEqual(server.wait(), 0)

    def test_without_a_token_nothing_can_be_changed(self):
        self.serve()
        for path in ("/drain", "/reload"):
            reply = self.get(path, "-X", "POST")
            self.assertEqual(reply.status, 403)
            self.assertIn(b"token_file", reply.body)
            self.assertEqual(self.get(path).status, 405)
        self.assertEqual(self.get("/ready").status, 200)


@unittest.skipUnless(os.environ.get("WALL_CLOCK_LIB"), "not with a sanitizer")
class Clock(unittest.TestCase):
    def test_sec_p9_a_jump_of_the_wall_clock_ends_nobody(self):
        with tempfile.NamedTemporaryFile() as clock, tempfile.TemporaryDirectory() as folder:
            def jump(hours):
                clock.seek(0)
                clock.write(struct.pack("q", hours * 3600))
                clock.flush()

            jump(0)
            (Path(folder) / "page").write_text("still")
            os.environ.update(WEFT_WALL_CLOCK=clock.name, LD_PRELOAD=os.environ["WALL_CLOCK_LIB"])
            self.addCleanup(os.environ.pop, "LD_PRELOAD")
            server = self.enterContext(Server("serve", folder, "--log-level", "info", loud=True))
            stream = self.enterContext(connect(server.port))
            http = self.enterContext(socket.create_connection(("127.0.0.1", server.port), timeout=support.PATIENCE))
            # Longer than anything may be silent: 75 s for HTTP, 60 s for a WebSocket.
            for number, hours in enumerate((0, 1, -1, 0)):
                jump(hours)
                time.sleep(0.05)  # a few ticks of the loop's timers
                ask(stream, type="hello", name="Ada", id=number)
                self.assertNotIn(b"\x89", hear(stream, f'"id":{number}'.encode()), "no ping was due")
                http.sendall(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")
                hear(http, b"still")
            stream.close()
            http.close()
            self.assertEqual(server.stop(), 0)
        told = [json.loads(line) for line in server.errors.splitlines() if '"layer":"access"' in line]
        times = [datetime.fromisoformat(it["time"]).timestamp() for it in told if it["kind"] == "request"]
        self.assertEqual([round((each - times[0]) / 3600) for each in times], [0, 1, -1, 0], "the clock has jumped")
        for each in told:
            self.assertLess(each["ms"], 20_000)


class Shipped(unittest.TestCase):
    """What packaging/monitoring asks for is there."""

    def test_alerts_and_dashboard_ask_for_what_there_is(self):
        folder = Path(__file__).resolve().parents[2] / "packaging" / "monitoring"
        with Server("serve", "--metrics-port", "0") as server:
            internal = server.internal()
            there = {name for name, _ in samples_of(curl(internal + "/metrics").body.decode())}
        alerts = (folder / "alerts.yml").read_text()
        asked = [line for line in alerts.splitlines() if "expr:" in line]
        dashboard = json.loads((folder / "dashboard.json").read_text())
        asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        names = {name for text in asked for name in re.findall(r"\bweft_\w+", text)}
        self.assertGreater(len(names), 15)
        self.assertEqual(names - there - {"weft_"}, set())


class Log(unittest.TestCase):
    def lines_of(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def test_each_request_and_connection_has_an_access_line(self):
        with Server("serve", "--log-level", "info", loud=True) as server:
            self.assertEqual(curl(server.url + "nothing?token=secret").status, 404)
            stream = connect(server.port)
            ask(stream, type="hello", name="Ada", id=1)
            hear(stream, b'"id":1')
            stream.sendall(frame((4001).to_bytes(2, "big"), 8))
            while stream.recv(4096):
                pass
            stream.close()
            self.assertEqual(server.stop(), 0)
        self.assertNotIn("secret", server.errors)
        told = [line for line in self.lines_of(server.errors) if line["layer"] == "access"]
        self.assertEqual([(it["kind"], it.get("method"), it["path"], it["code"]) for it in told],
                         [("request", "GET", "/nothing", 404), ("websocket", "GET", "/ws", 4001)])
        self.assertEqual(told[1]["trace_id"], TRACE)
        self.assertNotIn("trace_id", told[0])
        self.assertRegex(told[0]["address"], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(told[0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        for each in told:
            self.assertEqual(each["level"], "info")
            self.assertGreater(each["received"], 50)
            self.assertGreater(each["sent"], 50)
            self.assertGreaterEqual(each["ms"], 0)

    def test_lines_for_people_and_a_file_of_their_own(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weft.log"
            with Server("serve", "--log-level", "info", "--set", "log.format=text", "--set", f"log.file={file}") as server:
                curl(server.url + "page")
                self.assertEqual(server.stop(), 0)
            self.assertEqual(server.errors, "")
            lines = file.read_text().splitlines()
        for line in lines:
            self.assertRegex(line, r"^[-\d]{10}T[:.\d]{12}Z info (server|access): .")
        self.assertRegex(lines[1], r" access: request GET /page 404, from 127\.0\.0\.1:\d+, \d+\.\d{3} ms, \d+ bytes in, \d+ out$")

    def test_access_lines_can_be_left_out(self):
        with Server("serve", "--log-level", "info", "--set", "log.access=false") as server:
            curl(server.url + "page")
            self.assertEqual(server.stop(), 0)
        self.assertNotIn('"layer":"access"', server.errors)

    def flood(self, server, requests):
        """Many lines of the log, by requests that are all answered."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=support.PATIENCE) as stream:
            one = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
            for _ in range(requests // 100):
                stream.sendall(one * 100)
                answers = b""
                while answers.count(b"HTTP/1.1 404 ") < 100 or not answers.endswith(b"Not Found\n"):
                    piece = stream.recv(65536)
                    self.assertTrue(piece)
                    answers += piece

    def lost(self, internal):
        samples = samples_of(curl(internal + "/metrics").body.decode())
        return {why: samples["weft_log_lost_lines_total", (("why", why),)] for why in ("queue", "write")}

    def test_a_reader_that_has_stopped_holds_up_nobody(self):
        with Server("serve", "--log-level", "debug", "--metrics-port", "0") as server:
            internal = server.internal()
            self.flood(server, 20_000)  # into a pipe that nobody reads
            self.assertGreater(self.lost(internal)["queue"], 5_000)
            server.signal(15)
            server.process.wait(timeout=support.PATIENCE)  # without reading
            self.assertEqual(server.process.returncode, 0)
            server.wait()

    def test_a_full_disk_holds_up_nobody(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            process = subprocess.Popen([support.WEFT, "serve", "--port", "0", "--log-level", "debug"],
                                       stdout=subprocess.PIPE, stderr=full, text=True)
        with process:
            self.addCleanup(process.kill)
            server = unittest.mock.Mock(port=int(re.search(r":(\d+)/", process.stdout.readline())[1]))
            self.flood(server, 2_000)
            process.terminate()
            self.assertEqual(process.wait(timeout=support.PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
