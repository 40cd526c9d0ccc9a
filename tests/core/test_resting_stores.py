"""More stores than can be open at a time: they rest, and are opened when somebody asks for them."""

from lattice_core.model import ops
from lattice_core.node.node import Node
from lattice_core.wire.messages import CHILD_ARCHIVED
from support import START_MS, crypto, raises
from support.nano import NodePair, hashes, node
from support.nodes import reopened

KV = "core:kvstore"
OPEN = 4


def small(number, name, open_limit=OPEN):
    """A node that has few stores open at a time."""
    made = node(number, name)
    made.tree.open_limit = open_limit
    return made


def forest(levels=3, wide=2):
    """(node, its root, every store below it, level by level)."""
    laptop = node(1, "laptop")
    laptop.tree.open_limit = None
    root = laptop.create_store("home", "core:rootstore", None, START_MS)
    made, above = [], [root]
    for level in range(1, levels):
        above = [
            laptop.create_store("%d-%d-%d" % (level, at, each), KV, parent.id, START_MS)
            for at, parent in enumerate(above)
            for each in range(wide)
        ]
        made += above
    for one in made:
        one.kv.put(b"in", one.name.encode(), START_MS)
    laptop.journal.commit(START_MS)
    return laptop, root, made


def join(joiner, server, root):
    world = NodePair(server, joiner)
    report = world.run(world.b.join(server.invites.create(root, START_MS)))
    assert len(joiner.tree.replicas) <= OPEN
    return report


def holds_all(at, made):
    """Every store has what it was made with; looked at one by one."""
    for one in made:
        there = at.tree.wake(one.id, START_MS)
        assert there is not None, one.name
        assert hashes(there) == hashes(one), one.name
        assert at.tree.get(there.parent).id == one.parent
        assert len(at.tree.replicas) <= OPEN


def test_all_levels_arrive_though_few_stores_are_open_at_a_time():
    laptop, root, made = forest()
    assert len(made) == 6
    stick = small(2, "stick")
    assert join(stick, laptop, root).complete
    assert list(stick.tree.closed()) == []
    assert len(stick.tree.kept()) == 7
    assert len(stick.tree.resting()) == 7 - len(stick.tree.replicas)
    holds_all(stick, made)
    # The other way, asked for by the laptop.
    for one in made:
        one.kv.put(b"more", b"v", START_MS)
    laptop.journal.commit(START_MS)
    world = NodePair(laptop, stick)
    assert world.sync().complete
    assert world.b.faults == 0
    assert len(stick.tree.replicas) <= OPEN
    holds_all(stick, made)
    # And on to a third.
    desk = node(3, "desk")
    join_at(desk, stick, laptop, root)
    holds_like(desk, made)


def join_at(joiner, stick, laptop, root):
    token = laptop.invites.create(root, START_MS, [stick.identity.public])
    assert NodePair(laptop, stick).sync().complete
    world = NodePair(joiner, stick)
    assert world.run(world.a.join(token)).complete


def holds_like(at, made):
    for one in made:
        assert hashes(at.tree.get(one.id)) == hashes(one), one.name


def test_what_rests_is_there_after_a_restart():
    laptop, root, made = forest(3, 3)
    stick = small(2, "stick")
    join(stick, laptop, root)
    stick.journal.commit(START_MS)
    storage = stick.storage.reopened()
    again = Node(storage, crypto(), stick.identity)
    again.tree.open_limit = OPEN
    again.open(START_MS)
    assert len(again.tree.replicas) == OPEN
    assert again.tree.get(root.id) is not None
    holds_all(again, made)
    assert again.tree.damaged == []


def test_who_was_used_longest_ago_rests_and_nobody_who_is_used():
    laptop, root, made = forest(2, 5)
    stick = small(2, "stick", 3)
    join(stick, laptop, root)
    a, b, c = made[:3]
    for one in (a, b):
        assert stick.tree.wake(one.id, START_MS) is not None
    for one in (a, b, root):
        assert stick.tree.get(one.id) is not None
    stick.tree.use(stick.tree.get(a.id))
    stick.tree.wake(c.id, START_MS)
    assert stick.tree.get(b.id) is None
    stick.tree.use(stick.tree.get(c.id))
    assert stick.tree.wake(b.id, START_MS) is None
    assert stick.tree.crowded
    stick.tree.release(stick.tree.get(a.id))
    assert stick.tree.wake(b.id, START_MS) is not None
    assert stick.tree.get(a.id) is None
    assert not stick.tree.crowded
    assert stick.tree.wake(b"?" * 16, START_MS) is None
    assert not stick.tree.crowded


def test_a_store_above_an_open_one_never_rests():
    laptop, root, made = forest(4, 1)
    stick = small(2, "stick", 4)
    join(stick, laptop, root)
    low = stick.tree.wake(made[-1].id, START_MS)
    more = laptop.create_store("more", KV, root.id, START_MS)
    NodePair(laptop, stick).sync()
    assert stick.tree.get(low.parent) is not None or stick.tree.get(low.id) is None
    stick.tree.wake(more.id, START_MS)
    for replica in stick.tree.replicas:
        assert replica.parent is None or stick.tree.get(replica.parent) is not None


def test_sessions_wait_for_a_place():
    """Four sessions at once where one store may be open beside those above: nobody is refused."""
    laptop, root, made = forest(2, 6)
    stick = small(2, "stick", 2)
    assert join(stick, laptop, root).complete
    for one in made:
        one.kv.put(b"more", b"v", START_MS)
    laptop.journal.commit(START_MS)
    assert NodePair(laptop, stick).sync().complete
    holds_all(stick, made)


