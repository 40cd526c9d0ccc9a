"""Lists of keys: order, prefixes, pages, keys of any length."""

from lattice_core.machines.keys import KEY_BYTES, KeyBuilder, row_key
from lattice_core.seams import BytesBody
from lattice_core.storage.contract import ROW_KEY_BYTES, TABLE_DATA
from support import Rng
from support.weaver import CRYPTO, Author, Replica, put_ops, whole

STEM = b"s" * KEY_BYTES
ALL = (
    b"",
    b"a",
    b"a/b",
    b"a/b/c",
    b"a0",
    STEM[:-1],
    STEM,
    STEM + b"\x00",
    STEM + b"a",
    STEM + b"a/1",
    STEM + b"a/2" + bytes(900),
    STEM + b"b",
    STEM[:-1] + b"t",
    STEM[:-1] + b"tu",
    b"z" * 6000,
    b"\xff" * 400,
)


def filled(seed):
    replica, author = Replica(1), Author(2)
    for key in Rng(seed).shuffle(list(ALL)):
        replica.ingest(author.put(key, b"value of %d" % ALL.index(key)))
    return replica


def shown(key):
    return key[:4096]


def keys_of(replica, prefix=b"", after=None, limit=None):
    return [entry.key for entry in replica.kv.list(prefix, after, limit)]


def test_keys_of_any_length_are_listed_in_order():
    replica = filled(1)
    assert keys_of(replica) == [shown(key) for key in sorted(ALL)]
    for entry in replica.kv.list():
        assert whole(entry.value()) == b"value of %d" % ALL.index(whole(entry.key_body()))
        assert len(entry.row_key) <= ROW_KEY_BYTES
        assert replica.value(whole(entry.key_body())) is not None


def test_prefixes_and_starts_inside_and_outside_of_long_keys():
    replica = filled(2)
    prefixes = (b"", b"a", b"a/", b"s", STEM[:-1], STEM, STEM + b"a", STEM + b"a/", STEM + b"c", b"q")
    starts = (None, b"", b"a/b", STEM[:-1], STEM, STEM + b"a", STEM + b"a/1", STEM + b"zz", b"t", b"\xff" * 500)
    for prefix in prefixes:
        for after in starts:
            expected = [k for k in sorted(ALL) if k.startswith(prefix) and (after is None or k > after)]
            assert keys_of(replica, prefix, after) == [shown(key) for key in expected], (prefix[-3:], after)


def test_pages_put_together_are_the_list():
    replica = filled(3)
    for size in (1, 2, 3, 100):
        pages, after = [], None
        while True:
            page = keys_of(replica, b"s", after, size)
            pages.extend(page)
            if len(page) < size:
                break
            after = page[-1]
        assert pages == [key for key in sorted(ALL) if key[:1] == b"s"]
    assert keys_of(replica, b"", None, 0) == []


def test_deletions_are_listed_only_when_asked_for():
    replica, author = Replica(1), Author(2)
    replica.ingest(author.write(put_ops([(b"a", b"1"), (b"b", None), (b"c", b"3")])))
    assert keys_of(replica) == [b"a", b"c"]
    assert [entry.key for entry in replica.kv.list(deleted=True)] == [b"a", b"b", b"c"]
    assert keys_of(replica, b"", None, 2) == [b"a", b"c"]


def test_a_long_key_is_one_row_whatever_writes_it():
    replica, author = Replica(1), Author(2)
    key = b"long " * 200
    first = author.put(key, b"1")
    replica.ingest(first)
    replica.ingest(author.write(put_ops([(b"other", bytes(20000)), (key, b"2")]), [first.hash]))
    assert replica.value(key) == b"2"
    assert len(list(replica.store.rows(TABLE_DATA, key[:50]))) == 1
    replica.kv.delete(key, 1800000000000)
    assert replica.value(key) is None
    assert keys_of(replica) == [b"other"]


def test_row_keys_are_the_same_however_they_are_made():
    rng = Rng(4)
    for size in (0, 1, 100, KEY_BYTES - 1, KEY_BYTES, KEY_BYTES + 1, 3000):
        key = rng.bytes(size)
        builder = KeyBuilder(CRYPTO)
        at = 0
        while at < size:
            count = min(1 + rng.below(400), size - at)
            if rng.below(2):
                builder.add(key[at : at + count])
            else:
                builder.add_range(BytesBody(key), at, count)
            at += count
        assert builder.key() == row_key(CRYPTO, key)
        assert len(row_key(CRYPTO, key)) == (size if size <= KEY_BYTES else ROW_KEY_BYTES)
