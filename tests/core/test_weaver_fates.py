"""The fates of an intention: refused, floating, dropped, witnessed, duplicate; forks and their evidence."""

from lattice_core.errors import StorageFull
from lattice_core.limits import DEPS, FLOATING_BYTES, FLOATING_ITEMS, OPS_BYTES, REFUSED_ITEMS
from lattice_core.model import intention as intentions
from lattice_core.seams import BytesBody
from lattice_core.storage.contract import ZERO
from lattice_core.weaver.weaver import DROPPED, DUPLICATE, FLOATING, REFUSED, WITNESSED
from support import Rng, raises
from support.weaver import CRYPTO, NOW_MS, STORE, Author, Replica


def snapshot(replica):
    """Everything that a refusal must not change."""
    store = replica.store
    return store.count, store.head, store.floating(), store.authors(), replica.weaver.state_hash()


def check_refused(replica, item, word):
    before = snapshot(replica)
    assert replica.ingest(item) == REFUSED
    assert word in replica.weaver.refused(item.hash), replica.weaver.refused(item.hash)
    assert not replica.store.has(item.hash)
    assert snapshot(replica) == before


def test_a_chain_in_order_is_witnessed():
    replica, author = Replica(1), Author(2)
    items = [author.put(b"k", b"%d" % n) for n in range(5)]
    assert [replica.ingest(item) for item in items] == [WITNESSED] * 5
    assert replica.witnessed() == [item.hash for item in items]
    assert [replica.ingest(item) for item in items] == [DUPLICATE] * 5
    assert replica.store.chain(author.key) == (5, items[4].hash)


def test_a_reversed_chain_floats_and_goes_on_at_once():
    replica, author = Replica(1), Author(2)
    items = [author.put(b"k", b"%d" % n) for n in range(20)]
    for item in reversed(items[1:]):
        assert replica.ingest(item) == FLOATING
    assert replica.weaver.floating_count == 19
    assert replica.store.count == 0
    assert replica.ingest(items[10]) == DUPLICATE
    assert replica.ingest(items[0]) == WITNESSED
    assert replica.witnessed() == [item.hash for item in items]
    assert replica.weaver.floating_count == 0


def test_a_dep_of_another_author_is_waited_for():
    replica, one, two, three = Replica(1), Author(2), Author(3), Author(4)
    first = one.put(b"k", b"1")
    second = two.put(b"k", b"2", [first.hash])
    third = three.put(b"k", b"3", [second.hash, first.hash, ZERO])
    assert replica.ingest(third) == FLOATING
    assert replica.ingest(second) == FLOATING
    assert replica.ingest(first) == WITNESSED
    assert replica.witnessed() == [first.hash, second.hash, third.hash]


def test_what_breaks_a_rule_by_itself_is_refused():
    replica, author = Replica(1), Author(2)
    check_refused(replica, Author(2, b"another store 16").put(b"k", b"v"), "another store")
    check_refused(replica, author.write(b"", [ZERO] * (DEPS + 1), prev=ZERO), "deps")
    good = author.put(b"k", b"v")
    bad = intentions.parse(CRYPTO, good.body_bytes(), bytes(64))
    check_refused(replica, bad, "signature")
    # The signature is not part of the name: the good copy is still wanted and taken, and the reason forgotten.
    assert not replica.weaver.refuses(good.hash)
    assert replica.ingest(good) == WITNESSED
    assert replica.weaver.refused(good.hash) is None
    assert replica.ingest(bad) == DUPLICATE


def test_limits_are_inclusive():
    replica, author = Replica(1), Author(2)
    assert replica.ingest(author.write(b"", [ZERO] * DEPS)) == WITNESSED
    assert replica.ingest(large(author, OPS_BYTES)) == WITNESSED
    assert replica.ingest(large(author, OPS_BYTES + 1)) == REFUSED
    assert [reason for _, _, reason in replica.weaver.skipped()] != []


