#!/usr/bin/env python3
"""What the documentation shows is cut from code that is compiled and tested. A block of code under
`<!-- from PATH -->` must be in that file, line by line, whatever its indentation; every C++ block of these pages must
stand under such a mark. So must the right column of each table of calls, in the pages that have a file for it. Links between the pages
lead somewhere."""

import re
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALL_PAGES = {"docs/guide/from-node.md": "docs/guide/code/from_node.cpp",
              "docs/guide/from-ws.md": "docs/guide/code/from_ws.cpp",
              "docs/guide/socketio-client.md": "docs/guide/code/socketio_client.cpp"}
# The configurations are run by tests/e2e/proxies.test.mjs.
CONFIG_PAGE = "docs/guide/proxies.md"
PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for folder in ("guide", "operations", "tutorial")
                              for p in (ROOT / "docs" / folder).glob("*.md"))]

BLOCK = re.compile(r"(?:^<!-- from (\S+) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALLS = re.compile(r"^\| (?:Node|JavaScript|ws) \| Weft \|\n\|---\|---\|\n((?:\|.*\n)+)", re.MULTILINE)


def dedented(lines):
    return textwrap.dedent("\n".join(lines)).splitlines()


def is_cut_from(block, source):
    """Whether the lines of `block` follow each other in `source`."""
    wanted = dedented(block.splitlines())
    lines = source.splitlines()
    return any(dedented(lines[i:i + len(wanted)]) == wanted for i in range(len(lines) - len(wanted) + 1))


def complaints(page, text, read):
    found = []
    for path, language, block in BLOCK.findall(text):
        first = block.splitlines()[0]
        if not path:
            if language == "cpp":
                found.append(f"{page}: a C++ block without `<!-- from PATH -->`: {first}")
        elif not is_cut_from(block, read(path)):
            found.append(f"{page}: a block differs from {path}: {first}")
    return found


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    """What GitHub makes of the headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)}


def dead_links(page, text):
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", without_blocks(text))):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or anchor and anchor not in anchors(file.read_text()):
            dead.append(f"{page}: {target}")
    return dead


def calls_that_differ(text, source):
    squeezed = re.sub(r"\s", "", source)
    cells = [row.rsplit(" | ", 1)[1].rstrip(" |") for rows in CALLS.findall(text) for row in rows.splitlines()]
    return [cell for cell in cells if re.sub(r"\s", "", cell.strip("`")) not in squeezed]


class docs(unittest.TestCase):
    def test_blocks_are_cut_from_compiled_code(self):
        found = [c for page in PAGES
                 for c in complaints(page, (ROOT / page).read_text(), lambda path: (ROOT / path).read_text())]
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_whole_configurations_are_shown(self):
        shown = [(path, block) for path, _, block in BLOCK.findall((ROOT / CONFIG_PAGE).read_text()) if path]
        self.assertEqual(sorted(path for path, _ in shown),
                         sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs/guide/code/proxies").iterdir()))
        for path, block in shown:
            self.assertEqual(block, (ROOT / path).read_text(), path)

    def test_links_lead_somewhere_and_the_readme_links_every_guide(self):
        self.assertEqual([d for page in PAGES for d in dead_links(page, (ROOT / page).read_text())], [])
        readme = (ROOT / "README.md").read_text()
        self.assertEqual([page for page in PAGES if page != "README.md" and f"]({page})" not in readme], [])

    def test_calls_beside_others_are_compiled(self):
        for page, source in CALL_PAGES.items():
            text = (ROOT / page).read_text()
            self.assertGreater(len(CALLS.findall(text)), 2)
            found = calls_that_differ(text, (ROOT / source).read_text())
            self.assertFalse(found, f"not in {source}:\n" + "\n".join(found))


class rules(unittest.TestCase):
    """The check itself."""

    def test_a_block_may_be_indented_differently_but_not_changed(self):
        source = "void f() {\n    if (a)\n        b();\n}\n"
        self.assertTrue(is_cut_from("if (a)\n    b();\n", source))
        self.assertFalse(is_cut_from("if (a)\n    c();\n", source))
        self.assertFalse(is_cut_from("if (a)\nb();\n", source))

    def test_dead_links_are_told(self):
        self.assertEqual(anchors("# What `it` is, and why\n```sh\n# no heading\n```\n"), {"what-it-is-and-why"})
        self.assertEqual(dead_links("README.md", "[a](HACKING.md) [b](https://example.org/) [c](#try-it)"), [])
        self.assertEqual(dead_links("README.md", "[a](nothing.md) [b](#nothing)"),
                         ["README.md: nothing.md", "README.md: #nothing"])

    def test_differences_are_told(self):
        self.assertTrue(complaints("x.md", "```cpp\nint a;\n```\n", {}.get))
        self.assertTrue(complaints("x.md", "<!-- from a.cpp -->\n```cpp\nint a;\n```\n", lambda _: "int b;\n"))
        self.assertFalse(complaints("x.md", "<!-- from a.cpp -->\n```cpp\nint a;\n```\n", lambda _: "int a;\n"))
        self.assertEqual(calls_that_differ("| Node | Weft |\n|---|---|\n| `a` | `b(1)` |\n", "b( 2)"), ["`b(1)`"])
        self.assertEqual(calls_that_differ("| Node | Weft |\n|---|---|\n| `a` | `b(1)` |\n", "b( 1);"), [])


if __name__ == "__main__":
    unittest.main()
