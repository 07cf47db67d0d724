"""The clients whose well-being is the verdict: 200 that echo evenly, and newcomers who connect all the time. A process of its own,
which goes before the attackers on their processor."""

import errno
import gc
import multiprocessing
import os
import select
import socket
import time
from collections import deque
from contextlib import suppress

import wire

COUNT = 200
PERIOD = 0.2  # each client's; so one message is due each millisecond
NEWCOMER_EVERY = 0.05
NEWCOMER_PATIENCE = 5
GRACE = 0.5  # what is asked at the end of an attack may be answered in


class Dialect:
    """How one of our servers is talked to: where, what to say first, what to ask, and how the answer begins."""

    def __init__(self, path, ask, answer, first=()):
        self.path, self.ask, self.answer, self.first = path, ask, answer, first


ECHO = Dialect("/", wire.frame(2, b"twenty bytes of echo"), b"twenty bytes of echo")
TOPICS = Dialect("/ws", wire.frame(1, b'{"type":"ping"}'), b'{"type":"pong"')
SOCKETIO = Dialect("/socket.io/?EIO=4&transport=websocket", wire.frame(1, b'420["echo","hello"]'), b'430["hello"',
                   first=[wire.frame(1, b"40")])


class Client:
    def __init__(self, port, dialect, tls):
        self.dialect = dialect
        self.stream, self.frames = wire.websocket(port, dialect.path, tls=tls)
        for text in dialect.first:
            self.stream.sendall(text)
        self.stream.setblocking(False)
        self.asked = deque()
        self.lost = False

    def ask(self, now):
        if self.lost:
            return
        self.asked.append(now)
        try:
            self.stream.send(self.dialect.ask)
        except wire.WOULD_BLOCK:
            pass  # it is asked and never answered, which counts
        except OSError:
            self.lost = True

    def read(self, now, times):
        try:
            while data := self.stream.recv(65536):
                for opcode, payload in self.frames.feed(data):
                    if opcode == 1 and payload == b"2":  # the heartbeat of Engine.IO
                        self.stream.send(wire.frame(1, b"3"))
                    elif opcode == 9:
                        self.stream.send(wire.frame(10, payload))
                    elif payload.startswith(self.dialect.answer) and self.asked:
                        asked = self.asked.popleft()
                        times.append((asked, now - asked))
            self.lost = True
        except wire.WOULD_BLOCK:
            pass
        except OSError:
            self.lost = True


class Newcomer:
    """Connects, upgrades, and leaves: how long did it take, or why did it fail?"""

    def __init__(self, port, dialect, tls):
        self.request = wire.upgrade(dialect.path)
        self.began = time.perf_counter()
        self.stream = socket.socket()
        self.stream.setblocking(False)
        self.tls = tls
        self.shaking = tls is not None
        self.sent = False
        code = self.stream.connect_ex(("127.0.0.1", port))
        self.failed = None if code in (0, errno.EINPROGRESS) else os.strerror(code)
        if tls and not self.failed:
            self.stream = tls.wrap_socket(self.stream, server_hostname="localhost", do_handshake_on_connect=False)

    def go_on(self):
        """True when it is over; then `failed` says how."""
        try:
            if self.shaking:
                self.stream.do_handshake()
                self.shaking = False
            if not self.sent:
                self.stream.send(self.request)
                self.sent = True
            answer = self.stream.recv(4096)
            self.failed = None if b" 101 " in answer[:16] else answer[:12].decode("latin-1") or "closed"
        except wire.WOULD_BLOCK:
            if time.perf_counter() - self.began < NEWCOMER_PATIENCE:
                return False
            self.failed = "no answer"
        except OSError as error:
            self.failed = type(error).__name__
        self.took = time.perf_counter() - self.began
        return True


