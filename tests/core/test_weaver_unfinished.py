"""A medium that fails in the middle of a change: nothing goes on before a rollback, and then all is as it was."""

from lattice_core.errors import StorageError, StorageFull
from lattice_core.model import ops
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver.weaver import FLOATING, REFUSED, WITNESSED
from lattice_core.wire.messages import KvPayload
from support import raises
from support.weaver import NOW_MS, Author, Replica


class Faulty:
    """A storage call that fails at its `at`-th time from now."""

    def __init__(self, owner, name, error, at=1):
        self.owner, self.name, self.error, self.left = owner, name, error, at
        self.real = getattr(owner, name)
        setattr(owner, name, self)

    def __call__(self, *arguments):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.real(*arguments)

    def mend(self):
        setattr(self.owner, self.name, self.real)


def state(replica):
    weaver = replica.weaver
    held = [(author, weaver.held(author)) for author in weaver.held_authors()]
    return (
        replica.store.count,
        replica.store.floating(),
        weaver.floating_count,
        sorted(held),
        weaver.state_hash(),
        weaver.read_only,
        list(weaver.forks()),
    )


def check_cut(replica, name, at, error, change, owner=None):
    """`change` fails at the `at`-th call of a storage function; everything after that is refused until a rollback.
    False when it did not come to that call."""
    before = state(replica)
    fault = Faulty(replica.store if owner is None else owner, name, error, at)
    try:
        change()
    except (StorageError, MemoryError) as caught:
        assert caught is error
        failed = True
    else:
        failed = False
    fault.mend()
    if failed and replica.weaver.unfinished:
        raises(StorageError, replica.ingest, Author(77).put(b"x", b"y"))
        raises(StorageError, replica.weaver.submit, b"", [], NOW_MS)
    elif failed:
        assert state(replica) == before
    replica.storage.rollback()
    replica.weaver.reload()
    assert not replica.weaver.unfinished
    assert state(replica) == before
    return failed


def cut_everywhere(replica, change, error):
    """Cuts a change at each call that writes. Returns how many there were."""
    cuts = 0
    for name in ("put", "witness", "put_row", "drop", "row"):
        at = 1
        while check_cut(replica, name, at, error, change):
            cuts += 1
            at += 1
    while check_cut(replica, "put_record", cuts + 1, error, change, replica.storage):
        cuts += 1
    return cuts


def waiting(replica):
    """A replica with something that waits for the item that this returns."""
    author, other = Author(2), Author(3)
    first = author.put(b"k", b"1")
    rest = [author.put(b"k", b"2", [first.hash]), other.put(b"k", b"3", [first.hash]), author.put(b"l", b"4")]
    for item in rest:
        assert replica.ingest(item) == FLOATING
    replica.storage.commit()
    return first


def test_an_ingest_is_whole_or_not_at_all():
    replica = Replica(1)
    first = waiting(replica)
    assert cut_everywhere(replica, lambda: replica.ingest(first), StorageError("a damaged record")) > 10
    assert replica.ingest(first) == WITNESSED
    assert replica.weaver.floating_count == 0


def test_a_full_medium_or_heap_in_the_middle():
    replica = Replica(1)
    first = waiting(replica)
    assert cut_everywhere(replica, lambda: replica.ingest(first), StorageFull("no room")) > 10
    assert cut_everywhere(replica, lambda: replica.ingest(first), MemoryError("no memory")) > 10
    assert replica.ingest(first) == WITNESSED


def test_an_own_write_is_whole_or_not_at_all():
    replica = Replica(1)
    replica.kv.put(b"k", b"1", NOW_MS)
    replica.storage.commit()
    assert cut_everywhere(replica, lambda: replica.kv.put(b"k", b"2", NOW_MS), StorageError("damaged")) >= 4
    made = replica.kv.put(b"k", b"3", NOW_MS)
    assert replica.store.chain(made.author) == (2, made.hash)
    assert replica.value(b"k") == b"3"


def test_what_floats_or_is_refused_is_whole_or_not_at_all():
    replica = Replica(1)
    waiting(replica)
    author = Author(4)
    author.put(b"missing", b"")
    late = author.put(b"k", b"v")
    assert cut_everywhere(replica, lambda: replica.ingest(late), StorageError("damaged")) >= 1
    writer = Author(5)
    held = writer.put(b"k", b"v")
    replica.ingest(held)
    replica.storage.commit()
    fork = Author(5).put(b"k", b"fork")
    assert cut_everywhere(replica, lambda: replica.ingest(fork), StorageError("damaged")) >= 1
    assert replica.ingest(fork) == REFUSED
    assert len(list(replica.weaver.forks())) == 1


def batch(count, value):
    """Ops that write `count` keys, made without holding an object for each."""
    pieces = bytearray()
    for n in range(count):
        pieces.extend(KvPayload.encode({"ops": [{"put": {"key": b"key-%05d" % n, "value": value}}]}))
    return ops.app(bytes(pieces))


def test_rows_that_do_not_fit_fail_before_any_change():
    replica = Replica(1, MemoryStorage(60000))
    writer, author = Author(2), Author(3)
    many = writer.write(batch(800, b""))
    raises(StorageFull, replica.ingest, many)
    assert not replica.weaver.unfinished
    assert not replica.store.has(many.hash)
    assert replica.ingest(author.put(b"k", b"v")) == WITNESSED
    fits = author.write(batch(150, bytes(30)))
    assert replica.ingest(fits) == WITNESSED
    assert replica.value(b"key-00149") == bytes(30)
    one = author.write(batch(1, bytes(10000)))
    assert replica.ingest(one) == WITNESSED  # a large value makes one row
    raises(StorageFull, replica.weaver.submit, batch(400, b""), [], NOW_MS)
    assert not replica.weaver.unfinished
    assert replica.store.chain(replica.identity.public)[0] == 0


def test_a_full_medium_refuses_a_fork_without_a_mark():
    replica = Replica(1)
    replica.ingest(Author(5).put(b"k", b"v"))
    replica.storage.commit()
    fault = Faulty(replica.store, "put_row", StorageFull("no room"))
    assert replica.ingest(Author(5).put(b"k", b"fork")) == REFUSED
    fault.mend()
    assert not replica.weaver.unfinished
    assert list(replica.weaver.forks()) == []
