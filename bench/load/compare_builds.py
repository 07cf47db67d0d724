#!/usr/bin/env python3
"""Did a change make the hot paths dearer? Compares two builds: instructions per message, memory per idle connection.

    bench/load/compare_builds.py BEFORE/build/bench build/bench

Instructions are counted by callgrind, of two runs that differ in nothing but the number of messages: what start, handshakes
and end cost drops out. The server stands still while a round of messages is sent, so that it finds them all at once, and the
counts hardly depend on what else the machine does: ratios are good to a few thousandths, where times of a busy machine are not.
Its clock is as slow as the program is under callgrind (slow_clock.cpp, of the build that is judged).
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("WEFT_SERVER__ALLOW_ROOT", "true")  # measured as whoever runs this

MASK = b"\0\0\0\0"


def text_frame(payload):
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + MASK + payload


class Client:
    """A WebSocket that asks for little: short unfragmented text, heartbeats of Engine.IO, one expected kind of message."""

    def __init__(self, address, path):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                            % (path.encode(), address[0].encode(), address[1]))
        while b"\r\n\r\n" not in self.buffer:
            self.receive()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head:
            raise RuntimeError(f"no upgrade: {head!r}")

    def receive(self):
        more = self.socket.recv(65536)
        if not more:
            raise RuntimeError("the server closed")
        self.buffer += more

    def take(self, size):
        while len(self.buffer) < size:
            self.receive()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def message(self):
        _, size = self.take(2)
        return self.take(int.from_bytes(self.take(2), "big") if size == 126 else size)

    def wait_for(self, start):
        """The next message that begins so; others (heartbeats, presence) are passed over."""
        while not (message := self.message()).startswith(start):
            if message == b"2":
                self.send(b"3")
        return message

    def send(self, payload):
        self.socket.sendall(text_frame(payload))


@dataclass
class Echo:
    name: str
    connections: int
    in_flight: int
    rounds: int
    server: str = "weft"
    path: str = "/"
    message: bytes = b"x" * 20
    answer: bytes = b"x"

    def open(self, address):
        self.clients = [Client(address, self.path) for _ in range(self.connections)]
        if self.server == "socketio":
            for client in self.clients:
                client.send(b"40")
            for client in self.clients:
                client.wait_for(b"40")
        self.burst = text_frame(self.message) * self.in_flight

    def send_round(self):
        for client in self.clients:
            client.socket.sendall(self.burst)

    def receive_round(self):
        for client in self.clients:
            for _ in range(self.in_flight):
                client.wait_for(self.answer)

    def messages_per_round(self):
        return self.connections * self.in_flight


@dataclass
class Broadcast:
    name: str
    connections: int
    rounds: int
    server: str
    path: str
    join: bytes
    joined: bytes
    publish: bytes
    said: bytes

    def open(self, address):
        self.publisher = Client(address, self.path)
        self.clients = [Client(address, self.path) for _ in range(self.connections)]
        for client in (self.publisher, *self.clients) if self.server == "socketio" else self.clients:
            client.send(self.join)
            client.wait_for(self.joined)

    def send_round(self):
        time.sleep(0.025)  # there are limits to how often one may publish
        self.publisher.send(self.publish)

    def receive_round(self):
        for client in self.clients:
            client.wait_for(self.said)

    def messages_per_round(self):
        return self.connections


def socketio_path():
    return "/socket.io/?EIO=4&transport=websocket"


WORKS = [
    Echo("echo 20 B, 64 x 1", 64, 1, 1000),
    Echo("echo 20 B, 64 x 16", 64, 16, 200),
    Broadcast("broadcast 100 B to 1,000", 1000, 100, "serve", "/ws", b'{"type":"subscribe","topic":"t","id":1}',
              b'{"type":"subscribed"', b'{"type":"publish","topic":"t","data":"%s"}' % (b"x" * 100), b'{"type":"message"'),
    Echo("Socket.IO echo 32 B, 64 x 1", 64, 1, 800, "socketio", socketio_path(), b'427["echo","%s"]' % (b"x" * 32), b"437["),
    Echo("Socket.IO echo 32 B, 64 x 8", 64, 8, 200, "socketio", socketio_path(), b'427["echo","%s"]' % (b"x" * 32), b"437["),
    Broadcast("Socket.IO broadcast 100 B to 1,000", 1000, 100, "socketio", socketio_path(), b"40", b"40",
              b'42["publish","%s"]' % (b"x" * 100), b'42["said"'),
]
IDLE = {"idle connection": ("weft", [], 800), "idle Socket.IO connection": ("socketio", ["--socketio"], 2000)}


def by_function(file):
    """Instructions of each function, as callgrind_annotate tells them."""
    told = subprocess.run(["callgrind_annotate", "--threshold=99.5", file], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = {}
    for count, name in re.findall(r"^ *([\d,]+) \([ \d.]+%\)  \S*?:(.*?)(?: \[/.*)?$", told, re.MULTILINE):
        found[name] = found.get(name, 0) + int(count.replace(",", ""))
    return found


def show_functions(before, after, messages):
    """What the functions cost per message that differ by an instruction or more; the timer wheel's share depends on the clock."""
    full, few = [by_function(f"{file}") for file in (before, after)], [by_function(f"{file}.few") for file in (before, after)]
    costs = [{name: (f.get(name, 0) - b.get(name, 0)) / messages for name in {*f, *b}} for f, b in zip(full, few)]
    for name in sorted({*costs[0], *costs[1]}):
        old, new = (cost.get(name, 0) for cost in costs)
        if abs(new - old) >= 1:
            print(f"    {new - old:+8.1f}  {old:8.1f} -> {new:8.1f}  {name[:100]}", flush=True)


