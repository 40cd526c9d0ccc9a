"""Content in blobs: what is wanted, in which order, within which room; who holds it; what may be dropped."""

from lattice_core.errors import ProtocolError, StorageFull, UsageError
from lattice_core.files import cid as cids
from lattice_core.files.chunks import ChunkListBuilder
from lattice_core.files.entry import Entry
from lattice_core.node.members import key_text
from support import raises
from support.files import content, make_file, two_nodes, whole
from support.nodes import CRYPTO, NOW_MS, carry, carry_blobs, fetch, meet, reopened, share

DAY_MS = 86400000


def test_content_arrives_with_its_list_first():
    laptop, data, other, far = two_nodes()
    big = content(1, 20000)
    make_file(data, "big", big)
    make_file(data, "one chunk", big[:4000])
    meet(laptop, other)
    wanted = far.content.wanted()
    first = wanted.next()
    assert first == data.files.get("big").entry.digest
    assert wanted.next() == data.files.get("one chunk").entry.digest
    assert wanted.next() is None
    assert not far.files.held(far.files.get("big"))
    raises(UsageError, list, far.files.read(far.files.get("big").entry))
    assert carry_blobs(laptop, other) == 1 + 5 + 1
    assert whole(far, "big") == big
    assert whole(far, "one chunk") == big[:4000]
    assert far.files.held(far.files.get("big"))
    assert list(far.contents.wants()) == []
    assert carry_blobs(laptop, other) == 0


def test_equal_chunks_are_asked_for_once():
    laptop, data, other, far = two_nodes()
    make_file(data, "zeros", bytes(20480))
    make_file(data, "more zeros", bytes(40960))
    meet(laptop, other)
    assert carry_blobs(laptop, other) == 3
    assert whole(far, "more zeros") == bytes(40960)


def test_only_what_is_missing_is_asked_for_after_a_cut():
    laptop, data, other, far = two_nodes()
    big = content(2, 41000)
    make_file(data, "big", big)
    meet(laptop, other)
    wanted = far.content.wanted()
    for _ in range(5):
        digest = wanted.next()
        if digest is None:
            assert wanted.again()
            digest = wanted.next()
        body = data.contents.get(digest)
        far.contents.put(digest, body.read(0, body.size))
    other.journal.commit(NOW_MS)
    other = reopened(other)
    assert other.tree.find("notes").content.wanted().estimate()[0] == 7
    assert carry_blobs(laptop, other) == 7
    assert whole(other.tree.find("notes"), "big") == big


def test_what_nobody_has_is_counted_and_left():
    laptop, data, other, far = two_nodes()
    make_file(data, "holes", content(3, 20480), keep=(0, 2))
    meet(laptop, other)
    wanted = far.content.wanted()
    fetch(wanted, data, far)
    assert wanted.missing == 3
    assert not far.files.held(far.files.get("holes"))
    assert [want.path for want in far.contents.wants()] == ["holes"]


def test_what_does_not_fit_is_named_and_the_rest_comes():
    laptop, data, other, far = two_nodes(capacity=100000)
    large, little = content(4, 30000), content(5, 8000)
    make_file(data, "large", large)
    make_file(data, "little", little)
    meet(laptop, other)
    wanted = far.content.wanted()
    carry_blobs(laptop, other)
    assert whole(far, "little") == little
    assert not far.files.held(far.files.get("large"))
    wanted = far.content.wanted()
    while wanted.next() is not None:
        pass
    assert wanted.unfit == [("large", 30000)]
    assert wanted.unfit_count == 1
    far.kv.put(b"still", b"writable", NOW_MS)
    other.journal.commit(NOW_MS)


def test_unreferenced_content_gives_way_to_what_is_wanted():
    laptop, data, other, far = two_nodes(capacity=100000)
    other.budget.keep_ms = 0
    make_file(data, "first", content(6, 20000))
    meet(laptop, other)
    carry_blobs(laptop, other)
    data.files.remove("first", NOW_MS)
    second = content(7, 18000)
    make_file(data, "second", second)
    meet(laptop, other)
    carry_blobs(laptop, other)
    assert whole(far, "second") == second


