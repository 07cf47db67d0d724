"""libsoup by its bindings for Python: a client and an echo server. Modes: see peers.py."""

import sys

import gi

gi.require_version("Soup", "3.0")
from gi.repository import GLib, Soup  # noqa: E402

import peers  # noqa: E402

loop = GLib.MainLoop()
TEXT, BINARY = Soup.WebsocketDataType.TEXT, Soup.WebsocketDataType.BINARY


def say(*words):
    print(*words, flush=True)


def content(text, size):
    cycle = b"warp and weft " if text else bytes(range(256))
    data = (cycle * (size // len(cycle) + 1))[:size]
    return "☕🧵".encode() + data[7:] if text and size >= 7 else data


def limit(conn):
    conn.set_max_incoming_payload_size(0)


def send(conn, text, data):
    conn.send_message(TEXT if text else BINARY, GLib.Bytes.new(data))


def connect(url, deflates, then):
    session = Soup.Session()
    if deflates:
        session.add_feature_by_type(Soup.WebsocketExtensionManager)

    def done(_, result):
        conn = session.websocket_connect_finish(result)
        limit(conn)
        conn.connect("closed", lambda _: (say("close", conn.get_close_code(), conn.get_close_data() or ""), loop.quit()))
        then(conn)

    session.websocket_connect_async(Soup.Message.new("GET", url), None, ["other", "chat"], 0, None, done)
    loop.run()
    return session


def echo(url, option):
    cases = iter([(text, size) for text in (True, False) for size in peers.SIZES])
    waiting = []

    def next_case(conn):
        case = next(cases, None)
        if case is None:
            conn.close(4001, "bye")
            return
        waiting[:] = [case, content(*case)]
        send(conn, case[0], waiting[1])

    def message(conn, kind, data):
        (text, size), sent = waiting
        same = (kind == TEXT) == text and data.get_data() == sent
        say("text" if text else "binary", size if same else "changed")
        next_case(conn)

    def opened(conn):
        say("open", conn.get_protocol())
        conn.connect("message", message)
        next_case(conn)

    connect(url, bool(option), opened)


def wait(url, size):
    def opened(conn):
        say("open")
        if size:
            send(conn, False, content(False, int(size)))
    connect(url, False, opened)


def serve(option):
    server = Soup.Server()
    if not option:
        server.remove_websocket_extension(Soup.WebsocketExtensionDeflate)
    kept = []

    def message(conn, kind, data):
        if data.get_data() == b"leave":
            conn.close(4321, "because")
        else:
            conn.send_message(kind, data)

    def opened(_server, _message, _path, conn):
        kept.append(conn)
        limit(conn)
        conn.connect("message", message)
        conn.connect("closed", lambda _: say("close", conn.get_close_code(), conn.get_close_data() or ""))

    server.add_websocket_handler("/", None, ["chat"], opened)
    server.listen_local(0, Soup.ServerListenOptions.IPV4_ONLY)
    say(f"listening on ws://127.0.0.1:{server.get_uris()[0].get_port()}/")
    loop.run()


mode, *rest = [*sys.argv[1:], "", ""]
if mode == "echo":
    echo(rest[0], rest[1])
elif mode == "wait":
    wait(rest[0], rest[1])
else:
    serve(rest[0])
