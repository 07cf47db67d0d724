#!/usr/bin/env python3
"""The Debian package in a clean root: installed, started as its own user, asked, reloaded, drained, and removed without
leftovers; and the last stage of the Containerfile in another one. Needs root, debootstrap and a mirror of Debian.
WEFT_MIRROR names another mirror, WEFT_ROOT a folder with a clean root of `debootstrap --variant=minbase bookworm`, which is
copied."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import websockets

import containerfile
import support

BUILD = Path(os.environ["WEFT_BUILD"])
SOURCE = containerfile.FILE.parents[2]
SUITE = "bookworm"
# What dpkg and apt keep, and what changes by itself.
OWN = ("./var/lib/dpkg", "./var/lib/apt", "./var/cache", "./var/log", "./etc/ld.so.cache", "./tmp", "./run", "./proc", "./dev",
       "./etc/passwd-", "./etc/group-", "./etc/shadow-", "./etc/gshadow-", "./root", "./var/lib/systemd")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def setUpModule():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise unittest.SkipTest("needs root and debootstrap")
    global folder, clean
    made = tempfile.TemporaryDirectory(prefix="weft-debian-")
    unittest.addModuleCleanup(made.cleanup)
    folder = Path(made.name)
    os.chmod(folder, 0o755)
    clean = Path(os.environ.get("WEFT_ROOT", folder / "clean"))
    if not clean.exists():
        run("debootstrap", "--variant=minbase", SUITE, str(clean), os.environ.get("WEFT_MIRROR", "http://deb.debian.org/debian"))


class Root:
    """A clean root of Debian of its own, with the network of this machine. Every command in it sees its own /proc."""

    def __init__(self, name):
        self.path = folder / name
        run("cp", "-a", str(clean), str(self.path))
        for file in ("etc/resolv.conf", "etc/hosts"):
            shutil.copy(f"/{file}", self.path / file)

    def command(self, *command, user=None, read_only=False):
        """How to run it there."""
        mount = (f"mount --bind {self.path} {self.path}; mount -t proc proc {self.path}/proc; "
                 f"mount --bind /dev {self.path}/dev; {f'mount -o remount,ro,bind {self.path};' if read_only else ''} "
                 f'exec chroot {f"--userspec={user}" if user else ""} {self.path} "$@"')
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", mount, "sh", *map(str, command)]

    def run(self, *command):
        return run(*self.command("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", *command))

    def files(self):
        return {line for line in run("find", ".", "-xdev", cwd=self.path).splitlines() if not line.startswith(OWN)}

    def names(self, file):
        return {line.split(":")[0] for line in (self.path / "etc" / file).read_text().splitlines()}


class Weft:
    """The program of a root, which serves with the configuration that came with it, on free ports."""

    def __init__(self, root, *command, user, read_only=False):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"\0weft-debian-{os.getpid()}")
        self.notify.settimeout(support.PATIENCE)
        environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": f"@weft-debian-{os.getpid()}", "WEFT_LISTEN__0__PORT": "0",
                       "WEFT_LISTEN__0__HOST": "127.0.0.1", "WEFT_INTERNAL__PORT": "0", "WEFT_DRAIN__NOT_READY_FOR": "1s",
                       "WEFT_DRAIN__WINDOW": "1s"}
        self.process = subprocess.Popen(root.command(*command, user=user, read_only=read_only), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        first = self.process.stdout.readline()
        if not first.startswith("listening on "):
            raise AssertionError(self.process.communicate()[1])
        self.url = first.split()[-1]
        self.internal = re.search(r"http://\S+:\d+", self.process.stderr.readline())[0]

    def hear(self, wanted):
        while wanted not in self.notify.recv(4096).decode().split("\n"):
            pass

    def status(self, path):
        return support.curl(self.internal + path).status

    def ids(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return {int(number) for number in re.search(r"Uid:\s+(.*)", text)[1].split()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        with self.process, self.notify:
            pass


async def heard(client, text):
    while text not in await client.recv():
        pass


async def serves_until_it_drains(weft):
    """Clients that are like browsers: a page's origin, a subscription, news, a reload, and the close of a drain."""
    origin = weft.url.rstrip("/")
    url = origin.replace("http", "ws") + "/ws"
    async with websockets.connect(url, origin=origin) as client, websockets.connect(url, origin=origin) as other:
        await client.send('{"type":"subscribe","topic":"news","id":1}')
        await heard(client, "subscribed")
        await other.send('{"type":"publish","topic":"news","data":"hello","id":2}')
        await heard(client, "hello")
        weft.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(weft.hear, "READY=1")
        await other.send('{"type":"publish","topic":"news","data":"again","id":3}')
        await heard(client, "again")
        weft.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(weft.hear, "STOPPING=1")
        assert weft.status("/ready") == 503
        for each in (client, other):
            await each.wait_closed()
            assert each.close_code == 1001, each.close_code


class packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run("cpack", "-G", "DEB", "--config", str(BUILD / "CPackConfig.cmake"), "-B", str(folder / "packages"),
            cwd=folder)
        found = {path.name.split("_")[0]: path for path in (folder / "packages").glob("*.deb")}
        cls.program, cls.library = found["weft"], found["libweft-dev"]

    def test_serve_as_their_own_user_and_leave_nothing(self):
        root = Root("installed")
        root.run("apt-get", "update", "-q")
        before, users, groups = root.files(), root.names("passwd"), root.names("group")
        shutil.copy(self.program, root.path / "tmp")
        root.run("apt-get", "install", "-y", "-q", "--no-install-recommends", f"/tmp/{self.program.name}")
        self.assertEqual(root.names("passwd") - users, {"weft"})
        for file in ("usr/bin/weft", "usr/lib/systemd/system/weft.service", "etc/weft/weft.toml", "usr/share/doc/weft/copyright",
                     "usr/share/doc/weft/examples/proxies/nginx.conf"):
            self.assertTrue((root.path / file).is_file(), file)
        root.run("weft", "check", "/etc/weft/weft.toml")
        self.assertEqual(root.run("weft", "--version").split()[0], "weft")

        with Weft(root, "weft", "serve", "--config", "/etc/weft/weft.toml", user="weft:weft", read_only=True) as weft:
            weft.hear("READY=1")
            own = next(line.split(":") for line in (root.path / "etc/passwd").read_text().splitlines() if line.startswith("weft:"))
            self.assertEqual(weft.ids(), {int(own[2])})
            self.assertEqual(weft.status("/ready"), 200)
            asyncio.run(asyncio.wait_for(serves_until_it_drains(weft), support.PATIENCE))
            self.assertEqual(weft.process.wait(support.PATIENCE), 0)

        # A changed configuration survives a removal, and goes with a purge.
        with (root.path / "etc/weft/weft.toml").open("a") as configuration:
            configuration.write("# changed\n")
        root.run("apt-get", "remove", "-y", "-q", "weft")
        self.assertTrue((root.path / "etc/weft/weft.toml").is_file())
        self.assertFalse((root.path / "usr/bin/weft").exists())
        root.run("apt-get", "purge", "-y", "-q", "--autoremove", "weft")
        self.assertEqual(root.files() - before, set())
        self.assertEqual((root.names("passwd"), root.names("group")), (users, groups))

    def test_of_the_library_have_what_programs_are_built_with(self):
        listed = run("dpkg-deb", "--contents", str(self.library))
        for file in ("./usr/include/weft/server/server.hpp", "weft/weftConfig.cmake", "pkgconfig/weft.pc", "libweft_server.a"):
            self.assertIn(file, listed)
        self.assertNotIn("usr/bin/weft", listed)


class the_container(unittest.TestCase):
    def test_is_healthy_as_its_user_on_a_root_that_cannot_be_written(self):
        _, final = containerfile.read()
        self.assertIn(SUITE, final.base)
        root = Root("image")
        for step in final.all("RUN"):
            root.run("sh", "-c", step)
        image = folder / "image_of_build"
        run("cmake", "--install", str(BUILD), "--strip", "--component", "program", "--prefix", "/usr",
            env={**os.environ, "DESTDIR": str(image)})
        for copied in final.all("COPY"):
            words = [word for word in copied.split() if not word.startswith("--")]
            source = image / words[0].removeprefix("/image/") if "--from=build" in copied else SOURCE / words[0]
            target = root.path / words[1].lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        user = final.one("USER")
        with Weft(root, *final.one("ENTRYPOINT"), *final.one("CMD"), user=f"{user}:{user}", read_only=True) as weft:
            self.assertEqual(weft.ids(), {int(user)})
            health = [each.replace("http://127.0.0.1:9100", weft.internal) for each in containerfile.health_command(final)]
            root.run(*health)
            asyncio.run(asyncio.wait_for(serves_until_it_drains(weft), support.PATIENCE))
            self.assertEqual(weft.process.wait(support.PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
