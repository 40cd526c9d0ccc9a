"""A store that two shares declare: what the members of one wrote never reaches those of the other."""

from lattice_core.errors import Refused
from lattice_core.model import ops
from lattice_core.sync.nano.message_stream import MessageStream
from lattice_core.sync.nano.table import put_entry
from lattice_core.wire.messages import CHILD_ACTIVE
from lattice_core.wire.nano_messages import NanoFrame
from support import raises
from support.nano import START_MS, NodePair, node
from support.reference import RefWorld


class TwoShares:
    """`laptop` has notes of its own share; the share of `other` declares the same store, and `desk` came to it there
    first. Both are in both shares when `laptop_in_both`."""

    def __init__(self, laptop_in_both=True):
        self.laptop, self.other, self.desk = node(1, "laptop"), node(2, "other"), node(3, "desk")
        self.notes = self.laptop.create_store("notes", "core:kvstore", None, START_MS)
        self.first = self.laptop.tree.roots()[0]
        self.second = self.other.create_store("", "core:rootstore", None, START_MS)
        declared = [ops.child_add(self.notes.id, "mine", "core:kvstore"), ops.child_status(self.notes.id, CHILD_ACTIVE)]
        self.second.write_system(declared, START_MS)
        self.other.journal.commit(START_MS)
        self.enter(self.desk, self.other, self.second)
        self.enter(self.desk, self.laptop, self.first)
        if laptop_in_both:
            self.enter(self.laptop, self.other, self.second)
            self.world(NodePair, self.desk, self.other).sync()
        self.notes.kv.put(b"k", b"secret", START_MS)
        self.laptop.journal.commit(START_MS)
        self.there = self.desk.tree.get(self.notes.id)
        assert self.there.parent == self.second.id
        assert self.notes.parent == self.first.id

    def enter(self, joiner, server, root):
        world = self.world(NodePair, joiner, server)
        world.run(world.a.join(server.invites.create(root, START_MS)))

    def world(self, world_of, left, right):
        return world_of(left, right)


def test_two_nodes_that_have_a_store_of_different_shares_do_not_exchange_it():
    made = TwoShares()
    for left, right in ((made.laptop, made.desk), (made.desk, made.laptop)):
        assert left.members.may_connect(made.notes.id, right.identity.public)
        report = made.world(NodePair, left, right).sync()
        assert [store_id for store_id, _ in report.errors] == [made.notes.id]
        assert not report.complete
        assert "active member" in str(report.errors[0][1])
        assert sorted(report.outcomes) == sorted([made.first.id, made.second.id])
        assert made.there.store.count == 0
        assert made.there.kv.get(b"k") is None
    made.world(NodePair, made.desk, made.other).sync()
    assert made.other.tree.get(made.notes.id).store.count == 0
    # Where both have it of the same share, it goes.
    tablet = node(4, "tablet")
    made.enter(tablet, made.laptop, made.first)
    assert tablet.tree.get(made.notes.id).kv.get(b"k") is not None


def answer(world, frame):
    """The first answer of the right node to a stream that begins with `frame`."""
    frames = MessageStream(world.pair.a.open_stream())
    frames.post(frame)
    for _ in range(20):
        frames.flush()
        world.now_ms += 1
        world.b.step(world.now_ms)
        found = frames.poll()
        if found is not None:
            return NanoFrame.decode(found)
    return None


def test_a_child_is_asked_for_with_its_share_and_a_root_without():
    made = TwoShares(False)
    notes, root = made.notes.id, made.first.id
    entries = []
    put_entry(entries, b"abcd", 1, (5).to_bytes(6, "little"))
    tips = {"salt": bytes(8), "sum": 5, "chains": 1, "items": 1, "tips": entries[0]}
    for opening, more in (("open", tips), ("blob_open", {})):
        world = made.world(NodePair, made.desk, made.laptop)
        unknown = answer(world, {opening: dict({"store_id": b"\x09" * 16, "root_id": root}, **more)})
        for store_id, root_id in ((notes, made.second.id), (notes, b""), (notes, notes), (root, root), (root, notes)):
            world = made.world(NodePair, made.desk, made.laptop)
            assert answer(world, {opening: dict({"store_id": store_id, "root_id": root_id}, **more)}) == unknown
            assert "refusal" in unknown
        for store_id, root_id in ((notes, root), (root, b"")):
            world = made.world(NodePair, made.desk, made.laptop)
            found = answer(world, {opening: dict({"store_id": store_id, "root_id": root_id}, **more)})
            assert found is None or "refusal" not in found


def test_towards_the_reference_the_members_of_the_own_share_count():
    made = TwoShares(False)
    assert not made.desk.members.may_connect(made.notes.id, made.laptop.identity.public)
    asked = made.world(RefWorld, made.laptop, made.desk).sync()  # the desk is in the laptop's share, not the reverse
    assert [store_id for store_id, _ in asked.errors] == [made.notes.id]
    kept = made.world(RefWorld, made.desk, made.laptop)
    assert list(kept.sync().outcomes) == list(asked.outcomes) == [made.first.id]
    assert "active member" in str(raises(Refused, kept.a.open_session, made.there, False))
    assert made.there.store.count == 0


def many_such_stores(world_of):
    """A sync of the laptop with the desk, which has eight stores more of the other share."""
    made = TwoShares()
    for number in range(8):
        store = made.laptop.create_store("s%d" % number, "core:kvstore", made.first.id, START_MS)
        declared = [ops.child_add(store.id, "mine", "core:kvstore"), ops.child_status(store.id, CHILD_ACTIVE)]
        made.second.write_system(declared, START_MS)
    made.other.journal.commit(START_MS)
    made.world(NodePair, made.desk, made.other).sync()
    made.other = None
    if world_of is RefWorld:  # who may have none of them asks for all the same
        made.desk.members.revoke(made.desk.tree.get(made.second.id), made.laptop.identity.public, START_MS)
    world = made.world(world_of, made.laptop, made.desk)
    report = world.sync()
    assert made.first.id in report.outcomes
    assert len(report.errors) >= 9
    assert world.pair.a.closed is None
    assert world.b.faults == 0


def test_many_such_stores_do_not_end_the_connection():
    many_such_stores(NodePair)


def test_nor_do_they_towards_the_reference():
    many_such_stores(RefWorld)
