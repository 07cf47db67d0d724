#!/usr/bin/env python3
"""Each row of the table in SECURITY.md has a test: its id, as sec_<id>, is part of a test's name."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)
TEST_NAME = re.compile(r"(?:\b|_)sec_([a-z]\d+)(?=_|\b)")


class security_rows(unittest.TestCase):
    def test_every_row_has_a_test(self):
        rows = {row.lower() for row in ROW.findall((ROOT / "SECURITY.md").read_text())}
        tests = [p for p in (ROOT / "tests").rglob("*") if p.name.endswith(("_test.cpp", "_test.py", ".test.mjs"))
                 and "node_modules" not in p.parts and p != Path(__file__).resolve()]
        named = {name for p in tests for name in TEST_NAME.findall(p.read_text())}
        self.assertGreater(len(rows), 20)
        self.assertEqual(sorted(rows - named), [], "these rows have no test")
        self.assertEqual(sorted(named - rows), [], "these tests have no row")


if __name__ == "__main__":
    unittest.main()