def test_a_full_disk_does_not_cost_a_computer_its_undo():
    laptop, data, other, far = two_nodes(capacity=100000)
    make_file(data, "first", content(6, 20000))
    meet(laptop, other)
    carry_blobs(laptop, other)
    data.files.remove("first", NOW_MS)
    make_file(data, "second", content(7, 18000))
    meet(laptop, other)
    carry_blobs(laptop, other)
    assert not far.files.held(far.files.get("second"))
    far.files.undo("first", NOW_MS)
    assert whole(far, "first") == content(6, 20000)


def test_wants_follow_the_entries():
    laptop, data, other, far = two_nodes()
    make_file(data, "a", content(8, 9000))
    meet(laptop, other)
    assert [want.path for want in far.contents.wants()] == ["a"]
    make_file(data, "a", content(9, 9000))
    meet(laptop, other)
    (want,) = far.contents.wants()
    assert want.digest == data.files.get("a").entry.digest
    data.files.remove("a", NOW_MS)
    laptop.journal.commit(NOW_MS)
    meet(laptop, other)
    assert list(far.contents.wants()) == []


def test_wants_are_noted_when_more_happens_than_events_are_kept():
    laptop, data, other, far = two_nodes()
    make_file(data, "first", content(20, 5000))
    for number in range(9):
        data.kv.batch([(b"k%d/%d" % (number, i), b"") for i in range(32)], NOW_MS)
    make_file(data, "last", content(21, 5000))
    carry(laptop, other)
    assert sorted([want.path for want in far.contents.wants()]) == ["first", "last"]
    data.files.remove("last", NOW_MS)
    laptop.journal.commit(NOW_MS)
    carry(laptop, other)
    assert [want.path for want in far.contents.wants()] == ["first"]


def test_a_want_that_found_no_room_is_noted_later():
    laptop, data, other, far = two_nodes(capacity=100000)
    make_file(data, "a", content(22, 5000))
    contents = far.contents
    consider = contents.consider

    def full(key, path, entries):
        raise StorageFull("no room")

    contents.consider = full
    meet(laptop, other)
    contents.consider = consider
    assert list(contents.wants()) == []
    assert not far.files.held(far.files.get("a"))
    assert carry_blobs(laptop, other) == 3
    assert whole(far, "a") == content(22, 5000)


def test_content_of_losers_is_wanted_and_kept_too():
    laptop, data, other, far = two_nodes()
    make_file(data, "a", content(10, 9000), now_ms=NOW_MS + 1000)
    make_file(far, "a", content(11, 9000), now_ms=NOW_MS + 2000)
    meet(laptop, other)
    assert carry_blobs(laptop, other) == 4
    assert carry_blobs(other, laptop) == 4
    for handle in (data, far):
        handle.content.drop_unreferenced()
        file = handle.files.get("a")
        assert b"".join(handle.files.read(file.entry)) == content(11, 9000)
        assert b"".join(handle.files.read(file.conflicts[0].entry)) == content(10, 9000)


def test_unreferenced_blobs_are_dropped_after_their_time():
    laptop, _, data = share()
    kept, gone = content(12, 9000), content(13, 9000)
    make_file(data, "kept", kept)
    make_file(data, "gone", gone)
    data.files.remove("gone", NOW_MS)
    assert data.content.collect(NOW_MS) == (0, 0)
    assert data.content.collect(NOW_MS + DAY_MS) == (0, 0)  # looked a short while ago
    assert data.content.collect(NOW_MS + 29 * DAY_MS) == (0, 0)
    data.files.undo("gone", NOW_MS + 29 * DAY_MS)
    assert data.content.collect(NOW_MS + 33 * DAY_MS) == (0, 0)
    data.files.remove("gone", NOW_MS + 33 * DAY_MS)
    data.content.collect(NOW_MS + 40 * DAY_MS)
    assert data.content.collect(NOW_MS + 71 * DAY_MS)[0] == 4
    assert whole(data, "kept") == kept
    laptop.journal.commit(NOW_MS)
    assert not laptop.after_sync(NOW_MS + 80 * DAY_MS)
    assert laptop.storage.pending() == 0
    data.files.undo("gone", NOW_MS + 72 * DAY_MS)
    laptop.journal.commit(NOW_MS)
    assert not data.files.held(data.files.get("gone"))
    assert [want.path for want in data.contents.wants()] == ["gone"]