class Crowd:
    def __init__(self, port, dialect, tls, count):
        self.port, self.dialect, self.tls = port, dialect, tls
        self.epoll = select.epoll()
        self.by_fd = {}
        self.clients = [Client(port, dialect, tls) for _ in range(count)]
        self.waiting = set()
        for client in self.clients:
            self.add(client)
        self.newcomers = True
        self.clear()

    def add(self, who):
        self.by_fd[who.stream.fileno()] = who
        self.epoll.register(who.stream.fileno(), select.EPOLLIN | (select.EPOLLOUT if who in self.waiting else 0))

    def drop(self, who):
        self.by_fd.pop(who.stream.fileno(), None)
        with suppress(OSError):
            self.epoll.unregister(who.stream.fileno())
        who.stream.close()

    def clear(self):
        self.times, self.came, self.refused, self.why, self.slowest = [], 0, 0, {}, 0
        for client in self.clients:
            client.asked.clear()

    def report(self):
        now = time.perf_counter()
        late = [(asked, now - asked) for c in self.clients for asked in c.asked]
        return {"times": self.times + late, "unanswered": len(late), "lost": sum(c.lost for c in self.clients), "came": self.came,
                "refused": self.refused, "why": self.why, "slowest_newcomer": self.slowest}

    def finished(self, newcomer):
        self.waiting.discard(newcomer)
        self.drop(newcomer)
        self.slowest = max(self.slowest, newcomer.took)
        if newcomer.failed:
            self.refused += 1
            self.why[newcomer.failed] = self.why.get(newcomer.failed, 0) + 1
        else:
            self.came += 1

    def run(self, orders):
        self.epoll.register(orders.fileno(), select.EPOLLIN)
        step = PERIOD / len(self.clients)
        due = next_newcomer = time.perf_counter()
        following = 0
        asking = True
        while True:
            for fd, _ in self.epoll.poll(0.001):
                if fd == orders.fileno():
                    order = orders.recv()
                    if order == "end":
                        return
                    if order == "clear":
                        self.clear()
                        asking, due = True, time.perf_counter()
                    elif order == "pause":
                        asking = False
                    elif order == "report":
                        orders.send(self.report())
                    continue
                who = self.by_fd.get(fd)
                if isinstance(who, Client):
                    who.read(time.perf_counter(), self.times)
                    if who.lost:
                        self.drop(who)
                elif who and who.go_on():
                    self.finished(who)
                elif who:  # it is connected, and waits for the server
                    self.epoll.modify(fd, select.EPOLLIN)
            now = time.perf_counter()
            while asking and due <= now:
                self.clients[following % len(self.clients)].ask(now)
                following += 1
                due += step
            if asking and self.newcomers and now >= next_newcomer:
                next_newcomer = now + NEWCOMER_EVERY
                newcomer = Newcomer(self.port, self.dialect, self.tls)
                if newcomer.failed:
                    newcomer.took = 0
                    self.finished(newcomer)
                else:
                    self.waiting.add(newcomer)
                    self.add(newcomer)
            for newcomer in [n for n in self.waiting if now - n.began > NEWCOMER_PATIENCE]:
                newcomer.go_on()
                self.finished(newcomer)


def main(orders, port, dialect, tls, count, newcomers):
    wire.run_on(1, first=True)
    gc.disable()
    crowd = Crowd(port, dialect, tls, count)
    crowd.newcomers = newcomers
    orders.send("ready")
    crowd.run(orders)
    os._exit(0)


class Healthy:
    """The process: a context manager. `report` is what happened since `clear`."""

    def __init__(self, port, dialect, tls=None, count=COUNT, newcomers=True):
        fork = multiprocessing.get_context("fork")
        self.orders, theirs = fork.Pipe()
        self.process = fork.Process(target=main, args=(theirs, port, dialect, tls, count, newcomers), daemon=True)
        self.process.start()
        theirs.close()
        self.orders.recv()

    def clear(self):
        self.orders.send("clear")

    def report(self):
        """Asks no more, waits a little for what is under way, and tells."""
        self.orders.send("pause")
        time.sleep(GRACE)
        self.orders.send("report")
        return self.orders.recv()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(OSError):
            self.orders.send("end")
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
