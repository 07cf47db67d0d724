#!/usr/bin/env python3
"""A reconnect storm: many clients come back to one loop at once. What becomes of those that were connected before?

    bench/load/storm.py build/bench [--crowd 20000] [flags of `weft echo`, such as --connects-per-second 2000]

The server has a processor of its own; the healthy clients go before the crowd on the other. A round is five quiet seconds, then
the storm: the crowd's connections are cut, and all of them connect. The server needs as many descriptors as there are clients.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path


class Program:
    """One of ours: a line to it is a question, a line from it the answer."""

    def __init__(self, stack, processor, argv, urgent=True):
        def prepare():
            os.sched_setaffinity(0, {processor})
            with suppress(PermissionError):  # what else the machine does is not what is measured
                os.sched_setscheduler(0, os.SCHED_FIFO if urgent else os.SCHED_OTHER, os.sched_param(1 if urgent else 0))

        self.process = stack.enter_context(
            subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=prepare))
        stack.callback(self.process.kill)

    def tell(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a program ended")
        return json.loads(line)

    def ask(self):
        self.tell()
        return self.answer()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--crowd", type=int, default=20000)
    parser.add_argument("--healthy", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quiet-seconds", type=float, default=5)
    given, flags = parser.parse_known_args()  # what it does not know is for the server

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = hard - given.healthy - 64
    if given.crowd > room:
        print(f"this machine lets a process have {hard} descriptors: a crowd of {room}", file=sys.stderr)
        given.crowd = room

    with ExitStack() as stack:
        echo = Program(stack, 0, [given.build / "apps/weft/weft", "echo", "--port", "0", *flags])
        url = echo.process.stdout.readline().split()[-1]
        storm = str(given.build / "bench/load/storm")
        healthy = Program(stack, 1, [storm, "healthy", url, str(given.healthy)])
        healthy.answer()
        crowd = Program(stack, 1, [storm, "crowd", url, str(given.crowd)], urgent=False)
        ratios = []
        for _ in range(given.rounds):
            healthy.ask()
            time.sleep(given.quiet_seconds)
            quiet = healthy.ask()
            came = crowd.ask()
            during = healthy.ask()
            ratios.append(during["p99_us"] / quiet["p99_us"])
            print(json.dumps({"quiet": quiet, "storm": during, "crowd": came}), flush=True)
        print(f"p99 of the healthy in the storm against their quiet one, median of {given.rounds} rounds: "
              f"{statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
