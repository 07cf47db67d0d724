#!/usr/bin/env python3
"""Go: gorilla/websocket, golang.org/x/net/websocket and nhooyr.io/websocket. Needs GO_PEER_BIN."""

import os
import unittest

import peers

PROGRAM = os.environ["GO_PEER_BIN"]
ALONE = "^permessage-deflate; (client|server)_no_context_takeover; (client|server)_no_context_takeover$"


class gorilla_client(peers.client, unittest.TestCase):
    command = (PROGRAM, "gorilla")
    offers = {"deflate": (ALONE, ALONE)}


class gorilla_server(peers.server, unittest.TestCase):
    command = (PROGRAM, "gorilla")
    answers = {"deflate": ALONE}


class xnet_client(peers.client, unittest.TestCase):
    """It says only that the connection ended."""
    command = (PROGRAM, "xnet")
    origin = "http://localhost/"
    pieces = pings = False
    farewell = too_big = going_away = "EOF"


class xnet_server(peers.server, unittest.TestCase):
    command = (PROGRAM, "xnet")
    pings = False
    farewell = "EOF"
    answer = "1006 "
    leaving = "4321 "


class nhooyr_client(peers.client, unittest.TestCase):
    command = (PROGRAM, "nhooyr")
    offers = {"deflate": (ALONE, ALONE), "takeover": ("^permessage-deflate$", "^permessage-deflate$")}


class nhooyr_server(peers.server, unittest.TestCase):
    command = (PROGRAM, "nhooyr")
    answer = "4001 bye clean"
    answers = {"deflate": "^permessage-deflate; client_no", "takeover": "^permessage-deflate"}


if __name__ == "__main__":
    unittest.main()
