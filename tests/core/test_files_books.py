"""The books of a store's content never say that more is here than there is, and no look at it takes long."""

import gc

from lattice_core.errors import ProtocolError, StorageFull
from lattice_core.files import chunks, contents
from lattice_core.files import cid as cids
from lattice_core.files.entry import Entry
from lattice_core.storage.contract import TABLE_BLOBS
from support import raises
from support.files import content, make_file, two_nodes, whole
from support.nano import START_MS, joined, node
from support.nodes import CRYPTO, NOW_MS, carry_blobs, share


def list_of(files, digest, size, count, depth, last=None):
    """Stores a list that names `digest` `count` times, and another entry last. Returns (digest, size) of it."""
    entries = (digest + size.to_bytes(8, "little")) * count
    total = size * count
    if last is not None:
        entries += last[0] + last[1].to_bytes(8, "little")
        total += last[1]
    values = {"depth": depth, "size": total, "entries": entries, "hash": b"h" * 32 if last else b""}
    data = chunks.ChunkList.encode(values)
    files.contents.put(CRYPTO.blake3_digest(data), data)
    return CRYPTO.blake3_digest(data), total


def bomb(files, depth):
    """An entry of terabytes whose blobs are `depth` + 2 tiny ones, and one that nobody has."""
    item = (CRYPTO.blake3_digest(b"x"), 4096)
    files.contents.put(item[0], b"x")
    for level in range(depth):
        item = list_of(files, item[0], item[1], 400, level)
    root, size = list_of(files, item[0], item[1], 399, depth, (b"n" * 32, 1))
    return Entry("bomb", 0o644, cids.make(cids.LIST, root), NOW_MS, size)


def test_few_blobs_that_claim_to_be_terabytes_take_few_steps():
    _, _, data = share()
    entry = bomb(data.files, 3)
    assert entry.size > 1 << 38
    assert not data.contents.complete(entry)
    data.kv.put(b"fs/bomb", entry.encode(), NOW_MS)
    data.files.journal.commit(NOW_MS)
    assert len(list(data.content.referenced())) < 1000
    wanted = data.content.wanted()
    calls = 1
    while wanted.next() is None and calls < 20:
        assert wanted.again()
        calls += 1
    assert calls < 20
    assert wanted.blobs == 1


def test_a_tree_that_many_names_share_is_walked_once():
    node_, _, data = share()
    entry = bomb(data.files, 2)
    for number in range(40):
        data.kv.put(b"fs/%d" % number, entry.encode(), NOW_MS)
    node_.journal.commit(NOW_MS)
    looked = []
    blob = data.contents.blob
    data.contents.blob = lambda digest: looked.append(digest) or blob(digest)
    kept = set(data.content.referenced())
    assert len(looked) == 4
    assert entry.digest in kept
    assert len(kept) == 5
    other = Entry("b", 0o644, entry.cid, NOW_MS, entry.size - 1)  # a claim that its list does not bear out
    data.kv.put(b"fs/0", other.encode(), NOW_MS + 1)
    node_.journal.commit(NOW_MS)
    assert set(data.content.referenced()) == kept, "it does not hide the true one"


def test_a_tree_that_many_names_share_is_looked_through_a_few_times_for_what_is_wanted():
    """Whether all of it is here, some is missing, it does not fit, or it does not add up."""
    for kind in ("missing", "complete", "unfit", "damaged"):
        node_ = data = entry = wanted = store = None
        gc.collect()  # one world at a time: the stick's heap holds no two
        node_, _, data = share()
        entry = bomb(data.files, 2)
        if kind == "complete":
            entry = make_file(data, "0", content(1, 20000))
        if kind == "damaged":
            entry = Entry("b", 0o644, entry.cid, NOW_MS, entry.size - 1)
        for number in range(60):
            data.kv.put(b"fs/%d" % number, entry.encode(), NOW_MS)
        node_.journal.commit(NOW_MS)
        wanted = data.content.wanted()
        if kind == "unfit":
            wanted._left = 0
        store = Calls(data.files.contents)
        found = []
        while True:
            digest = wanted.next()
            if digest is not None:
                found.append(digest)
            elif not wanted.paused:
                break
        assert store.blobs < 60, (kind, store.blobs)
        assert found == ([b"n" * 32] if kind == "missing" else []), kind
        assert wanted.unfit_count == (60 if kind == "unfit" else 0)
        assert wanted.missing == (60 if kind == "damaged" else 0)
        assert len(list(data.contents.wants())) == (0 if kind == "complete" else 60)


