"""Own writes: stamps, deps, the record of the own tip, what a rollback takes back."""

from lattice_core.errors import StorageFull, UsageError
from lattice_core.limits import DEPS, MAX_DRIFT_MS, OPS_BYTES
from lattice_core.model.intention import verify
from lattice_core.storage.contract import ZERO
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver.weaver import REFUSED, WITNESSED
from support import raises
from support.weaver import CRYPTO, NOW_MS, Author, Replica, put_ops


def test_own_writes_chain_and_are_applied_at_once():
    replica = Replica(1)
    first = replica.kv.put(b"k", b"1", NOW_MS)
    second = replica.kv.put(b"k", b"2", NOW_MS)
    assert first.store_prev == ZERO
    assert second.store_prev == first.hash
    assert list(second.deps()) == [first.hash]
    assert verify(CRYPTO, second)
    assert replica.witnessed() == [first.hash, second.hash]
    assert replica.value(b"k") == b"2"


def test_stamps_rise_whatever_the_clock_does():
    replica = Replica(1)
    stamps = [replica.weaver.submit(b"", [], now).wall_ms for now in (NOW_MS, NOW_MS, NOW_MS - 5000, NOW_MS + 1, 0)]
    assert stamps[0] == NOW_MS
    assert all(later > earlier for earlier, later in zip(stamps, stamps[1:])), stamps


def test_stamps_pass_what_was_seen_but_not_what_lies_far_ahead():
    replica, author = Replica(1), Author(2)
    near, far = NOW_MS + MAX_DRIFT_MS, NOW_MS + 10 * MAX_DRIFT_MS
    replica.ingest(author.put(b"k", b"far", wall_ms=far))
    assert replica.weaver.submit(b"", [], NOW_MS).wall_ms == NOW_MS
    replica.ingest(author.put(b"k", b"near", wall_ms=near))
    assert replica.weaver.submit(b"", [], NOW_MS).wall_ms == near + 1
    # Accepted all the same: the far one wins its key until its time has come.
    assert replica.value(b"k") == b"far"


def test_stamps_seen_before_a_restart_count():
    for far in (False, True):
        replica, author = Replica(1), Author(2)
        seen = NOW_MS + 5000
        replica.ingest(author.put(b"k", b"seen", wall_ms=seen))
        if far:
            replica.ingest(Author(3).put(b"k", b"far", wall_ms=NOW_MS + 10 * MAX_DRIFT_MS))
        replica.storage.commit()
        replica.open(replica.storage.reopened())
        assert replica.weaver.submit(b"", [], NOW_MS).wall_ms == seen + 1


def test_a_write_wins_over_what_it_replaces():
    replica, author = Replica(1), Author(2)
    old = author.put(b"k", b"theirs", wall_ms=NOW_MS + 100000)
    replica.ingest(old)
    for n in range(70):
        replica.ingest(Author(10 + n).put(b"other", b"", wall_ms=5))
    replica.storage.commit()
    replica.open(replica.storage.reopened())
    mine = replica.kv.put(b"k", b"mine", NOW_MS)
    assert mine.wall_ms > old.wall_ms
    assert replica.value(b"k") == b"mine"


def test_without_a_clock_nothing_is_written():
    replica, author = Replica(1), Author(2)
    raises(UsageError, replica.weaver.submit, b"", [], None)
    assert replica.weaver.ingest(author.put(b"k", b"v", wall_ms=NOW_MS + 7), None) == WITNESSED
    assert replica.store.count == 1
    assert replica.weaver.submit(b"", [], NOW_MS).wall_ms == NOW_MS + 8


def test_what_cannot_be_written_changes_nothing():
    replica, author = Replica(1), Author(2)
    first = author.put(b"k", b"1")
    floating = author.put(b"k", b"2", [author.put(b"x", b"", prev=b"m" * 32).hash])
    replica.ingest(first)
    replica.ingest(floating)
    before = (replica.store.count, replica.store.head, replica.store.floating())
    for ops, deps in (
        (_Streamed(b"", OPS_BYTES + 1), []),
        (b"", [ZERO] * (DEPS + 1)),
        (b"", [b"n" * 32]),
        (b"", [first.hash, floating.hash]),
    ):
        raises(UsageError, replica.weaver.submit, ops, deps, NOW_MS)
    assert (replica.store.count, replica.store.head, replica.store.floating()) == before
    assert list(replica.weaver.submit(b"", [first.hash, first.hash, ZERO], NOW_MS).deps()) == [ZERO, first.hash]


