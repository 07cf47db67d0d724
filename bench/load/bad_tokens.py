#!/usr/bin/env python3
"""Do bad tokens stall a loop? A healthy client echoes while handshakes with bad ES384 tokens come, each of which costs half
a millisecond of arithmetic if it is verified.

    bench/load/bad_tokens.py build/bench/bench/load/guarded_echo [--rate 2000] [--seconds 5]

Quiet and under attack take turns. It shows the healthy client's round trips, and of all turns of the loop how many were
longer than 4 ms (weft_net_turn_seconds). Exit code 1 if the p99 of turns, or what the round trip grows by at p99, is above 5 ms.
"""

import argparse
import base64
import http.client
import multiprocessing
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time

UPGRADE = ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def attack(port, token, rate, seconds, told):
    """So many handshakes a second, each on a connection of its own with a token of its own."""
    head, claims, signature = token.split(".")
    claims = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    selector = selectors.DefaultSelector()
    begun = time.monotonic()
    sent, statuses = 0, {}
    while (now := time.monotonic()) < begun + seconds:
        while sent < (now - begun) * rate:
            own = claims.replace(b"00000000", b"%08d" % sent)
            bearer = f"{head}.{base64.urlsafe_b64encode(own).rstrip(b'=').decode()}.{signature}"
            stream = socket.create_connection(("127.0.0.1", port))
            stream.sendall(UPGRADE.format(path="/members", more=f"Authorization: Bearer {bearer}\r\n").encode())
            selector.register(stream, selectors.EVENT_READ)
            sent += 1
        for key, _ in selector.select(0.0005):
            answer = key.fileobj.recv(65536)
            statuses[answer[9:12]] = statuses.get(answer[9:12], 0) + 1
            selector.unregister(key.fileobj)
            key.fileobj.close()
    told.put({"sent": sent, **{status.decode(): count for status, count in statuses.items()}})


def echo(port, seconds):
    """Round trips of a client that sends each millisecond or so, in milliseconds."""
    stream = socket.create_connection(("127.0.0.1", port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(UPGRADE.format(path="/ws", more="").encode())
    stream.recv(65536)
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        stream.sendall(b"\x82\x84\0\0\0\0ping")
        stream.recv(65536)
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.001)
    stream.close()
    return sorted(times)


def turns(port):
    """How many turns took at most so many seconds, and how many there were."""
    link = http.client.HTTPConnection("127.0.0.1", port)
    link.request("GET", "/metrics")
    text = link.getresponse().read().decode()
    found = re.findall(r'^weft_net_turn_seconds_bucket{.*le="([^"]+)"} (\d+)$', text, re.MULTILINE)
    return {float(bound): int(count) for bound, count in found}


def quantile(before, after, q):
    """The bound of the bucket that has it."""
    counts = {bound: after[bound] - before[bound] for bound in after}
    return min(bound for bound, count in counts.items() if count >= q * counts[max(counts)])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("server")
    options.add_argument("--rate", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with subprocess.Popen([chosen.server], stdout=subprocess.PIPE, text=True) as server:
        port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
        server.stdout.readline()
        token = server.stdout.readline().strip()
        worst = 0
        try:
            quiet99, attacked99 = [], []
            for _ in range(chosen.rounds):
                for attacked in (False, True):
                    told = multiprocessing.Queue()
                    attacker = multiprocessing.Process(target=attack, args=(port, token, chosen.rate, chosen.seconds + 1, told))
                    if attacked:
                        attacker.start()
                        time.sleep(0.5)
                    before = turns(port)
                    times = echo(port, chosen.seconds)
                    after = turns(port)
                    p50, p99, top = times[len(times) // 2], times[len(times) * 99 // 100], times[-1]
                    (attacked99 if attacked else quiet99).append(p99)
                    turn = quantile(before, after, 0.99)
                    line = f"{'attack' if attacked else 'quiet '}  echo p50 {p50:6.2f}  p99 {p99:6.2f}  max {top:6.2f} ms"
                    line += f"   turns p99 <= {turn * 1000:.1f} ms, longest <= {quantile(before, after, 1) * 1000:.1f} ms"
                    if attacked:
                        worst = max(worst, turn * 1000)
                        attacker.join()
                        line += f"   {told.get()}"
                    print(line, flush=True)
        finally:
            server.send_signal(signal.SIGTERM)
    grown = statistics.median(attacked99) - statistics.median(quiet99)
    print(f"p99 of the round trip: {statistics.median(quiet99):.2f} ms quiet, {statistics.median(attacked99):.2f} ms under attack")
    return 1 if grown > 5 or worst > 5 else 0


if __name__ == "__main__":
    sys.exit(main())