class Calls:
    """How often lists are read."""

    def __init__(self, contents):
        self.blobs = 0
        self._blob = contents.blob
        contents.blob = self.blob

    def blob(self, digest):
        self.blobs += 1
        return self._blob(digest)


def test_a_missing_list_is_fetched_when_the_rest_of_the_file_is_here():
    laptop, data, other, far = two_nodes(capacity=400000)
    builder = chunks.ChunkListBuilder(CRYPTO)
    chunk = b"claims to be large"
    digest = CRYPTO.blake3_digest(chunk)
    lists = []
    for _ in range(401):
        lists.extend(builder.add(digest, 65536))
    cid, rest = builder.finish(b"h" * 32)
    lists.extend(rest)
    for handle, count in ((data, 3), (far, 2)):
        handle.contents.put(digest, chunk)
        for name, listed in [lists[0]] + lists[-1:] + lists[1:-1][: count - 2]:
            handle.contents.put(name, listed)
    assert len(lists) == 3
    entry = Entry("big", 0o644, cid, 1, 401 * 65536)  # far more than there is room for, but one chunk again and again
    far.kv.put(b"fs/big", entry.encode(), NOW_MS)
    other.journal.commit(NOW_MS)
    assert carry_blobs(laptop, other) == 1
    assert far.files.held(far.files.get("big"))


def test_lists_of_tiny_chunks_are_refused():
    _, _, data = share()
    digest = CRYPTO.blake3_digest(b"x")
    data.contents.put(digest, b"x")
    root, size = list_of(data.files, digest, 1, 399, 0, (digest, 1))
    entry = Entry("tiny", 0o644, cids.make(cids.LIST, root), NOW_MS, size)
    raises(ProtocolError, list, chunks.walk(data.store, entry.codec, root, size))
    data.kv.put(b"fs/tiny", entry.encode(), NOW_MS)
    data.files.journal.commit(NOW_MS)
    assert not data.files.held(data.files.get("tiny"))
    wanted = data.content.wanted()
    assert wanted.next() is None
    assert not wanted.again()
    assert wanted.missing == 1  # a peer that hears of it must not take it to be here


def many_chunks(handle, count, held):
    """A file of `count` chunks of which those in `held` are here; returns the digest of the last. The blobs are far
    smaller than they claim: nothing reads them here."""
    builder = chunks.ChunkListBuilder(CRYPTO)
    for number in range(count):
        chunk = number.to_bytes(4, "little")
        if number in held:
            handle.contents.put(CRYPTO.blake3_digest(chunk), chunk)
        builder.add(CRYPTO.blake3_digest(chunk), 4096)
    cid, lists = builder.finish(b"h" * 32)
    for digest, data in lists:
        handle.contents.put(digest, data)
    handle.kv.put(b"fs/many", Entry("many", 0o644, cid, 1, 4096 * count).encode(), NOW_MS)
    handle.files.journal.commit(NOW_MS)
    return CRYPTO.blake3_digest(chunk)


class Counting:
    """A store that counts how often it is asked for a blob."""

    def __init__(self, store):
        self._has_blob = store.has_blob
        self.asked = 0
        store.has_blob = self.has_blob

    def has_blob(self, digest):
        self.asked += 1
        return self._has_blob(digest)


def test_a_large_file_is_looked_through_in_pieces():
    _, _, data = share()
    missing = many_chunks(data, 300, range(3))
    counting = Counting(data.store)
    wanted = data.content.wanted()
    found = []
    pauses = 0
    while len(found) < 297:
        before = counting.asked
        digest = wanted.next()
        assert counting.asked - before <= 130
        if digest is not None:
            found.append(digest)
        else:
            assert wanted.paused
            assert wanted.again()
            pauses += 1
    assert found[-1] == missing
    assert pauses > 2


