"""Starts a server, lets an attack loose on it, and measures what becomes of the healthy clients."""

import bisect
import mmap
import multiprocessing
import os
import re
import resource
import signal
import ssl
import struct
import subprocess
import tempfile
import time
import traceback
from contextlib import ExitStack, suppress
from pathlib import Path

import healthy
import wire
from attacks import Fight

os.environ.setdefault("WEFT_SERVER__ALLOW_ROOT", "true")  # attacked as whoever runs this

QUIET = 1.5  # seconds before each attack
# The bounds of the verdict.
MAX_STALL_MS = 5  # p99.9
MAX_P99_MS = 10
MAX_NEWCOMER_S = 1
FDS_BACK_WITHIN = 13  # seconds: whoever is owed a deadline has had it
BUCKET_MS, BUCKETS, MOST_WAITS = 0.05, 20_000, 20_000  # of turn_clock.cpp


class TurnClock:
    """What turn_clock.cpp writes: a histogram of the processor time between the moments at which a timer could run, and when the
    server waited for its processor."""

    WAITS_AT = 8 * (BUCKETS + 1)
    SIZE = WAITS_AT + 8 + 16 * MOST_WAITS

    def __init__(self, stack):
        self.file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="weft-attack-"))
        self.file.truncate(self.SIZE)
        self.memory = stack.enter_context(mmap.mmap(self.file.fileno(), self.SIZE))
        self.clear()

    def clear(self):
        self.memory[:8] = bytes(8)
        self.before = self._buckets()

    def _buckets(self):
        return struct.unpack(f"{BUCKETS}Q", self.memory[8:self.WAITS_AT])

    def stalls(self):
        """p99.9 and longest since `clear`, in milliseconds."""
        counts = [after - before for before, after in zip(self.before, self._buckets())]
        if not sum(counts):
            raise RuntimeError("the turn clock saw no turn of the loop: which call does it wait in?")
        left = sum(counts) / 1000
        at = next((i for i in range(BUCKETS - 1, -1, -1) if (left := left - counts[i]) < 0), 0)
        return (at + 1) * BUCKET_MS, struct.unpack("Q", self.memory[:8])[0] / 1e6

    def waits(self):
        """From when to when, in seconds of the monotonic clock."""
        count, = struct.unpack("Q", self.memory[self.WAITS_AT:self.WAITS_AT + 8])
        numbers = struct.unpack(f"{2 * count}Q", self.memory[self.WAITS_AT + 8:self.WAITS_AT + 8 + 16 * count])
        return [((end - length) / 1e9, end / 1e9) for end, length in zip(numbers[::2], numbers[1::2])]


def round_trips(report, waits):
    """p50, p99 and longest in milliseconds, without the time for which the server waited for its processor."""
    begins = [begin for begin, _ in waits]
    times = []
    for asked, took in report["times"]:
        at = max(bisect.bisect_right(begins, asked) - 1, 0)
        lost = 0
        while at < len(waits) and waits[at][0] < asked + took:
            lost += max(0, min(asked + took, waits[at][1]) - max(asked, waits[at][0]))
            at += 1
        times.append((took - lost) * 1000)
    times = sorted(times) or [0]
    return times[len(times) // 2], times[len(times) * 99 // 100], times[-1]


class Certificate:
    """For localhost, in a folder."""

    def __init__(self, folder):
        self.cert, self.key = str(folder / "cert.pem"), str(folder / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key,
                        "-out", self.cert], check=True, stderr=subprocess.DEVNULL)

    def client(self):
        return ssl.create_default_context(cafile=self.cert)


