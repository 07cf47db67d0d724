#!/usr/bin/env python3
"""`weft serve` as one of several processes of a cluster: topics reach the clients of all, counts stay those of one, and
/ready says when Redis is gone. Needs WEFT_BIN and redis-server."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from urllib.parse import urlsplit

import websockets

import support
from support import Server, curl


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Redis:
    """A Redis server in a folder of its own."""

    def __init__(self, *flags, login="", certificate=None):
        """With a certificate, over TLS only."""
        self.folder = tempfile.mkdtemp(prefix="weft-redis-")
        self.port = free_port()
        self.flags = flags
        if certificate:
            self.flags += ("--port", "0", "--tls-port", str(self.port), "--tls-cert-file", certificate.cert,
                           "--tls-key-file", certificate.key, "--tls-auth-clients", "no")
        self.login = login
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", self.folder, *self.flags], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "Ready to accept connections" in line:
                return
        raise AssertionError("redis-server does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder)

    def ask(self, *words):
        """The reply as it is on the wire."""
        with socket.create_connection(("127.0.0.1", self.port), support.PATIENCE) as line:
            with line.makefile("rb") as replies:
                if self.login:
                    line.sendall(f"AUTH {self.login}\r\n".encode())
                    assert replies.readline() == b"+OK\r\n"
                line.sendall((" ".join(words) + "\r\nPING\r\n").encode())
                return "".join(iter(lambda: replies.readline().decode(), "+PONG\r\n"))


def await_that(what, condition):
    end = time.monotonic() + support.PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not in time: {what}")


class Node(Server):
    """`weft serve` in the cluster of that Redis, with its probes."""

    def __init__(self, redis, *flags):
        super().__init__("serve", "--redis-host", "127.0.0.1", "--redis-port", str(redis.port), "--metrics-port", "0",
                         *flags)
        line = self.process.stderr.readline()
        self.probes = re.fullmatch(r"metrics on (http://127\.0\.0\.1:\d+)/metrics\n", line)[1]

    def ready(self):
        reply = curl(self.probes + "/ready")
        return reply.status, reply.body.decode()

    def counter(self, name):
        found = re.search(rf"(?m)^{re.escape(name)} (\d+)$", curl(self.probes + "/metrics").body.decode())
        return int(found[1])

    def client(self):
        return websockets.connect(f"ws://127.0.0.1:{self.port}/ws")


async def ask(client, **request):
    await client.send(json.dumps(request))
    return json.loads(await client.recv())


class cluster(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.use(Redis())

    def use(self, redis):
        self.redis = redis
        self.addCleanup(redis.remove)

    def await_listeners(self, topic, count, prefix="socket.io", sharded=False):
        command = "SHARDNUMSUB" if sharded else "NUMSUB"
        await_that(f"{count} listen to {topic}",
                   lambda: self.redis.ask("PUBSUB", command, f"{prefix}#topic#{topic}").endswith(f"\r\n:{count}\r\n"))

    async def talk(self, *flags):
        with Node(self.redis, "--list-topics", *flags) as a, Node(self.redis, "--list-topics", *flags) as b:
            async with support.patience(), a.client() as ada, b.client() as bob:
                ada_id = (await ask(ada, type="hello", name="Ada"))["you"]["id"]
                bob_id = (await ask(bob, type="hello", name="Bob"))["you"]["id"]
                self.assertNotEqual(ada_id, bob_id, "no two clients of a cluster have one id")
                for client in (ada, bob):
                    joined = await ask(client, type="subscribe", topic="news")
                    self.assertEqual((joined["type"], joined["count"]), ("subscribed", 1), "counts are of the process")
                self.await_listeners("news", 2, prefix="app" if "app" in flags else "socket.io",
                                     sharded="sharded" in flags)
                for speaker, hearer, name, who in ((ada, bob, "Ada", ada_id), (bob, ada, "Bob", bob_id)):
                    published = await ask(speaker, type="publish", topic="news", data=[1.0, "ü"], id=1)
                    self.assertEqual(published["type"], "published")
                    # The first that comes: what others did to presence at their process did not.
                    self.assertEqual(json.loads(await hearer.recv()),
                                     {"type": "message", "topic": "news", "from": {"id": who, "name": name},
                                      "data": [1.0, "ü"]})
                listed = await ask(ada, type="list")
                self.assertEqual(listed["topics"], [{"topic": "news", "count": 1}])
            self.assertEqual(a.counter('weft_cluster_published_total{about="topics"}'), 1)
            self.assertEqual(a.counter('weft_cluster_received_total{about="topics"}'), 1)

    async def test_topics_reach_the_clients_of_all_processes(self):
        await self.talk()

    async def test_also_over_shard_channels_under_another_prefix(self):
        await self.talk("--cluster-adapter", "sharded", "--cluster-prefix", "app")

    async def test_with_the_rights_that_the_guide_names(self):
        for kind, flags in (("subscribe psubscribe unsubscribe punsubscribe publish", []),
                            ("ssubscribe sunsubscribe spublish", ["--cluster-adapter", "sharded"])):
            rights = "hello auth client|setname ping role pubsub " + kind
            self.use(Redis("--user", "default", "off", "--user", "weft", "on", ">secret", "resetchannels", "&socket.io*",
                           "-@all", *(f"+{each}" for each in rights.split()), login="weft secret"))
            with tempfile.NamedTemporaryFile("w") as file:
                file.write("secret\n")
                file.flush()
                await self.talk("--redis-user", "weft", "--redis-password-file", file.name, *flags)

    def test_ready_says_when_redis_is_gone_and_when_it_is_back(self):
        with Node(self.redis, "--threads", "2", "--ready-without-redis", "0") as node:
            await_that("ready", lambda: node.ready() == (200, "ready\n"))
            self.assertEqual(node.counter("weft_cluster_connected"), 1)
            self.redis.kill()
            await_that("not ready", lambda: node.ready()[0] == 503)
            self.assertRegex(node.ready()[1], r"^Redis has been away for \d+ s \(cluster::options::ready_without_redis\)")
            self.assertEqual((node.counter("weft_cluster_connected"), node.counter("weft_cluster_gaps_total")), (0, 1))
            self.assertEqual(curl(node.probes + "/live").body, b"live\n", "no reason to end it")
            self.redis.start()
            await_that("ready again", lambda: node.ready()[0] == 200)

    def test_not_ready_before_redis_was_there(self):
        self.redis.kill()
        with Node(self.redis) as node:
            self.assertEqual(node.ready()[0], 503)
            self.assertIn("Redis was not reached yet", node.ready()[1])
            self.redis.start()
            await_that("ready", lambda: node.ready()[0] == 200)

    def test_over_tls(self):
        certificate = support.Certificate()
        self.addCleanup(certificate.remove)
        self.use(Redis(certificate=certificate))
        with Node(self.redis, "--redis-tls", "--redis-ca", certificate.cert) as node:
            await_that("ready", lambda: node.ready()[0] == 200)
        with Node(self.redis, "--redis-tls") as node:
            await_that("a failure", lambda: node.counter("weft_redis_connect_failures_total") > 0)
            self.assertEqual(node.ready()[0], 503, "it trusts nobody it should not")

    def test_ready_for_some_time_without_redis(self):
        with Node(self.redis, "--ready-without-redis", "86400") as node:
            await_that("ready", lambda: node.ready()[0] == 200)
            self.redis.kill()
            await_that("the gap", lambda: node.counter("weft_cluster_gaps_total") == 1)
            self.assertEqual(node.ready()[0], 200)


class flags(unittest.TestCase):
    def refused(self, *args, says):
        done = support.run(support.WEFT, "serve", *args)
        self.assertEqual(done.returncode, 2, done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)

    def test_what_is_wrong_is_said_with_its_flag(self):
        for name, value in (("--redis-port", "6379"), ("--cluster-prefix", "p"), ("--cluster-adapter", "sharded"),
                            ("--redis-tls", None), ("--ready-without-redis", "1")):
            self.refused(name, *([value] if value else []), says=[name, "--redis-host"])
        host = ["--redis-host", "127.0.0.1"]
        self.refused("--redis-host", "redis://there", says=["--redis-host", "'redis://there' is not a host"])
        self.refused("--redis-host", "there:6379", says=["--redis-port"])
        self.refused(*host, "--redis-port", "0", says=["--redis-port", "1 to 65535"])
        self.refused(*host, "--redis-ca", "/dev/null", says=["--redis-ca", "--redis-tls"])
        self.refused(*host, "--redis-user", "weft", says=["--redis-user", "--redis-password-file"])
        self.refused(*host, "--redis-password-file", "/nowhere", says=["--redis-password-file", "/nowhere"])
        self.refused(*host, "--cluster-prefix", "", says=["--cluster-prefix", "1 to 128 bytes"])
        self.refused(*host, "--ready-without-redis", "-1", says=["--ready-without-redis", "0s to 1d"])

    def test_an_empty_password_file_is_told(self):
        with tempfile.NamedTemporaryFile() as file:
            done = support.run(support.WEFT, "serve", "--redis-host", "127.0.0.1", "--redis-password-file", file.name)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--redis-password-file", done.stderr)


if __name__ == "__main__":
    unittest.main()
