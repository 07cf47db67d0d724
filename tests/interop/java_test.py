#!/usr/bin/env python3
"""Java's HTTP client. Needs JAVA_PEER: the command that starts it."""

import os
import shlex
import unittest

import peers


class client(peers.client, unittest.TestCase):
    command = tuple(shlex.split(os.environ["JAVA_PEER"]))


if __name__ == "__main__":
    unittest.main()
