"""Key-value stores: writing, deleting, batches, conflicts, rows with many heads, payloads too large to hold."""

from lattice_core.errors import UsageError
from lattice_core.machines import kvtable
from lattice_core.model import ops
from lattice_core.model.events import EVENTS
from lattice_core.storage.contract import ROW_VALUE_BYTES, TABLE_DATA, TABLE_HEADS
from lattice_core.weaver.weaver import WITNESSED
from lattice_core.wire.messages import KvPayload
from support import Rng, raises
from support.weaver import CRYPTO, NOW_MS, Author, Replica, put_ops, whole


def test_put_get_delete():
    replica = Replica(1)
    assert replica.kv.get(b"k") is None
    assert replica.kv.inspect(b"k") is None
    replica.kv.put(b"k", b"", NOW_MS)
    assert replica.value(b"k") == b""
    replica.kv.put(b"k", b"value", NOW_MS)
    deletion = replica.kv.delete(b"k", NOW_MS)
    assert replica.kv.get(b"k") is None
    entry = replica.kv.inspect(b"k")
    assert entry.winner.deleted
    assert entry.value() is None
    assert entry.winner.hash == deletion.hash
    assert not entry.conflicted
    assert [head.hash for head in entry.heads()] == [deletion.hash]
    replica.kv.delete(b"never there", NOW_MS)
    assert replica.kv.inspect(b"never there").winner.deleted


def test_batches_keep_the_last_write_of_a_key_and_name_all_heads():
    replica = Replica(1)
    first, second = replica.kv.put(b"a", b"1", NOW_MS), replica.kv.put(b"b", b"1", NOW_MS)
    written = replica.kv.batch([(b"b", b"2"), (b"a", b"2"), (b"c", b"3"), (b"b", None), (b"a", b"4")], NOW_MS)
    operations = KvPayload.decode(_payload(written))["ops"]
    assert operations == [
        {"put": {"key": b"c", "value": b"3"}},
        {"delete": {"key": b"b"}},
        {"put": {"key": b"a", "value": b"4"}},
    ]
    assert sorted(written.deps()) == sorted([first.hash, second.hash])
    assert replica.value(b"a") == b"4"
    assert replica.value(b"b") is None
    assert replica.value(b"c") == b"3"
    raises(UsageError, replica.kv.batch, [], NOW_MS)
    raises(UsageError, replica.kv.put, b"", b"v", NOW_MS)


def _payload(intention):
    change_ops = intention.ops()
    leg, segments = ops.split(change_ops)
    assert leg == ops.LEG_APP
    return change_ops.read(segments[0][0], segments[0][1] - segments[0][0])


def test_concurrent_writes_conflict_until_somebody_writes_again():
    one, two = Replica(1), Replica(2)
    one.kv.put(b"k", b"one", NOW_MS)
    two.kv.put(b"k", b"two", NOW_MS + 5)
    one.learn(two)
    two.learn(one)
    for replica in (one, two):
        entry = replica.kv.get(b"k")
        assert entry.conflicted
        assert whole(entry.value()) == b"two"
        shown = [(head.author, head.wall_ms, whole(entry.value_of(head))) for head in entry.heads()]
        assert shown == [(two.identity.public, NOW_MS + 5, b"two"), (one.identity.public, NOW_MS, b"one")]
    one.kv.put(b"k", b"merged", NOW_MS)
    two.learn(one)
    assert two.value(b"k") == b"merged"
    assert not two.kv.get(b"k").conflicted
    assert one.weaver.state_hash() == two.weaver.state_hash()


def test_equal_stamps_of_one_author_the_later_in_its_chain_wins():
    author = Author(2)
    items = [author.put(b"k", b"%d" % n, wall_ms=5) for n in range(40)]
    replica = Replica(1)
    for item in items:
        replica.ingest(item)
        assert replica.value(b"k") == b"%d" % items.index(item)
    order = [head.hash for head in replica.kv.inspect(b"k").heads()]
    assert order == [item.hash for item in reversed(items)]


def test_many_heads_spill_and_stay_sorted():
    rng = Rng(9)
    authors = [Author(n) for n in range(2, 7)]
    items, standing = [], []
    replica = Replica(1)
    for n in range(70):
        author = rng.choice(authors)
        deps = [rng.choice(standing) for _ in range(rng.below(3))] if n > 40 else []
        item = author.put(b"k", b"%d" % n, deps, wall_ms=rng.below(50))
        replica.take(item)
        items.append(item)
        standing = [hash for hash in standing if hash not in deps] + [item.hash]
        row = replica.store.row(TABLE_DATA, b"k")
        assert len(row) <= ROW_VALUE_BYTES
        assert len(kvtable.split(row)) == min(len(standing), kvtable.HEADS)
    heads = list(replica.kv.inspect(b"k").heads())
    assert sorted([head.hash for head in heads]) == sorted(standing)
    ranks = [(head.wall_ms, head.counter, head.author, items_index(items, head.hash)) for head in heads]
    assert ranks == sorted(ranks, reverse=True)
    assert kvtable.count_more(replica.store.row(TABLE_DATA, b"k")) == len(list(replica.store.rows(TABLE_HEADS)))
    # The same set in another order gives the same bytes; applying it again changes nothing.
    other = Replica(3)
    by_author = sorted(items, key=lambda item: item.author)
    for item in by_author:
        other.take(item)
    assert other.weaver.state_hash() == replica.weaver.state_hash()
    replica.kv.put(b"k", b"all", NOW_MS)
    assert [head.hash for head in replica.kv.inspect(b"k").heads()] == [replica.witnessed()[-1]]
    assert list(replica.store.rows(TABLE_HEADS)) == []


