#!/usr/bin/env python3
"""`weft serve` as a service: what it tells the service manager, a socket that it is handed, and whose rights it runs
with. What needs root is skipped without."""

import os
import pwd
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import support
from support import WEFT, curl

ROOT = os.geteuid() == 0
os.environ.pop("WEFT_SERVER__ALLOW_ROOT")
needs_root = unittest.skipUnless(ROOT, "only root can become somebody else")


class Service:
    """`weft serve` as a service manager starts it."""

    def __init__(self, *args, environment=None, fds=(), user=None):
        self._folder = tempfile.TemporaryDirectory(prefix="weft-e2e-")
        self.path = str(Path(self._folder.name) / "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path)
        os.chmod(self._folder.name, 0o755)
        os.chmod(self.path, 0o666)
        variables = dict(os.environ, NOTIFY_SOCKET=self.path, **(environment or {}))

        def begin():
            for number, fd in enumerate(fds):
                os.dup2(fd, 3 + number)
            if user:
                os.setgroups([])
                os.setgid(pwd.getpwnam(user).pw_gid)
                os.setuid(pwd.getpwnam(user).pw_uid)

        command = [WEFT, "serve", *args]
        if fds:  # a shell knows the pid that the program is going to have
            command = ["/bin/sh", "-c", f'LISTEN_PID=$$ LISTEN_FDS={len(fds)} exec "$@"', "sh", *command]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=variables, preexec_fn=begin, pass_fds=range(3, 3 + len(fds)))

    def url(self):
        found = re.fullmatch(r"listening on (\S+)\n", self.process.stdout.readline())
        if not found:
            raise AssertionError(self.process.communicate()[1])
        return found[1]

    def hear(self, wanted, seconds=support.PATIENCE):
        """The first message with that line, and when it came."""
        end = time.monotonic() + seconds
        while select.select([self.manager], [], [], max(0, end - time.monotonic()))[0]:
            lines = self.manager.recv(4096).decode().split("\n")
            if any(line.startswith(wanted) for line in lines):
                return lines, time.monotonic()
        raise AssertionError(f"nothing said {wanted}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        with self.process, self.manager, self._folder:
            self.process.communicate(timeout=support.PATIENCE)
        return self.process.returncode

    def complaint(self, test):
        """Of one that does not start."""
        test.assertEqual(self.process.wait(support.PATIENCE), 1)
        with self:
            return self.process.stderr.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


ALLOW = ["--allow-root"] if ROOT else []


class a_service(unittest.TestCase):
    def test_says_when_it_is_ready_and_when_it_stops(self):
        with Service(*ALLOW, "--port", "0") as service:
            url = service.url()
            service.hear("READY=1")
            self.assertEqual(service.hear("STATUS=")[0], ["STATUS=ready"])
            self.assertEqual(curl(url).status, 404)
            service.process.send_signal(signal.SIGTERM)
            service.hear("STOPPING=1")
        self.assertEqual(service.process.returncode, 0)

    def test_tells_a_watchdog_that_its_loop_turns(self):
        quick = {"WATCHDOG_USEC": "400000"}
        with Service(*ALLOW, "--port", "0", environment=quick) as service:
            service.url()
            _, first = service.hear("WATCHDOG=1")
            _, second = service.hear("WATCHDOG=1")
            _, third = service.hear("WATCHDOG=1")
            self.assertLess(third - second, 0.35)
            service.process.send_signal(signal.SIGSTOP)
            with self.assertRaises(AssertionError):
                service.hear("WATCHDOG=1", 0.5)
                service.hear("WATCHDOG=1", 0.5)
            service.process.send_signal(signal.SIGCONT)

    def test_tells_no_watchdog_that_is_for_another_process(self):
        with Service(*ALLOW, "--port", "0", environment={"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}) as service:
            service.url()
            with self.assertRaises(AssertionError):
                service.hear("WATCHDOG=1", 0.5)

    def test_says_that_it_reloads(self):
        with Service(*ALLOW, "--port", "0") as service:
            service.url()
            service.hear("READY=1")
            service.process.send_signal(signal.SIGHUP)
            lines, _ = service.hear("RELOADING=1")
            since = int(next(line for line in lines if line.startswith("MONOTONIC_USEC=")).split("=")[1])
            self.assertLess(abs(time.monotonic() * 1e6 - since), 5e6)
            service.hear("READY=1")

    def test_serves_on_a_socket_that_it_is_handed(self):
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as handed:
                handed.bind((host, 0))
                handed.listen()
                port = handed.getsockname()[1]
                with Service(*ALLOW, fds=[handed.fileno()]) as service:
                    url = service.url()
                    self.assertIn(f":{port}/", url)
                    self.assertEqual(curl("-g", url).status, 404)
                self.assertEqual(service.process.returncode, 0)

    def test_refuses_what_is_no_socket_that_listens(self):
        with socket.socket() as idle, socket.socket() as other:
            for fds in ([idle.fileno()], [idle.fileno(), other.fileno()]):
                self.assertIn("LISTEN_FDS", Service(*ALLOW, fds=fds).complaint(self))

    def test_ignores_sockets_for_another_process(self):
        with Service(*ALLOW, "--port", "0", environment={"LISTEN_FDS": "1", "LISTEN_PID": "1"}) as service:
            self.assertEqual(curl(service.url()).status, 404)


class sec_p8(unittest.TestCase):
    @needs_root
    def test_refuses_to_run_as_root_without_being_told(self):
        refused = support.run(WEFT, "serve", "--port", "0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--user", refused.stderr)
        self.assertIn("--allow-root", refused.stderr)

    @needs_root
    def test_becomes_its_user_for_good_once_it_listens(self):
        nobody = pwd.getpwnam("nobody")
        with Service("--user", "nobody", "--port", "0", "--threads", "3") as service:
            url = service.url()
            for thread in Path(f"/proc/{service.process.pid}/task").iterdir():
                text = (thread / "status").read_text()
                fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
                self.assertEqual(fields["Uid"].split(), [str(nobody.pw_uid)] * 4)
                self.assertEqual(fields["Gid"].split(), [str(nobody.pw_gid)] * 4)
                self.assertNotIn("0", fields["Groups"].split())
                self.assertEqual(fields["NoNewPrivs"], "1")
                self.assertEqual(int(fields["CapEff"], 16), 0)
            self.assertEqual(curl(url).status, 404)
            service.hear("READY=1")

    def test_names_a_user_that_there_is_not(self):
        refused = support.run(WEFT, "serve", "--port", "0", "--user", "no-such-user")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no-such-user", refused.stderr)

    @needs_root
    def test_nobody_else_becomes_a_user(self):
        self.assertIn("only root", Service("--user", "daemon", "--port", "0", user="nobody").complaint(self))

    @needs_root
    def test_no_core_dump_has_its_keys(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        os.chmod(Path(certificate.key).parent, 0o755)
        os.chmod(certificate.key, 0o644)
        for flags, owner in (([], pwd.getpwnam("nobody").pw_uid), (certificate.flags, 0)):
            with Service("--port", "0", *flags, user="nobody") as service:
                service.url()
                # The memory of a process that may not be dumped is root's.
                self.assertEqual(os.stat(f"/proc/{service.process.pid}/mem").st_uid, owner)


if __name__ == "__main__":
    unittest.main()
