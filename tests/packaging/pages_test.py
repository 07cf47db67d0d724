#!/usr/bin/env python3
"""The manual page and the completions, as man and the shells see them."""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import support
from support import WEFT

PAGES = Path(os.environ["WEFT_PAGES"])


def shell(*command, text=None):
    done = support.run(*command, text=text)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{done.returncode}: {done.stderr}")
    return done.stdout


def flags_of(*command):
    """What --help lists."""
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", support.run(WEFT, *command, "--help").stdout, re.M))


class the_manual_page(unittest.TestCase):
    def test_has_every_command_and_flag(self):
        page = shell("man", "-P", "cat", "-l", str(PAGES / "weft.1.gz"))
        for command in ("serve", "echo", "demo", "bench", "check", "token mint", "config explain"):
            self.assertIn(f"weft {command}", page)
            for flag in flags_of(*command.split()) - {"--help"}:
                self.assertIn(flag, page, command)
        for part in ("NAME", "EXIT STATUS", "SIGNALS"):
            self.assertRegex(page, rf"(?m)^{part}$")

    @unittest.skipUnless(shutil.which("groff"), "groff is not here")
    def test_is_right_for_groff(self):
        judged = support.run("groff", "-man", "-Tutf8", "-ww", "-z", text=support.run(WEFT, "man").stdout)
        self.assertEqual((judged.returncode, judged.stderr), (0, ""))


class bash(unittest.TestCase):
    def complete(self, *words, cwd=None):
        line = " ".join(f"'{word}'" for word in words)
        script = (f"{'cd ' + cwd + ';' if cwd else ''} source {PAGES}/weft.bash; COMP_WORDS=({line}); "
                  f"COMP_CWORD={len(words) - 1}; _weft; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        return set(shell("bash", "--norc", "-uc", script).split())

    def test_completes_commands(self):
        self.assertEqual(self.complete("weft", "se"), {"serve"})
        self.assertEqual(self.complete("weft", "token", ""), {"mint", "inspect", "--help"})

    def test_completes_the_flags_of_a_command(self):
        self.assertEqual(self.complete("weft", "serve", "--"), flags_of("serve"))
        self.assertEqual(self.complete("weft", "token", "mint", "--tt"), {"--ttl"})

    def test_completes_files_where_a_flag_wants_one(self):
        with tempfile.TemporaryDirectory(prefix="weft-pages-") as folder:
            (Path(folder) / "weft.toml").touch()
            (Path(folder) / "webroot").mkdir()
            self.assertEqual(self.complete("weft", "serve", "--config", "we", cwd=folder), {"weft.toml", "webroot"})
            self.assertEqual(self.complete("weft", "serve", "we", cwd=folder), {"webroot"})
            self.assertEqual(self.complete("weft", "check", "weft", cwd=folder), {"weft.toml"})
            self.assertEqual(self.complete("weft", "serve", "--port", "", cwd=folder), set())


@unittest.skipUnless(shutil.which("fish"), "fish is not here")
class fish(unittest.TestCase):
    def complete(self, line):
        answer = shell("fish", "--no-config", "-c", f"source {PAGES}/weft.fish; complete -C '{line}'")
        return {each.split("\t")[0] for each in answer.splitlines()}

    def test_completes_commands_and_flags(self):
        self.assertEqual(self.complete("weft se"), {"serve"})
        self.assertEqual(self.complete("weft token m"), {"mint"})
        self.assertEqual(self.complete("weft serve --"), flags_of("serve"))
        self.assertEqual(self.complete("weft token mint --tt"), {"--ttl"})


@unittest.skipUnless(shutil.which("zsh"), "zsh is not here")
class zsh(unittest.TestCase):
    def complete(self, line, wanted):
        """Types the line and a tab in a terminal, until zsh has made that of it."""
        with tempfile.TemporaryDirectory(prefix="weft-pages-") as folder:
            shutil.copy(PAGES / "_weft", folder)
            near, far = pty.openpty()
            child = subprocess.Popen(["zsh", "-f", "-i"], stdin=far, stdout=far, stderr=far, start_new_session=True,
                                     env={**os.environ, "TERM": "dumb"}, cwd=folder)
            os.close(far)
            try:
                begin = f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -d {folder}/dump; PS1='re''ady '\n"
                os.write(near, begin.encode())
                self.read_until(near, "ready ")
                os.write(near, (line + "\t").encode())
                self.read_until(near, wanted)
            finally:
                child.kill()
                child.wait()
                os.close(near)

    def read_until(self, fd, wanted):
        text = ""
        while wanted not in text:
            self.assertTrue(select.select([fd], [], [], support.PATIENCE)[0], f"no {wanted!r} in {text!r}")
            text += os.read(fd, 4096).decode(errors="replace")

    def test_reads_the_script(self):
        shell("zsh", "-n", str(PAGES / "_weft"))

    def test_completes_commands_and_flags(self):
        self.complete("weft se", "rve")
        self.complete("weft token mint --tt", "l")
        self.complete("weft serve --conf", "ig")


if __name__ == "__main__":
    unittest.main()
