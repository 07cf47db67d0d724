#!/usr/bin/env python3
"""H4 with a real clock: who takes for ever over a TLS hello, a request or a body is closed when its
time is up, and nobody else notices."""

import asyncio
import time
import unittest

import websockets

import support
from support import Server

DEADLINE = 10  # http::options::head_timeout and body_grace


async def drip(port, text, every=0.3):
    """Sends a byte at a time until the server ends it: how long that took, and what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begin = time.monotonic()
    answer = asyncio.ensure_future(reader.read())
    for byte in text:
        writer.write(bytes([byte]))
        await asyncio.wait([answer], timeout=every)
        if answer.done():
            break
    said = b"" if answer.exception() else answer.result()
    writer.close()
    return time.monotonic() - begin, said


class slow_clients(unittest.IsolatedAsyncioTestCase):
    async def test_sec_h4_every_phase_has_a_deadline(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        plain = self.enterContext(Server("echo"))
        secure = self.enterContext(Server("echo", *certificate.flags))
        healthy = [await self.enterAsyncContext(websockets.connect(plain.url)),
                   await self.enterAsyncContext(websockets.connect(secure.url, ssl=certificate.client()))]
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
        phases = {"a TLS hello": drip(secure.port, hello),
                  "nothing at all over TLS": drip(secure.port, hello[:1], every=2 * DEADLINE),
                  "a request": drip(plain.port, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"o" * 500),
                  "a request that never begins": drip(plain.port, b"\r", every=2 * DEADLINE)}
        attacks = asyncio.gather(*phases.values())
        slowest = 0
        while not attacks.done():
            for client in healthy:
                begin = time.monotonic()
                await client.send("hello")
                self.assertEqual(await asyncio.wait_for(client.recv(), support.PATIENCE), "hello")
                slowest = max(slowest, time.monotonic() - begin)
            await asyncio.wait([attacks], timeout=0.05)
        for phase, (took, said) in zip(phases, await attacks):
            self.assertGreater(took, DEADLINE - 1, phase)
            self.assertLess(took, DEADLINE + 3, phase)
            self.assertEqual(said, b"", phase)
        self.assertLess(slowest, 3)


if __name__ == "__main__":
    unittest.main()
