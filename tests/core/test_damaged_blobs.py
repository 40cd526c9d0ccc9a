"""Damaged content: named, passed over, dropped by its holder and fetched again from somebody else."""

import gc

from lattice_core.errors import ProtocolError, StorageError
from lattice_core.files import chunks
from lattice_core.sync.nano import blobs
from support import raises
from support.files import make_file
from support.nano import START_MS, NodePair, joined, node


def damage(handle, digest, body=None):
    """The medium gives back other bytes than were stored (or `body`)."""
    held = handle.store.blob(digest)
    data = held.read(0, held.size)
    handle.store.drop_blob(digest)
    handle.store.put_blob(digest, body or bytes([data[0] ^ 1]) + data[1:])
    handle.files.journal.commit(START_MS)


def pieces(handle, path, kinds=(chunks.HELD_CHUNK,)):
    entry = handle.files.get(path).entry
    walked = chunks.walk(handle.store, entry.codec, entry.digest, entry.size)
    return [digest for kind, digest, _ in walked if kind in kinds]


def held(handle):
    return [file.path for file in handle.files.list() if handle.files.held(file)]


def good(handle, digest):
    body = handle.store.blob(digest)
    return body is not None and handle.files.crypto.blake3_digest(body.read(0, body.size)) == digest


def carried(count=4):
    """A laptop with files, a stick that carries them, and a newcomer that has the laptop's invite."""
    gc.collect()
    laptop, stick = node(1, "laptop"), node(2, "stick")
    world, notes = joined(laptop, stick)
    for number in range(count):
        make_file(notes, "file %d" % number, bytes([number]) * 6000 + b"x" * 3000, 4500, START_MS + number)
    laptop.journal.commit(START_MS + 99)
    assert world.connect().sync().complete
    token = laptop.invites.create(laptop.tree.roots()[0], START_MS + 1000)
    NodePair(laptop, stick, START_MS + 2000).sync()
    return laptop, stick, notes, stick.tree.get(notes.id), token


def arrive(stick, token, store_id):
    gc.collect()
    newcomer = node(3, "newcomer")
    world = NodePair(newcomer, stick, START_MS + 3000)
    report = world.run(world.a.join(token))
    return newcomer, newcomer.tree.get(store_id), report, world


def test_a_damaged_chunk_is_named_passed_over_and_mended():
    laptop, stick, notes, there, token = carried()
    victim = pieces(there, "file 1")[0]
    damage(there, victim)
    newcomer, mine, report, world = arrive(stick, token, notes.id)
    outcome = report.outcomes[notes.id]
    assert not report.errors
    assert not report.complete
    assert (outcome.damaged, outcome.damaged_count) == (["file 1"], 1)
    assert held(mine) == ["file 0", "file 2", "file 3"]
    # The holder has looked, does not call it its own any more, and gets it from the next one that has it.
    assert world.b.progress.damaged_here == 1
    assert not there.store.has_blob(victim)
    assert "file 1" not in held(there)
    assert NodePair(laptop, stick, START_MS + 5000).sync().complete
    assert good(there, victim)
    assert len(held(there)) == 4
    assert NodePair(newcomer, stick, START_MS + 6000).sync().complete
    assert len(held(mine)) == 4


def test_a_puller_that_lies_about_a_blob_costs_nothing():
    _laptop, _stick, _notes, there, _token = carried(1)
    victim = pieces(there, "file 0")[0]
    assert there.contents.check(victim)
    assert good(there, victim)
    raises(ProtocolError, there.contents.put, victim, b"other bytes")
    assert not there.contents.doubted()
    assert held(there) == ["file 0"]


def test_a_damaged_chunk_list_is_missing_where_it_lies_and_comes_again():
    # One whose damage shows, and one that still reads as a list and names a chunk that is nowhere.
    for at in (1, 20):
        laptop, stick, notes, there, token = carried(2)
        root = there.files.get("file 0").entry.digest
        body = there.store.blob(root)
        data = bytearray(body.read(0, body.size))
        data[at] ^= 1
        damage(there, root, bytes(data))
        _, mine, report, _ = arrive(stick, token, notes.id)
        assert held(mine) == ["file 1"]
        assert not report.complete
        assert not report.errors
        assert NodePair(laptop, stick, START_MS + 5000).sync().complete
        assert good(there, root)
        assert held(there) == ["file 0", "file 1"]


def test_a_list_that_is_found_damaged_by_its_own_node_is_wanted_again():
    laptop, stick, _notes, there, _token = carried(2)
    root = there.files.get("file 0").entry.digest
    damage(there, root)
    there.contents.doubt()
    stick.journal.commit(START_MS)
    assert there.content.lacks()
    assert held(there) == ["file 1"]
    assert NodePair(laptop, stick, START_MS + 5000).sync().complete
    assert good(there, root)
    assert held(there) == ["file 0", "file 1"]
    assert not there.content.lacks()


class Unreadable:
    """A body whose end the medium does not give any more."""

    def __init__(self, body, good_bytes):
        self.body = body
        self.size = body.size
        self.good_bytes = good_bytes

    def read(self, offset, count):
        if offset + count > self.good_bytes:
            raise StorageError("the medium cannot be read there")
        return self.body.read(offset, count)


def test_what_the_medium_cannot_read_is_not_held():
    for good_bytes in (0, 2048, 4200):
        gc.collect()
        read_up_to(good_bytes)


def read_up_to(good_bytes):
    laptop, stick, notes, there, token = carried(2)
    victim = pieces(there, "file 1")[1]
    read = there.store.blob

    def blob(digest):
        body = read(digest)
        return Unreadable(body, good_bytes) if body is not None and digest == victim else body

    there.store.blob = blob
    _, mine, report, world = arrive(stick, token, notes.id)
    assert not report.errors, good_bytes
    assert held(mine) == ["file 0"], good_bytes
    assert not there.store.has_blob(victim)
    assert world.b.progress.damaged_here == 1
    there.store.blob = read
    assert NodePair(laptop, stick, START_MS + 5000).sync().complete
    assert good(there, victim)


def test_a_peer_that_has_only_bad_blobs_is_asked_for_a_bounded_number():
    before = blobs.Puller.bad_at_most
    blobs.Puller.bad_at_most = 2
    try:
        laptop, stick, notes, there, token = carried(4)
        for number in range(4):
            damage(there, pieces(there, "file %d" % number)[0])
        newcomer, mine, report, _ = arrive(stick, token, notes.id)
        assert not report.errors
        assert not report.complete
        assert 2 <= report.outcomes[notes.id].damaged_count <= 4
        # What it was told of its holder has dropped, so that the next session comes further.
        gc.collect()
        NodePair(newcomer, stick, START_MS + 4000).sync()
        NodePair(newcomer, stick, START_MS + 4500).sync()
        gc.collect()
        assert NodePair(laptop, stick, START_MS + 5000).sync().complete
        assert NodePair(newcomer, stick, START_MS + 6000).sync().complete
        assert len(held(mine)) == 4
    finally:
        blobs.Puller.bad_at_most = before


def test_a_reader_finds_a_damaged_chunk_and_it_is_wanted_again():
    laptop, stick, notes, _there, _token = carried(1)
    victim = pieces(notes, "file 0")[1]
    damage(notes, victim)
    entry = notes.files.get("file 0").entry
    assert "damaged" in str(raises(ProtocolError, list, notes.files.read(entry)))
    assert not notes.store.has_blob(victim)
    assert notes.content.lacks()
    assert NodePair(laptop, stick, START_MS + 5000).sync().complete
    assert b"".join(notes.files.read(notes.files.get("file 0").entry))[:1] == b"\x00"
