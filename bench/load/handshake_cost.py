#!/usr/bin/env python3
"""What does a token cost a handshake of WebSocket? A whole connection: accepted, upgraded, closed.

    bench/load/handshake_cost.py build/bench/bench/load/guarded_echo

Three ways: without a token, with one that nobody asks for, and with the same required, which is in the cache of the verifier
after the first time. Two measures: CPU time of the server with the kernel's, medians of seven interleaved rounds of 500; and its
own instructions, counted by callgrind in two runs that differ in the number of connections only. Exit code 1 if in either the third
is above 1.1 times the second.
"""

import glob
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

WAYS = (("no token", "/ws", False), ("a token that nobody asks for", "/ws", True), ("a token that is required", "/members", True))


def connect(port, path, token):
    more = f"Authorization: Bearer {token}\r\n" if token else ""
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}"
                        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        if b" 101 " not in (answer := stream.recv(65536)):
            raise RuntimeError(answer)
        stream.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
        while stream.recv(65536):
            pass


@contextmanager
def serve(command):
    """The process, and what connects to it in one of the ways."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
        token = server.stdout.readline().strip()
        yield server, lambda way, count: [connect(port, way[1], token if way[2] else None) for _ in range(count)]
        server.send_signal(signal.SIGTERM)
        server.stdout.read()


def instructions(program, way, count):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        with serve(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program]) as (_, come):
            come(way, count)
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])


def cpu_ns(process):
    return sum(int(Path(one).read_text().split()[0]) for one in glob.glob(f"/proc/{process.pid}/task/*/schedstat"))


def cpu_times(program, rounds=7, count=500):
    took = [[] for _ in WAYS]
    with serve([program]) as (server, come):
        for _ in range(rounds):
            for way, each in zip(WAYS, took):
                before = cpu_ns(server)
                come(way, count)
                each.append((cpu_ns(server) - before) / count / 1000)
    return [statistics.median(each) for each in took]


def report(unit, costs):
    for way, cost in zip(WAYS, costs):
        print(f"{cost:10,.1f} {unit}: {way[0]}")
    print(f"{costs[2] / costs[1]:.3f} of the same request where nobody asks, {costs[2] / costs[0]:.3f} of one without a token",
          flush=True)
    return costs[2] > 1.1 * costs[1]


def main():
    program = sys.argv[1]
    few, many = 100, 1100
    late = report("us of CPU", cpu_times(program))
    late |= report("instructions", [(instructions(program, way, many) - instructions(program, way, few)) / (many - few)
                                    for way in WAYS])
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
