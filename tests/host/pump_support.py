"""A laptop and what it does with a stick through the pump."""

import os

from lattice_host import crypto
from lattice_host.serial.pump import Pump, pumped

NOW_MS = 1_700_000_000_000


def pump_at(node, port, watch=None):
    return Pump(node, crypto, lambda: port, "test", watch)


def set_up(node, port):
    root = node.roots()[0]
    pumped(pump_at(node, port), lambda peer: peer.setup(root, "carrier", NOW_MS), 20)


def fill(node, count, size):
    notes = node.find("notes")
    for number in range(count):
        notes.kv.put(b"key-%d" % number, os.urandom(size), NOW_MS)
    node.commit(NOW_MS)
