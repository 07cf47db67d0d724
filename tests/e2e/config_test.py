#!/usr/bin/env python3
"""The configuration of `weft serve`: the commands about its file, and a reload while clients are there. Needs WEFT_BIN.
WEFT_RELOADS=1000 reloads more often."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import signal
import stat
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import websockets

import support
from support import WEFT, Server, curl, run

SECRET = "0123456789abcdef0123456789abcdef"


class folder_of_its_own:
    def setUp(self):
        outer = tempfile.TemporaryDirectory(prefix="weft-e2e-")
        self.addCleanup(outer.cleanup)
        self.folder = Path(outer.name)
        self.file = self.folder / "weft.toml"

    def write(self, text):
        self.file.write_text(text, encoding="utf-8")


class commands(folder_of_its_own, unittest.TestCase):
    def weft(self, *args, **variables):
        return subprocess.run([WEFT, *args], capture_output=True, text=True, timeout=support.PATIENCE, check=False,
                              env={**os.environ, **variables}, cwd=self.folder)

    def test_init_writes_a_file_that_is_good_and_never_overwrites(self):
        done = self.weft("init")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(self.weft("check", "weft.toml").returncode, 0)
        before = self.file.read_bytes()
        again = self.weft("init")
        self.assertEqual(again.returncode, 2)
        self.assertIn("weft.toml", again.stderr)
        self.assertEqual(self.file.read_bytes(), before)
        self.assertEqual(self.weft("init", "-").stdout.encode(), before)
        with Server("serve", "--config", str(self.file)) as server:
            self.assertEqual(curl(server.url).status, 404)

    def test_check_finds_what_serve_would_refuse(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        for text, says in (("[server]\nthreds = 1\n", ["weft.toml:2: server.threds", "did you mean 'server.threads'"]),
                           ("[server]\nthreads = 'many'\n", ["weft.toml:2", "a number from 1 to 255", "many"]),
                           ("[[static]]\nfolder = 'nowhere'\n", ["weft.toml:2: static[0].folder", "nowhere"]),
                           ("[[listen]]\ntls_cert = 'a.pem'\n", ["weft.toml:2", "tls_key", "go together"]),
                           (f"[[listen]]\ntls_cert = '{certificate.key}'\ntls_key = '{certificate.key}'\n",
                            ["weft.toml:2: listen[0].tls_cert", "no PEM certificate"]),
                           ("[[topic]]\nmatch = 'a'\nschema_file = 'weft.toml'\n", ["topic[0].schema_file", "weft.toml:3"]),
                           ("[[auth.issuer]]\niss = 'me'\n", ["weft.toml:2: auth.issuer[0].iss", "jwks_file"]),
                           ("[[auth.issuer]]\niss = 'me'\naudience = ['a']\nalgorithms = ['HS256']\nsecret = 'short'\n",
                            ["auth.issuer[0].iss"]),
                           ("[cluster]\nredis_port = 1\n", ["weft.toml:2: cluster.redis_port", "redis_host"]),
                           ("[[endpoint]]\nping_interval = '2m'\n", ["endpoint[0]", "idle_timeout"]),
                           ("[auth]\npaths = ['/']\n", ["weft.toml:2: auth.paths", "auth.issuer"]),
                           ("[[topic]]\nmatch = 'a'\nschema_file = '.'\n", ["weft.toml:3", "Is a directory"]),
                           ("[[listen]]\ntls_cert = '.'\ntls_key = '.'\n", ["weft.toml:2", "Is a directory"]),
                           ("[[auth.issuer]]\niss = 'me'\naudience = ['a']\nalgorithms = ['HS256']\nsecret_file = '.'\n",
                            ["weft.toml:5", "Is a directory"]),
                           ("[[auth.issuer]]\niss = 'me'\naudience = ['a']\nalgorithms = ['ES256']\njwks_file = '.'\n",
                            ["weft.toml:2", "Is a directory"]),
                           ("[cluster]\nredis_host = 'a'\nredis_password_file = '/dev/zero'\n",
                            ["weft.toml:3", "at most 1 MiB"]),
                           ("[server\n", ["weft.toml:1"])):
            with self.subTest(text=text):
                self.write(text)
                done = self.weft("check", "weft.toml")
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                for part in says:
                    self.assertIn(part, done.stderr)
                self.assertEqual(self.weft("serve", "--config", "weft.toml", "--port", "0").stderr, done.stderr)

    def test_later_sources_win(self):
        self.write("[log]\nlevel = 'info'\n[server]\nthreads = 2\n")
        printed = self.weft("config", "print", "weft.toml", "--set", "server.threads=4", WEFT_LOG__LEVEL="error",
                            WEFT_SERVER__THREADS="3")
        self.assertIn('level = "error"', printed.stdout)
        self.assertIn("threads = 4", printed.stdout)
        self.write("[[listen]]\nport = 1\nhost = '203.0.113.9'\n")
        with Server("serve", "--config", str(self.file), "--host", "127.0.0.1") as server:  # and --port 0
            self.assertEqual(curl(server.url).status, 404)

    def test_no_secret_is_printed(self):
        self.write(f"[[auth.issuer]]\nsecret = '{SECRET}'\n[cluster]\nredis_password = '${{env:PASSWORD}}'\n")
        printed = self.weft("config", "print", "weft.toml", PASSWORD="swordfish")
        self.assertEqual((printed.returncode, printed.stderr), (0, ""))
        for secret in (SECRET, "swordfish"):
            self.assertNotIn(secret, printed.stdout)

    def test_explain(self):
        done = self.weft("config", "explain", "listen[0].port")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for part in ("0 to 65535", "8080", "WEFT_LISTEN__0__PORT", "--port", "restart"):
            self.assertIn(part, done.stdout)
        wrong = self.weft("config", "explain", "listen.prot")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("did you mean 'listen[].port'", wrong.stderr)

    def test_several_listeners_and_folders(self):
        (self.folder / "a").mkdir()
        (self.folder / "a" / "x.txt").write_text("in a", encoding="ascii")
        self.write("[[listen]]\n[[listen]]\nunix_path = 'weft.sock'\nunix_mode = '0600'\n"
                   "[[static]]\npath = '/files'\nfolder = 'a'\n")
        process = subprocess.Popen([WEFT, "serve", "--config", str(self.file), "--port", "0"], cwd=self.folder,
                                   stdout=subprocess.PIPE, text=True)
        try:
            url = process.stdout.readline().split()[-1]
            self.assertIn("weft.sock", process.stdout.readline())
            self.assertEqual(curl(url + "files/x.txt").body, b"in a")
            self.assertEqual(curl("--unix-socket", str(self.folder / "weft.sock"), "http://localhost/files/x.txt").body,
                             b"in a")
        finally:
            process.terminate()
            self.assertEqual(process.wait(timeout=support.PATIENCE), 0)
            process.stdout.close()


def token(secret, subject="ada"):
    def part(what):
        return base64.urlsafe_b64encode(what).rstrip(b"=")
    now = int(time.time())
    claims = {"iss": "me", "sub": subject, "aud": "chat", "iat": now, "exp": now + 600}
    signed = part(b'{"alg":"HS256"}') + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(secret.encode(), signed, hashlib.sha256).digest())).decode()


class reload(folder_of_its_own, unittest.IsolatedAsyncioTestCase):
    """SIGHUP. What was changed is in the log, so that is what a test waits for."""

    def start(self, text, *flags):
        self.write(text)
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        process = subprocess.Popen([WEFT, "serve", "--config", str(self.file), "--port", "0", *flags],
                                   stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, support.PATIENCE)
        self.addCleanup(process.terminate)
        self.process = process
        self.url = process.stdout.readline().split()[-1]
        self.seen = 0

    async def reloaded(self, text=None, until="reloaded"):
        """Reloads, and returns the lines of the log about it, once one ends with `until`."""
        if text is not None:
            self.write(text)
        self.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(support.PATIENCE):
            while True:
                lines = (self.folder / "log").read_text(encoding="utf-8").split("\n")[self.seen:]
                if any(until in line for line in lines[:-1]):
                    self.seen += len(lines) - 1
                    return "\n".join(lines)
                await asyncio.sleep(0.01)

    def ws(self, **headers):
        return websockets.connect(self.url.replace("http", "ws") + "ws", **headers)

    async def refused(self, status, **headers):
        with self.assertRaises(websockets.exceptions.InvalidStatusCode) as refused:
            await self.ws(**headers)
        self.assertEqual(refused.exception.status_code, status)

    async def ask(self, client, **request):
        await client.send(json.dumps(request))
        return json.loads(await asyncio.wait_for(client.recv(), support.PATIENCE))

    async def test_origins(self):
        start = "[log]\nlevel = 'info'\n[[endpoint]]\norigins = ['https://%s.example']\n"
        self.start(start % "old")
        async with self.ws(origin="https://old.example") as client:
            await self.refused(403, origin="https://new.example")
            log = await self.reloaded(start % "new")
            self.assertIn('endpoint[0].origins: ["https://old.example"], now ["https://new.example"]', log)
            await self.refused(403, origin="https://old.example")
            async with self.ws(origin="https://new.example"):
                pass
            self.assertEqual((await self.ask(client, type="ping"))["type"], "pong")

    async def test_schemas_and_rules_of_topics(self):
        (self.folder / "n.json").write_text('{"type": "number"}', encoding="ascii")
        self.start("[log]\nlevel = 'info'\n")
        async with self.ws() as client:
            self.assertEqual((await self.ask(client, type="publish", topic="t", data="x", id=1))["type"], "published")
            await self.reloaded("[log]\nlevel = 'info'\n[[topic]]\nmatch = 't'\nschema_file = 'n.json'\n")
            self.assertEqual((await self.ask(client, type="publish", topic="t", data="x", id=1))["type"], "error")
            # The file alone is other.
            (self.folder / "n.json").write_text('{"type": "string"}', encoding="ascii")
            await self.reloaded()
            self.assertEqual((await self.ask(client, type="publish", topic="t", data="x", id=1))["type"], "published")

    async def test_keys_of_issuers(self):
        start = ("[log]\nlevel = 'info'\n[[auth.issuer]]\niss = 'me'\naudience = ['chat']\nalgorithms = ['HS256']\n"
                 "secret_file = 'secret'\n")
        (self.folder / "secret").write_text(SECRET + "\n", encoding="ascii")
        self.start(start)
        await self.refused(401)
        old = {"extra_headers": {"Authorization": "Bearer " + token(SECRET)}}
        async with self.ws(**old) as client:
            other = SECRET[::-1]
            (self.folder / "secret").write_text(other, encoding="ascii")
            await self.reloaded()
            await self.refused(401, **old)
            async with self.ws(extra_headers={"Authorization": "Bearer " + token(other)}):
                pass
            self.assertEqual((await self.ask(client, type="ping"))["type"], "pong")
            (self.folder / "secret").write_text("short", encoding="ascii")
            log = await self.reloaded(until="stays as it was")
            self.assertNotIn("short\n", log)
            async with self.ws(extra_headers={"Authorization": "Bearer " + token(other)}):
                pass

    async def test_limits_and_log_level(self):
        self.start("[log]\nlevel = 'info'\n")
        async with self.ws() as first, self.ws():
            log = await self.reloaded("[log]\nlevel = 'info'\n[limits.per_address]\nmax_connections = 1\n")
            self.assertIn("limits.per_address.max_connections: 0, now 1", log)
            async with self.ws():  # those from before are not counted
                await self.refused(429)
            await self.reloaded("[log]\nlevel = 'debug'\n")
            async with self.ws(), self.ws():
                self.assertEqual((await self.ask(first, type="ping"))["type"], "pong")
            for _ in range(2):  # the first of a minute is a warning
                await self.refused(403, origin="https://new.example")
            self.assertIn(" debug ", (self.folder / "log").read_text(encoding="utf-8"))

    async def test_certificates(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        self.start(f"[log]\nlevel = 'info'\n[[listen]]\ntls_cert = '{certificate.cert}'\ntls_key = '{certificate.key}'\n")
        url = self.url.replace("http", "ws") + "ws"
        before = certificate.client()
        async with websockets.connect(url, ssl=before) as client:
            certificate.renew()
            await self.reloaded()
            async with websockets.connect(url, ssl=certificate.client()):
                pass
            with self.assertRaises(Exception):
                await websockets.connect(url, ssl=before)
            self.assertEqual((await self.ask(client, type="ping"))["type"], "pong")
            Path(certificate.cert).write_text("broken", encoding="ascii")
            await self.reloaded(until="stays as it was")
            self.assertEqual((await self.ask(client, type="ping"))["type"], "pong")

    async def test_what_is_wrong_changes_nothing_and_what_needs_a_restart_is_named(self):
        start = "[log]\nlevel = 'info'\n[[endpoint]]\norigins = ['https://old.example']\n"
        self.start(start)
        log = await self.reloaded("[log]\nlevel = 'loud'\n[[endpoint]]\norigins = ['https://new.example']\n",
                                  until="stays as it was")
        self.assertIn("weft.toml:2: log.level: expected debug, info, warning or error, found 'loud'", log)
        async with self.ws(origin="https://old.example"):
            pass
        for _ in range(2):  # it is told each time
            log = await self.reloaded(start + "[server]\nthreads = 4\n[[static]]\nfolder = '.'\n")
            self.assertIn("server.threads: 1, now 4: needs a restart", log)
            self.assertIn("static[]: 0 tables, now 1: needs a restart", log)
        self.file.unlink()
        self.assertIn("cannot read it", await self.reloaded(until="stays as it was"))
        self.assertIn("nothing is other", await self.reloaded(start))

    async def test_flags_win_after_a_reload_too(self):
        self.start("[log]\nlevel = 'info'\n", "--origin", "https://flag.example")
        await self.reloaded("[log]\nlevel = 'info'\n[[endpoint]]\norigins = ['https://file.example']\n")
        async with self.ws(origin="https://flag.example"):
            pass
        await self.refused(403, origin="https://file.example")

    async def test_the_end_comes_in_the_middle_of_reloads(self):
        self.start("[log]\nlevel = 'info'\n")
        await self.reloaded()
        for _ in range(50):
            self.process.send_signal(signal.SIGHUP)
        self.process.terminate()
        self.assertEqual(await asyncio.to_thread(self.process.wait, support.PATIENCE), 0)

    async def test_many_reloads_under_load_drop_nobody(self):
        reloads = int(os.environ.get("WEFT_RELOADS", "100"))
        start = "[log]\nlevel = 'info'\n[server]\nthreads = 2\n[topics]\nrequests_per_second = 100000\nburst = 100000\n"
        self.start(start)
        heard = 0
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(self.ws()) for _ in range(20)]
            going_on = True

            async def talk(client):
                nonlocal heard
                while going_on:
                    self.assertEqual((await self.ask(client, type="ping"))["type"], "pong")
                    heard += 1
            talking = [asyncio.create_task(talk(client)) for client in clients]
            for i in range(reloads):
                await self.reloaded(start + f"[limits.per_address]\nmax_connections = {1000 + i}\n")
            going_on = False
            await asyncio.gather(*talking)
        self.assertGreater(heard, reloads)


if __name__ == "__main__":
    unittest.main()
