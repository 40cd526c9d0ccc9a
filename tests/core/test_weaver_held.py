"""Held chains: what is witnessed and what floats on top of it, by author and position."""

from lattice_core.storage.contract import ZERO
from lattice_core.weaver.weaver import FLOATING
from support import Rng, raises
from support.weaver import Author, Replica, history


def test_floating_links_count_and_loose_ends_do_not():
    replica, author, other = Replica(1), Author(2), Author(3)
    dep = other.put(b"x", b"1", [Author(4).put(b"never", b"").hash])
    items = [author.put(b"k", b"%d" % n) for n in range(3)]
    items.append(author.put(b"k", b"waits", [dep.hash]))
    items.extend([author.put(b"k", b"%d" % n) for n in range(4, 7)])
    for item in items[:3] + items[3:5] + [items[6], dep]:
        replica.ingest(item)
    weaver = replica.weaver
    assert weaver.held(author.key) == (5, items[4].hash)
    assert weaver.held(other.key) == (1, dep.hash)
    assert weaver.held(b"n" * 32) == (0, ZERO)
    assert [weaver.held_at(author.key, n + 1) for n in range(5)] == [item.hash for item in items[:5]]
    for wrong in (0, 6):
        raises(ValueError, weaver.held_at, author.key, wrong)
    assert sorted(weaver.held_authors()) == sorted([author.key, other.key])
    assert replica.ingest(items[5]) == FLOATING
    assert weaver.held(author.key) == (7, items[6].hash)


def test_authors_of_loose_ends_hold_nothing():
    replica, author = Replica(1), Author(2)
    author.put(b"missing", b"")
    replica.ingest(author.put(b"k", b"v"))
    assert replica.weaver.held_authors() == []
    assert replica.weaver.held(author.key) == (0, ZERO)
    assert list(replica.weaver.held_after({author.key: 0})) == []


def test_the_newest_come_first():
    replica = Replica(1)
    authors = [Author(n) for n in range(2, 8)]
    for author in authors:
        replica.ingest(author.put(b"k", b"1"))
    replica.ingest(authors[1].put(b"k", b"2"))
    waiting = authors[4].put(b"k", b"3", [Author(9).put(b"never", b"").hash])
    replica.ingest(waiting)
    expected = [authors[n].key for n in (4, 1, 5, 3, 2, 0)]
    assert replica.weaver.newest_held(99) == expected
    assert replica.weaver.newest_held(3) == expected[:3]
    assert replica.weaver.newest_held(0) == []


def test_what_lies_beyond_a_plan_comes_in_witness_order():
    rng = Rng(31)
    for _ in range(12):
        replica = Replica(1)
        made = history(rng, 50)
        for item in made:
            if rng.below(10):
                replica.ingest(item)
        weaver = replica.weaver
        plan = {}
        for author in weaver.held_authors():
            if rng.below(4):
                plan[author] = rng.below(weaver.held(author)[0] + 1)
        expected = []
        for hash in replica.witnessed():
            author = replica.store.get(hash).author
            if author in plan and replica.store.position(hash)[1] > plan[author]:
                expected.append(hash)
        got = [item.hash for item in weaver.held_after(plan)]
        assert got[: len(expected)] == expected
        floating = []
        for author in plan:
            for position in range(replica.store.chain(author)[0] + 1, weaver.held(author)[0] + 1):
                if position > plan[author]:
                    floating.append(weaver.held_at(author, position))
        assert sorted(got[len(expected) :]) == sorted(floating)


def test_positions_are_found_along_a_chain():
    replica = Replica(1)
    for item in history(Rng(5), 60):
        replica.ingest(item)
    for author in replica.store.authors():
        for position in range(1, replica.store.chain(author)[0] + 1):
            hash = replica.store.chain_at(author, position)
            assert replica.store.position(hash) == (author, position)
        assert replica.store.position(ZERO) is None


def test_a_replica_that_takes_all_that_is_held_is_equal():
    source, target = Replica(1), Replica(2)
    for item in history(Rng(8), 80)[5:]:
        source.ingest(item)
    target.learn(source)
    assert target.weaver.state_hash() == source.weaver.state_hash()
    assert sorted(target.witnessed()) == sorted(source.witnessed())
    for author in source.weaver.held_authors():
        assert target.weaver.held(author) == source.weaver.held(author)
