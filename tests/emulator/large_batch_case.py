"""A batch of thousands of keys on flash, in the stick's heap. Run by test_large_batch.py on the stick's interpreter."""

from flash_chips import make
from lattice_core.errors import StorageFull
from lattice_core.model import intention as intentions
from lattice_core.weaver.weaver import WITNESSED
from lattice_core.wire.fields import varint
from support import raises
from support.weaver import CRYPTO, NOW_MS, STORE, Author, Replica

_VALUE = b"v" * 16


def put(number):
    """One operation of a KvPayload."""
    pair = b"\x0a\x09key-%05d\x12\x10" % number + _VALUE
    return b"\x0a" + varint(len(pair) + 2) + b"\x0a" + varint(len(pair)) + pair


def written(storage, author, count, operation):
    """An intention of `count` operations that is written to the storage piece by piece, as one that arrives."""
    size = sum(len(operation(number)) for number in range(count))
    lead = b"\x52" + varint(size)
    head = intentions.encode_body(author.key, 1, 0, STORE, author.tip, (), b"")
    head = head[:-4] + (size + len(lead)).to_bytes(4, "little") + lead
    writer = storage.body_writer(len(head) + size)
    hasher = CRYPTO.blake3()
    for number in range(-1, count):
        piece = head if number < 0 else operation(number)
        writer.write(piece)
        hasher.update(piece)
    author.tip = hasher.digest()
    return intentions.from_body(writer.body(), author.tip, author.identity.sign(author.tip))


def test_four_thousand_keys_at_once():
    storage = make()
    replica = Replica(1, storage)
    assert replica.ingest(written(storage, Author(2), 4000, put)) == WITNESSED
    storage.commit()
    assert replica.value(b"key-00000") == replica.value(b"key-03999") == _VALUE


def test_more_rows_than_the_stick_has_room_for():
    storage = make()
    replica = Replica(1, storage)
    raises(StorageFull, replica.ingest, written(storage, Author(2), 25000, put))
    assert not replica.weaver.unfinished
    assert replica.store.count == 0
    assert replica.ingest(Author(3).put(b"k", b"v")) == WITNESSED
    storage.commit()


def test_a_mebibyte_of_empty_operations():
    storage = make()
    replica = Replica(1, storage)
    assert replica.weaver.ingest(written(storage, Author(2), 520000, lambda _: b"\x0a\x00"), NOW_MS) == WITNESSED
    storage.commit()
    assert list(replica.weaver.skipped()) == []
