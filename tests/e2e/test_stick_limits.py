"""What a stick promises to take holds all at once, on the device's heap: stores, authors, a newcomer to all of it."""

import time

from e2e.world import Computer, EmulatedStick
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.node.stores import STORES_OPEN
from lattice_core.wire.messages import KvPayload
from lattice_host import crypto
from lattice_host.datadir import DataDir
from lattice_host.storage import SqliteStorage

AUTHORS = 1020  # beside the members; 1,024 are a stick's limit for a store


def fill(folder):
    """Stores up to the limit, the first of them with a write of each of many authors."""
    directory = DataDir(folder)
    storage = SqliteStorage(directory.database)
    node = Node(storage, crypto, Identity(crypto, directory.seed()))
    now_ms = int(time.time() * 1000)
    node.open(now_ms)
    (root,) = node.tree.roots()
    while len(node.tree.replicas) < STORES_OPEN:
        node.create_store("store %d" % len(node.tree.replicas), "core:kvstore", root.id, now_ms)
    crowd = node.tree.find("crowd")
    for number in range(AUTHORS):
        who = Identity(crypto, crypto.blake3_digest(b"author %d" % number))
        put = {"put": {"key": b"key of %d" % number, "value": b"%d" % number}}
        payload = ops.app(KvPayload.encode({"ops": [put]}))
        made = intentions.create(crypto, who, now_ms + number, 0, crowd.id, bytes(32), [], payload)
        crowd.weaver.ingest(made, now_ms, True)
    node.journal.commit(now_ms)
    storage.close()


def test_all_stores_and_all_authors_at_once(tmp_path):
    laptop = Computer(tmp_path / "laptop", "laptop")
    laptop.run("store", "create", "crowd")
    with EmulatedStick(tmp_path / "stick.img") as stick:
        laptop.run("stick", "setup", stick.port, "--name", "carrier")
        fill(laptop.folder)
        token = laptop.json("invite")["token"]
        done = laptop.json("sync", stick.port)
        assert done["complete"]
        assert done["sent"]["intentions"] > AUTHORS
        stick.pull()
        stick.plug()  # everything is read back
        shown = laptop.json("stick", "status", stick.port)
        assert len(shown["stores"]) == STORES_OPEN
        assert shown["last_error"] is None
        newcomer = Computer(tmp_path / "newcomer", "newcomer")
        joined = newcomer.json("join", token, "--via", stick.port)
        assert joined["complete"]
        assert joined["received"]["intentions"] > AUTHORS
        assert laptop.json("sync", stick.port)["complete"]
        assert laptop.json("stick", "status", stick.port)["last_error"] is None
