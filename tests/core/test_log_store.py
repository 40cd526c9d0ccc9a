"""core:logstore: order, times, entries that collide, what arrived late."""

from lattice_core.machines.log_view import LogView
from lattice_core.machines.registry import TYPE_LOG
from lattice_core.model import ops
from lattice_core.weaver.weaver import WITNESSED
from support.weaver import NOW_MS, Author, Replica


def contents(entries):
    return [entry.content().read(0, entry.content().size) for entry in entries]


def filled():
    replica = Replica(1, kind=TYPE_LOG)
    view = LogView(replica)
    for number in range(5):
        view.append(b"entry %d" % number, NOW_MS + 1000 * number)
    return replica, view


def test_entries_come_by_time_within_bounds():
    _, view = filled()
    assert contents(view.entries()) == [b"entry %d" % number for number in range(5)]
    assert contents(view.entries(NOW_MS + 1000, NOW_MS + 3000)) == [b"entry 1", b"entry 2"]
    assert contents(view.entries(NOW_MS + 1000, limit=1)) == [b"entry 1"]
    first = next(view.entries())
    assert contents(view.entries(after=first.key, limit=2)) == [b"entry 1", b"entry 2"]
    assert contents(view.tail(2)) == [b"entry 3", b"entry 4"]
    assert view.tail(0) == []


def test_own_entries_of_one_moment_do_not_collide():
    _, view = filled()
    for _ in range(3):
        view.append(b"again", NOW_MS)
    assert contents(view.entries())[5:] == [b"again"] * 3


def test_an_empty_entry_is_stored_nowhere():
    replica, view = filled()
    view.append(b"", NOW_MS + 9000)
    assert len(contents(view.entries())) == 5
    assert list(replica.weaver.skipped()) == []


def test_what_comes_late_is_in_the_middle_and_arrives_last():
    replica, view = filled()
    cursor = replica.store.count
    late = Author(2)
    assert replica.ingest(late.write(ops.app(b"late"), wall_ms=NOW_MS + 1500)) == WITNESSED
    assert contents(view.entries())[2] == b"late"
    arrived = list(view.arrived(cursor))
    assert contents([entry for _, entry in arrived]) == [b"late"]
    assert [at for at, _ in arrived] == [replica.store.count]
    assert list(view.arrived(replica.store.count)) == []
