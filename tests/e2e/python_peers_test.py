#!/usr/bin/env python3
"""Libraries of Python beside python3-websockets: aiohttp and Tornado on both sides, websocket-client, wsproto. Against
`weft echo`, the demo's Socket.IO and our client. Needs CLIENT_PROBE_BIN."""

import asyncio
import os
import socket
import subprocess
import unittest

import aiohttp
import aiohttp.web
import socketio
import tornado.httpserver
import tornado.ioloop
import tornado.netutil
import tornado.web
import tornado.websocket
import websocket
import wsproto
import wsproto.events
import wsproto.extensions

import support

SIZES = (0, 1, 125, 126, 65535, 65536, 1 << 20)
LARGE = 5_000_000
MOST = 8 << 20
PROBE = os.environ["CLIENT_PROBE_BIN"]


def contents(large=False):
    for size in (*SIZES, LARGE) if large else SIZES:
        yield ("☕" + "warp and weft " * (size // 14 + 1)).encode()[:size].decode(errors="replace")
        yield (bytes(range(256)) * (size // 256 + 1))[:size]


class against_echo(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.plain = support.Server("echo", "--max-message", str(MOST), "--subprotocol", "chat")
        cls.deflating = support.Server("echo", "--max-message", str(MOST), "--subprotocol", "chat", "--deflate")

    @classmethod
    def tearDownClass(cls):
        assert (cls.plain.stop(), cls.deflating.stop()) == (0, 0)

    def servers(self):
        return (self.plain, self.deflating)

    async def test_aiohttp(self):
        async with support.patience(), aiohttp.ClientSession() as session:
            for server in self.servers():
                for bits in (0, 9, 15):
                    with self.subTest(deflate=server is self.deflating, bits=bits):
                        async with session.ws_connect(server.url, protocols=("other", "chat"), compress=bits,
                                                      max_msg_size=0) as conn:
                            self.assertEqual(conn.protocol, "chat")
                            self.assertEqual(bool(conn.compress), bool(bits) and server is self.deflating)
                            for what in contents(bits == 15):
                                send = conn.send_str if isinstance(what, str) else conn.send_bytes
                                await send(what)
                                self.assertTrue((await conn.receive()).data == what, len(what))
                            await conn.close(code=4001, message=b"bye")
                            self.assertEqual(conn.close_code, 4001)

    async def test_aiohttp_pings(self):
        async with support.patience(), aiohttp.ClientSession() as session:
            async with session.ws_connect(self.plain.url, autoping=False) as conn:
                await conn.ping(b"are you there")
                answer = await conn.receive()
                self.assertEqual((answer.type, bytes(answer.data)), (aiohttp.WSMsgType.PONG, b"are you there"))

    async def test_tornado(self):
        async with support.patience():
            for server in self.servers():
                for options in (None, {}, {"compression_level": 9, "mem_level": 5}):
                    with self.subTest(deflate=server is self.deflating, options=options):
                        conn = await tornado.websocket.websocket_connect(
                            server.url, subprotocols=["other", "chat"], compression_options=options, max_message_size=MOST)
                        self.assertEqual(conn.selected_subprotocol, "chat")
                        for what in contents(options == {}):
                            await conn.write_message(what, binary=isinstance(what, bytes))
                            self.assertTrue(await conn.read_message() == what, len(what))
                        conn.close(4001, "bye")
                        self.assertIsNone(await conn.read_message())
                        self.assertEqual(conn.close_code, 4001)

    def test_websocket_client(self):
        for server in self.servers():
            conn = websocket.create_connection(server.url, subprotocols=["other", "chat"], timeout=support.PATIENCE)
            self.assertEqual(conn.subprotocol, "chat")
            for what in contents(True):
                kind = websocket.ABNF.OPCODE_TEXT if isinstance(what, str) else websocket.ABNF.OPCODE_BINARY
                conn.send(what, kind)
                self.assertTrue(conn.recv() == what, len(what))
            conn.ping("are you there")
            self.assertEqual(conn.recv_data(control_frame=True), (websocket.ABNF.OPCODE_PONG, b"are you there"))
            conn.send_close(4001, b"bye")
            self.assertEqual(conn.recv_data(control_frame=True), (websocket.ABNF.OPCODE_CLOSE, b"\x0f\xa1"))
            conn.shutdown()

    def test_wsproto(self):
        offers = {"default": {}, "alone": {"client_no_context_takeover": True, "server_no_context_takeover": True},
                  "small windows": {"client_max_window_bits": 10, "server_max_window_bits": 10}}
        for server in self.servers():
            for name, offer in offers.items():
                with self.subTest(deflate=server is self.deflating, offer=name), \
                        socket.create_connection(("127.0.0.1", server.port), support.PATIENCE) as stream:
                    self.talk_wsproto(stream, server, wsproto.extensions.PerMessageDeflate(**offer))

    def talk_wsproto(self, stream, server, deflate):
        conn = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        arrived = conn.events()

        def send(event):
            stream.sendall(conn.send(event))

        def receive():
            nonlocal arrived
            while (event := next(arrived, None)) is None:
                conn.receive_data(stream.recv(1 << 18) or None)
                arrived = conn.events()
            return event

        send(wsproto.events.Request(host=f"127.0.0.1:{server.port}", target="/", subprotocols=["other", "chat"],
                                    extensions=[deflate]))
        opened = receive()
        self.assertEqual((opened.subprotocol, bool(opened.extensions)), ("chat", server is self.deflating))
        for what in contents():
            kind = wsproto.events.TextMessage if isinstance(what, str) else wsproto.events.BytesMessage
            half = len(what) // 2
            send(kind(data=what[:half], message_finished=False))
            send(kind(data=what[half:]))
            parts = [receive()]
            while not parts[-1].message_finished:
                parts.append(receive())
            self.assertTrue(type(what)().join(part.data for part in parts) == what, len(what))
        send(wsproto.events.Ping(payload=b"are you there"))
        self.assertEqual(receive().payload, b"are you there")
        send(wsproto.events.CloseConnection(code=4001, reason="bye"))
        self.assertEqual(receive().code, 4001)


class against_the_demo(unittest.IsolatedAsyncioTestCase):
    """Socket.IO by aiohttp, which python3-socketio uses in coroutines."""

    async def test_socketio(self):
        with support.Server("demo") as server:
            for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
                with self.subTest(transports=transports):
                    async with support.patience():
                        client = socketio.AsyncClient(reconnection=False)
                        await client.connect(server.url, transports=transports, namespaces=["/ticker"])
                        symbols = await client.call("symbols", namespace="/ticker")
                        self.assertIn("WEFT", symbols)
                        self.assertEqual(client.transport(), transports[-1])
                        await client.disconnect()


CONVERSATION = ("text:hello", "text:" + "again " * 200, "text:" + "again " * 200, "big:70000", "big:5000000", "close:4001")
EXPECTED = ["open chat", "text hello", "text " + "again " * 200, "text " + "again " * 200, "binary 70000 intact",
            "binary 5000000 intact"]


async def probe(port, deflate):
    child = await asyncio.create_subprocess_exec(
        PROBE, f"ws://127.0.0.1:{port}/", "--subprotocol", "chat", *(["--deflate", deflate] if deflate else []),
        *CONVERSATION, stdout=subprocess.PIPE)
    out, _ = await asyncio.wait_for(child.communicate(), support.PATIENCE)
    return out.decode().rstrip("\n").split("\n")


class against_our_client(unittest.IsolatedAsyncioTestCase):
    async def test_aiohttp(self):
        closed = []

        async def echo(request):
            conn = aiohttp.web.WebSocketResponse(protocols=("chat",), compress=request.app["compress"], max_msg_size=0)
            await conn.prepare(request)
            async for what in conn:
                await (conn.send_str if what.type is aiohttp.WSMsgType.TEXT else conn.send_bytes)(what.data)
            closed.append(conn.close_code)
            return conn

        for compress in (False, True):
            for deflate in (None, "takeover", "alone"):
                with self.subTest(compress=compress, deflate=deflate):
                    app = aiohttp.web.Application()
                    app["compress"] = compress
                    app.router.add_get("/", echo)
                    runner = aiohttp.web.AppRunner(app)
                    await runner.setup()
                    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
                    await site.start()
                    port = site._server.sockets[0].getsockname()[1]
                    said = await probe(port, deflate)
                    await runner.cleanup()
                    self.assertEqual((said, closed.pop()), ([*EXPECTED, "close 1000  clean"], 4001))

    async def test_tornado(self):
        closed = []

        class echo(tornado.websocket.WebSocketHandler):
            options = None

            def select_subprotocol(self, subprotocols):
                return "chat"

            def get_compression_options(self):
                return self.options

            def on_message(self, message):
                self.write_message(message, binary=isinstance(message, bytes))

            def on_close(self):
                closed.append((self.close_code, self.close_reason))

        for options in (None, {}, {"compression_level": 9, "mem_level": 5}):
            for deflate in (None, "takeover", "alone"):
                with self.subTest(options=options, deflate=deflate):
                    echo.options = options
                    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
                    server = tornado.httpserver.HTTPServer(tornado.web.Application([("/", echo)], websocket_max_message_size=MOST))
                    server.add_sockets(sockets)
                    said = await probe(sockets[0].getsockname()[1], deflate)
                    server.stop()
                    await server.close_all_connections()
                    if options is not None and deflate == "alone":  # it forgets that we asked for server_no_context_takeover
                        self.assertRegex(said[0], "^failure 101 .* the server chose extensions that were not offered")
                        continue
                    self.assertEqual((said, closed.pop()), ([*EXPECTED, "close 4001  clean"], (4001, "bye")))


if __name__ == "__main__":
    unittest.main()
