#!/usr/bin/env python3
"""The unit, its socket and the configuration that packages have: systemd accepts them, they allow little, and the times that
they grant are those of the drain."""

import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import support

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
SYSTEMD = PACKAGING / "systemd"
LEAST_SPARE = 5  # seconds


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def longest_end(configuration):
    """What a drain takes at the most."""
    drain = configuration["drain"]
    return seconds(drain["not_ready_for"]) + seconds(drain["deadline"])


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not here")
class the_unit(unittest.TestCase):
    def analyze(self, *args):
        return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, timeout=60, check=False)

    def test_is_right(self):
        with tempfile.TemporaryDirectory(prefix="weft-unit-") as folder:
            for name in ("weft.service", "weft.socket"):
                text = (SYSTEMD / name).read_text().replace("/usr/bin/weft", support.WEFT)
                (Path(folder) / name).write_text(text)
            judged = self.analyze("verify", "--man=no", f"{folder}/weft.service", f"{folder}/weft.socket")
            self.assertEqual((judged.returncode, judged.stderr), (0, ""))

    def test_leaves_little_open(self):
        judged = self.analyze("security", "--offline=true", "--threshold=15", str(SYSTEMD / "weft.service"))
        self.assertEqual(judged.returncode, 0, judged.stdout[-300:])


class the_configuration(unittest.TestCase):
    file = PACKAGING / "weft.toml"

    def test_is_accepted(self):
        judged = support.run(support.WEFT, "check", str(self.file))
        self.assertEqual(judged.returncode, 0, judged.stderr)

    def test_ends_within_the_time_that_the_unit_grants(self):
        granted = re.search(r"^TimeoutStopSec=(\d+)$", (SYSTEMD / "weft.service").read_text(), re.M)
        configured = longest_end(tomllib.loads(self.file.read_text()))
        self.assertGreaterEqual(int(granted[1]), configured + LEAST_SPARE)


if __name__ == "__main__":
    unittest.main()
