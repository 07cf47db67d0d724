#!/usr/bin/env python3
"""`weft echo` as curl and openssl s_client see it: the handshake's answers, and TLS."""

import asyncio
import os
import signal
import subprocess
import tempfile
import unittest

import websockets

import support
from support import Server, curl, run, upgrade_flags


class handshake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("echo", "--path", "/talk", "--origin", "https://friend.example")
        cls.url = f"http://127.0.0.1:{cls.server.port}/talk"
        cls.addClassCleanup(cls.server.stop)

    def status(self, *flags, **headers):
        return curl(*flags, *upgrade_flags(**headers), self.url).status

    def open(self, **headers):
        """Asks for an upgrade and hangs up once there is an answer."""
        # What is verbose is not buffered, unlike what is asked for.
        tool = subprocess.Popen(["curl", "--http1.1", "-s", "-v", "-N", *upgrade_flags(**headers), self.url],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        lines = []
        for line in tool.stderr:
            if line.startswith(b"< "):
                lines.append(line[2:].decode().rstrip("\r\n"))
            if lines and lines[-1] == "":
                break
        tool.terminate()
        tool.communicate()
        return lines[:-1]

    def test_an_upgrade_request_is_answered_with_101(self):
        first, *fields = self.open()
        self.assertEqual(first, "HTTP/1.1 101 Switching Protocols")
        # The key and its answer are those of RFC 6455 section 1.3.
        self.assertIn("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", fields)
        self.assertIn("Upgrade: websocket", fields)
        self.assertIn("Connection: Upgrade", fields)
        self.assertFalse([field for field in fields if "Extensions" in field or "Protocol:" in field])

    def test_a_plain_request_is_told_to_upgrade(self):
        reply = curl(self.url)
        self.assertEqual(reply.status, 426)
        self.assertEqual(reply.headers["upgrade"], "websocket")
        self.assertEqual(reply.headers["connection"], "close")
        self.assertIn(b"WebSocket endpoint", reply.body)

    def test_another_path_is_404(self):
        self.assertEqual(curl(*upgrade_flags(), self.url + "/other").status, 404)
        self.assertEqual(curl(f"http://127.0.0.1:{self.server.port}/").status, 404)

    def test_another_version_is_426_with_the_right_one(self):
        reply = curl(*upgrade_flags(Sec_WebSocket_Version="8"), self.url)
        self.assertEqual((reply.status, reply.headers["sec-websocket-version"]), (426, "13"))
        self.assertEqual(reply.headers["connection"], "close")

    def test_broken_upgrade_requests(self):
        self.assertEqual(self.status(Sec_WebSocket_Key=None), 400)
        self.assertEqual(self.status(Sec_WebSocket_Key="c2hvcnQ="), 400)
        self.assertEqual(self.status(Sec_WebSocket_Version=None), 400)
        self.assertEqual(self.status(Connection="close"), 400)
        self.assertEqual(self.status(Upgrade="h2c"), 426)
        self.assertEqual(self.status("-X", "POST"), 405)
        self.assertEqual(self.status("-X", "GET", "-d", "a body"), 400)
        self.assertEqual(self.status("--http1.0"), 400)

    def test_only_known_origins_may_connect(self):
        own = f"http://127.0.0.1:{self.server.port}"
        for origin in (own, "https://friend.example", own.replace("http:", "https:"), own.replace("http:", "ws:"), "file://"):
            self.assertIn("101", self.open(Origin=origin)[0])
        for origin in ("https://evil.example", "http://friend.example", "https://friend.example:444",
                       "https://friend.example.evil.example", "https://evilfriend.example", "null"):
            self.assertEqual(self.status(Origin=origin), 403, origin)


class tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificate = support.Certificate()
        cls.addClassCleanup(cls.certificate.remove)
        cls.server = Server("echo", *cls.certificate.flags)
        cls.addClassCleanup(cls.server.stop)
        cls.url = f"https://localhost:{cls.server.port}/"

    def connect(self, *flags, text=""):
        return run("openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port}", "-CAfile", self.certificate.cert,
                   "-verify_return_error", *flags, text=text)

    def check(self, expected, *flags):
        done = self.connect(*flags)
        self.assertIn(expected, done.stdout + done.stderr)
        return done

    def test_curl_trusts_the_certificate(self):
        self.assertEqual(curl("--cacert", self.certificate.cert, self.url).status, 426)
        self.assertEqual(curl("--cacert", self.certificate.cert, "--tls-max", "1.2", self.url).status, 426)
        self.assertNotEqual(run("curl", "-s", self.url).returncode, 0)  # nobody vouches for it

    def test_versions_from_1_2_up(self):
        self.check("New, TLSv1.3, Cipher is TLS_AES_", "-tls1_3")
        self.check("New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384", "-tls1_2")
        for old in ("-tls1_1", "-tls1"):
            self.check("alert protocol version", old, "-cipher", "ALL:@SECLEVEL=0")

    def test_ciphers_are_ephemeral_and_authenticated(self):
        for good in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            self.check(f"Cipher is {good}", "-tls1_2", "-cipher", good)
        for bad in ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256",
                    "DHE-RSA-AES128-GCM-SHA256", "NULL:@SECLEVEL=0"):
            self.check("alert handshake failure", "-tls1_2", "-cipher", bad)

    def test_alpn(self):
        self.check("ALPN protocol: http/1.1", "-alpn", "h2,http/1.1")
        self.check("No ALPN negotiated")
        self.check("alert no application protocol", "-alpn", "ftp")

    def test_renegotiation_is_refused(self):
        done = self.connect("-tls1_2", text="R\n")
        self.assertIn("RENEGOTIATING", done.stdout + done.stderr)
        self.assertIn("no renegotiation", done.stdout + done.stderr)

    def test_a_session_is_resumed(self):
        request = f"GET / HTTP/1.1\r\nHost: localhost:{self.server.port}\r\n\r\n"
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version), tempfile.TemporaryDirectory() as folder:
                session = os.path.join(folder, "session.pem")
                # The answer comes after the tickets of TLS 1.3, so that they are there at its end.
                first = self.connect(version, "-ign_eof", "-sess_out", session, text=request)
                self.assertIn("New, ", first.stdout)
                self.assertIn("426 Upgrade Required", first.stdout)
                self.assertIn("Reused, ", self.connect(version, "-sess_in", session).stdout)

    def test_plain_http_on_the_tls_port_harms_nobody(self):
        self.assertEqual(curl(f"http://127.0.0.1:{self.server.port}/").status, 400)
        self.assertEqual(curl("--cacert", self.certificate.cert, self.url).status, 426)


class reload(unittest.IsolatedAsyncioTestCase):
    async def test_SIGHUP_takes_a_new_certificate_and_keeps_connections(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        with Server("echo", *certificate.flags) as server:
            def serial():
                shown = run("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}").stdout
                return run("openssl", "x509", "-noout", "-serial", text=shown).stdout

            async with support.patience(), websockets.connect(server.url, ssl=certificate.client()) as old:
                before = serial()
                self.assertIn("serial=", before)
                certificate.renew()
                self.assertEqual(serial(), before)
                server.signal(signal.SIGHUP)
                while serial() == before:
                    await asyncio.sleep(0.01)
                await old.send("still here")
                self.assertEqual(await old.recv(), "still here")
                async with websockets.connect(server.url, ssl=certificate.client()) as new:
                    await new.send("hello")
                    self.assertEqual(await new.recv(), "hello")

                # What cannot be read is said and changes nothing.
                after = serial()
                with open(certificate.cert, "w", encoding="ascii") as broken:
                    broken.write("nonsense")
                server.signal(signal.SIGHUP)
                line = await asyncio.to_thread(server.process.stderr.readline)
                self.assertIn(certificate.cert, line)
                self.assertEqual(serial(), after)


if __name__ == "__main__":
    unittest.main()
