"""A laptop and what it does with a stick through the serial driver."""

import os

from lattice_host import crypto
from lattice_host.serial.driver import SerialDriver

NOW_MS = 1_700_000_000_000


def driver_at(node, port):
    return SerialDriver(node, crypto, lambda: port, "test")


def set_up(node, port):
    root = node.tree.roots()[0]
    driver_at(node, port).finish(lambda peer: peer.setup(root, "carrier", NOW_MS), 20)


def fill(node, count, size):
    notes = node.tree.find("notes")
    for number in range(count):
        notes.kv.put(b"key-%d" % number, os.urandom(size), NOW_MS)
    node.journal.commit(NOW_MS)