def test_an_estimate_looks_at_a_bounded_number_of_blobs():
    _, _, data = share()
    many_chunks(data, 300, range(3))
    counting = Counting(data.store)
    wanted = data.content.wanted()
    assert wanted.estimate() == (297, 297 * 4096)
    wanted.estimate_steps = 101  # the list and 100 chunks
    counting.asked = 0
    count, size = wanted.estimate()
    assert size == 297 * 4096
    assert count > 97
    assert counting.asked <= 102


def step_until_done(wanted):
    given = 0
    while True:
        digest = wanted.next()
        if digest is not None:
            given += 1
        elif not wanted.again():
            return given


def test_what_is_lost_while_a_file_is_looked_through_is_not_called_complete():
    node_, _, data = share()
    many_chunks(data, 300, [number for number in range(300) if number != 100])
    lost = (100).to_bytes(4, "little")
    data.contents.put(CRYPTO.blake3_digest(lost), lost)  # in the open transaction
    for pauses in range(1, 5):
        wanted = data.content.wanted()
        for _ in range(pauses):
            assert wanted.next() is None
            assert wanted.paused
        node_.journal.rollback()
        while wanted.next() is not None or wanted.paused:
            pass
        assert [want.path for want in data.contents.wants()] == ["many"], pauses
        data.contents.put(CRYPTO.blake3_digest(lost), lost)
    node_.journal.rollback()
    assert [want.path for want in data.contents.wants()] == ["many"]
    assert not data.files.held(data.files.get("many"))
    data.contents.put(CRYPTO.blake3_digest(lost), lost)
    assert step_until_done(data.content.wanted()) == 0
    assert data.files.held(data.files.get("many"))
    assert list(data.contents.wants()) == []


def test_a_content_that_came_another_way_is_settled_by_the_next_look():
    laptop, data, other, far = two_nodes()
    make_file(data, "a", content(1, 9000))
    entry = data.files.get("a").entry
    for digest in list(data.content.referenced()):
        body = data.store.blob(digest)
        far.contents.put(digest, body.read(0, body.size))
    far.kv.put(b"fs/b", entry.encode(), NOW_MS)
    other.journal.commit(NOW_MS)
    assert far.content.lacks()
    assert far.files.held(far.files.get("b"))
    assert carry_blobs(laptop, other) == 0
    assert not far.content.lacks()
    assert whole(far, "b") == content(1, 9000)


def test_a_dropped_content_that_looks_like_a_kept_one_is_not_complete():
    laptop, _, data = share()
    mark = contents._mark
    contents._mark = lambda digest: digest[0] & 15  # 4 bits in place of 30: equalities by the dozen
    try:
        kept = [make_file(data, "kept %d" % number, content(number, 4100)) for number in range(12)]
        gone = [make_file(data, "gone %d" % number, content(100 + number, 4100)) for number in range(12)]
        for number in range(12):
            data.files.remove("gone %d" % number, NOW_MS)
        data.content.drop_unreferenced()
        laptop.journal.commit(NOW_MS)
        for entry in kept + gone:
            missing = [kind for kind, _, _ in walk(data, entry) if kind in (chunks.MISSING_CHUNK, chunks.MISSING_LIST)]
            assert data.contents.complete(entry) == (not missing)
        assert all(data.contents.complete(entry) for entry in kept)
    finally:
        contents._mark = mark


def walk(handle, entry):
    return chunks.walk(handle.store, entry.codec, entry.digest, entry.size)


def test_content_whose_want_finds_no_room_is_not_acknowledged_as_here():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    world.sync()
    far = right.tree.get(notes.id)
    make_file(notes, "f", content(30, 9000), now_ms=START_MS)
    put_row = far.store.put_row

    def full(table, key, value):
        if table == TABLE_BLOBS and key[:1] == b"w" and value is not None:
            raise StorageFull("no room")
        return put_row(table, key, value)

    far.contents.store.put_row = full
    report = world.sync()
    assert far.content.lacks()
    assert not far.files.held(far.files.get("f"))
    assert not report.complete
    assert notes.files.holders(notes.files.get("f")) == []
    wanted = far.content.wanted()
    assert wanted.unfit == [("f", 9000)]
    assert wanted.unfit_count == 1
    far.contents.store.put_row = put_row
    report = world.sync()
    assert report.complete
    assert far.files.held(far.files.get("f"))
    assert notes.files.holders(notes.files.get("f")) == [(right.identity.public, "acknowledged")]