def test_large_own_writes_stream():
    replica = Replica(1)
    ops = put_ops([(b"k", bytes(range(256)) * 200)])
    written = replica.weaver.submit(_Streamed(ops), [], NOW_MS)
    again = Replica(1)
    assert again.weaver.submit(ops, [], NOW_MS).hash == written.hash
    assert again.weaver.state_hash() == replica.weaver.state_hash()
    assert replica.value(b"k") == bytes(range(256)) * 200
    assert list(replica.weaver.verify()) == []


class _Streamed:
    def __init__(self, data, size=None):
        self.data = data
        self.size = len(data) if size is None else size

    def read(self, offset, count):
        assert count <= 4096
        return self.data[offset : offset + count]


def test_a_lost_own_tail_makes_the_store_read_only_until_it_is_back():
    replica = Replica(1)
    replica.kv.put(b"k", b"1", NOW_MS)
    replica.storage.commit()
    backup = _copy(replica)
    lost = [replica.kv.put(b"k", b"%d" % n, NOW_MS) for n in (2, 3)]
    replica.storage.commit()
    record = replica.storage.record(b"own/" + replica.store.id)
    restored = Replica(1, backup)
    restored.storage.put_record(b"own/" + restored.store.id, record)
    restored.weaver.reload()
    assert restored.weaver.read_only
    raises(UsageError, restored.kv.put, b"k", b"fork", NOW_MS)
    assert restored.ingest(lost[0]) == WITNESSED
    assert restored.weaver.read_only
    assert restored.ingest(lost[1]) == WITNESSED
    assert restored.weaver.read_only is None
    mine = restored.kv.put(b"k", b"4", NOW_MS)
    assert mine.store_prev == lost[1].hash
    assert mine.wall_ms > lost[1].wall_ms
    assert replica.ingest(mine) == WITNESSED


def _copy(replica):
    """A storage with the same intentions, as a copy of the files would have."""
    other = Replica(9)
    other.learn(replica)
    other.storage.commit()
    return other.storage


def test_another_own_chain_than_the_recorded_one_is_read_only_for_good():
    replica, twin = Replica(1), Replica(1)
    replica.kv.put(b"k", b"here", NOW_MS)
    theirs = twin.kv.put(b"k", b"there", NOW_MS + 9)
    twin.storage.put_record(b"own/" + twin.store.id, replica.storage.record(b"own/" + replica.store.id))
    twin.weaver.reload()
    assert "not the one" in twin.weaver.read_only
    assert replica.ingest(theirs) == REFUSED
    assert [mark[0] for mark in replica.weaver.forks()] == [replica.identity.public]


def test_own_writes_that_float_are_not_forked():
    replica, restored, other = Replica(1), Replica(1), Author(2)
    dep = other.put(b"x", b"1")
    replica.ingest(dep)
    first = replica.kv.put(b"k", b"1", NOW_MS)
    second = replica.kv.put(b"x", b"2", NOW_MS)
    restored.ingest(first)
    restored.ingest(second)
    raises(UsageError, restored.kv.put, b"k", b"fork", NOW_MS)
    restored.ingest(dep)
    assert restored.kv.put(b"k", b"3", NOW_MS).store_prev == second.hash


def state(replica):
    return replica.witnessed(), replica.store.head, replica.weaver.state_hash(), replica.weaver.floating_count


def test_a_rollback_takes_everything_back():
    replica, author = Replica(1), Author(2)
    replica.kv.put(b"k", b"1", NOW_MS)
    waiting = author.put(b"k", b"x", [author.put(b"y", b"", prev=b"m" * 32).hash])
    replica.ingest(waiting)
    replica.storage.commit()
    before = state(replica)
    stamp = replica.kv.put(b"k", b"2", NOW_MS).wall_ms
    missing = author.put(b"more", b"", prev=waiting.hash)
    replica.ingest(missing)
    replica.storage.rollback()
    replica.weaver.reload()
    assert replica.weaver.events == []
    assert state(replica) == before
    assert replica.kv.put(b"k", b"2", NOW_MS).wall_ms == stamp


def test_a_full_medium_takes_nothing():
    storage = MemoryStorage(8000)
    replica, author = Replica(1, storage), Author(2)
    assert replica.ingest(author.put(b"k", b"v")) == WITNESSED
    storage.commit()
    before = (replica.witnessed(), replica.weaver.state_hash())
    raises(StorageFull, replica.ingest, author.put(b"k", bytes(9000)))
    raises(StorageFull, replica.kv.put, b"k", bytes(9000), NOW_MS)
    assert (replica.witnessed(), replica.weaver.state_hash()) == before
    storage.rollback()
    replica.weaver.reload()
    assert (replica.witnessed(), replica.weaver.state_hash()) == before
