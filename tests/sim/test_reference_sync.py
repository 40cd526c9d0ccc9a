"""The reference's session and reconciliation by tips find the same on the same sets; bulk between two nodes."""

import random

from lattice_core.node.fetched import fetched_up_to
from lattice_core.sync.nano.tips import Exchange
from lattice_core.sync.reference.large import read
from lattice_core.sync.reference.messages import next_message
from lattice_core.sync.reference.session import Session
from lattice_core.weaver.index import MemoryRanges
from support import Rng
from support.nano import node, same
from support.reference import RefWorld, joined
from support.tips import STORE, SaltCrypto, converse, random_pair

PAIRS = 120
ITEMS = 600


class ChainSet:
    """Everything in some chains, as the `items` of a session that asks and is never given anything."""

    def __init__(self, chains):
        self.hashes = {hash for chain in chains.of.values() for hash in chain}
        self.asked = []
        ranges = MemoryRanges()
        ranges.follow(sorted(self.hashes))
        self.range_summary, self.range_hashes = ranges.summary, ranges.hashes

    def commit(self):
        pass

    def get(self, hash):
        return None

    def take(self, entries):
        return len(entries)

    def wanted(self, hash):
        assert hash not in self.hashes
        self.asked.append(hash)
        return True


def asked_in_a_session(first, second):
    """Runs a session between two sets; (what the first has asked for, the second)."""
    queues = ([], [])
    sides = [Session(items, STORE, Posting(queue)) for items, queue in zip((first, second), queues)]
    sides[0].start()
    delivered = True
    while delivered:
        delivered = False
        for number, queue in enumerate(queues):
            pieces = next_message(queue)
            if pieces is not None:
                delivered = True
                sides[1 - number].receive(read(b"".join(pieces)))
                if not queue:
                    sides[1 - number].settle()
    for side in sides:
        side.settle()
        assert side.settled()
        assert side.sent_done
    return first.asked, second.asked


class Posting:
    def __init__(self, queue):
        self.post = queue.append


def beyond(chains, plan):
    return sorted(hash for author in plan for hash in chains.of[author][plan[author] :])


def test_sessions_and_tips_find_the_same():
    moved = 0
    for seed in range(PAIRS):
        rng = Rng(seed + 7000)
        a, b = random_pair(rng, 1 + rng.below(40), 1 + rng.below(30))
        first = Exchange(a, SaltCrypto(rng), STORE, True, False, None)
        second = Exchange(b, SaltCrypto(rng), STORE, False, False, None)
        converse(first, second)
        asked_a, asked_b = asked_in_a_session(ChainSet(a), ChainSet(b))
        assert sorted(asked_a) == beyond(b, second.plan()), seed
        assert sorted(asked_b) == beyond(a, first.plan()), seed
        moved += len(asked_a) + len(asked_b)
    assert moved > PAIRS


def test_a_long_history_comes_in_bulk():
    world, notes = joined(node(1, "left"), node(2, "right"))
    for number in range(ITEMS):
        notes.kv.put(b"%d" % number, b"v", world.now_ms)
    world.left.journal.commit(world.now_ms)
    theirs = world.right.tree.get(notes.id)
    theirs.kv.put(b"own", b"w", world.now_ms)
    world.right.journal.commit(world.now_ms)
    report = world.run(world.b.sync())
    assert report.complete
    assert same(world.left, world.right)
    assert fetched_up_to(theirs, world.b.key) >= ITEMS
    assert theirs.weaver.floating_count == 0
    assert theirs.holdings.holds_items(world.b.key) == theirs.store.count


class Corrupting(RefWorld):
    """A wire on which bytes change, seldom: QUIC would not let them through, a broken peer may send them."""

    def spoil(self, noise):
        for connection in (self.pair.a, self.pair.b):
            for stream in connection.streams:
                parts = stream.in_pipe.parts
                if parts and noise.random() < 0.2:
                    data = bytearray(parts[0])
                    if data:
                        data[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
                        parts[0] = bytes(data)


def test_damaged_conversations_end_in_an_error_and_damage_nothing():
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right)
    failed = 0
    for seed in range(60):
        noise = random.Random(seed)
        for number in range(3):
            notes.kv.put(b"%d %d" % (seed, number), b"v", world.now_ms)
        left.journal.commit(world.now_ms)
        bad = Corrupting(left, right, world.now_ms)
        task = noise.choice((bad.a, bad.b)).sync()
        for _ in range(200):
            bad.now_ms += 500
            bad.spoil(noise)
            bad.a.step(bad.now_ms)
            bad.b.step(bad.now_ms)
            if task.done:
                break
        assert task.done
        failed += task.error is not None or not task.result.complete
    assert failed > 5
    for made in (left, right):
        made.journal.commit(world.now_ms)
        for handle in made.tree.replicas:
            assert list(handle.weaver.verify()) == []
    assert world.connect().sync().complete
    assert same(left, right)


def test_a_cut_at_any_place_loses_nothing():
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right)
    theirs = right.tree.get(notes.id)
    for seed in range(40):
        notes.kv.put(b"l%d" % seed, b"v", world.now_ms)
        theirs.kv.put(b"r%d" % seed, b"w", world.now_ms)
        left.journal.commit(world.now_ms)
        right.journal.commit(world.now_ms)
        world.connect(budget=50 + 97 * seed)
        task = world.a.sync()
        for _ in range(300):
            world.now_ms += 100
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
        assert task.done
    assert world.connect().sync().complete
    assert same(left, right)
