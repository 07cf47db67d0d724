"""Attacks with frames: rows W1 to W13 of SECURITY.md."""

import socket
import time
import zlib

import wire
from attacks import MIB, attack, echo
from wire import frame

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
SECONDS = 4


def deflated(data):
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]


def open_many(port, count, path="/", more="", addresses=1, **how):
    """WebSockets from one address or from many."""
    return [wire.websocket(port, path, more, source=f"127.0.{1 + i % addresses // 200}.{2 + i % 200 if addresses > 1 else 2}", **how)[0]
            for i in range(count)]


@attack("W7", "200 connections send 1 KB messages that inflate to 1 MiB, 1 MB/s in all", echo("--deflate", "--max-message", str(MIB)),
        memory=900 * MIB)
def inflated_bytes(fight):
    message = frame(2, deflated(bytes(MIB)), rsv=4)
    streams = open_many(fight.port, 200, more=OFFER)
    senders = wire.flood(streams, message, SECONDS, rate=1e6 / len(message))
    fight.saw(f"{len(message)} bytes per message; {wire.totals(senders)}")
    fight.expect(all(s.alive for s in senders), "a sender within all limits was cut off")


@attack("W4", "20 connections send pings without a pause and read nothing", echo())
def ping_flood(fight):
    streams = open_many(fight.port, 20)
    senders = wire.flood(streams, frame(9, b"x" * 125) * 100, SECONDS, read=False)
    codes = {wire.close_code(s.stream, 5) for s in senders}
    fight.saw(f"{wire.totals(senders)}; close codes {sorted(map(str, codes))}")
    fight.expect(codes <= {1008, None}, f"close codes {codes}")


@attack("W3", "20 connections send endless messages in one-byte fragments", echo())
def tiny_fragments(fight):
    streams = open_many(fight.port, 20)
    for stream in streams:
        stream.sendall(frame(2, b"x", fin=False))
    senders = wire.flood(streams, frame(0, b"x", fin=False) * 1000, SECONDS)
    fight.saw(wire.totals(senders))
