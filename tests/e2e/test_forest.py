"""Forty stores on four levels through a stick that has few of them open at a time, on the device's heap and flash."""

import time

from e2e.world import Computer, EmulatedStick
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.node.stores import STORES_OPEN
from lattice_host import crypto
from lattice_host.datadir import DataDir
from lattice_host.storage import SqliteStorage

STORES = 40
KV = "core:kvstore"


def plant(folder):
    """Forty stores below the root, 3 + 9 + 28 on three levels, with a value each: [name]. One is only for guests, with
    what lies below it."""
    directory = DataDir(folder)
    storage = SqliteStorage(directory.database)
    node = Node(storage, crypto, Identity(crypto, directory.seed()))
    node.tree.open_limit = None
    now_ms = int(time.time() * 1000)
    node.open(now_ms)
    (root,) = node.tree.roots()
    made = [node.tree.find("trunk")]
    while len(made) < STORES:
        at = len(made)
        parent = root if at < 3 else made[(at - 3) // 3] if at < 12 else made[3 + (at - 12) % 9]
        strategy = "independent" if at == 2 else "inherited"
        made.append(node.create_store("branch %d" % at, KV, parent.id, now_ms, strategy))
    assert max(node.tree.depth_of(one) for one in made) == 3
    for one in made:
        one.kv.put(b"in", one.name.encode(), now_ms)
    node.journal.commit(now_ms)
    closed = made[2]
    hidden = [one.name for one in node.tree.descending(closed)]
    names = [one.name for one in made]
    storage.close()
    return names, hidden


def test_forty_stores_on_four_levels(tmp_path):
    laptop = Computer(tmp_path / "laptop", "laptop")
    laptop.run("store", "create", "trunk")
    with EmulatedStick(tmp_path / "stick.img") as stick:
        laptop.run("stick", "setup", stick.port, "--name", "carrier")
        names, hidden = plant(laptop.folder)
        # The stick is no member of the closed store, so it gets neither that nor what lies below.
        done = laptop.json("sync", stick.port)
        assert done["complete"], done["errors"]
        shown = laptop.json("stick", "status", stick.port)
        assert shown["last_error"] is None
        assert STORES_OPEN < STORES + 2 - len(hidden) <= shown["store_count"] <= STORES + 1
        # It is let in, and carries it for whoever is in the list.
        assert laptop.json("peer", "admit", "carrier", "--store", hidden[0])["written"]
        assert laptop.json("sync", stick.port)["complete"]
        assert laptop.json("stick", "status", stick.port)["store_count"] == STORES + 1
        token = laptop.json("invite")["token"]
        laptop.run("sync", stick.port)
        stick.pull()
        stick.plug()
        desk = Computer(tmp_path / "desk", "desk")
        joined = desk.json("join", token, "--via", stick.port)
        assert joined["complete"], joined["errors"]
        tree = {row["name"]: row for row in desk.json("store", "tree")["stores"]}
        assert max(row["depth"] for row in tree.values()) == 3
        for name in names:
            if name in hidden[1:]:
                assert name not in tree
            elif name == hidden[0]:
                assert tree[name]["strategy"] == "independent"
                assert desk.attempt("kv", "get", "in", "--store", name).returncode == 1
            else:
                assert desk.json("kv", "get", "in", "--store", name)["value"] == name
        # Back the same way.
        low = names[-1] if names[-1] not in hidden else names[-2]
        desk.run("kv", "put", "back", "again", "--store", low)
        assert desk.json("sync", stick.port)["complete"]
        done = laptop.json("sync", stick.port)
        assert done["complete"], done["errors"]
        assert laptop.json("kv", "get", "back", "--store", low)["value"] == "again"
        assert laptop.json("stick", "status", stick.port)["last_error"] is None
