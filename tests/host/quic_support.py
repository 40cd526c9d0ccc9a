"""Nodes on disk that meet over QUIC."""

import time

from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_host import crypto
from lattice_host.storage import SqliteStorage

SECONDS = 60


def now_ms():
    return int(time.time() * 1000)


def fresh_node(folder, number, name):
    folder.mkdir()
    node = Node(SqliteStorage(folder / "node.db"), crypto, Identity(crypto, bytes([number]) * 32), name)
    node.open(now_ms())
    return node