class Zeros:
    """A body of a head and many zeros."""

    def __init__(self, head, count):
        self.head = head
        self.size = len(head) + count

    def read(self, offset, count):
        piece = self.head[offset : offset + count]
        return piece + bytes(count - len(piece))


def digest(body):
    hasher = CRYPTO.blake3()
    for offset in range(0, body.size, 8192):
        hasher.update(body.read(offset, min(8192, body.size - offset)))
    return hasher.digest()


def test_forks_are_refused_and_mark_their_author():
    replica, author = Replica(1), Author(2)
    items = [author.put(b"k", b"%d" % n) for n in range(6)]
    for item in items:
        replica.ingest(item)
    for position in (0, 3, 5):
        prev = items[position - 1].hash if position else ZERO
        other = author.put(b"k", b"other", prev=prev, wall_ms=position)
        check_refused(replica, other, items[position].hash.hex())
    # The first evidence is kept: what is held here, what came, and what both follow.
    (marked,) = list(replica.weaver.forks())
    assert marked[:2] == (author.key, items[0].hash)
    assert marked[3] == ZERO
    replica.storage.commit()
    replica.open(replica.storage.reopened())
    assert list(replica.weaver.forks()) == [marked]
    assert replica.ingest(author.put(b"k", b"next")) == WITNESSED


def test_replicas_keep_the_side_they_saw_first():
    author = Author(2)
    first = author.put(b"k", b"first")
    left, right = author.put(b"k", b"left"), author.put(b"k", b"right", prev=first.hash)
    one, two = Replica(1), Replica(3)
    for item in (first, left):
        one.ingest(item)
    for item in (first, right):
        two.ingest(item)
    assert one.ingest(right) == REFUSED
    assert two.ingest(left) == REFUSED
    assert one.value(b"k") == b"left"
    assert two.value(b"k") == b"right"
    follower = author.put(b"k", b"after left")
    assert one.ingest(follower) == WITNESSED
    assert two.ingest(follower) == FLOATING


def test_a_borrowed_predecessor_is_refused_and_marks_nobody():
    replica, author, thief = Replica(1), Author(2), Author(3)
    items = [author.put(b"k", b"%d" % n) for n in range(3)]
    for item in items:
        replica.ingest(item)
    check_refused(replica, thief.put(b"k", b"stolen", prev=items[2].hash), "another author")
    check_refused(replica, thief.put(b"k", b"stolen", prev=items[1].hash), "another author")
    own = thief.put(b"k", b"own")
    assert replica.ingest(own) == WITNESSED
    check_refused(replica, thief.put(b"k", b"stolen", prev=items[2].hash), "another author")
    assert list(replica.weaver.forks()) == []


def test_floating_sides_of_a_fork_are_decided_when_they_can_be():
    replica, author, other = Replica(1), Author(2), Author(3)
    first = author.put(b"k", b"first")
    dep = other.put(b"x", b"dep")
    waits_for_dep = author.put(b"k", b"a", [dep.hash], prev=first.hash)
    ready = author.put(b"k", b"b", prev=first.hash)
    borrowed = other.put(b"k", b"c", prev=first.hash)
    for item in (waits_for_dep, ready, borrowed):
        assert replica.ingest(item) == FLOATING
    assert replica.ingest(first) == WITNESSED
    # One side was ready; the others are refused although nothing else is known of what they wait for.
    assert replica.witnessed() == [first.hash, ready.hash]
    assert replica.weaver.floating_count == 0
    assert "forked" in replica.weaver.refused(waits_for_dep.hash)
    assert "another author" in replica.weaver.refused(borrowed.hash)
    assert not replica.store.has(waits_for_dep.hash)
    assert replica.ingest(dep) == WITNESSED
    (mark,) = list(replica.weaver.forks())
    assert mark == (author.key, ready.hash, waits_for_dep.hash, first.hash)