def test_a_blob_must_be_what_its_hash_names():
    _, _, data = share()
    raises(ProtocolError, data.contents.put, b"d" * 32, b"something else")
    assert not data.contents.has(b"d" * 32)


def test_damaged_content_is_not_read_as_whole():
    _, _, data = share()
    entry = make_file(data, "a", content(14, 9000))
    lying = Entry("b", 0o644, entry.cid, 1, 8999)
    data.kv.put(b"fs/b", lying.encode(), NOW_MS)
    data.files.journal.commit(NOW_MS)
    assert not data.files.held(data.files.get("b"))
    raises(ProtocolError, list, data.files.read(lying))
    assert data.content.wanted().next() is None
    wrong = ChunkListBuilder(CRYPTO)
    for chunk in (b"1" * 5000, b"2" * 5000):
        data.contents.put(CRYPTO.blake3_digest(chunk), chunk)
        wrong.add(CRYPTO.blake3_digest(chunk), 5000)
    cid, ((digest, list_bytes),) = wrong.finish(b"w" * 32)
    data.contents.put(digest, list_bytes)
    raises(ProtocolError, list, data.files.read(Entry("c", 0, cid, 1, 10000)))


def test_who_holds_what_follows_from_what_was_acknowledged():
    laptop, data, other, far = two_nodes()
    stick, me = other.identity.public, laptop.identity.public
    make_file(data, "a", content(15, 9000))
    make_file(data, "b", content(16, 9000))
    meet(laptop, other)
    assert data.files.holders(data.files.get("a")) == []
    assert far.files.holders(far.files.get("a")) == [(me, "wrote it")]
    data.holdings.acknowledged(stick, data.store.count)
    data.holdings.content_acknowledged(stick, data.store.count, [b"fs/b"])
    assert data.files.holders(data.files.get("a")) == [(stick, "acknowledged")]
    assert data.files.holders(data.files.get("b")) == []
    make_file(data, "c", content(17, 9000))
    assert data.files.holders(data.files.get("c")) == []
    laptop.journal.commit(NOW_MS)
    laptop = reopened(laptop)
    data = laptop.tree.find("notes")
    assert data.files.holders(data.files.get("a")) == [(stick, "acknowledged")]
    laptop.members.revoke(laptop.tree.find_root(), stick, NOW_MS)
    assert data.files.holders(data.files.get("a")) == []


def test_holdings_never_say_too_much():
    _laptop, _, data = share()
    key = b"p" * 32
    data.holdings.acknowledged(key, 2)
    data.holdings.acknowledged(key, 1)
    assert data.holdings.holds_items(key) == 2
    data.holdings.acknowledged(key, 999)
    assert data.holdings.holds_items(key) == data.store.count
    data.holdings.content_acknowledged(key, 2, [b"fs/%d" % i for i in range(100)])
    assert not data.holdings.holds_content(key, 1, b"fs/x")
    data.holdings.content_acknowledged(key, 2, [b"fs/1"])
    assert data.holdings.holds_content(key, 1, b"fs/x")
    assert not data.holdings.holds_content(key, 1, b"fs/1")
    assert not data.holdings.holds_content(key, 3, b"fs/x")
    assert not data.holdings.holds_content(key, 0, b"fs/x")
    assert data.holdings.peers() == [key]
    assert data.holdings.holds_items(b"q" * 32) == 0
    assert key_text(key) == "70" * 32


def test_content_ids_of_whole_contents():
    _, _, data = share()
    entry = make_file(data, "a", content(19, 4096))
    assert entry.codec == cids.RAW
    assert entry.digest == CRYPTO.blake3_digest(content(19, 4096))
    assert make_file(data, "b", content(19, 4097)).codec == cids.LIST
