#!/usr/bin/env python3
"""Boost.Beast. Needs BEAST_PEER_BIN."""

import os
import unittest

import peers

PROGRAM = os.environ["BEAST_PEER_BIN"]


class client(peers.client, unittest.TestCase):
    command = (PROGRAM,)
    offers = {
        "takeover": ("server_max_window_bits=15; client_max_window_bits=15$", "server_max_window_bits=12"),
        "alone": ("client_no_context_takeover", "server_no_context_takeover"),
        "10": ("server_max_window_bits=10; client_max_window_bits=10", "server_max_window_bits=10"),
    }


class server(peers.server, unittest.TestCase):
    command = (PROGRAM,)
    answers = {"takeover": "^permessage-deflate", "alone": "server_no_context_takeover", "10": "server_max_window_bits=10"}


if __name__ == "__main__":
    unittest.main()
