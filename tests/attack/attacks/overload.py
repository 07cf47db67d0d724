"""Attacks by number and by patience: rows H4 and P1 of SECURITY.md, and regular expressions (P10)."""

import os
import selectors
import socket
import time
from contextlib import suppress

import wire
from attacks import MIB, attack, echo, socketio_echo, topics
from attacks.socketio import POLL, request, session
from wire import frame

HEAD = b"GET /a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\n"
SITE = {"a.txt": b"small\n"}


def drip(fight, begin, count, seconds, every=5):
    """So many connections begin, each with the same or its own, send a byte each five seconds, and must all have been ended in time."""
    selector, ends = selectors.DefaultSelector(), {}
    streams = []
    for i in range(count):
        stream = wire.connect(fight.port, source=f"127.0.{1 + i % 5}.{2 + i % 200}")
        stream.setblocking(False)
        with suppress(OSError):
            stream.send(begin if isinstance(begin, bytes) else begin[i])
        selector.register(stream, selectors.EVENT_READ)
        streams.append(stream)
    opened = time.monotonic()
    next_byte = opened + every
    while streams and len(ends) < count and time.monotonic() < opened + seconds:
        for key, _ in selector.select(0.05):
            with suppress(OSError):
                if key.fileobj.recv(4096):
                    continue
            ends[key.fileobj] = time.monotonic() - opened
            selector.unregister(key.fileobj)
        if time.monotonic() > next_byte:
            next_byte += every
            for stream in streams:
                with suppress(OSError):
                    stream.send(b"x")
    left = count - len(ends)
    fight.expect(not left, f"{left} of {count} are still open after {seconds} s")
    fight.saw(f"{count} connections, the last ended {max(ends.values(), default=0):.1f} s after all were open")


@attack("H4", "5,000 connections that spell a head, a byte each 5 s", topics(files=SITE), memory=64 * MIB)
def slow_heads(fight):
    drip(fight, HEAD + b"X: ", 5000, 12)


@attack("H4", "2,000 polling sessions that spell a body, a byte each 5 s", socketio_echo(), memory=64 * MIB)
def slow_bodies(fight):
    with wire.connect(fight.port, source="127.0.0.2") as stream:
        sids = [session(stream) for _ in range(2000)]
    drip(fight, [request("POST", f"{POLL}&sid={sid}")[:-4].replace(b"Content-Length: 0", b"Content-Length: 1000") + b"\r\n\r\n" for sid in sids], 2000, 13)


@attack("H4", "5,000 connections that spell a hello of TLS, a byte each 5 s", topics(tls=True), memory=400 * MIB)
def slow_hellos(fight):
    drip(fight, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 5000, 12)


def one_byte_connections(fight, addresses, rate, seconds):
    """Connect, send one byte, and stay."""
    streams, begun, refused = [], time.monotonic(), 0
    while (now := time.monotonic()) < begun + seconds:
        while len(streams) < min((now - begun) * rate, 15_000):
            try:
                stream = wire.connect(fight.port, source=f"127.0.1.{2 + len(streams) % addresses}")
                stream.send(b"G")
                streams.append(stream)
            except OSError:
                refused += 1
                break
            if time.monotonic() > begun + seconds:
                break
        time.sleep(0.0005)
    fight.saw(f"{len(streams)} connections in {time.monotonic() - begun:.1f} s, {refused} refused")


@attack("H4", "60 addresses with 175 connections a second each, which send one byte", topics(files=SITE), memory=128 * MIB)
def late_from_many(fight):
    one_byte_connections(fight, 60, 60 * 175, 6)


@attack("H4", "two addresses with 1,000 connections a second each, which send one byte", topics(files=SITE), memory=128 * MIB)
def late_from_few(fight):
    one_byte_connections(fight, 2, 2000, 6)


@attack("H4", "readers of a file at 20 kB/s and 2 kB/s, and one that stops", topics(files={"big": bytes(8 * MIB)}))
def slow_readers(fight):
    streams = []
    for pace in (20_000, 2_000, 0):
        stream = wire.connect(fight.port, source="127.0.0.2", receive=4096)
        stream.sendall(b"GET /big HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        streams.append([stream, pace, 0, None])
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < 64:  # twice write_stall, and more
        for reader in streams[:2]:
            stream, pace, got, ended = reader
            while ended is None and reader[2] < now * pace:
                try:
                    data = stream.recv(min(pace // 10, 4096))
                except OSError as error:
                    reader[3] = f"{type(error).__name__} after {now:.0f} s"
                    break
                if not data:
                    reader[3] = f"an end after {now:.0f} s"
                    break
                reader[2] += len(data)
                ended = reader[3]
        time.sleep(0.02)
    for _, pace, got, ended in streams[:2]:
        fight.expect(ended is None, f"who reads {pace} bytes a second was cut off: {ended}")
        fight.saw(f"{got} bytes at {pace} bytes per second")
    stuck = streams[2][0]
    said, ended = wire.read_all(stuck, 2)
    fight.expect(ended and len(said) < 8 * MIB, f"who reads nothing was not cut off: {len(said)} bytes")


@attack("P1", "1,000 connections to a server that may have 256 descriptors", echo(descriptors=256), newcomers=False)
def descriptors(fight):
    stat = f"/proc/{fight.pid}/stat"

    def used():
        with open(stat) as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def quietly(seconds):
        before = used()
        time.sleep(seconds)
        return (used() - before) / seconds

    base = quietly(2)
    streams = []
    for i in range(1000):
        stream = socket.socket()
        stream.setblocking(False)
        stream.connect_ex(("127.0.0.1", fight.port))
        streams.append(stream)
    time.sleep(0.5)
    share = quietly(3) - base
    fight.expect(share <= 0.05, f"a full server uses {share:.0%} of a processor more")
    for stream in streams:
        stream.close()
    begun = time.monotonic()
    stream, _ = wire.websocket(fight.port)
    took = time.monotonic() - begun
    fight.expect(took < 0.5, f"accepts again after {took:.2f} s")
    fight.saw(f"{max(share, 0):.1%} of a processor; accepts again after {took * 1000:.0f} ms")


SCHEMA = b'{"type":"object","properties":{"t":{"type":"string","pattern":"^(a+)+$"}}}'


@attack("P10", "60 KB strings against the pattern ^(a+)+$", topics("--schema", "t=site/schema.json", files={"schema.json": SCHEMA}))
def patterns(fight):
    text = frame(1, b'{"type":"publish","topic":"t","id":1,"data":{"t":"' + b"a" * 60_000 + b'!"}}')
    streams = [wire.websocket(fight.port, "/ws", source="127.0.0.2")[0] for _ in range(100)]
    senders = wire.flood(streams, text, 4, rate=1000)
    fight.saw(wire.totals(senders))
    fight.expect(any(b"1008" in s.last or not s.alive for s in senders), "who breaks the schema all the time was not closed")


@attack("", "connections that come and go as fast as they can", echo())
def comings_and_goings(fight):
    count, end = 0, time.monotonic() + 4
    while time.monotonic() < end:
        wire.connect(fight.port, source=f"127.0.1.{2 + count % 60}").close()
        count += 1
    fight.saw(f"{count} connections")