def test_a_store_that_is_used_for_ever_is_waited_for_a_while():
    laptop, root, made = forest(2, 3)
    stick = small(2, "stick", 2)
    join(stick, laptop, root)
    there = stick.tree.wake(made[0].id, START_MS)
    stick.tree.use(there)
    world = NodePair(laptop, stick)
    report = world.sync()
    assert not report.complete
    assert sorted(store_id for store_id, _ in report.errors) == sorted(one.id for one in made[1:])
    assert "try again" in str(report.errors[0][1])
    assert world.b.faults == 0
    stick.tree.release(there)
    assert NodePair(laptop, stick).sync().complete


def test_what_is_archived_is_not_woken_nor_what_lies_below():
    laptop, root, made = forest(3, 2)
    stick = small(2, "stick", 3)
    join(stick, laptop, root)
    top, low = made[0], made[2]
    assert low.parent == top.id
    for one in made[1:2] + made[4:]:
        stick.tree.wake(one.id, START_MS)
    laptop.founding.archive(top, START_MS)
    NodePair(laptop, stick).sync()
    for one in (top, made[2], made[3]):
        assert stick.tree.wake(one.id, START_MS) is None
        assert one.id not in stick.tree.resting()
        assert not stick.members.may_connect(one.id, laptop.identity.public)
    assert stick.tree.wake(made[1].id, START_MS) is not None


def test_a_stranger_wakes_nothing():
    laptop, root, _ = forest(2, 6)
    stick = small(2, "stick", 3)
    join(stick, laptop, root)
    (asleep, *_) = stick.tree.resting()
    before = [replica.id for replica in stick.tree.replicas]
    alien = node(9, "alien")
    alien.tree.make(root.id, "core:rootstore", None, START_MS).note_joined_at(stick.identity.public)
    alien.tree.make(asleep, KV, root.id, START_MS)
    world = NodePair(alien, stick)
    raises(Exception, world.sync)
    assert [replica.id for replica in stick.tree.replicas] == before


def test_one_who_declares_hundreds_keeps_nobody_else_out():
    laptop, root, made = forest(2, 2)
    mallory, stick = node(2, "mallory"), small(3, "stick")
    mallory.tree.limit = 3
    join_many(laptop, root, mallory, stick)
    NodePair(mallory, laptop).sync()
    stick.tree.limit = 8
    laptop.tree.open_limit = 5
    there = mallory.tree.get(root.id)
    for number in range(1, 21):
        with mallory.journal.write(START_MS):
            there.write_system(
                [ops.child_add(bytes([number]) * 16, "x%d" % number, KV), ops.child_status(bytes([number]) * 16, 1)],
                START_MS,
            )
    NodePair(mallory, stick).sync()
    assert len(stick.tree.kept()) == 8
    late = laptop.create_store("late", KV, root.id, START_MS)
    late.kv.put(b"k", b"v", START_MS)
    laptop.journal.commit(START_MS)
    NodePair(laptop, stick).sync()
    assert len(stick.tree.kept()) == 8
    holds_all(stick, made + [late])
    assert len(list(stick.tree.closed())) == 20 - (8 - 4)


def join_many(laptop, root, *others):
    for other in others:
        world = NodePair(other, laptop)
        world.run(world.a.join(laptop.invites.create(root, START_MS)))


def test_a_rollback_leaves_what_rests():
    laptop, root, made = forest(2, 6)
    stick = small(2, "stick", 3)
    join(stick, laptop, root)
    resting = stick.tree.resting()
    stick.tree.get(root.id).write_system([ops.child_status(made[0].id, CHILD_ARCHIVED)], START_MS)
    stick.tree.refresh(START_MS)
    stick.journal.rollback()
    assert len(stick.tree.replicas) == 3
    assert len(stick.tree.resting()) == len(resting)
    holds_all(stick, made)


def test_lists_of_their_own_rest_and_decide_when_they_are_asked():
    laptop = node(1, "laptop")
    laptop.tree.open_limit = None
    root = laptop.create_store("home", "core:rootstore", None, START_MS)
    made = [laptop.create_store("c%d" % at, KV, root.id, START_MS, "snapshot") for at in range(1)]
    stick, guest, desk = small(2, "stick", 3), node(3, "guest"), small(4, "desk", 3)
    join_many(laptop, root, stick, desk)
    made += [laptop.create_store("d%d" % at, KV, root.id, START_MS, "snapshot") for at in range(3)]
    for one in made:
        one.kv.put(b"in", b"v", START_MS)
    closed = laptop.create_store("closed", KV, root.id, START_MS, "independent")
    NodePair(laptop, stick).sync()
    for joiner in (stick, guest):
        world = NodePair(joiner, laptop)
        world.run(world.a.join(laptop.invites.create(closed, START_MS)))
    laptop.journal.commit(START_MS)
    assert NodePair(laptop, stick).sync().complete
    for one in made[1:]:
        assert stick.tree.wake(one.id, START_MS).store.count > 5, one.name
    # The guest is in none of the stores that are open at the stick just now.
    assert stick.tree.get(closed.id) is None
    guest.tree.get(closed.id).kv.put(b"hello", b"v", START_MS)
    guest.journal.commit(START_MS)
    assert NodePair(guest, stick).sync().complete
    assert stick.tree.get(closed.id).kv.get(b"hello") is not None
    # The desk gets the snapshots from the stick, and not what it is not in.
    report = NodePair(desk, stick).sync()
    assert not report.errors, report.errors
    for one in made[1:]:
        assert desk.tree.wake(one.id, START_MS).kv.get(b"in") is not None
    for one in made[:1] + [closed]:
        assert desk.tree.wake(one.id, START_MS).store.count == 0
    assert reopened(desk).tree.damaged == []
