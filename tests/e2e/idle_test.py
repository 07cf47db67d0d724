#!/usr/bin/env python3
"""Thousands of idle connections held by one process that raised its own descriptor limit, while
somebody else is served as if they were not there."""

import asyncio
import json
import resource
import unittest
from pathlib import Path

import websockets

import support
from support import WEFT, Server

SANITIZED = any(name in Path(WEFT).read_bytes() for name in (b"__asan_init", b"__tsan_init"))
SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)


class idle(unittest.IsolatedAsyncioTestCase):
    async def hold(self, count, *flags, secure=None, most_bytes):
        if HARD < count + 100:
            self.skipTest(f"no process may have {count} descriptors here")
        server = self.enterContext(Server("echo", *flags))
        healthy = await self.enterAsyncContext(websockets.connect(server.url, ssl=secure))
        bench = await asyncio.create_subprocess_exec(
            WEFT, "bench", server.url, "--idle", str(count), "--server-pid", str(server.process.pid), "--json",
            *(["--insecure"] if secure else []), stdout=asyncio.subprocess.PIPE)
        done = asyncio.ensure_future(bench.communicate())
        echoes = 0
        while not done.done():
            await healthy.send(str(echoes))
            self.assertEqual(await asyncio.wait_for(healthy.recv(), support.PATIENCE), str(echoes))
            echoes += 1
            await asyncio.wait([done], timeout=0.01)
        self.assertEqual(bench.returncode, 0)
        self.assertGreater(echoes, 50)
        found = json.loads((await done)[0])
        self.assertEqual(found["connections"], count)
        print(f"{count} idle connections over {server.url.split(':')[0]}: "
              f"{found['anonymous_per_connection']:.0f} bytes each, {echoes} echoes meanwhile")
        if not SANITIZED:
            self.assertLessEqual(found["anonymous_per_connection"], most_bytes)

    async def test_10000_plain_connections_cost_1_KiB_each(self):
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (SOFT, HARD))
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, HARD))  # what both programs begin with
        await self.hold(10_000, most_bytes=1024)

    async def test_2000_TLS_connections_cost_18_KiB_each(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        await self.hold(2000, *certificate.flags, secure=certificate.client(), most_bytes=18 * 1024)


if __name__ == "__main__":
    unittest.main()
