"""What an attack is, and the list of all. A module per kind of attack; each is a function that gets a `Fight`."""

from dataclasses import dataclass, field
from typing import Callable
from urllib.request import urlopen

import healthy

MIB = 1 << 20
ALL = {}


@dataclass
class Server:
    """What is attacked: a program of the build folder, its arguments, and how healthy clients talk to it."""
    program: str
    arguments: list
    dialect: healthy.Dialect
    tls: bool = False
    files: dict = field(default_factory=dict)  # for `weft serve`: name to content
    descriptors: int = 0  # the most it may have; 0: all


def echo(*flags, **more):
    return Server("apps/weft/weft", ["echo", "--port", "0", *flags], healthy.ECHO, **more)


def topics(*flags, **more):
    return Server("apps/weft/weft", ["serve", "--port", "0", "--metrics-port", "0", *flags], healthy.TOPICS, **more)


def socketio_echo():
    return Server("bench/load/socketio_echo", [], healthy.SOCKETIO)


@dataclass
class Attack:
    name: str
    rows: tuple
    what: str
    server: Server
    run: Callable
    memory: int  # bytes that the process may grow by
    newcomers: bool  # False: it is right that newcomers are refused meanwhile


class Fight:
    """One attack going on. `expect` says what must be true of what the attacker sees, `saw` what is worth telling."""

    def __init__(self, port, server, tls=None, log=None, folder=None):
        self.port, self.pid, self.metrics_port = port, server.pid, server.metrics_port
        self.tls, self.log, self.folder = tls, log, folder
        self.wrong, self.told = [], []

    def expect(self, true, otherwise):
        """The first few count; a broken rule may be broken a thousand times."""
        if not true and len(self.wrong) < 3:
            self.wrong.append(otherwise)

    def metrics(self):
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=healthy.wire.PATIENCE) as answer:
            return answer.read().decode()

    def saw(self, text):
        self.told.append(text)


def attack(rows, what, server, memory=32 * MIB, newcomers=True):
    """Puts a function into the list, by its name."""

    def add(run):
        name = run.__name__
        assert name not in ALL, name
        ALL[name] = Attack(name, tuple(rows.split()), what, server, run, memory, newcomers)
        return run

    return add


def load():
    """All attacks, in the order of the table."""
    from . import http, websocket, socketio, tls, overload  # noqa: F401
    return ALL
