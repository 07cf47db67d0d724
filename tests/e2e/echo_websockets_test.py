#!/usr/bin/env python3
"""`weft echo` against python3-websockets, plain and with TLS and permessage-deflate."""

import asyncio
import unittest

import websockets
from websockets.exceptions import ConnectionClosedError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import support

MIB = 1024 * 1024
LARGE = bytes(range(256)) * (4 * MIB // 256)


class echo:
    """The tests that each kind of connection passes."""

    flags = ()
    compression = None
    secure = None

    @classmethod
    def setUpClass(cls):
        cls.server = support.Server("echo", "--max-message", str(4 * MIB), *cls.flags)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0, cls.server.errors
        lines = cls.server.errors.splitlines()  # of test_too_big...
        assert all("longer than max_message" in line for line in lines) and len(lines) == 1, lines

    def open(self, **options):
        options = {"compression": self.compression, "ssl": self.secure, "max_size": None, "ping_interval": None,
                   "open_timeout": support.PATIENCE, **options}
        return websockets.connect(self.server.url, **options)

    async def check_echo(self, socket, message):
        await socket.send(message)
        back = await socket.recv()
        self.assertIs(type(back), type(message))
        self.assertTrue(back == message, f"{len(message)} came back as {len(back)}, or changed")

    async def test_every_length_form_with_its_opcode(self):
        async with support.patience(), self.open() as socket:
            for size in (0, 1, 125, 126, 127, 65535, 65536, MIB):
                await self.check_echo(socket, "x" * size)
                await self.check_echo(socket, LARGE[7:7 + size])
            await self.check_echo(socket, "weft ☕ 🧵" * 1000)
            await self.check_echo(socket, LARGE)
        self.assertEqual((socket.close_code, socket.close_reason), (1000, ""))

    async def test_fragments_are_joined(self):
        async with support.patience(), self.open() as socket:
            await socket.send(["one ", "", "message ", "☕"])
            self.assertEqual(await socket.recv(), "one message ☕")
            await socket.send(LARGE[i:i + 100_000] for i in range(0, MIB, 100_000))
            self.assertEqual(await socket.recv(), LARGE[:1_100_000])

    async def test_pings_are_answered(self):
        async with support.patience(), self.open() as socket:
            for payload in (b"", b"payload", b"p" * 125):
                await (await socket.ping(payload))

    async def test_many_in_flight_stay_in_order(self):
        async def chat(who):
            async with self.open() as socket:
                for i in range(200):
                    await socket.send(f"{who}/{i} " + "." * (i * 7 % 300))
                for i in range(200):
                    self.assertTrue((await socket.recv()).startswith(f"{who}/{i} "))
        async with support.patience():
            await asyncio.gather(*(chat(who) for who in range(20)))

    async def test_close_codes_are_echoed(self):
        async with support.patience():
            for code in (1001, 3000, 4999):
                socket = await self.open()
                await socket.close(code, "because")
                self.assertEqual((socket.close_code, socket.close_reason), (code, ""))

    async def test_too_big_is_1009_and_others_go_on(self):
        async with support.patience(), self.open() as healthy, self.open() as greedy:
            with self.assertRaises(ConnectionClosedError) as closed:
                await greedy.send(LARGE + b"x")
                await greedy.recv()
            self.assertEqual(closed.exception.rcvd.code, 1009)
            self.assertNotEqual(closed.exception.rcvd.reason, "")
            await self.check_echo(healthy, "still here")

    async def test_no_subprotocol_is_chosen(self):
        async with support.patience(), self.open(subprotocols=["chat.v1", "chat.v2"]) as socket:
            self.assertIsNone(socket.subprotocol)
            await self.check_echo(socket, "hello")


class plain(echo, unittest.IsolatedAsyncioTestCase):
    pass


class with_deflate(echo, unittest.IsolatedAsyncioTestCase):
    flags = ("--deflate",)
    compression = "deflate"

    async def test_every_offer(self):
        for alone in (False, True):
            for bits in (None, 9, 12, 15):
                with self.subTest(alone=alone, bits=bits):
                    offer = ClientPerMessageDeflateFactory(
                        server_no_context_takeover=alone, client_no_context_takeover=alone,
                        server_max_window_bits=bits, client_max_window_bits=bits or True)
                    async with support.patience(), self.open(compression=None, extensions=[offer]) as socket:
                        agreed, = socket.extensions
                        self.assertEqual(agreed.remote_no_context_takeover, alone)
                        self.assertLessEqual(agreed.remote_max_window_bits, bits or 15)
                        for i in range(5):
                            await self.check_echo(socket, f"over and under the warp {i} " * 500)
                            await self.check_echo(socket, LARGE[i:20_000])


class with_tls(echo, unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificate = support.Certificate()
        cls.addClassCleanup(cls.certificate.remove)
        cls.flags = (*cls.certificate.flags, *(["--deflate"] if cls.compression else []))
        cls.secure = cls.certificate.client()
        super().setUpClass()

    async def test_the_certificate_is_for_this_host(self):
        async with support.patience(), self.open(host="127.0.0.1", server_hostname="localhost") as socket:
            await self.check_echo(socket, "by name")
        with self.assertRaisesRegex(Exception, "certificate verify failed"):
            async with support.patience():
                await self.open(server_hostname="elsewhere.example")


class with_tls_and_deflate(with_tls):
    compression = "deflate"

    async def test_compression_is_on(self):
        async with support.patience(), self.open() as socket:
            self.assertEqual([extension.name for extension in socket.extensions], ["permessage-deflate"])


if __name__ == "__main__":
    unittest.main()
