#!/usr/bin/env python3
"""The Containerfile without a container engine: its packages exist and are enough, its step of installation makes the image
that it copies from, and what it starts is healthy, without rights and without a place to write. tests/packaging/debian_test.py
plays the whole last stage in a clean root."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import containerfile
import support
from support import WEFT

BUILD = os.environ["WEFT_BUILD"]
SOURCE = containerfile.FILE.parents[2]


def in_debian(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class the_image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build, cls.final = containerfile.read()
        folder = tempfile.TemporaryDirectory(prefix="weft-image-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)

    def install(self):
        """The last command of the first stage's build, with our build in the place of its own."""
        step = self.build.all("RUN")[-1].split("&&")[-1].strip()
        self.assertIn("cmake --install /build", step)
        subprocess.run(step.replace("DESTDIR=/image", f"DESTDIR={self.root}").replace("/build", BUILD) + " --prefix /usr",
                       shell=True, check=True, capture_output=True, timeout=60)

    def test_has_what_is_copied_from_it(self):
        self.install()
        for copied in self.final.all("COPY"):
            words = copied.split()
            if words[0] == "--from=build":
                self.assertTrue((self.root / words[1].removeprefix("/image/")).exists(), copied)
            else:
                self.assertTrue((SOURCE / words[0]).exists(), copied)

    @unittest.skipUnless(shutil.which("apt-cache"), "not on Debian")
    def test_installs_packages_that_there_are(self):
        known = set(in_debian("apt-cache", "pkgnames").stdout.split())
        self.assertEqual(set(self.build.packages() + self.final.packages()) - known, set())

    @unittest.skipUnless(shutil.which("dpkg"), "not on Debian")
    def test_installs_every_library_that_the_program_needs(self):
        named = self.final.packages()
        no = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
        present = set(in_debian("apt-cache", "depends", "--recurse", *no, *named).stdout.split())
        for library in re.findall(r"=> (\S+)", in_debian("ldd", WEFT).stdout):
            owner = in_debian("dpkg", "-S", os.path.realpath(library))
            owner = owner if owner.returncode == 0 else in_debian("dpkg", "-S", os.path.realpath(library).removeprefix("/usr"))
            package = owner.stdout.split(":")[0]
            self.assertIn(package, present, library)

    def test_starts_what_is_healthy_and_ends_on_its_signal(self):
        user = int(self.final.one("USER"))
        program, *arguments = self.final.one("ENTRYPOINT") + self.final.one("CMD")
        self.assertEqual(program, "/usr/bin/weft")
        config = self.root / "weft.toml"
        shutil.copy(SOURCE / "packaging/weft.toml", config)
        os.chmod(self.root, 0o755)
        arguments = [str(config) if each == "/etc/weft/weft.toml" else each for each in arguments]

        def become_user():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)

        free = {"WEFT_LISTEN__0__PORT": "0", "WEFT_INTERNAL__PORT": "0", "WEFT_DRAIN__NOT_READY_FOR": "0s",
                "WEFT_DRAIN__WINDOW": "0s"}
        environment = {**os.environ, **free}
        environment.pop("WEFT_SERVER__ALLOW_ROOT")
        child = subprocess.Popen([WEFT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env=environment, preexec_fn=become_user, cwd="/")
        self.addCleanup(child.kill)
        self.assertRegex(child.stdout.readline(), "^listening on http://0.0.0.0:")
        internal = re.search(r"http://127.0.0.1:\d+", child.stderr.readline())[0]
        health = [each.replace("http://127.0.0.1:9100", internal) for each in containerfile.health_command(self.final)]
        self.assertEqual(subprocess.run(health, capture_output=True, check=False, timeout=20).returncode, 0)
        self.assertEqual(self.final.one("STOPSIGNAL"), "SIGTERM")
        child.terminate()
        child.communicate(timeout=support.PATIENCE)
        self.assertEqual(child.returncode, 0)
        self.assertNotEqual(subprocess.run(health, capture_output=True, check=False, timeout=20).returncode, 0)


if __name__ == "__main__":
    unittest.main()
