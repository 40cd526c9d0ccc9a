"""Folders of files for put and get."""

import random

from lattice_core.files import cid as cids
from lattice_core.files.entry import Entry
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from lattice_host import crypto

NOW_MS = 1_800_000_000_000


def fresh_node(number=1, name="laptop"):
    node = Node(MemoryStorage(), crypto, Identity(crypto, bytes([number]) * 32), name)
    node.open(NOW_MS)
    return node


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def tree_of(folder):
    return {item.relative_to(folder).as_posix(): item.read_bytes() for item in folder.rglob("*") if item.is_file()}


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def put_text(files, path, text):
    entry = Entry(path.split("/")[-1], 0o644, cids.make(cids.RAW, crypto.blake3_digest(text)), 1, len(text), text)
    files.kv.put(b"fs/" + path.encode(), entry.encode(), NOW_MS)
