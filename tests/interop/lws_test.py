#!/usr/bin/env python3
"""libwebsockets. Needs LWS_PEER_BIN."""

import os
import unittest

import peers

PROGRAM = os.environ["LWS_PEER_BIN"]


class client(peers.client, unittest.TestCase):
    """It offers no compression here: with that agreed, its 4.1.6 and 4.3.2 loop for ever on the first message that comes
    uncompressed, from whatever server (warmcat/libwebsockets#2794)."""
    command = (PROGRAM,)
    farewell = "closed"


class server(peers.server, unittest.TestCase):
    command = (PROGRAM,)
    answer = "4001 bye clean"
    answers = {"-": "^permessage-deflate"}


if __name__ == "__main__":
    unittest.main()