class Process:
    """The server, alone on the first processor as far as the machine permits."""

    def __init__(self, stack, build, server, folder, certificate, clock):
        argv = [build / server.program, *server.arguments]
        if server.files:
            site = folder / "site"
            site.mkdir()
            for name, content in server.files.items():
                (site / name).write_bytes(content)
            argv.append(site)
        if certificate:
            argv += ["--tls-cert", certificate.cert, "--tls-key", certificate.key]
        self.log = folder / "log"

        def prepare():
            wire.run_on(0, first=True)
            if server.descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (server.descriptors, server.descriptors))

        env = {**os.environ, "LD_PRELOAD": str(build / "tests/attack/weft_turn_clock.so"), "WEFT_TURN_CLOCK": clock.file.name}
        self.process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=self.log.open("wb"), text=True,
                                        preexec_fn=prepare, env=env, cwd=folder)
        stack.callback(self.process.kill)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        found = re.match(r"listening on \S+:(\d+)/", line)
        if not found:
            raise RuntimeError(f"unexpected line {line!r}: {self.log.read_text(errors='replace')}")
        self.port = int(found[1])
        self.metrics_port = self.find_metrics() if "--metrics-port" in argv else None

    def find_metrics(self):
        end = time.monotonic() + 5  # the log is written by a thread of its own
        while not (found := re.search(r"metrics on [^\s\"]+:(\d+)/", self.log.read_text())):
            if time.monotonic() > end:
                raise RuntimeError("no line tells of the counters")
            time.sleep(0.01)
        return int(found[1])

    def memory(self, what):
        found = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1024

    def forget_peak(self):
        with suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def waited(self):
        """Seconds that it could have run and something else did."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(wire.PATIENCE)
        except subprocess.TimeoutExpired:
            return "none: it did not end"


def attacker(answer, attack, process, certificate, folder):
    """A process of its own, which the healthy clients come before."""
    wire.run_on(1, nice=-5)
    # The listen queue of the machine's other programs is no concern of ours; descriptors are.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    fight = Fight(process.port, process, certificate.client() if certificate else None, process.log, folder)
    try:
        attack.run(fight)
    except Exception:  # what the attack itself did not expect
        fight.wrong.append(traceback.format_exc(limit=-2).replace("\n", " "))
    answer.send((fight.wrong, fight.told))
    os._exit(0)


def run(attack, build):
    """The attack's row of the table, as a dictionary; what is wrong is in `wrong`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weft-attack-")))
        clock = TurnClock(stack)
        certificate = Certificate(folder) if attack.server.tls else None
        process = Process(stack, build, attack.server, folder, certificate, clock)
        crowd = stack.enter_context(healthy.Healthy(process.port, attack.server.dialect, certificate and certificate.client(),
                                                    newcomers=attack.newcomers))
        crowd.clear()
        time.sleep(QUIET)
        quiet = crowd.report()
        descriptors = process.descriptors()
        process.forget_peak()
        memory, waited = process.memory("VmRSS"), process.waited()
        crowd.clear()
        clock.clear()
        begun = time.monotonic()
        fork = multiprocessing.get_context("fork")
        answer, theirs = fork.Pipe()
        who = fork.Process(target=attacker, args=(theirs, attack, process, certificate, folder))
        who.start()
        theirs.close()
        try:
            wrong, told = answer.recv()
        except EOFError:
            wrong, told = ["the attacker died"], []
        who.join()
        took = time.monotonic() - begun
        under = crowd.report()
        stall, longest = clock.stalls()
        waits = clock.waits()
        grown, waited = 0, process.waited() - waited
        if process.process.poll() is None:
            grown = process.memory("VmHWM") - memory
            until = time.monotonic() + FDS_BACK_WITHIN
            while (left := process.descriptors() - descriptors) > 0 and time.monotonic() < until:
                time.sleep(0.05)
            if left > 0:
                wrong.append(f"{left} descriptors are still open")
        code = process.stop()
    if code != 0:
        wrong.append(f"the server's exit code is {code}")
    quiet_p99 = round_trips(quiet, waits)[1]
    p50, p99, slowest = round_trips(under, waits)
    if stall > MAX_STALL_MS:
        wrong.append(f"the loop stalls: p99.9 is {stall:.1f} ms")
    if p99 > MAX_P99_MS:
        wrong.append(f"p99 of the healthy is {p99:.1f} ms")
    if under["lost"]:
        wrong.append(f"{under['lost']} healthy clients were cut off")
    if grown > attack.memory:
        wrong.append(f"memory grew by {grown / 1e6:.0f} MB, more than {attack.memory / 1e6:.0f}")
    if attack.newcomers and under["refused"]:
        wrong.append(f"{under['refused']} newcomers did not get in: {under['why']}")
    if attack.newcomers and under["slowest_newcomer"] > MAX_NEWCOMER_S:
        wrong.append(f"a newcomer took {under['slowest_newcomer']:.1f} s")
    return {"name": attack.name, "took": took, "stall": stall, "longest": longest, "quiet_p99": quiet_p99, "p50": p50, "p99": p99,
            "max": slowest, "count": len(under["times"]), "lost": under["lost"], "came": under["came"], "refused": under["refused"],
            "slowest_newcomer": under["slowest_newcomer"] * 1000, "grown": grown, "waited": waited, "told": told, "wrong": wrong}
