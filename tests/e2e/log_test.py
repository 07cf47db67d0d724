"""What the program writes to standard error: its life, and whom it refused. And plain HTTP at a port that speaks TLS."""

import re
import signal
import socket
import subprocess
import unittest

import support

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+ \w+: .*)$")


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=support.PATIENCE) as stream:
        stream.sendall(request)
        answer = b""
        while piece := stream.recv(65536):
            answer += piece
        return answer


def lines_of(text):
    """The lines without their times, which all have one."""
    return [STAMP.match(line)[1] for line in text.splitlines()]


class Log(unittest.TestCase):
    def test_plain_http_at_a_tls_port_is_told_so(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        with support.Server("echo", *certificate.flags) as server:
            for method in ("GET", "POST", "DELETE"):
                reply = support.Reply(ask(server.port, f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()))
                self.assertEqual(reply.status, 400)
                self.assertIn(b"This port speaks TLS", reply.body)
                self.assertEqual(len(reply.body), int(reply.headers["content-length"]))
            self.assertEqual(server.stop(), 0)
        lines = lines_of(server.errors)
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^warning net: the peer does not speak TLS.* from 127\.0\.0\.1:\d+$")

    def test_the_life_of_a_server(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        with support.Server("echo", *certificate.flags, "--log-level", "info") as server:
            first = server.process.stderr.readline()
            server.signal(signal.SIGHUP)
            second = server.process.stderr.readline()
            self.assertEqual(server.stop(), 0)
        self.assertEqual(lines_of(first + second + server.errors), [
            f"info server: listening on 127.0.0.1:{server.port}, with TLS",
            "info server: the certificates were read again",
            "info server: drain began: what is open may take 10 s at the most",
            "info server: drain is done: the server has ended",
        ])

    def test_debug_tells_each_refusal(self):
        handshake = (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     b"Origin: https://evil.example\r\n\r\n")
        with support.Server("echo", "--log-level", "debug") as server:
            for _ in range(3):
                self.assertIn(b"403", ask(server.port, handshake))
            self.assertEqual(server.stop(), 0)
        told = [line for line in lines_of(server.errors) if "https://evil.example" in line]
        self.assertEqual([line.split()[0] for line in told], ["warning", "debug", "debug"])
        self.assertRegex(told[0], r"in origins: 'https://evil\.example', from 127\.0\.0\.1:\d+, at /$")

    def test_a_level_that_there_is_not(self):
        done = subprocess.run([support.WEFT, "echo", "--log-level", "loud"], capture_output=True, text=True,
                              timeout=support.PATIENCE, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--log-level", done.stderr)


if __name__ == "__main__":
    unittest.main()