def items_index(items, hash):
    return [item.hash for item in items].index(hash)


def test_one_payload_of_many_operations_on_few_keys():
    for count in (1, 63, 64, 65, 600):
        replica, author = Replica(1), Author(2)
        pairs = [(b"k%d" % (n % 7), b"%d" % n) for n in range(count)]
        assert replica.ingest(author.write(put_ops(pairs))) == WITNESSED
        expected = dict(pairs)
        assert {entry.key: whole(entry.value()) for entry in replica.kv.list()} == expected


def test_a_payload_too_large_to_hold_is_applied_where_it_lies():
    replica, author = Replica(1), Author(2)
    pairs = [(b"key-%03d" % n, b"x" * 60) for n in range(170)]
    pairs.append((b"key-000", b"last"))
    pairs.append((b"large", bytes(range(256)) * 20))
    item = author.write(put_ops(pairs))
    assert item.ops_size > 16384
    replica.ingest(item)
    assert len(list(replica.kv.list())) == 171
    assert replica.value(b"key-000") == b"last"
    assert replica.value(b"large") == bytes(range(256)) * 20
    # A value is not copied into its row.
    assert len(replica.store.row(TABLE_DATA, b"large")) < 100
    small = Replica(3)
    # Its last operation does not decode: nothing of it applies.
    small.ingest(Author(4).write(ops.app(_payload(item) + b"\x0a\x03\x0a\x01\x08")))
    assert list(small.kv.list()) == []
    assert len(list(small.weaver.skipped())) == 1


def test_odd_but_legal_payloads():
    """Pieces that merge, operations without a variant, fields nobody knows."""
    replica, author = Replica(1), Author(2)
    put = b"\x0a\x01k\x12\x01v"
    merged = b"\x0a" + bytes((2 + 3 + 2 + 3,)) + b"\x0a\x03\x0a\x01k" + b"\x0a\x03\x12\x01w"
    replaced = b"\x0a" + bytes((2 + 6 + 2 + 3,)) + b"\x0a\x06" + put + b"\x12\x03\x0a\x01d"
    unknown = b"\x0a\x02\x18\x05" + b"\x10\x07" + b"\x0a\x00"
    replica.ingest(author.write(ops.app(b"\x0a\x08\x0a\x06" + put)))
    assert replica.value(b"k") == b"v"
    replica.ingest(author.write(ops.app(merged + replaced + unknown), [author.tip]))
    assert replica.value(b"k") == b"w"
    assert replica.kv.inspect(b"d").winner.deleted
    # A put whose value was given to a delete in between starts afresh.
    back = b"\x0a" + bytes((8 + 5 + 5,)) + b"\x0a\x06" + put + b"\x12\x03\x0a\x01d" + b"\x0a\x03\x0a\x01k"
    replica.ingest(author.write(ops.app(back), [author.tip]))
    assert replica.value(b"k") == b""
    assert list(replica.weaver.skipped()) == []


def test_wrong_wire_types_are_skipped_and_nothing_of_them_applies():
    good = b"\x0a\x08\x0a\x06\x0a\x01k\x12\x01v"
    for bad in (
        b"\x08\x01",
        b"\x0a\x02\x08\x01",
        b"\x0a\x04\x0a\x02\x08\x01",
        b"\x0a\x04\x0a\x02\x10\x01",
        b"\x0a\x05\x0a",
    ):
        replica, author = Replica(1), Author(2)
        replica.ingest(author.write(ops.app(good + bad)))
        replica.ingest(author.put(b"next", b"1"))
        assert replica.kv.inspect(b"k") is None, bad
        assert replica.value(b"next") == b"1", bad
        assert [key for _, key, _ in replica.weaver.skipped()] == [author.key]


def test_events_tell_what_was_written_and_who_wins():
    replica, author = Replica(1), Author(2)
    late = author.put(b"k", b"late", wall_ms=NOW_MS + 50)
    replica.ingest(late)
    mine = Author(3).write(put_ops([(b"k", b"early"), (b"x", None), (b"k", b"earlier")]), wall_ms=5)
    replica.weaver.events = []
    replica.ingest(mine)
    kv_events = [event for event in replica.weaver.events if event[0] == "kv"]
    assert kv_events == [
        ("kv", replica.store.id, b"k", False, late.hash),
        ("kv", replica.store.id, b"x", True, mine.hash),
    ]


def test_events_are_bounded():
    replica, author = Replica(1), Author(2)
    replica.ingest(author.write(put_ops([(b"k%d" % n, b"") for n in range(600)])))
    assert len(replica.weaver.events) == EVENTS + 1
    assert replica.weaver.events[-1] == ("lost", replica.store.id)


def test_a_head_applied_twice_stands_once():
    replica, author = Replica(1), Author(2)
    item = author.put(b"k", b"v")
    replica.ingest(item)
    state = replica.weaver.state_hash()
    replica.weaver.projection.apply(item, [])
    assert replica.weaver.state_hash() == state
    assert kvtable.write(replica.store, CRYPTO, TABLE_DATA, b"k", kvtable.rank_of(item), (), b"\x00") is None
