"""Much at once over TLS: what is encrypted while a handler runs must not overwrite what it reads."""

import select
import socket
import ssl
import unittest

import support

SIZE = 1024
COUNT = 4000


def header(first, size, mask):
    return bytes([first, mask | 126]) + size.to_bytes(2, "big") + (b"\0\0\0\0" if mask else b"")


def payload(i):
    return b"%08d" % i + bytes([65 + i % 26]) * (SIZE - 8)


class TlsPipeline(unittest.TestCase):
    def test_a_burst_comes_back_unchanged(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        with support.Server("echo", *certificate.flags) as server:
            with socket.create_connection(("127.0.0.1", server.port)) as plain, \
                    certificate.client().wrap_socket(plain, server_hostname="localhost") as stream:
                stream.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                got = bytearray()
                while b"\r\n\r\n" not in got:
                    got += stream.recv(65536)
                del got[:got.index(b"\r\n\r\n") + 4]
                data = b"".join(header(0x82, SIZE, 0x80) + payload(i) for i in range(COUNT))
                want = b"".join(header(0x82, SIZE, 0) + payload(i) for i in range(COUNT))
                self.exchange(stream, data, got, len(want))
                self.assertTrue(bytes(got) == want, "the echo differs")

    @staticmethod
    def exchange(stream, data, got, wanted):
        """Sends and receives as both become possible, so that neither side waits for the other."""
        stream.setblocking(False)
        sent = 0
        while len(got) < wanted:
            try:
                if sent < len(data):
                    sent += stream.send(data[sent:sent + 262144])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            try:
                piece = stream.recv(65536)
                if not piece:
                    return
                got += piece
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                select.select([stream], [stream] if sent < len(data) else [], [], support.PATIENCE)


if __name__ == "__main__":
    unittest.main()
