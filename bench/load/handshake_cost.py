#!/usr/bin/env python3
"""What does a token cost a handshake of WebSocket? Instructions of a whole connection: accepted, upgraded, closed.

    bench/load/handshake_cost.py build/bench/bench/load/guarded_echo

Three ways: without a token, with one that nobody asks for, and with the same required, which is in the cache of the verifier
after the first time. Instructions are counted by callgrind, of two runs that differ in the number of connections only. Exit code 1
if the third is above 1.1 times the second.
"""

import re
import signal
import socket
import subprocess
import sys
import tempfile
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


def instructions(program, path, with_token, count):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
            token = server.stdout.readline().strip()
            for _ in range(count):
                connect(port, path, token if with_token else None)
            server.send_signal(signal.SIGTERM)
            server.stdout.read()
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])


def main():
    few, many = 100, 1100
    costs = []
    for name, path, with_token in WAYS:
        program = sys.argv[1]
        cost = (instructions(program, path, with_token, many) - instructions(program, path, with_token, few)) / (many - few)
        costs.append(cost)
        print(f"{cost:10,.0f} instructions: {name}", flush=True)
    print(f"{costs[2] / costs[1]:.3f} of the same request where nobody asks, {costs[2] / costs[0]:.3f} of one without a token")
    return 1 if costs[2] > 1.1 * costs[1] else 0


if __name__ == "__main__":
    sys.exit(main())
