#!/usr/bin/env python3
"""Apache and hitch in front of `weft echo` and of the demo's Socket.IO. Needs openssl."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import socketio
import websockets

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
import support  # noqa: E402

LARGE = bytes(range(256)) * (5_000_000 // 256)


class Proxy:
    """A program that is ready once it has written a line like `ready`. It needs a port by number: should somebody take that
    in between, another one is tried."""

    def __init__(self, command_for, ready):
        for _ in range(10):
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]
            self.process = subprocess.Popen(command_for(self.port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            said = []
            for line in self.process.stdout:
                said.append(line)
                if re.search(ready, line):
                    return
            self.process.wait()
        raise AssertionError("".join(said))

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=support.PATIENCE)


APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog /dev/stderr
DefaultRuntimeDir {folder}
{modules}
ProxyPreserveHost On
ProxyPass /tunnel/ ws://127.0.0.1:{echo}/
ProxyPass /upgrade/ http://127.0.0.1:{echo}/ upgrade=websocket
ProxyPass /socket.io/ http://127.0.0.1:{demo}/socket.io/ upgrade=websocket
"""


class proxies(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.echo = cls.keep(support.Server("echo", "--max-message", str(8 << 20), "--deflate", "--subprotocol", "chat"))
        cls.demo = cls.keep(support.Server("demo"))

    @classmethod
    def keep(cls, what):
        cls.addClassCleanup(what.stop)
        return what

    async def converse(self, url, **options):
        async with support.patience():
            for compression in (None, "deflate"):
                conn = await websockets.connect(url, compression=compression, subprotocols=["chat"], max_size=None,
                                                ping_interval=None, **options)
                self.assertEqual((conn.subprotocol, len(conn.extensions)), ("chat", 1 if compression else 0))
                for what in ("", "☕", "x" * 65536, b"", LARGE):
                    await conn.send(what)
                    self.assertTrue(await conn.recv() == what)
                await conn.send(["in ", "", "pieces"])
                self.assertEqual(await conn.recv(), "in pieces")
                await (await conn.ping(b"are you there"))
                await conn.close(4001, "bye")
                self.assertEqual((conn.close_code, conn.close_reason), (4001, ""))

    def apache(self):
        folder = tempfile.TemporaryDirectory(prefix="weft-interop-")
        self.addCleanup(folder.cleanup)
        names = ("mpm_event", "authz_core", "proxy", "proxy_http", "proxy_wstunnel")
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in names)

        def command(port):
            config = Path(folder.name) / "apache.conf"
            config.write_text(APACHE.format(port=port, folder=folder.name, modules=modules, echo=self.echo.port,
                                            demo=self.demo.port))
            return [shutil.which("apache2", path="/usr/sbin:/usr/bin"), "-DFOREGROUND", "-f", str(config)]

        proxy = Proxy(command, "resuming normal operations")
        self.addCleanup(proxy.stop)
        return f"127.0.0.1:{proxy.port}"

    def hitch(self, backend):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        both = Path(certificate.cert).with_name("both.pem")
        both.write_text(Path(certificate.key).read_text() + Path(certificate.cert).read_text())
        program = shutil.which("hitch", path="/usr/sbin:/usr/bin")
        user = ["--user=nobody"] if os.geteuid() == 0 else []  # it refuses to work as root
        proxy = Proxy(lambda port: [program, *user, f"--frontend=[127.0.0.1]:{port}", f"--backend=[127.0.0.1]:{backend.port}",
                                    str(both)], "online|initialized")
        self.addCleanup(proxy.stop)
        return f"localhost:{proxy.port}", certificate.client()

    async def test_apache_tunnel(self):
        await self.converse(f"ws://{self.apache()}/tunnel/")

    async def test_apache_upgrade(self):
        await self.converse(f"ws://{self.apache()}/upgrade/")

    async def test_apache_and_a_page(self):
        """The page has Apache's port: `ProxyPreserveHost On` tells it."""
        place = self.apache()
        await self.converse(f"ws://{place}/upgrade/", origin=f"http://{place}")

    async def test_hitch(self):
        place, secure = self.hitch(self.echo)
        await self.converse(f"wss://{place}/", ssl=secure, host="127.0.0.1")

    async def test_hitch_and_a_page(self):
        """The page has https, and we see http."""
        place, secure = self.hitch(self.echo)
        await self.converse(f"wss://{place}/", ssl=secure, host="127.0.0.1", origin=f"https://{place}")

    def test_socketio_through_apache(self):
        place = self.apache()
        for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
            with self.subTest(transports=transports):
                client = socketio.Client(reconnection=False)
                client.connect(f"http://{place}", transports=transports, namespaces=["/ticker"], wait_timeout=5)
                self.assertIsInstance(client.call("symbols", namespace="/ticker", timeout=support.PATIENCE)[0], str)
                self.assertEqual(client.transport(), transports[-1])
                client.disconnect()


if __name__ == "__main__":
    unittest.main()
