#!/usr/bin/env python3
"""WebSocket++. Needs WEBSOCKETPP_PEER_BIN."""

import os
import unittest

import peers

PROGRAM = os.environ["WEBSOCKETPP_PEER_BIN"]


class client(peers.client, unittest.TestCase):
    command = (PROGRAM,)
    offers = {"deflate": ("^permessage-deflate", "^permessage-deflate")}


class server(peers.server, unittest.TestCase):
    command = (PROGRAM,)
    answer = "4001 bye clean"
    answers = {"deflate": "^permessage-deflate"}


if __name__ == "__main__":
    unittest.main()
