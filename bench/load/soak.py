#!/usr/bin/env python3
"""Does a server that runs for long stay as it was? Clients come and go, then some stay for minutes.

    bench/load/soak.py build/bench [--scale 1] [--minutes 10] [--clients 4000]

Churn: 10^6 plain, 10^5 TLS and 10^5 Socket.IO cycles (`scale` times as many), after a tenth of them that count as start. Then
memory must be within 1 MiB of what it was, and as many descriptors open. Steady: so many clients echo a message every 50 ms; each
minute tells p99, memory and the server's load. Choose `clients` so that its processor is busy for 60 % of the time.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

MIB = 1024 * 1024


@contextmanager
def program(processor, argv):
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, {processor}))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ask(process, line=""):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError("a program ended")
    return json.loads(answer)


def memory(server):
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text()).group(1))


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def processor_time(server):
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_alone(server, most):
    """The server's ends of the last connections close."""
    until = time.monotonic() + 10
    while descriptors(server) > most and time.monotonic() < until:
        time.sleep(0.01)
    return descriptors(server)


def churn(build, name, argv, path, cycles, scheme="ws"):
    with program(0, argv) as server:
        url = server.stdout.readline().split()[-1].rstrip("/")
        time.sleep(0.5)  # it says where it listens before it has opened all that it keeps
        base = descriptors(server)
        with program(1, [build / "bench/load/churn", scheme + "://" + url.split("://")[1] + path]) as clients:
            ask(clients, str(cycles // 10))
            wait_until_alone(server, base)
            before = memory(server)
            done = ask(clients, str(cycles))
            left = wait_until_alone(server, base)
            grown = memory(server) - before
    good = done["failed"] == 0 and grown <= MIB and left == base
    print(f"| {name} | {cycles:,} in {done['seconds']:.0f} s, {done['failed']} failed | {before / MIB:.2f} MiB {grown / MIB:+.2f} "
          f"| {base} -> {left} descriptors |{'' if good else ' MISSED'}", flush=True)
    return good


def steady(build, clients, minutes):
    with program(0, [build / "apps/weft/weft", "echo", "--port", "0"]) as server:
        url = server.stdout.readline().split()[-1]
        with program(1, [build / "bench/load/storm", "healthy", url, str(clients)]) as healthy:
            healthy.stdout.readline()
            for minute in range(minutes + 1):
                ask(healthy)
                spent = processor_time(server)
                time.sleep(60 if minute else 10)
                told = ask(healthy)
                load = (processor_time(server) - spent) / (60 if minute else 10)
                print(f"| {f'minute {minute}' if minute else 'start'} | p50 {told['p50_us']:,.0f} us, p99 {told['p99_us']:,.0f} us, "
                      f"{told['lost']} lost | {memory(server) / MIB:.2f} MiB | {load:.0%} of a processor |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--clients", type=int, default=4000)
    given = parser.parse_args()
    weft = given.build / "apps/weft/weft"

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weft-soak-")))
        cert, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
        if given.scale <= 0:
            sys.exit("--scale must be above 0")
        good = churn(given.build, "plain", [weft, "echo", "--port", "0"], "/", int(1_000_000 * given.scale))
        good &= churn(given.build, "TLS", [weft, "echo", "--port", "0", "--tls-cert", cert, "--tls-key", key], "/",
                      int(100_000 * given.scale), "wss")
        good &= churn(given.build, "Socket.IO", [given.build / "bench/load/socketio_echo"],
                      "/socket.io/?EIO=4&transport=websocket", int(100_000 * given.scale))
        if given.minutes:
            steady(given.build, given.clients, given.minutes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
