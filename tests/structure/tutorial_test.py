#!/usr/bin/env python3
"""Who types the tutorial has a program after each section. This puts the pieces together as the tutorial says (those that
are indented in chat.cpp go into `set_up_chat`), compiles all stages in one go, each in a namespace of its own, and looks whether
the last one is the whole example. That the pieces are those of the example is docs_code_test.py's business."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "examples/chat/chat.cpp"
COMPILER = sys.argv.pop(1)
PIECE = re.compile(rf"^<!-- from {SOURCE} -->\n```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SKELETON = "void set_up_chat(weft::socketio::space& io) {{\n{inner}}}\n\n}}  // namespace\n"


def stages(page, source):
    """The includes, and the programs after each section, without them."""
    head, outer, inner, main, programs = "", "", "", "", []
    for section in page.split("\n## ")[1:]:
        pieces = PIECE.findall(section)
        for piece in pieces:
            if piece.startswith("#include"):
                head = piece
            elif piece.startswith("int main"):
                main = piece
            elif re.search(rf"^ +{re.escape(piece.splitlines()[0])}$", source, re.MULTILINE):
                inner += piece
            else:
                outer += piece
        if pieces:
            programs.append(outer + SKELETON.format(inner=inner) + main)
    includes, opening = re.fullmatch(r"((?:#include[^\n]*\n|\n)+)(.*)", head, re.DOTALL).groups()
    return includes, [opening + program for program in programs]


class tutorial(unittest.TestCase):
    def setUp(self):
        self.source = (ROOT / SOURCE).read_text()
        self.includes, self.programs = stages((ROOT / "docs/tutorial/chat.md").read_text(), self.source)

    def test_the_program_compiles_after_each_section(self):
        self.assertGreater(len(self.programs), 4)
        unit = self.includes + "".join(
            f"namespace after_{i} {{\n{program}}}\n" for i, program in enumerate(self.programs, 1))
        done = subprocess.run([COMPILER, "-std=c++20", f"-I{ROOT / 'include'}", "-fsyntax-only", "-x", "c++", "-"],
                              input=unit, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[:4000])

    def test_the_last_one_is_the_example(self):
        shown = set((self.includes + self.programs[-1]).splitlines())
        stripped = {line.strip() for line in shown}
        missing = [line for line in self.source.splitlines() if line.strip() not in stripped and not line.startswith("//")]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
