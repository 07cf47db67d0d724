#!/usr/bin/env python3
"""The command line: what it says when asked, when wrong and when ready, and how a server ends."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import websockets

import support
from support import WEFT, Server, run


class help_texts(unittest.TestCase):
    def test_version(self):
        done = run(WEFT, "--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^weft \d+\.\d+\.\d+\ncommit ([0-9a-f]{12}|unknown)\ncompiler \w+ [\d.]+\nbackends epoll\n"
                         r"libraries OpenSSL 3[\d.]+, zlib [\d.]+, simdjson [\d.]+, toml\+\+ [\d.]+, spdlog [\d.]+(, RE2)?, CLI11 [\d.]+\n$")

    def test_help_of_the_program_and_of_every_command(self):
        done = run(WEFT, "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in ("demo", "echo", "serve", "bench", "emit"):
            self.assertIn(command, done.stdout)
            help_text = run(WEFT, command, "--help")
            self.assertEqual((help_text.returncode, help_text.stderr), (0, ""))
            self.assertIn(f"Usage: weft {command}", help_text.stdout)
            self.assertIn("Examples:\n  weft ", help_text.stdout)

    def test_the_examples_parse(self):
        # Each ends at a port that cannot be had, so at the right place.
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for line in (["demo"], ["echo", "--deflate", "--max-message", "1000000"],
                         ["serve", folder], ["serve", "--origin", "https://example.org"],
                         ["serve", folder, "--metrics-port", "0"]):
                self.assertIn("another program uses port", run(WEFT, *line, "--port", port).stderr)


class mistakes(unittest.TestCase):
    """What is wrong is said on standard error, with the flag and what to do instead."""

    def refused(self, *args, says):
        done = run(WEFT, *args)
        self.assertEqual(done.stdout, "")
        self.assertIn(done.returncode, (1, 2), done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)

    def test_commands_and_flags(self):
        self.refused(says=["Usage: weft", "demo", "echo"])
        self.refused("eco", says=["'eco'", "demo, echo, serve, init, check, config, bench, token, emit, publish, completion or man"])
        self.refused("echo", "--prot", "1", says=["weft echo: '--prot'", "weft echo --help"])
        self.refused("echo", "extra", says=["'extra' is one too many"])
        self.refused("bench", says=["URL is required"])

    def test_emit(self):
        self.refused("emit", says=["EVENT"])
        self.refused("emit", "news", "--redis-port", "0", says=["--redis-port"])

    def test_nodes_of_the_demo(self):
        self.refused("demo", "--nodes", "9", says=["--nodes", "1 to 8"])
        self.refused("demo", "--nodes", "2", "--public-origin", "https://example.org", says=["--nodes", "--public-origin"])
        for host in ("0.0.0.0", "::1"):
            self.refused("demo", "--nodes", "2", "--host", host, says=["--nodes", "--host", "127.0.0.1"])
        self.refused("demo", "--nodes", "2", "--port", "65535", says=["port 65536", "--port"])

    def test_tokens(self):
        self.refused("token", says=["weft token", "mint", "inspect"])
        self.refused("token", "mint", "--iss", "me", says=["secret-file", "key"])
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("s" * 32)
            secret.flush()
            given = ["token", "mint", "--iss", "me", "--secret-file", secret.name]
            self.refused(*given, "--alg", "none", says=["--alg", "'none'", "EdDSA"])
            self.refused(*given, "--alg", "ES256", says=["--alg ES256", "the key is not for ES256"])
            self.refused(*given, "--ttl", "1 hour", says=["--ttl", "'1 hour'", "15m"])
            self.refused(*given, "--claim", "role=admin", says=["--claim", "NAME=JSON"])
            self.refused("token", "mint", "--iss", "me", "--key", secret.name, says=["--key", "private key"])

    def test_values(self):
        for value in ("abc", "70000", "-1", "80x"):
            self.refused("echo", f"--port={value}", says=["--port", "0 to 65535"])
        self.refused("echo", "--threads", "0", says=["--threads", "1 to 255"])
        self.refused("echo", "--max-message", "10M", says=["--max-message", "'10M'", "1 to 1073741824"])
        self.refused("echo", "--max-message", "99999999999999999999", says=["--max-message"])
        self.refused("echo", "--backend", "kqueue", says=["--backend", "epoll"])
        for path in ("chat", "/a b", "/:room", "/*"):
            self.refused("echo", "--path", path, says=["--path", "begins with /"])
        for name in ("chat v2", "a,b", "ch\u00e4t", ""):
            self.refused("echo", "--port", "0", "--subprotocol", name, says=["--subprotocol", "such as chat.v2"])
        for name in ("https://example.org", "example.org:443", "*.example.org", ""):
            self.refused("serve", "--port", "0", "--allow-host", name, says=["--allow-host", "such as example.org"])
        self.refused("echo", "--port", "0", "--origin", "*", says=["--origin", "'*'"])
        for origin in ("example.org", "https://example.org/", "*", ""):
            self.refused("demo", "--port", "0", "--public-origin", origin, says=["--public-origin", "https://example.org"])
        for network in ("everybody", "10.0.0.0/33", ""):
            self.refused("demo", "--port", "0", "--trusted-proxy", network, says=["--trusted-proxy", "10.0.0.0/8"])
        for flag in ("--max-connections-per-address", "--connects-per-minute", "--messages-per-second"):
            self.refused("demo", "--port", "0", flag, "many", says=[flag, "0 to 1000000"])
        self.refused("serve", "--port", "0", "--limits-dry-run",
                     says=["--limits-dry-run needs a limit", "--max-connections-per-address 100"])
        self.refused("demo", "--port", "0", "--proxy-protocol", says=["--proxy-protocol needs --trusted-proxy"])

    def test_hosts(self):
        for host in ("localhost", "example.org", "127.0.0", "::1%nowhere"):
            self.refused("demo", f"--host={host}", says=["--host", "numeric address"])
        self.refused("demo", "--port", "0", "--host", "203.0.113.9", says=["--host", "203.0.113.9"])

    def test_ports(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for threads in ("1", "3"):
                self.refused("echo", "--port", port, "--threads", threads, says=[port, "--port 0"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_ports_of_the_privileged(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as first:
            if int(first.read()) <= 80:
                self.skipTest("every port is free for all here")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            program = os.path.join(folder, "weft")
            subprocess.run(["cp", WEFT, program], check=True)  # where everybody may read it
            done = subprocess.run([program, "echo", "--port", "80"], capture_output=True, text=True, user=65534,
                                  group=65534, extra_groups=[], timeout=support.PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("use --port 8080", done.stderr)

    def test_certificates(self):
        certificate = support.Certificate()
        other = support.Certificate()
        self.addCleanup(certificate.remove)
        self.addCleanup(other.remove)

        def tls(cert, key, *says):
            self.refused("echo", "--port", "0", "--tls-cert", cert, "--tls-key", key, says=says)

        self.refused("echo", "--tls-cert", certificate.cert, says=["--tls-cert and --tls-key go together"])
        self.refused("echo", "--tls-key", certificate.key, says=["--tls-cert and --tls-key go together"])
        tls("/nowhere/cert.pem", certificate.key, "--tls-cert", "/nowhere/cert.pem", "No such file")
        tls(certificate.cert, "/nowhere/key.pem", "--tls-key", "/nowhere/key.pem", "No such file")
        tls(certificate.key, certificate.key, "--tls-cert", "no PEM certificate")
        tls(certificate.cert, certificate.cert, "--tls-key", "no readable PEM private key")
        tls(certificate.cert, other.key, "--tls-cert", "--tls-key", "does not belong to")

    def test_folders(self):
        self.refused("serve", "/nowhere", says=["FOLDER", "/nowhere"])
        self.refused("serve", "/etc/passwd", says=["FOLDER", "/etc/passwd"])
        self.refused("serve", "/etc", "--port", "0", "--path", "/", says=["--path", "index.html"])


class addresses(unittest.IsolatedAsyncioTestCase):
    async def test_the_line_is_a_url_that_works(self):
        for command, scheme, path in ((["echo", "--path", "/a/b"], "ws", "/a/b"), (["demo"], "http", "/"),
                                      (["serve"], "http", "/")):
            with Server(*command) as server:
                self.assertRegex(server.url, rf"^{scheme}://127\.0\.0\.1:\d+{path}$")
                if scheme == "ws":
                    async with websockets.connect(server.url) as client:
                        await client.send("hello")
                        self.assertEqual(await client.recv(), "hello")
                else:
                    self.assertIn(support.curl(server.url).status, (200, 404))

    async def test_IPv6(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            with Server("echo", "--host", "::1") as server:
                self.assertRegex(server.url, r"^ws://\[::1\]:\d+/$")
                async with websockets.connect(server.url) as client:
                    await client.send("six")
                    self.assertEqual(await client.recv(), "six")
            with Server("demo", "--host", "::1") as server:
                self.assertRegex(server.url, r"^http://\[::1\]:\d+/$")
                self.assertEqual(support.curl(server.url).status, 200)

    async def test_three_threads_share_the_work(self):
        with Server("echo", "--threads", "3") as server:
            def switches():  # how often each thread of the process went to sleep
                tasks = f"/proc/{server.process.pid}/task"
                found = {}
                for task in os.listdir(tasks):
                    with open(f"{tasks}/{task}/status", encoding="ascii") as lines:
                        found[task] = sum(int(line.split(":")[1]) for line in lines if "ctxt_switches" in line)
                return found

            async with support.patience(), contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(websockets.connect(server.url)) for _ in range(60)]
                before = switches()
                for round_ in range(20):
                    for i, client in enumerate(clients):
                        await client.send(f"{i} {round_}")
                    for i, client in enumerate(clients):
                        self.assertEqual(await client.recv(), f"{i} {round_}")
                busy = [task for task, count in switches().items() if count - before[task] > 5]
                self.assertEqual(len(busy), 3)


class endings(unittest.IsolatedAsyncioTestCase):
    async def test_SIGTERM_and_SIGINT_close_with_1001_and_exit_0(self):
        for which in (signal.SIGTERM, signal.SIGINT):
            for threads in ("1", "3"):
                with Server("echo", "--threads", threads) as server:
                    async with support.patience():
                        clients = [await websockets.connect(server.url) for _ in range(20)]
                        await clients[0].send("before")
                        server.signal(which)
                        for client in clients:
                            await client.wait_closed()
                            self.assertEqual((client.close_code, client.close_reason), (1001, "server shutting down"))
                        self.assertEqual(await clients[0].recv(), "before")
                    self.assertEqual(await asyncio.to_thread(server.wait), 0)
                    self.assertEqual((server.output, server.errors), ("", ""))

    def test_a_signal_right_after_the_line_is_not_lost(self):
        for _ in range(10):
            server = Server("echo")
            self.assertEqual(server.stop(), 0)

    def test_a_second_signal_stops_at_once_and_new_clients_find_nobody(self):
        with Server("echo") as server:
            silent = socket.create_connection(("127.0.0.1", server.port))  # never answers a close frame
            host = f"127.0.0.1:{server.port}"
            silent.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
            silent.settimeout(support.PATIENCE)
            received = b""
            while not received.endswith(b"\r\n\r\n"):
                received += silent.recv(4096)
            server.signal(signal.SIGTERM)
            self.assertEqual(silent.recv(4)[2:4], (1001).to_bytes(2, "big"))
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port))
            self.assertIsNone(server.process.poll())  # it gives the silent one its time
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            silent.close()


if __name__ == "__main__":
    unittest.main()
