#!/usr/bin/env python3
"""libsoup, by its bindings for Python."""

import sys
import unittest
from pathlib import Path

import peers

PROGRAM = (sys.executable, str(Path(__file__).resolve().with_name("soup_peer.py")))


class client(peers.client, unittest.TestCase):
    command = PROGRAM
    pieces = pings = False
    offers = {"deflate": ("^permessage-deflate; client_max_window_bits", "^permessage-deflate")}


class server(peers.server, unittest.TestCase):
    command = PROGRAM
    pings = False
    answer = "4001 bye clean"
    answers = {"deflate": "^permessage-deflate"}


if __name__ == "__main__":
    unittest.main()
