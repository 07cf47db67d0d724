#!/usr/bin/env python3
"""What a cluster costs: processor time with Redis and without, of a message that comes from Redis, next to Node's adapter, and
how long a message takes from one server to the other.

    bench/load/cluster_cost.py build/bench [--rounds 7] [--seconds 1]

Servers have a processor of their own (--cores); Redis and the clients share the other. Each server has a Redis of its own, and
what is compared takes turns, round after round. The table shows medians; the exit code is 1 when a goal is missed.

- A broadcast to 1,000 subscribers of one process, in a cluster and alone: time per delivery. Goal: 1.05 times.
- A message from Redis to one Socket.IO client, and to one subscriber of a topic; one at a time, and twenty
  each millisecond. Goal: 6 us; 0.25 times Node's. "the kernel" is a loop that receives and sends the same bytes and does
  nothing else.
- 20,000 messages a second from a client of one server to one of another: how long they take, and how long Redis takes itself,
  seen by the same program at the same time. Goal: 1 ms more at p99.
"""

import argparse
import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("WEFT_SERVER__ALLOW_ROOT", "true")  # measured as whoever runs this

PEERS = Path(__file__).resolve().parent.parent / "peers"
RATE = 20_000
SIZE = 64  # bytes of a message


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cpu(pid):
    """Nanoseconds on the processor, of all threads, as the scheduler counts them."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def place(core, args):
    """Where this process runs from now on."""
    os.sched_setaffinity(0, {core})
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


class Programs(contextlib.ExitStack):
    """What was started, until the end."""

    def __init__(self, args):
        super().__init__()
        self.args = args

    def start(self, core, command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: place(core, self.args))
        self.callback(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def redis(self, core):
        port = free_port()
        folder = tempfile.mkdtemp(prefix="weft-cost-")
        self.callback(shutil.rmtree, folder)
        process = self.start(core, ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder])
        for line in process.stdout:
            if "Ready to accept connections" in line:
                return port
        raise RuntimeError("redis-server does not start")

    def server(self, core, command):
        process = self.start(core, command)
        line = process.stdout.readline()
        address = re.search(r"(?:ws|http)://\S+", line)
        if not address:
            raise RuntimeError(f"{command[0]} did not say where it listens, but: {line!r}")
        return process.pid, address.group(0)


def msgpack(value):
    """Of texts, small numbers, lists and dictionaries."""
    if isinstance(value, int):
        return bytes([value])
    if isinstance(value, str):
        text = value.encode()
        return b"\xda" + len(text).to_bytes(2, "big") + text
    if isinstance(value, list):
        return bytes([0x90 + len(value)]) + b"".join(map(msgpack, value))
    return bytes([0x80 + len(value)]) + b"".join(msgpack(part) for pair in value.items() for part in pair)


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def redis_link(port):
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def ask(port, *words):
    with redis_link(port) as link:
        link.sendall(command(*words) + command(b"PING"))
        got = b""
        while not got.endswith(b"+PONG\r\n"):
            got += link.recv(65536)
        return got


def await_listeners(port, channel, count):
    while f":{count}\r\n".encode() not in ask(port, b"PUBSUB", b"NUMSUB", channel):
        time.sleep(0.01)


def web_socket(address, path):
    where = urlsplit(address)
    stream = socket.create_connection((where.hostname, where.port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += stream.recv(65536)
    return stream, head.split(b"\r\n\r\n", 1)[1]


def socket_io(address):
    """A client that is in the room."""
    stream, got = web_socket(address, "/socket.io/?EIO=4&transport=websocket")
    while b"pingTimeout" not in got:
        got += stream.recv(65536)
    stream.sendall(b"\x81\x82\0\0\0\0" + b"40")
    got = b""
    while b'40{"sid"' not in got or not got.endswith(b"}"):
        got += stream.recv(65536)
    return stream


class Feed:
    """Publishes one body over and over, and waits for what the subscriber gets of it."""

    def __init__(self, port, channel, body, connect, frame):
        self.publish = command(b"PUBLISH", channel, body)
        self.link = redis_link(port)
        self.connect = connect
        self.frame = frame

    def take(self, stream, size):
        while size > 0:
            got = stream.recv(min(size, 1 << 18))
            if not got:
                raise RuntimeError("the connection ended")
            size -= len(got)

    def one_at_a_time(self, seconds):
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            self.link.sendall(self.publish)
            self.take(self.subscriber, self.frame)
            self.take(self.link, 4)
            count += 1
        return count

    def at_rate(self, seconds):
        begun = time.monotonic()
        ticks, burst = int(1000 * seconds), RATE // 1000
        for tick in range(ticks):
            time.sleep(max(0, begun + tick / 1000 - time.monotonic()))
            self.link.sendall(self.publish * burst)
            self.take(self.link, 4 * burst)
            self.take(self.subscriber, self.frame * burst)
        return ticks * burst


def spent(pid, feed, work, seconds):
    """Nanoseconds per message. The subscriber is a new one: it answers no pings."""
    with feed.connect() as feed.subscriber:
        work(feed, 0.2)
        before = cpu(pid)
        count = work(feed, seconds)
        return (cpu(pid) - before) / count


def from_redis(programs, args):
    """What each round measures: name, and a function that gives nanoseconds per message."""
    text = "x" * SIZE
    packet = f'42["said","{text}"]'
    header = 2 if len(packet) < 126 else 4
    body = msgpack(["a peer", {"type": 2, "data": ["said", text], "nsp": "/"}, {"rooms": ["all"], "except": [], "flags": {}}])
    measured = {}
    channel = b"socket.io#/#all#"
    told = len(command(b"message", channel, body))
    bench = args.build / "bench"
    servers = {"weft": [bench / "load/cluster_node", "REDIS"], "Node": ["node", PEERS / "node_cluster.mjs", "REDIS"],
               "the kernel": [bench / "peers/raw_relay", "REDIS", channel.decode(), told, header + len(packet)]}
    for name, server in servers.items():
        port = programs.redis(args.others)
        pid, address = programs.server(args.server, [str(port if word == "REDIS" else word) for word in server])

        def come(port=port, address=address, name=name):
            if name == "the kernel":
                return web_socket(address, "/")[0]
            stream = socket_io(address)
            if name == "weft":  # Node listens to all rooms always
                await_listeners(port, channel, 1)
            return stream

        def add(what, feed, pid=pid):
            for way, work in (("one at a time", Feed.one_at_a_time), (f"{RATE:,} a second", Feed.at_rate)):
                measured[f"{what}, {way}"] = lambda work=work: spent(pid, feed, work, args.seconds)

        add(name, Feed(port, channel, body, come, header + len(packet)))
        if name == "weft":
            def subscribe(port=port, address=address):
                stream, _ = web_socket(address, "/topic")
                await_listeners(port, b"socket.io#topic#all", 1)
                return stream

            batch = b"\x01\x06a peer" + b"\0" + (0).to_bytes(4, "little") + SIZE.to_bytes(4, "little") + text.encode()
            add("weft, a topic", Feed(port, b"socket.io#topic#all", batch, subscribe, 2 + SIZE))
    return measured


def broadcasts(programs, args):
    weft = str(args.build / "apps/weft/weft")
    port = programs.redis(args.others)
    measured = {}
    for name, flags in (("alone", []), ("in a cluster", ["--redis-host", "127.0.0.1", "--redis-port", str(port)])):
        pid, address = programs.server(args.server, [weft, "serve", "--port", "0", *flags])

        def measure(pid=pid, address=address):
            load = subprocess.run(
                [weft, "bench", address.replace("http://", "ws://") + "ws", "--broadcast", "-c", "1000", "-s", "100", "--json",
                 "--server-pid", str(pid), "--seconds", str(args.seconds), "--warmup", "0.5"], check=True,
                stdout=subprocess.PIPE, preexec_fn=lambda: place(args.others, args))
            return json.loads(load.stdout)["server_cpu_ns"]

        measured[f"1,000 subscribers, {name}"] = measure
    return measured


class Crossing:
    """A client of each of two servers, and a publisher and subscriber of the Redis between them, in one loop."""

    def __init__(self, programs, args):
        port = programs.redis(args.others)
        self.seconds = args.seconds
        node = str(args.build / "bench/load/cluster_node")
        (_, first), (_, second) = (programs.server(args.server, [node, str(port)]) for _ in range(2))
        self.speaker, _ = web_socket(first, "/topic")
        self.hearer, _ = web_socket(second, "/topic")
        await_listeners(port, b"socket.io#topic#all", 2)
        self.link, self.probe = redis_link(port), redis_link(port)
        self.probe.sendall(command(b"SUBSCRIBE", b"probe"))
        self.probe.recv(65536)
        self.probe_size = len(b"*3\r\n$7\r\nmessage\r\n$5\r\nprobe\r\n$8\r\n12345678\r\n")

    def run(self):
        """The times of messages from server to server, and those of Redis alone, in milliseconds."""
        sent, count = 0, int(RATE * self.seconds)
        crossed, own = [], []
        frame = 2 + SIZE
        rest = {self.hearer: b"", self.probe: b""}
        with selectors.DefaultSelector() as selector:
            for stream in (self.hearer, self.probe, self.link):
                stream.setblocking(False)
                selector.register(stream, selectors.EVENT_READ)
            begun = time.monotonic()
            probes = 0
            while len(crossed) < count or len(own) < probes:
                due = min(int((time.monotonic() - begun) * RATE) - sent, count - sent)
                if due > 0:
                    now = time.perf_counter_ns().to_bytes(8, "little")
                    self.link.sendall(command(b"PUBLISH", b"probe", now))
                    self.speaker.sendall((bytes([0x82, 0x80 + SIZE, 0, 0, 0, 0]) + now + bytes(SIZE - 8)) * due)
                    sent += due
                    probes += 1
                for key, _ in selector.select(0.0005):
                    got = key.fileobj.recv(1 << 18)
                    now = time.perf_counter_ns()
                    if key.fileobj is self.link:
                        continue
                    size, at, into = (frame, 2, crossed) if key.fileobj is self.hearer else (self.probe_size, -10, own)
                    got = rest[key.fileobj] + got
                    whole = len(got) // size * size
                    for i in range(0, whole, size):
                        start = i + at if at >= 0 else i + size + at
                        into.append((now - int.from_bytes(got[start:start + 8], "little")) / 1e6)
                    rest[key.fileobj] = got[whole:]
        return sorted(crossed), sorted(own)


def at(times, quantile):
    return times[min(int(len(times) * quantile), len(times) - 1)]


def ratio(found, name, other):
    """Of what was measured in the same round."""
    return statistics.median(one / two for one, two in zip(found[name], found[other]))


def judge(what, value, most, unit=""):
    print(f"  goal: {what} {value:.3f}{unit}, at most {most}{unit}{'' if value <= most else ': MISSED'}", flush=True)
    return value <= most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="a build with the benchmarks")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    parser.add_argument("--cores", default="0,1", help="processor of the servers, processor of all else")
    parser.add_argument("--realtime", action="store_true",
                        help="let no other program of a busy machine disturb the measurements (needs root)")
    args = parser.parse_args()
    args.server, args.others = map(int, args.cores.split(","))
    place(args.others, args)
    with Programs(args) as programs:
        measured = {**broadcasts(programs, args), **from_redis(programs, args)}
        found = {name: [] for name in measured}
        for _ in range(args.rounds):
            for name, measure in measured.items():
                found[name].append(measure())
    cost = {name: statistics.median(each) for name, each in found.items()}
    for name, each in found.items():
        print(f"{name:40} {cost[name]:10,.0f} ns per message   ({min(each):,.0f} to {max(each):,.0f})", flush=True)
    with Programs(args) as programs:
        crossing = Crossing(programs, args)
        crossing.run()
        rounds = [crossing.run() for _ in range(args.rounds)]
    times = {name: [statistics.median(at(one[which], q) for one in rounds) for q in (0.5, 0.99, 0.999)]
             for which, name in enumerate(("from server to server", "Redis itself"))}
    for name, each in times.items():
        print(f"{name:40} p50 {each[0]:.3f}  p99 {each[1]:.3f}  p99.9 {each[2]:.3f} ms", flush=True)
    good = judge("a cluster costs", ratio(found, "1,000 subscribers, in a cluster", "1,000 subscribers, alone"), 1.05, " times")
    for way in ("one at a time", f"{RATE:,} a second"):
        good &= judge(f"from Redis, {way}:", cost[f"weft, {way}"] / 1000, 6, " us")
        print(f"  of the kernel's alone, {way}: {ratio(found, f'weft, {way}', f'the kernel, {way}'):.3f} times", flush=True)
        good &= judge(f"of Node's, {way}:", ratio(found, f"weft, {way}", f"Node, {way}"), 0.25, " times")
    good &= judge("more than Redis at p99:", times["from server to server"][1] - times["Redis itself"][1], 1, " ms")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
