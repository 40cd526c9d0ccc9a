"""What `status` says from indexes is what a walk over the whole store finds, whatever has happened to the store."""

import random

import pytest

from lattice_core.files import tree
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_host import files as transfer
from lattice_host.service.only_here import OnlyHere
from lattice_host.storage import SqliteStorage
from support import crypto
from support.nano import START_MS, NodePair, node

LIMIT = 3
STEPS = ("key", "key", "key", "file", "file", "sync", "odd", "remove", "undone", "log")


def walked(node, handle):
    """(own writes, keys, files) that no other node is known to hold, by looking at everything."""
    own = node.identity.public
    files, store = handle.files, handle.store
    others = [key for key in node.members.active(handle) if key != own]
    reachable = max((files.holdings.holds_items(key) for key in others), default=0)
    intentions = sum(author == own for _, _, author, _ in store.witness_log(reachable))
    keys = [
        entry.key
        for entry in handle.kv.list(deleted=True)
        if entry.winner.author == own
        and not entry.key.startswith(tree.KEY_PREFIX)
        and store.witness_sequence(entry.winner.hash) > reachable
    ]
    paths = []
    for file in files.list():
        if file.entry is not None and files.held(file):
            beyond = store.witness_sequence(file.version.hash) > reachable
            if (beyond or file.entry.inline is None) and not files.holders(file):
                paths.append(file.path)
    return intentions, keys, paths


def agrees(node, handle):
    intentions, keys, paths = walked(node, handle)
    said = OnlyHere(node, handle, LIMIT)
    assert said.intentions == intentions
    assert said.key_count == len(keys)
    assert said.keys == keys[:LIMIT]
    assert said.file_count == len(paths)
    assert said.files == paths[:LIMIT]
    return intentions, len(keys), len(paths)


class OwnLaptop:
    def __init__(self, path, with_key=True):
        self.path = path
        self.identity = Identity(crypto(), b"\x01" * 32)
        self.open(with_key)

    def open(self, with_key=True):
        self.storage = SqliteStorage(self.path, own=self.identity.public if with_key else None)
        self.node = Node(self.storage, crypto(), self.identity, "laptop")
        self.node.open(START_MS)

    def reopen(self, with_key=True):
        self.storage.close()
        self.open(with_key)


class Story:
    """Random things that happen to a laptop and to another node of its share."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.folder = folder
        self.laptop = OwnLaptop(folder / "node.db", with_key=seed % 2 == 0)
        notes = self.laptop.node.create_store("notes", "core:kvstore", None, START_MS)
        self.id = notes.id
        self.now = START_MS + 1000
        token = self.laptop.node.invites.create(self.laptop.node.tree.roots()[0], self.now)
        self.other = node(2, "other")
        pair = NodePair(self.other, self.laptop.node, self.now)
        pair.run(pair.a.join(token))
        self.sync()
        self.laptop.reopen()

    def step(self):
        self.now += self.random.choice((1, 1, 5000))
        getattr(
            self, self.random.choice(("key", "key", "key", "file", "file", "sync", "odd", "remove", "undone", "log"))
        )()

    def sync(self):
        self.now += 100000
        NodePair(self.laptop.node, self.other, self.now).sync()

    def _who(self):
        return self.random.choice((self.laptop.node, self.laptop.node, self.other))

    def key(self):
        at = self._who()
        name = self.random.choice((b"a%d", b"\xff%d", b"k" * 300 + b"%d")) % self.random.randrange(9)
        value = None if self.random.random() < 0.2 else b"%d" % self.now
        at.tree.get(self.id).kv.batch([(name, value)], self.now)
        at.journal.commit(self.now)

    def file(self):
        at = self._who()
        path = self.folder / "content"
        path.write_bytes(b"%d" % self.random.randrange(5) * self.random.choice((3, 9000, 70000)))
        name = "d/%s%d" % (self.random.choice(("x", "y" * 230)), self.random.randrange(6))
        transfer.put(at.tree.get(self.id).files, path, name, self.now, lambda *_: None, None, True)

    def remove(self):
        at = self._who()
        for file in list(at.tree.get(self.id).files.list())[:1]:
            at.tree.get(self.id).files.remove(file.path, self.now)
            at.journal.commit(self.now)

    def odd(self):
        """A file that is none, and the entry of one whose content is not here."""
        own = self.laptop.node.tree.get(self.id)
        own.kv.put(b"fs/odd%d" % self.random.randrange(3), b"not an entry", self.now)
        for file in list(own.files.list()):
            if file.entry is not None and not own.files.held(file) and not file.conflicts:
                own.files.move(file.path, "moved%d" % self.now, self.now)
                break
        self.laptop.node.journal.commit(self.now)

    def undone(self):
        own = self.laptop.node.tree.get(self.id)
        own.kv.put(b"a%d" % self.random.randrange(9), b"never", self.now)
        own.kv.put(b"never", b"never", self.now)
        self.random.choice((self.laptop.node.journal.rollback, self.laptop.reopen))()

    def log(self):
        """The state is worked out anew."""
        for _ in self.laptop.node.tree.get(self.id).weaver.project_again(True):
            pass
        self.laptop.node.journal.commit(self.now)


@pytest.mark.parametrize("seed", range(8))
def test_the_indexes_say_what_a_walk_finds(tmp_path, seed):
    story = Story(tmp_path, seed)
    seen = [0, 0, 0]
    for _ in range(40):
        story.step()
        found = agrees(story.laptop.node, story.laptop.node.tree.get(story.id))
        seen = [max(pair) for pair in zip(seen, found, strict=True)]
    assert all(seen)
    story.laptop.reopen()
    agrees(story.laptop.node, story.laptop.node.tree.get(story.id))
    story.laptop.storage.close()


def test_the_months_say_what_all_stamps_do(tmp_path):
    laptop = OwnLaptop(tmp_path / "node.db")
    day = 86400000
    notes = laptop.node.create_store("notes", "core:kvstore", None, START_MS)
    draws = random.Random(1)
    now = START_MS
    for number in range(60):
        now += draws.choice((1, 1, 40, 400)) * day
        notes.kv.put(b"k", b"%d" % number, now)
        draws.choice(
            (
                laptop.node.journal.commit,
                laptop.node.journal.rollback if number % 7 == 0 else laptop.node.journal.commit,
            )
        )()
    walls = [wall for (wall,) in laptop.storage.database.all("SELECT wall_ms FROM intention ORDER BY wall_ms")]
    months = list(laptop.storage.stamps(walls[3]))
    assert months == sorted(months)
    assert set(months) <= set(walls)
    for wall in walls[4:]:
        assert any(abs(wall - month) < 30 * day for month in months)
    laptop.storage.close()
