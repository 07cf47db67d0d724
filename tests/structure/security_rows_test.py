#!/usr/bin/env python3
"""Each row of the table in SECURITY.md has a test: its id, as sec_<id>, is part of a test's name. The table of attacks there is
that of tests/attack, whose attacks name rows that exist."""

import re
import sys
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

    def test_the_table_of_attacks_is_that_of_the_suite(self):
        sys.path.insert(0, str(ROOT / "tests" / "attack"))
        import attacks
        suite = attacks.load()
        page = (ROOT / "SECURITY.md").read_text()
        rows = set(ROW.findall(page))
        self.assertEqual(re.findall(r"^\| `(\w+)`: ", page, re.MULTILINE), list(suite))
        self.assertEqual({row for a in suite.values() for row in a.rows} - rows, set(), "attacks on rows that do not exist")


if __name__ == "__main__":
    unittest.main()
