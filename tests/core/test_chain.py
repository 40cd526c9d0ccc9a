"""FetchChain: what is served, what is not, and gaps that close."""

from lattice_core.errors import LatticeError
from lattice_core.model import intention as intentions
from lattice_core.model.identity import Identity
from lattice_core.storage.contract import ZERO
from lattice_core.sync.reference import chain
from lattice_core.weaver.weaver import FLOATING, WITNESSED
from support import crypto, raises
from support.nano import node
from support.reference import joined

OPS = b"\x52\x00"


def some_chain(store_id, count, number=9):
    """Intentions of one author, each on top of the one before."""
    author = Identity(crypto(), bytes([number]) * 32)
    items = []
    prev = ZERO
    for at in range(count):
        items.append(intentions.create(crypto(), author, 1000 + at, 0, store_id, prev, [], OPS))
        prev = items[-1].hash
    return items


def request(items, target, since):
    return {
        "target_hash": items[target].hash if isinstance(target, int) else target,
        "since_hash": items[since].hash if isinstance(since, int) else since,
    }


def opened(count):
    made = node(1, "left")
    notes = made.create_store("notes", "core:kvstore", None, 1000)
    items = some_chain(notes.id, count)
    for item in items:
        assert notes.weaver.ingest(item, 1000) == WITNESSED
    made.journal.commit(1000)
    return notes, items


def test_up_to_31_intentions_are_served_target_first():
    notes, items = opened(34)
    for gap in (0, 1, 31):
        answer = chain.answer(notes.store, request(items, gap, 0))["intention_response"]
        bodies = [entry["intention_borsh"] for entry in answer["intentions"]]
        assert bodies == [items[at].body_bytes() for at in range(gap, 0, -1)]
        assert answer["done"]
        assert answer["store_id"] == notes.id
    raises(LatticeError, chain.answer, notes.store, request(items, 32, 0))


def test_requests_without_an_answer():
    notes, items = opened(3)
    for target, since in ((2, b""), (2, ZERO), (2, b"\x01" * 31), (b"\x01" * 31, 0), (b"\x01" * 32, 0), (0, 2)):
        raises(LatticeError, chain.answer, notes.store, request(items, target, since))


def test_a_gap_is_filled_by_the_peer():
    world, notes = joined(node(1, "left"), node(2, "right"))
    theirs = world.right.tree.get(notes.id)
    items = some_chain(notes.id, 6)
    for item in items:
        notes.weaver.ingest(item, world.now_ms)
    world.left.journal.commit(world.now_ms)
    theirs.weaver.ingest(items[0], world.now_ms)
    assert theirs.weaver.ingest(items[5], world.now_ms) == FLOATING
    stored = world.run(world.b.start(chain.fetch(world.b, theirs, items[4].hash, items[0].hash), "chain"))
    assert stored == 4
    assert not theirs.weaver.gaps()
    assert theirs.store.chain(items[0].author) == (6, items[5].hash)


def test_a_request_that_is_not_answered_brings_nothing():
    world, notes = joined(node(1, "left"), node(2, "right"))
    theirs = world.right.tree.get(notes.id)
    task = world.b.start(chain.fetch(world.b, theirs, b"\x01" * 32, b"\x02" * 32), "chain")
    assert world.run(task) == 0
