#!/usr/bin/env python3
"""python3-socketio as a client of our server, by both transports. Needs SOCKETIO_APP_BIN."""

import os
import queue
import subprocess
import unittest

import socketio


class App:
    def __init__(self, *flags):
        self.process = subprocess.Popen([os.environ["SOCKETIO_APP_BIN"], *flags], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


class Client:
    """What the server says waits in queues."""

    def __init__(self, url, transport, **more):
        self.heard = queue.Queue()
        self.io = socketio.Client(reconnection=False)
        for event in ("welcome", "said", "shouted", "granted"):
            for namespace in ("/", "/admin"):
                self.io.on(event, lambda *args, event=event: self.heard.put((event, *args)), namespace=namespace)
        self.io.on("question", lambda text: text + "!")
        self.io.connect(url, transports=[transport], wait_timeout=20, **more)

    def next(self):
        return self.heard.get(timeout=20)

    def ask(self, event, *args):
        return self.io.call(event, args, timeout=20)


class python_socketio(unittest.TestCase):
    def story(self, transport):
        with App() as app:
            a = Client(app.url, transport, auth={"token": "secret"}, namespaces=["/", "/admin"])
            b = Client(app.url, transport, namespaces=["/"])
            said = sorted([a.next(), a.next()], key=lambda one: one[0])
            self.assertEqual(said, [("granted", {"token": "secret"}), ("welcome", {"token": "secret"}, False)])
            self.assertEqual(b.next(), ("welcome", {}, False))
            self.assertEqual(a.ask("sum", 40, 2), 42)
            self.assertEqual(a.ask("echo", "grüße 👋"), "grüße 👋")
            self.assertEqual(a.ask("binary", b"\x01\x02\x03"), {"reversed": b"\x03\x02\x01"})
            b.ask("join", "red")
            a.io.emit("say", ("red", "hello", b"\x09"))
            self.assertEqual(b.next(), ("said", "hello", b"\x09"))
            self.assertEqual(a.ask("ask", "why"), "why!")
            a.io.emit("shout", {"to": "all"})
            self.assertEqual([a.next(), b.next()], [("shouted", {"to": "all"})] * 2)
            a.io.disconnect()
            b.io.disconnect()

    def test_polling(self):
        self.story("polling")

    def test_websocket(self):
        self.story("websocket")


if __name__ == "__main__":
    unittest.main()
