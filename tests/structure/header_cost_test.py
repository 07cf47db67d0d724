#!/usr/bin/env python3
"""What <weft/weft.hpp> costs whoever includes it, in lines behind the preprocessor: unlike time, they are the same on every
machine. Another standard library has other lines, so this runs with GCC 12 alone. When it fails, `g++ -H` shows which
header of the standard library came in, and by way of which of ours."""

import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILER = sys.argv.pop(1)

MAX_LINES = 55_000  # 53,900 when this was written; <functional> alone would add 10,000, <thread> 1,300


class header_cost(unittest.TestCase):
    def test_the_header_for_programs_stays_below_its_limit(self):
        text = subprocess.run(
            [COMPILER, "-std=c++20", f"-I{ROOT / 'include'}", "-E", "-P", "-x", "c++", "-"],
            input="#include <weft/weft.hpp>\n", capture_output=True, text=True, check=True,
        ).stdout
        lines = text.count("\n")
        self.assertGreater(lines, 10_000)
        self.assertLessEqual(lines, MAX_LINES)


if __name__ == "__main__":
    unittest.main()