def wait_until_asleep(pid):
    while Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "S":
        time.sleep(0.0005)


class Build:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.slow_clock = ""

    def command(self, server):
        weft = str(self.folder / "apps/weft/weft")
        return {"weft": [weft, "echo", "--port", "0"], "serve": [weft, "serve", "--port", "0"],
                "socketio": [str(self.folder / "bench/load/socketio_echo")]}[server]

    @contextmanager
    def run(self, server, wrapper=()):
        process = subprocess.Popen([*wrapper, *self.command(server)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        try:
            said = process.stdout.readline()
            where = re.search(r"(?:wss?|http)://([\d.]+):(\d+)", said)
            if not where:
                raise RuntimeError(f"{server} did not say where it listens, but {said!r}")
            yield process, (where.group(1), int(where.group(2)))
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=60)
            process.kill()

    def instructions(self, work, rounds, out):
        """Of the server's whole life, with this many rounds."""
        wrapper = ["env", f"LD_PRELOAD={self.slow_clock}", "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        with self.run(work.server, wrapper) as (process, address):
            work.open(address)
            for _ in range(rounds):
                wait_until_asleep(process.pid)
                process.send_signal(signal.SIGSTOP)
                work.send_round()
                process.send_signal(signal.SIGCONT)
                work.receive_round()
            for client in work.clients:
                client.socket.close()
            work.clients = []
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=5)  # its clock is slow, too: a second signal ends what it waits for
            process.terminate()
            process.communicate(timeout=120)
        return int(re.search(r"^(?:totals|summary): (\d+)", Path(out).read_text(), re.MULTILINE).group(1))

    def per_message(self, work, file):
        few = 10
        base = self.instructions(work, few, f"{file}.few")
        full = self.instructions(work, few + work.rounds, file)
        return (full - base) / (work.rounds * work.messages_per_round())

    def idle(self, server, options):
        path = "/socket.io/" if server == "socketio" else "/"
        with self.run(server) as (process, (host, port)):
            done = subprocess.run([self.folder / "apps/weft/weft", "bench", f"ws://{host}:{port}{path}", *options, "--idle", "10000",
                                   "--server-pid", str(process.pid), "--json"], stdout=subprocess.PIPE, check=True)
            return json.loads(done.stdout)["anonymous_per_connection"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Build, help="build folder (preset bench) of the state to compare with")
    parser.add_argument("after", type=Build, help="build folder to judge")
    parser.add_argument("--only", default="", help="regular expression: what to compare")
    parser.add_argument("--most", type=float, default=1.01, help="the ratio that is too much")
    parser.add_argument("--functions", action="store_true", help="show which functions differ, not only for what is too much")
    parser.add_argument("--keep", metavar="FOLDER", help="leave callgrind's files there, for callgrind_annotate")
    args = parser.parse_args()
    args.before.slow_clock = args.after.slow_clock = (args.after.folder / "bench/load/weft_slow_clock.so").resolve()

    good = True
    print("| work | before | after | ratio or limit |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="weft-builds-") as folder:
        for number, work in enumerate(w for w in WORKS if re.search(args.only, w.name)):
            files = [f"{args.keep or folder}/{number}.{which}" for which in ("before", "after")]
            before, after = (build.per_message(work, file) for build, file in zip((args.before, args.after), files))
            fine = after / before <= args.most
            good &= fine
            print(f"| {work.name} | {before:,.0f} | {after:,.0f} instructions | {after / before:.4f}{'' if fine else ': MISSED'} |",
                  flush=True)
            if args.functions or not fine:
                show_functions(*files, work.rounds * work.messages_per_round())
        for name, (server, options, most) in IDLE.items():
            if not re.search(args.only, name):
                continue
            before, after = (build.idle(server, options) for build in (args.before, args.after))
            fine = after <= max(most, before + 4)  # what one run differs from the next by
            good &= fine
            print(f"| {name} | {before:,.0f} | {after:,.0f} B | at most {most:,}{'' if fine else ': MISSED'} |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
