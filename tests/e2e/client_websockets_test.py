#!/usr/bin/env python3
"""Our client against servers of python3-websockets. Needs CLIENT_PROBE_BIN and openssl."""

import asyncio
import os
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

PROBE = os.environ["CLIENT_PROBE_BIN"]
CONVERSATION = ["text:hello", "text:" + "again " * 200, "big:70000", "big:8000000", "close:4001"]
EXPECTED = ["open ", "text hello", "text " + "again " * 200, "binary 70000 intact", "binary 8000000 intact",
            "close 4001 bye clean"]


async def echo(socket, path=None):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosedError:
        pass  # by a code other than 1000


async def probe(url, *args):
    child = await asyncio.create_subprocess_exec(PROBE, url, *args, stdout=subprocess.PIPE)
    out, _ = await asyncio.wait_for(child.communicate(), 30)
    return out.decode().rstrip("\n").split("\n")


class client_test(unittest.IsolatedAsyncioTestCase):
    async def talk(self, handler, *args, secure=None, **options):
        options.setdefault("compression", None)
        async with websockets.serve(handler, "127.0.0.1", 0, ssl=secure, max_size=1 << 26, **options) as server:
            port = server.sockets[0].getsockname()[1]
            return await probe(f"ws{'s' if secure else ''}://127.0.0.1:{port}/", *args)

    async def test_echo(self):
        self.assertEqual(await self.talk(echo, *CONVERSATION), EXPECTED)

    async def test_echo_with_deflate(self):
        for mode in ("takeover", "alone"):
            for alone in (False, True):
                with self.subTest(client=mode, server_alone=alone):
                    offer = ServerPerMessageDeflateFactory(server_no_context_takeover=alone)
                    self.assertEqual(await self.talk(echo, "--deflate", mode, *CONVERSATION, extensions=[offer]), EXPECTED)

    async def test_echo_with_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            key, cert = str(Path(folder) / "key.pem"), str(Path(folder) / "cert.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                           check=True, stderr=subprocess.DEVNULL)
            secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secure.load_cert_chain(cert, key)
            self.assertEqual(await self.talk(echo, "--ca", cert, *CONVERSATION, secure=secure), EXPECTED)

    async def test_the_close_code_of_the_server_arrives(self):
        async def leave(socket, path=None):
            await socket.close(4321, "because")
        self.assertEqual(await self.talk(leave), ["open ", "close 4321 because clean"])

    async def test_fragments_are_joined(self):
        async def pieces(socket, path=None):
            await socket.send(["one ", "two ", "three"])
            await socket.close()
        self.assertEqual(await self.talk(pieces), ["open ", "text one two three", "close 1000  clean"])


if __name__ == "__main__":
    unittest.main()
