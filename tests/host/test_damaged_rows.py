"""A bit of an intention flips in a computer's database (SQLite has no checksums): it is named, and comes again."""

import sqlite3

import pytest

from lattice_core.errors import StorageError
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_host.storage import SqliteStorage
from support import crypto
from support.nano import START_MS, NodePair, hashes, node, same
from support.reference import RefWorld


class Laptop:
    """A node on SQLite whose rows can be damaged while it is closed."""

    def __init__(self, path):
        self.path = path
        self.node = None
        self.open()

    def open(self):
        made = Node(SqliteStorage(self.path), crypto(), Identity(crypto(), b"\x01" * 32), "laptop")
        made.open(START_MS)
        self.node = made
        return made

    def damage(self, hash, at=-5, column="body"):
        self.node.storage.close()
        base = sqlite3.connect(self.path)
        number, body = base.execute("SELECT n, %s FROM intention WHERE hash = ?" % column, (hash,)).fetchone()
        body = bytearray(body)
        body[at] ^= 4
        base.execute("UPDATE intention SET %s = ? WHERE n = ?" % column, (bytes(body), number))
        base.commit()
        base.close()
        return self.open()


@pytest.fixture
def desk(tmp_path):
    """(laptop, store's id, hashes of ten writes that nobody else has, a stick that is in the share)"""
    laptop = Laptop(str(tmp_path / "node.db"))
    notes = laptop.node.create_store("notes", "core:kvstore", None, START_MS)
    token = laptop.node.invites.create(laptop.node.tree.roots()[0], START_MS)
    stick = node(2, "stick")
    world = NodePair(stick, laptop.node, START_MS + 1000)
    world.run(world.a.join(token))
    NodePair(laptop.node, stick, START_MS + 2000).sync()
    written = [notes.kv.put(b"k%d" % n, b"value %d" % n * 20, START_MS + 3000 + n).hash for n in range(10)]
    laptop.node.journal.commit(START_MS + 3100)
    yield laptop, notes.id, written, stick
    laptop.node.storage.close()


def value(handle, key):
    entry = handle.kv.get(key)
    body = entry.value_of(entry.winner)
    return body.read(0, body.size)


def arrived(stick, store_id):
    return [n for n in range(10) if stick.tree.get(store_id).kv.get(b"k%d" % n) is not None]


@pytest.mark.parametrize("at", [-5, 40, 100])
def test_what_only_this_node_has_is_named_and_nothing_else_stops(desk, at):
    laptop, store_id, written, stick = desk
    laptop.damage(written[3], at)
    other = stick.tree.get(store_id).kv.put(b"of the stick", b"1", START_MS + 4000)
    stick.journal.commit(START_MS + 4000)
    for attempt in range(3):
        report = NodePair(laptop.node, stick, START_MS + 5000 + attempt * 1000).sync()
        assert not report.errors
        assert not report.complete
        assert report.outcomes[store_id].damaged_here == 7
    assert arrived(stick, store_id) == [0, 1, 2]
    assert laptop.node.tree.get(store_id).store.has(other.hash)
    assert not NodePair(stick, laptop.node, START_MS + 9000).sync().errors
    # It is not served as good, and the others are read.
    mine = laptop.node.tree.get(store_id)
    with pytest.raises(StorageError, match="damaged"):
        value(mine, b"k3")[0:1]
    assert value(mine, b"k4")[0:7] == b"value 4"


def test_what_others_have_comes_again(desk):
    laptop, store_id, written, stick = desk
    NodePair(laptop.node, stick, START_MS + 4000).sync()
    laptop.damage(written[3])
    mine = laptop.node.tree.get(store_id)
    with pytest.raises(StorageError):
        value(mine, b"k3")[0:1]
    mine.kv.put(b"later", b"2", START_MS + 5000)
    laptop.node.journal.commit(START_MS + 5000)
    report = NodePair(laptop.node, stick, START_MS + 6000).sync()
    assert not report.errors
    assert value(mine, b"k3")[0:7] == b"value 3"
    assert mine.weaver.verify().ok()
    assert NodePair(laptop.node, stick, START_MS + 7000).sync().complete
    assert same(laptop.node, stick)
    assert stick.tree.get(store_id).kv.get(b"later") is not None


def test_verify_makes_it_wanted(desk):
    laptop, store_id, written, stick = desk
    NodePair(laptop.node, stick, START_MS + 4000).sync()
    laptop.damage(written[5], -1, "signature")
    laptop.damage(written[6])
    mine = laptop.node.tree.get(store_id)
    report = mine.weaver.verify()
    assert sorted(report.damaged) == sorted(written[5:7])
    laptop.node.note_damage(mine, report.damaged, [])
    laptop.node.storage.close()
    laptop.open()  # it is remembered
    mine = laptop.node.tree.get(store_id)
    assert mine.weaver.withheld() == 5
    NodePair(laptop.node, stick, START_MS + 5000).sync()
    assert mine.weaver.withheld() == 0
    assert value(mine, b"k6")[0:7] == b"value 6"


def test_the_own_last_write_may_be_damaged(desk):
    laptop, store_id, written, stick = desk
    NodePair(laptop.node, stick, START_MS + 4000).sync()
    laptop.damage(written[9])
    mine = laptop.node.tree.get(store_id)
    assert mine is not None
    assert "damaged" in mine.weaver.read_only
    mine.weaver.note_suspects()
    NodePair(laptop.node, stick, START_MS + 5000).sync()
    assert mine.weaver.read_only is None
    mine.kv.put(b"k10", b"goes on", START_MS + 6000)
    laptop.node.journal.commit(START_MS + 6000)
    assert NodePair(laptop.node, stick, START_MS + 7000).sync().complete
    assert hashes(mine) == hashes(stick.tree.get(store_id))


def test_a_node_of_the_reference_is_never_given_damaged_bytes(desk):
    laptop, store_id, written, stick = desk
    laptop.damage(written[3])
    world = RefWorld(stick, laptop.node, START_MS + 5000)
    report = world.sync()
    assert not report.progress.refused
    assert not report.complete
    assert set(written[:3]) <= hashes(stick.tree.get(store_id))