def test_the_list_of_refused_hashes_is_bounded():
    replica, author = Replica(1), Author(2)
    replica.ingest(author.put(b"k", b"v"))
    forks = [author.put(b"k", b"%d" % n, prev=ZERO) for n in range(REFUSED_ITEMS + 5)]
    for item in forks:
        assert replica.ingest(item) == REFUSED
    known = [item for item in forks if replica.weaver.refused(item.hash)]
    assert known == forks[5:]
    assert all(replica.weaver.refuses(item.hash) for item in known)


def test_floating_is_bounded_in_number_oldest_first():
    replica, author = Replica(1), Author(2)
    author.put(b"missing", b"")
    items = [author.put(b"k", b"%d" % n) for n in range(FLOATING_ITEMS + 10)]
    for item in items:
        assert replica.ingest(item) == FLOATING
    assert replica.store.floating() == [item.hash for item in items[10:]]
    assert replica.weaver.floating_count == FLOATING_ITEMS


def test_what_a_peer_has_listed_is_never_evicted():
    replica, author, stranger = Replica(1), Author(2), Author(3)
    author.put(b"missing", b"")
    listed = [author.put(b"k", b"%d" % n) for n in range(FLOATING_ITEMS // 2)]
    for item in listed:
        assert replica.ingest(item, listed=True) == FLOATING
    stranger.put(b"missing", b"")
    noise = [stranger.put(b"k", b"%d" % n) for n in range(FLOATING_ITEMS)]
    for item in noise:
        assert replica.ingest(item) == FLOATING
    floating = replica.store.floating()
    assert all(item.hash in floating for item in listed)
    assert len(floating) == FLOATING_ITEMS
    # A duplicate that a peer lists is marked; when only listed ones are left, nothing more is kept, listed or not.
    for hash in floating:
        replica.ingest(replica.store.get(hash), listed=True)
    assert replica.ingest(stranger.put(b"k", b"late")) == DROPPED
    assert replica.store.floating() == floating
    late = author.put(b"k", b"late")
    assert replica.ingest(late, listed=True) == DROPPED
    assert replica.store.floating() == floating
    assert not replica.store.has(late.hash)
    assert replica.weaver.refused(late.hash) is None


def test_floating_is_bounded_in_bytes():
    replica, author = Replica(1), Author(2)
    author.put(b"missing", b"")
    items = [large(author, FLOATING_BYTES // 8) for _ in range(12)]
    for item in items:
        assert replica.ingest(item) == FLOATING
    held = [replica.store.get(hash) for hash in replica.store.floating()]
    assert [item.hash for item in held] == [item.hash for item in items[-len(held) :]]
    assert len(held) == 7
    # One that is larger than the bound is kept alone rather than never.
    alone = large(author, FLOATING_BYTES + 1)
    assert replica.ingest(alone) == FLOATING
    assert replica.store.floating() == [alone.hash]


def large(author, size):
    """The author's next intention with this many zeros as ops, its body made as it is read."""
    head = intentions.encode_body(author.key, 1, 0, STORE, author.tip, (), b"")
    body = Zeros(head[:-4] + size.to_bytes(4, "little"), size)
    author.tip = digest(body)
    return intentions.from_body(body, author.tip, author.identity.sign(author.tip))


def test_gaps_name_what_is_missing():
    replica, author, other = Replica(1), Author(2), Author(3)
    items = [author.put(b"k", b"%d" % n) for n in range(5)]
    replica.ingest(items[0])
    replica.ingest(items[3])
    replica.ingest(items[4])
    unknown = other.put(b"k", b"1")
    replica.ingest(other.put(b"k", b"2"))
    assert sorted(replica.weaver.gaps()) == sorted(
        [(items[2].hash, items[0].hash, author.key), (unknown.hash, ZERO, other.key)]
    )
    for item in (items[1], items[2], unknown):
        replica.ingest(item)
    assert replica.weaver.gaps() == []


def test_any_bytes_as_ops_are_taken_and_stop_nobody():
    replica, author, rng = Replica(1), Author(2), Rng(77)
    for n in range(60):
        assert replica.ingest(author.write(rng.bytes(rng.below(40)))) == WITNESSED
    for n in range(60):
        good = bytearray(author.put(b"key", b"value", prev=ZERO).ops_bytes())
        good[rng.below(len(good))] ^= 1 << rng.below(8)
        assert replica.ingest(author.write(bytes(good))) == WITNESSED
    assert replica.ingest(author.put(b"last", b"word")) == WITNESSED
    assert replica.value(b"last") == b"word"
    skipped = list(replica.weaver.skipped())
    assert skipped
    assert all(key == author.key and reason for _, key, reason in skipped)


def test_a_body_need_not_lie_in_memory():
    replica, author = Replica(1), Author(2)
    item = author.put(b"k", b"v" * 40)
    data = item.body_bytes()
    apart = intentions.from_body(Halves(data), item.hash, item.signature)
    assert replica.ingest(apart, NOW_MS) == WITNESSED
    assert replica.value(b"k") == b"v" * 40


class Halves(BytesBody):
    """A body that is no bytes object."""

    def read(self, offset, count):
        return bytes(self.data[offset : offset + count])


def test_listed_ones_are_kept_over_a_restart_and_a_rollback():
    replica, author, stranger = Replica(1), Author(2), Author(3)
    author.put(b"missing", b"")
    stranger.put(b"missing", b"")
    noise = stranger.put(b"k", b"noise")
    listed = [author.put(b"k", b"%d" % n) for n in range(FLOATING_ITEMS - 1)]
    for item in listed:
        assert replica.ingest(item, listed=True) == FLOATING
    assert replica.ingest(noise) == FLOATING
    replica.storage.commit()
    replica.weaver.reload()  # what was known of them is known still: the one that nobody has listed goes
    late = [author.put(b"k", b"late %d" % n) for n in range(3)]
    assert replica.ingest(late[0], listed=True) == FLOATING
    assert not replica.store.has(noise.hash)
    replica.storage.commit()
    # Whether a stored one had been listed is not stored: each may have been acknowledged.
    replica.open(replica.storage.reopened())
    assert replica.ingest(late[1], listed=True) == DROPPED
    assert replica.ingest(stranger.put(b"k", b"x")) == DROPPED
    assert replica.store.floating() == [item.hash for item in listed + late[:1]]


def test_listed_ones_of_many_bytes_are_kept():
    replica, author, other = Replica(1), Author(2), Author(3)
    author.put(b"missing", b"")
    other.put(b"missing", b"")
    small = author.put(b"k", b"v")
    assert replica.ingest(small, listed=True) == FLOATING
    assert replica.ingest(large(other, FLOATING_BYTES), listed=True) == DROPPED
    assert replica.store.floating() == [small.hash]


def test_eviction_comes_after_the_newcomer_is_stored():
    replica, author = Replica(1), Author(2)
    author.put(b"missing", b"")
    items = [author.put(b"k", b"%d" % n) for n in range(FLOATING_ITEMS)]
    for item in items:
        replica.ingest(item)
    put = replica.store.put

    def full(item, absent):
        raise StorageFull("no room")

    replica.store.put = full
    late = author.put(b"k", b"late")
    raises(StorageFull, replica.ingest, late)
    assert replica.weaver.floating_count == FLOATING_ITEMS
    assert not replica.weaver.unfinished
    assert replica.store.floating() == [item.hash for item in items]
    replica.store.put = put
    assert replica.ingest(late) == FLOATING
    assert not replica.store.has(items[0].hash)


def test_refusals_leave_few_events():
    replica, author = Replica(1), Author(2)
    replica.ingest(author.put(b"k", b"v"))
    replica.weaver.events = []
    for n in range(300):
        assert replica.ingest(author.put(b"k", b"%d" % n, prev=ZERO)) == REFUSED
    assert len(replica.weaver.events) < 64
    good = author.put(b"k", b"w")
    replica.ingest(good)
    assert replica.weaver.events[-1][0] == "kv"
    assert ("lost", replica.store.id) not in replica.weaver.events
