"""Attacks on TLS: rows T1 to T8 of SECURITY.md."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import time
import warnings
from contextlib import suppress

import wire
from attacks import attack, echo, topics
from wire import frame

SECONDS = 4


def hello():
    """The first bytes of a client."""
    context = ssl.create_default_context()
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def shakes(fight, change):
    """Whether a client whose context is changed so gets a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        change(context)
    try:
        with socket.create_connection(("127.0.0.1", fight.port), wire.PATIENCE) as plain, context.wrap_socket(plain, server_hostname="localhost") as stream:
            return stream.version() + " " + stream.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


@attack("T1 T4", "old versions, weak suites, foreign protocols", echo(tls=True))
def weak_tls(fight):
    def old(version):
        def change(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
        return change

    def suites(names):
        def change(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(names)
        return change

    bad = {"TLS 1.0": old(ssl.TLSVersion.TLSv1), "TLS 1.1": old(ssl.TLSVersion.TLSv1_1), "CBC": suites("ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"),
           "no forward secrecy": suites("AES128-GCM-SHA256:@SECLEVEL=0"), "no authentication": suites("aNULL:@SECLEVEL=0"),
           "ALPN ftp": lambda context: context.set_alpn_protocols(["ftp"])}
    good = {"TLS 1.2": suites("ECDHE-ECDSA-AES128-GCM-SHA256"), "TLS 1.3": lambda context: None,
            "ALPN": lambda context: context.set_alpn_protocols(["ftp", "http/1.1"])}
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        for name, change in bad.items():
            got = shakes(fight, change)
            fight.expect(got is None, f"{name}: {got}")
        for name, change in good.items():
            fight.expect(shakes(fight, change) is not None, f"{name} was refused")
        count += len(bad) + len(good)
    fight.saw(f"{count} handshakes")


def s_client(fight, flags, commands):
    """What openssl's client says after these commands, a line each."""
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{fight.port}", *flags], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    with suppress(OSError):
        time.sleep(0.3)  # it takes a command only at the beginning of what it reads
        for command in commands:
            client.stdin.write(command + "\n")
            client.stdin.flush()
            time.sleep(0.02)
        time.sleep(0.3)
    ended = client.poll() is not None
    client.kill()
    return client.communicate()[0], ended


@attack("T2 T3", "renegotiation, and KeyUpdates in a row", echo(tls=True))
def renegotiation(fight):
    said, ended = s_client(fight, ["-tls1_2"], ["R"])
    fight.expect("RENEGOTIATING" in said and ("no renegotiation" in said or ended), f"renegotiation: {said[-300:]!r}")
    said, ended = s_client(fight, ["-tls1_3"], ["k"] * 10)
    fight.expect("KEYUPDATE" in said and not ended, "ten KeyUpdates ended a connection")
    said, ended = s_client(fight, ["-tls1_3"], ["k"] * 40)
    fight.expect(ended, f"{said.count('KEYUPDATE')} KeyUpdates were taken")
    fight.saw(f"ended after {said.count('KEYUPDATE')} KeyUpdates at most")


@attack("T6", "connections cut in the middle of a message, by an end or a reset", echo(tls=True))
def truncation(fight):
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        stream, _ = wire.websocket(fight.port, tls=fight.tls, source="127.0.0.2")
        stream.sendall(frame(2, b"half", length=8))
        if count % 2:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        count += 1
    fight.saw(f"{count} cut")


@attack("T8", "the certificate is read again every 20 ms", echo(tls=True))
def reloads(fight):
    begun, count, tried = time.monotonic(), 0, 0
    while time.monotonic() < begun + SECONDS:
        os.kill(fight.pid, signal.SIGHUP)
        count += 1
        while time.monotonic() < begun + count * 0.02:
            stream, frames = wire.websocket(fight.port, tls=fight.tls, source="127.0.0.2")
            with stream:
                stream.sendall(frame(2, b"hello"))
                fight.expect(stream.recv(100).endswith(b"hello"), "no echo")
            tried += 1
    fight.saw(f"{count} reloads, {tried} connections meanwhile")


@attack("H4", "hellos of TLS as fast as they can be sent, and no more", topics(tls=True), memory=400 << 20)
def hello_flood(fight):
    first, streams, count = hello(), [], 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        stream = wire.connect(fight.port, source=f"127.0.1.{2 + count % 60}")
        stream.setblocking(False)
        stream.send(first)
        streams.append(stream)
        count += 1
        if len(streams) > 3000:
            streams.pop(0).close()
    fight.saw(f"{count} hellos")
