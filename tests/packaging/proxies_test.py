#!/usr/bin/env python3
"""The samples for HAProxy and nginx with two servers behind them, of which one drains: whoever comes meanwhile finds the
other, and whoever is connected is told."""

import asyncio
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

import websockets

import support
from support import Certificate

SAMPLES = Path(__file__).resolve().parents[2] / "packaging/proxies"
DRAIN = ("--set", "drain.not_ready_for=4s", "--set", "drain.window=1s", "--set", "drain.deadline=5s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Behind(support.Server):
    """One of the servers."""

    def __init__(self):
        super().__init__("serve", "--metrics-port", "0", "--trusted-proxy", "127.0.0.1", "--public-origin", "https://example.org",
                         *DRAIN)
        self.internal = int(re.search(r":(\d+)/metrics", self.process.stderr.readline())[1])


class proxies(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="weft-proxies-")
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)
        self.certificate = Certificate()
        self.addCleanup(self.certificate.remove)
        pem = Path(self.certificate.cert).read_text() + Path(self.certificate.key).read_text()
        (self.folder / "both.pem").write_text(pem)
        self.servers = [Behind(), Behind()]
        for server in self.servers:
            self.addCleanup(server.__exit__)
        self.port = free_port()

    def sample(self, name, changes):
        """The sample with other addresses and files. Each text must be there."""
        text = (SAMPLES / name).read_text()
        for before, after in changes:
            self.assertIn(before, text)
            text = text.replace(before, after)
        path = self.folder / name
        path.write_text(text)
        return path

    async def start(self, *command):
        proxy = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)

        async def end():
            if proxy.returncode is None:
                proxy.terminate()
            await proxy.wait()
        self.addAsyncCleanup(end)
        async with support.patience():
            while True:
                try:
                    async with self.connect():
                        return
                except (OSError, websockets.InvalidStatusCode, websockets.InvalidMessage):
                    self.assertIsNone(proxy.returncode)
                    await asyncio.sleep(0.05)

    def connect(self):
        trusted = ssl.create_default_context(cafile=self.certificate.cert)
        trusted.check_hostname = False
        return websockets.connect("wss://example.org/ws", host="127.0.0.1", port=self.port, ssl=trusted,
                                  origin="https://example.org", open_timeout=5)

    async def drain_one(self):
        """Returns how many came while it went."""
        old = [await self.connect() for _ in range(10)]
        leaving, staying = self.servers
        leaving.signal(signal.SIGTERM)
        came = 0
        while leaving.process.poll() is None:
            async with support.patience(), self.connect() as client:
                await client.send('{"type":"hello","name":"Ada","id":1}')
                self.assertIn("welcome", await client.recv())
                came += 1
        self.assertEqual(leaving.wait(), 0)
        self.assertIsNone(staying.process.poll())
        told = [client for client in old if not client.open]
        self.assertTrue(1 <= len(told) < 10, len(told))
        for client in told:
            self.assertEqual(client.close_code, 1001)
        for client in old:
            await client.close()
        return came

    @unittest.skipUnless(shutil.which("/usr/sbin/haproxy"), "HAProxy is not here")
    async def test_haproxy(self):
        first, second = self.servers
        path = self.sample("haproxy.cfg", [(":443", f"127.0.0.1:{self.port}"), ("/etc/haproxy/example.org.pem", f"{self.folder}/both.pem"),
                                           ("10.0.0.1:8080 port 9100", f"127.0.0.1:{first.port} port {first.internal}"),
                                           ("10.0.0.2:8080 port 9100", f"127.0.0.1:{second.port} port {second.internal}")])
        judged = support.run("/usr/sbin/haproxy", "-c", "-f", str(path))
        self.assertEqual(judged.returncode, 0, judged.stderr)
        await self.start("/usr/sbin/haproxy", "-db", "-f", str(path))
        self.assertGreater(await self.drain_one(), 20)

    @unittest.skipUnless(shutil.which("/usr/sbin/nginx"), "nginx is not here")
    async def test_nginx(self):
        first, second = self.servers
        site = self.sample("nginx.conf", [("listen 443", f"listen 127.0.0.1:{self.port}"), ("/etc/ssl/example.org.pem", self.certificate.cert),
                                          ("/etc/ssl/example.org.key", self.certificate.key), ("10.0.0.1:8080", f"127.0.0.1:{first.port}"),
                                          ("10.0.0.2:8080", f"127.0.0.1:{second.port}")])
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = self.folder / "main.conf"
        main.write_text(f"daemon off; master_process off; pid {self.folder}/pid; error_log stderr; events {{}}\n"
                        f"http {{ access_log off; {temporary} include {site}; }}")
        judged = support.run("/usr/sbin/nginx", "-t", "-c", str(main), "-e", "stderr")
        self.assertEqual(judged.returncode, 0, judged.stderr)
        await self.start("/usr/sbin/nginx", "-c", str(main), "-e", "stderr")
        self.assertGreater(await self.drain_one(), 20)


if __name__ == "__main__":
    unittest.main()
