"""Sockets and bytes for healthy clients and attackers."""

import os
import select
import socket
import ssl
import struct
import time
from contextlib import suppress

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
PATIENCE = 20  # seconds that nothing takes unless it is broken


def run_on(processor, first=False, nice=0):
    """This process on one processor, before all others there if `first`; each as far as the machine permits."""
    with suppress(OSError):
        os.sched_setaffinity(0, {processor % os.cpu_count()})
    with suppress(OSError):
        if first:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None):
    """A frame of a client. The masking key is zero, which changes nothing and costs nothing; `length` lies."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += struct.pack("!BH", mask | 126, size)
    else:
        head += struct.pack("!BQ", mask | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def upgrade(path="/", more="", host="127.0.0.1"):
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()


class Frames:
    """Takes a server's frames apart."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        data = self.rest + data if self.rest else data
        at, found = 0, []
        while len(data) - at >= 2:
            size, begin = data[at + 1] & 127, at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size = int.from_bytes(data[begin:begin + wide], "big")
                begin += wide
            if len(data) < begin + size or begin > len(data):
                break
            found.append((data[at] & 15, data[begin:begin + size]))
            at = begin + size
        self.rest = data[at:]
        return found


def connect(port, source=None, tls=None, receive=None):
    """A connection; `source` is its own address, `receive` the size of its receive buffer."""
    stream = socket.socket()
    stream.settimeout(PATIENCE)
    if receive:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    if source:
        stream.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        stream.bind((source, 0))
    stream.connect(("127.0.0.1", port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(stream, server_hostname="localhost") if tls else stream


def websocket(port, path="/", more="", **how):
    """An open WebSocket and its frames so far."""
    stream = connect(port, **how)
    stream.sendall(upgrade(path, more))
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = stream.recv(4096)
        if not data:
            break
        answer += data
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b" 101 " not in head[:16]:
        raise AssertionError(f"no upgrade: {answer[:200]!r}")
    frames = Frames()
    frames.rest = rest
    return stream, frames


def read_all(stream, patience=PATIENCE):
    """What comes until the server ends the connection; None in the end if it does not."""
    stream.settimeout(patience)
    said = b""
    try:
        while data := stream.recv(65536):
            said += data
    except TimeoutError:
        return said, False
    except OSError:
        pass
    return said, True


def ask(port, text, patience=PATIENCE, **how):
    """Sends bytes on a connection of their own: what was answered, and whether the server closed."""
    with connect(port, **how) as stream:
        with suppress(OSError):
            stream.sendall(text)
        return read_all(stream, patience)


def close_code(stream, patience=PATIENCE):
    """The code of the close frame that ends a WebSocket; None: cut, or still open."""
    stream.settimeout(patience)
    frames = Frames()
    try:
        while data := stream.recv(65536):
            for opcode, payload in frames.feed(data):
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
    except OSError:
        pass
    return None


class Sender:
    """One connection of a flood."""

    def __init__(self, stream, blocks):
        self.stream, self.blocks, self.rest, self.sent, self.got = stream, blocks, b"", 0, 0
        self.alive = True
        self.last = b""


def flood(streams, block, seconds, rate=None, read=True, on_data=None):
    """Sends a block again and again on each, as fast as the server takes it, or at so many blocks per second of all together.
    `block` is bytes, or makes the next bytes. Returns the senders, with what was sent and answered."""
    epoll = select.epoll()
    senders = {}
    for stream in streams:
        stream.setblocking(False)
        senders[stream.fileno()] = Sender(stream, block if callable(block) else None)
        epoll.register(stream.fileno(), (select.EPOLLIN if read else 0) | (0 if rate else select.EPOLLOUT))
    begun = time.monotonic()
    order, given = list(senders.values()), 0

    def push(sender):
        sender.rest = sender.rest or (block() if callable(block) else block)
        try:
            count = sender.stream.send(sender.rest)
            sender.sent += count
            sender.rest = sender.rest[count:]
            return True
        except WOULD_BLOCK:
            return False
        except OSError:
            end(sender)
            return False

    def end(sender):
        if sender.alive:
            sender.alive = False
            with suppress(OSError, ValueError):
                epoll.unregister(sender.stream.fileno())

    while (now := time.monotonic()) < begun + seconds and any(s.alive for s in order):
        if rate:
            while given < (now - begun) * rate:
                sender = order[given % len(order)]
                given += 1
                if sender.alive:
                    push(sender)
        for fd, events in epoll.poll(0.001 if rate else 0.01):
            sender = senders[fd]
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and read:
                try:
                    data = sender.stream.recv(1 << 18)
                    sender.got += len(data)
                    sender.last = data[-200:] or sender.last
                    if on_data:
                        on_data(sender, data)
                    if not data:
                        end(sender)
                except WOULD_BLOCK:
                    pass
                except OSError:
                    end(sender)
            elif events & (select.EPOLLHUP | select.EPOLLERR):
                end(sender)
            if sender.alive and events & select.EPOLLOUT and not rate:
                push(sender)
    return order


def totals(senders):
    """As text: what a flood did."""
    sent, got = sum(s.sent for s in senders), sum(s.got for s in senders)
    ended = sum(not s.alive for s in senders)
    return f"{sent / 1e6:.1f} MB sent, {got / 1e6:.1f} MB answered" + (f", {ended} of {len(senders)} ended" if ended else "")
