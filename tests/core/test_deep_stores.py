"""Stores below stores: who gets which, in one session, and who does not."""

from lattice_core.api.peers import PeerService
from lattice_core.errors import Refused, UsageError
from lattice_core.model import ops
from lattice_core.node import own_list, stores
from lattice_core.wire.messages import CHILD_ACTIVE, PEER_ACTIVE, PEER_REVOKED
from support import START_MS, case, crypto, raises
from support.nano import NodePair, node, same
from support.nodes import reopened

KV = "core:kvstore"


def child(at, name, parent, strategy="inherited"):
    made = at.create_store(name, KV, parent.id, START_MS, strategy)
    made.kv.put(b"in", name.encode(), START_MS)
    at.journal.commit(START_MS)
    return made


def share():
    """(node, its root)."""
    laptop = node(1, "laptop")
    return laptop, laptop.create_store("home", "core:rootstore", None, START_MS)


def enter(joiner, server, replica):
    """A join by invite, over a connection: the Report."""
    world = NodePair(joiner, server)
    return world.run(world.a.join(server.invites.create(replica, START_MS)))


def sync(left, right):
    return NodePair(left, right).sync()


def has(at, replica):
    """True when a node holds what the store of this name was made with."""
    found = at.tree.get(replica.id)
    if found is None or found.kv.get(b"in") is None:
        assert found is None or not found.store.count, "half of it is there"
        return False
    return True


def key(at):
    return at.identity.public


# -- levels -----------------------------------------------------------------------------------------------------------


def test_a_joiner_gets_all_levels_in_one_session():
    laptop, root = share()
    levels = [root]
    for number in range(4):
        levels.append(child(laptop, "level-%d" % number, levels[-1]))
    desk = node(2, "desk")
    report = enter(desk, laptop, root)
    assert report.complete
    assert same(laptop, desk)
    for above, below in zip(levels, levels[1:]):
        assert desk.tree.get(below.id).parent == above.id
        assert has(desk, below)
    assert desk.tree.depth_of(desk.tree.get(levels[-1].id)) == 4
    assert [one.id for one in desk.tree.descending(desk.tree.get(root.id))] == [one.id for one in levels]
    again = reopened(desk)
    assert [one.id for one in again.tree.descending(again.tree.get(root.id))] == [one.id for one in levels]
    # What is made deep below arrives in one session, too, the other way.
    made = child(desk, "deeper", desk.tree.get(levels[-1].id))
    assert sync(laptop, desk).complete
    assert has(laptop, made)


def test_what_is_archived_is_closed_with_everything_below():
    laptop, root = share()
    top = child(laptop, "top", root)
    middle = child(laptop, "middle", top)
    low = child(laptop, "low", middle)
    desk = node(2, "desk")
    enter(desk, laptop, root)
    laptop.founding.archive(middle, START_MS)
    assert sync(laptop, desk).complete
    for at in (laptop, desk, reopened(desk), reopened(laptop)):
        assert at.tree.get(top.id) is not None
        assert at.tree.get(middle.id) is None
        assert at.tree.get(low.id) is None
        for key_ in (key(laptop), key(desk)):
            assert not at.members.may_connect(low.id, key_)
    raises(UsageError, laptop.founding.archive, root, START_MS)
    # The name is free again.
    child(laptop, "middle", root)


def test_a_store_gets_another_name_for_everybody():
    laptop, root = share()
    notes = child(laptop, "notes", child(laptop, "top", root))
    desk = node(2, "desk")
    enter(desk, laptop, root)
    desk.founding.rename(desk.tree.get(notes.id), "papers", START_MS)
    sync(laptop, desk)
    assert laptop.tree.find("papers") is notes
    raises(UsageError, laptop.founding.rename, notes, "top", START_MS)
    raises(UsageError, laptop.founding.rename, notes, "", START_MS)
    raises(UsageError, child, laptop, "papers", root)
    child(laptop, "notes", root)


def test_levels_end():
    laptop, root = share()
    above = root
    for number in range(stores.DEPTH - 1):
        above = laptop.create_store("s%d" % number, KV, above.id, START_MS) if number < 3 else _below(laptop, above)
    raises(UsageError, laptop.create_store, "more", KV, above.id, START_MS)
    deep = [ops.child_add(b"\x07" * 16, "deep", KV), ops.child_status(b"\x07" * 16, CHILD_ACTIVE)]
    laptop.tree.limit = 1000
    above.write_system(deep, START_MS)
    laptop.journal.commit(START_MS)
    assert laptop.tree.get(b"\x07" * 16) is None
    assert "levels" in next(why for store_id, _, _, why in laptop.tree.closed() if store_id == b"\x07" * 16)


def _below(at, above):
    at.tree.limit = 1000
    return at.founding.child(above, "x", KV, START_MS)


def test_a_loop_of_parents_is_no_loop():
    laptop, root = share()
    top = child(laptop, "top", root)
    low = child(laptop, "low", top)
    for declares, declared in ((low, top), (low, root), (top, top), (low, low)):
        declares.write_system(
            [ops.child_add(declared.id, "again", KV), ops.child_status(declared.id, CHILD_ACTIVE)], START_MS
        )
    laptop.journal.commit(START_MS)
    desk = node(2, "desk")
    assert enter(desk, laptop, root).complete
    for at in (laptop, desk, reopened(desk)):
        assert [one.id for one in at.tree.descending(at.tree.get(root.id))] == [root.id, top.id, low.id]
        assert len(at.tree.replicas) == 3
        assert at.tree.list_of(at.tree.get(low.id)) is at.tree.get(root.id)
    assert has(desk, low)


# -- lists of their own ----------------------------------------------------------------------------------------------


def test_the_id_says_whose_genesis_counts():
    platform = crypto()
    made = own_list.make_id(platform, b"k" * 32, KV, 7)
    assert stores.has_marked_id(made)
    assert made[6] >> 4 == 8
    assert made != own_list.make_id(platform, b"k" * 32, KV, 8)
    assert made != own_list.make_id(platform, b"l" * 32, KV, 7)
    assert not any(stores.has_marked_id(stores.new_id(platform)) for _ in range(20))


def test_who_is_in_the_share_is_not_therefore_in_a_store_with_its_own_list():
    laptop, root = share()
    closed = child(laptop, "closed", root, "independent")
    below = child(laptop, "below", closed)  # inherits from `closed`
    desk, guest = node(2, "desk"), node(3, "guest")
    report = enter(desk, laptop, root)
    assert report.complete, report.errors
    assert "members of its own" in report.passed_over[0][1]
    assert not has(desk, closed)
    assert desk.tree.get(below.id) is None
    assert not laptop.members.may_connect(closed.id, key(desk))
    # With an invite it comes, with what inherits from it, and stays where it is.
    assert enter(desk, laptop, closed).complete
    assert has(desk, closed)
    assert has(desk, below)
    assert desk.tree.get(closed.id).parent == root.id
    assert closed.system.peer(key(desk)).name == "desk"
    # Somebody who is not in the share gets this store alone, as a share of its own.
    assert enter(guest, laptop, closed).complete
    assert has(guest, closed)
    assert has(guest, below)
    assert guest.tree.get(closed.id).parent is None
    assert guest.tree.get(root.id) is None
    assert not laptop.members.may_connect(root.id, key(guest))
    # The two give it to each other, and write in both directions.
    guest.tree.get(closed.id).kv.put(b"hello", b"from the guest", START_MS)
    guest.journal.commit(START_MS)
    assert sync(desk, laptop).complete
    assert closed.id in sync(guest, desk).outcomes
    assert desk.tree.get(closed.id).kv.get(b"hello") is not None
    sync(desk, laptop)
    assert closed.kv.get(b"hello") is not None


def test_many_such_stores_do_not_end_the_connection():
    laptop, root = share()
    for number in range(10):
        laptop.create_store("c%d" % number, KV, root.id, START_MS, "independent")
    desk = node(2, "desk")
    assert len(enter(desk, laptop, root).passed_over) == 10
    world = NodePair(desk, laptop)
    assert world.sync().complete
    assert world.pair.a.closed is None
    assert world.b.faults == 0


def test_a_stick_is_let_into_a_store_on_a_members_word():
    laptop, root = share()
    closed = child(laptop, "closed", root, "independent")
    stick, other = node(2, "stick"), node(3, "other")
    for joiner in (stick, other):
        enter(joiner, laptop, root)
    sync(laptop, stick)
    assert not has(stick, closed)
    peers = PeerService(laptop, lambda: START_MS)
    made = peers.admit("stick", "closed")
    assert made["written"]
    assert not peers.admit("stick", "closed")["written"]
    raises(UsageError, peers.admit, "stick", "home")
    assert sync(laptop, stick).complete
    assert has(stick, closed)
    # The other one hears of it, asks the stick, and is in the store as little as before; nor can it let itself in.
    sync(other, laptop)
    sync(other, stick)
    assert not has(other, closed)
    raises(UsageError, PeerService(other, lambda: START_MS).admit, "other", "closed")
    laptop.members.revoke(root, key(other), START_MS)
    raises(UsageError, peers.admit, "other", "closed")
    assert not laptop.members.may_connect(closed.id, key(other))


def test_an_invite_is_for_a_list():
    laptop, root = share()
    notes = child(laptop, "notes", root)
    closed = child(laptop, "closed", root, "independent")
    below = child(laptop, "below", closed)
    frozen = child(laptop, "frozen", root, "snapshot")
    with case("an inherited one"):
        words = str(raises(UsageError, laptop.invites.create, notes, START_MS))
        assert stores.id_text(root.id) in words
    with case("one below a list"):
        words = str(raises(UsageError, laptop.invites.create, below, START_MS))
        assert stores.id_text(closed.id) in words
    with case("a snapshot"):
        assert "nobody is invited" in str(raises(UsageError, laptop.invites.create, frozen, START_MS))
    token = laptop.invites.create(closed, START_MS)
    assert [one.id for one in laptop.invites.list(closed)] == [token.invite_id(laptop.crypto)]
    assert laptop.invites.list(root) == []
    # It opens nothing else, and only once.
    stranger, second = node(8, "x"), node(9, "y")
    for replica in (root, notes, frozen, below):
        raises(Refused, laptop.invites.accept, replica.id, token.secret, key(stranger), START_MS)
    assert laptop.invites.accept(closed.id, token.secret, key(stranger), START_MS) == KV
    raises(Refused, laptop.invites.accept, closed.id, token.secret, key(second), START_MS)
    assert laptop.invites.revoke(
        closed, laptop.invites.create(closed, START_MS).invite_id(laptop.crypto).hex(), START_MS
    )


def test_a_snapshot_goes_to_those_who_were_in_over_any_connection():
    laptop, root = share()
    desk, stick, late = node(2, "desk"), node(3, "stick"), node(4, "late")
    for joiner in (desk, stick):
        enter(joiner, laptop, root)
    sync(laptop, desk)
    frozen = child(laptop, "frozen", root, "snapshot")
    assert laptop.tree.strategy_of(frozen) == "snapshot"
    assert sorted(one.key for one in frozen.system.peers()) == sorted(map(key, (laptop, desk, stick)))
    enter(late, laptop, root)
    assert not has(late, frozen)
    # The laptop meets the stick alone; the stick, which began with nothing, hands it on to the desk and not to `late`.
    assert sync(laptop, stick).complete
    assert has(stick, frozen)
    sync(late, stick)
    assert not has(late, frozen)
    assert sync(desk, stick).complete
    assert has(desk, frozen)
    desk.tree.get(frozen.id).kv.put(b"k", b"v", START_MS)
    desk.journal.commit(START_MS)
    sync(desk, stick)
    sync(laptop, stick)
    assert frozen.kv.get(b"k") is not None
    assert {peer.key: peer.name for peer in frozen.system.peers()}[key(desk)] == "desk"


def test_nobody_brings_a_store_that_its_maker_has_not_begun():
    """A member of the share that is not in a store's list makes its content up, for one that has nothing of it yet."""
    laptop, root = share()
    desk, mallory = node(2, "desk"), node(3, "mallory")
    for joiner in (desk, mallory):
        enter(joiner, laptop, root)
    sync(desk, laptop)
    frozen = child(laptop, "frozen", root, "independent")
    with laptop.journal.write(START_MS):
        frozen.write_system([ops.peer_status(key(desk), PEER_ACTIVE)], START_MS)
    hold = frozen.store.count
    sync(mallory, laptop)  # who hears of the store so, and gets nothing of it
    forged = mallory.tree.get(frozen.id)
    assert forged.store.count == 0
    for operation in (
        [ops.strategy_inherited()],
        [ops.peer_status(key(mallory), PEER_ACTIVE), ops.peer_status(key(desk), PEER_ACTIVE)],
    ):
        if not forged.store.count:
            forged.weaver.submit(ops.genesis(KV, 5), [], START_MS)
        forged.write_system(operation, START_MS + 1000000)
    mallory.journal.commit(START_MS)
    assert mallory.members.may_connect(frozen.id, key(desk))
    world = NodePair(mallory, desk)
    world.run(world.a.sync([root.id]))
    assert desk.members.may_fill(frozen.id, key(mallory))
    for left, right in ((mallory, desk), (desk, mallory)):
        sync(left, right)
        there = desk.tree.get(frozen.id)
        assert there.system.peer(key(mallory)) is None
        assert not desk.members.may_connect(frozen.id, key(mallory))
    assert sync(desk, laptop).complete
    assert has(desk, frozen)
    assert frozen.store.count > hold  # the desk has told its name
    for at in (laptop, desk):
        there = at.tree.get(frozen.id)
        assert there.store.chain(key(mallory))[0] == 0
        assert not at.members.may_connect(frozen.id, key(mallory))
    assert forged.kv.get(b"in") is None


def test_what_was_written_too_early_does_not_keep_the_maker_out():
    laptop, root = share()
    desk = node(2, "desk")
    enter(desk, laptop, root)
    sync(laptop, desk)
    frozen = child(laptop, "frozen", root, "snapshot")
    world = NodePair(desk, laptop)
    assert world.sync().complete
    assert has(desk, frozen)
    # The same with a write of the desk's own that is here before anything has come.
    late, second = node(3, "late"), child(laptop, "second", root, "independent")
    enter(late, laptop, root)
    there = late.tree.get(second.id)
    there.kv.put(b"early", b"v", START_MS)
    late.journal.commit(START_MS)
    raises(UsageError, late.founding.rename, there, "mine", START_MS)
    with laptop.journal.write(START_MS):
        second.write_system([ops.peer_status(key(late), PEER_ACTIVE)], START_MS)
    assert sync(late, laptop).complete
    assert there.kv.get(b"in") is not None
    assert second.kv.get(b"early") is not None


def test_half_of_a_store_is_given_to_nobody_whom_its_list_does_not_admit():
    """The wire is cut after so many bytes: whatever has arrived by then, a member of the share gets none of it."""
    laptop, root = share()
    desk, other = node(2, "desk"), node(3, "other")
    for joiner in (desk, other):
        enter(joiner, laptop, root)
    for at in (desk, other):
        sync(at, laptop)
    frozen = laptop.create_store("frozen", KV, root.id, START_MS, "independent")
    with laptop.journal.write(START_MS):
        frozen.write_system([ops.peer_status(key(desk), PEER_ACTIVE)], START_MS)
    for number in range(30):
        frozen.kv.put(b"%d" % number, b"secret" * 20, START_MS)
    frozen.kv.put(b"in", b"secret", START_MS)
    laptop.journal.commit(START_MS)
    halves = 0
    for budget in range(1000, 16000, 400):
        cut = NodePair(desk, laptop, budget=budget)
        task = cut.a.sync()
        for _ in range(400):
            cut.now_ms += 1
            cut.a.step(cut.now_ms)
            cut.b.step(cut.now_ms)
        desk.journal.commit(START_MS)
        there = desk.tree.get(frozen.id)
        if there is not None and 0 < there.store.count < frozen.store.count:
            halves += 1
            assert not desk.members.may_connect(frozen.id, key(other))
        NodePair(other, desk).sync()
        assert other.tree.get(frozen.id) is None or other.tree.get(frozen.id).store.count == 0
        if task.done and task.error is None:
            break
    assert halves
    assert sync(desk, laptop).complete
    assert has(desk, frozen)


def test_a_list_of_the_root_that_is_cut_decides_nothing_below():
    laptop, root = share()
    closed = child(laptop, "closed", root, "independent")
    desk = node(2, "desk")
    enter(desk, laptop, root)
    enter(desk, laptop, closed)
    token = laptop.invites.create(closed, START_MS)
    assert laptop.members.may_connect(closed.id, key(desk))
    laptop.members.lists._cut.append(root.id)
    assert not laptop.members.may_connect(closed.id, key(desk))
    raises(Refused, laptop.invites.accept, closed.id, token.secret, b"k" * 32, START_MS)
    laptop.members.lists._cut.remove(root.id)
    assert laptop.members.may_connect(closed.id, key(desk))
    # Where the root is not open, nobody is in, and nobody is let in.
    laptop.tree.replicas = [closed]
    assert not laptop.members.may_connect(closed.id, key(desk))
    raises(Refused, laptop.invites.accept, closed.id, token.secret, b"k" * 32, START_MS)


def test_no_write_makes_a_store_inherit():
    """As a reference node does that opens a declared store: it writes that it inherits, with a later stamp."""
    laptop, root = share()
    closed = child(laptop, "closed", root, "independent")
    rust = node(2, "rust")
    enter(rust, laptop, root)
    outsider = node(3, "outsider")
    enter(outsider, laptop, root)
    enter(rust, laptop, closed)
    with rust.journal.write(START_MS):
        rust.tree.get(closed.id).write_system([ops.strategy_inherited()], START_MS + 100000000)
    sync(rust, laptop)
    assert closed.system.strategy() == "inherited"
    assert laptop.tree.strategy_of(closed) == "independent"
    for at in (laptop, rust):
        assert not at.members.may_connect(closed.id, key(outsider))
    sync(outsider, laptop)
    sync(outsider, rust)
    assert not has(outsider, closed)


def test_a_middle_list_does_not_reach_below_another():
    laptop, root = share()
    middle = child(laptop, "middle", root, "independent")
    low = child(laptop, "low", middle, "independent")
    plain = child(laptop, "plain", middle)
    friend, both = node(2, "friend"), node(3, "both")
    enter(friend, laptop, middle)
    assert has(friend, middle)
    assert has(friend, plain)
    assert not has(friend, low)
    assert not laptop.members.may_connect(low.id, key(friend))
    assert not laptop.members.may_connect(root.id, key(friend))
    # In the lowest, and revoked in the middle: out of what inherits from the middle, and of nothing else.
    enter(both, laptop, middle)
    enter(both, laptop, low)
    assert has(both, low)
    assert laptop.members.revoke(middle, key(both), START_MS)
    assert not laptop.members.may_connect(middle.id, key(both))
    assert not laptop.members.may_connect(plain.id, key(both))
    assert laptop.members.may_connect(low.id, key(both))
    low.kv.put(b"later", b"v", START_MS)
    plain.kv.put(b"later", b"v", START_MS)
    laptop.journal.commit(START_MS)
    sync(both, laptop)
    assert both.tree.get(low.id).kv.get(b"later") is not None
    assert both.tree.get(plain.id).kv.get(b"later") is None


def test_whoever_is_revoked_from_the_share_is_out_everywhere():
    laptop, root = share()
    middle = child(laptop, "middle", root, "independent")
    low = child(laptop, "low", middle, "independent")
    mallory, guest = node(2, "mallory"), node(3, "guest")
    enter(mallory, laptop, root)
    for replica in (middle, low):
        enter(mallory, laptop, replica)
        enter(guest, laptop, replica)
    assert has(mallory, low)
    assert has(guest, low)
    kept = laptop.invites.create(low, START_MS)
    assert laptop.members.revoke(root, key(mallory), START_MS)
    assert not laptop.members.revoke(root, key(mallory), START_MS)
    for replica in (root, middle, low):
        assert replica.system.peer(key(mallory)).status == PEER_REVOKED
        assert not laptop.members.may_connect(replica.id, key(mallory))
    # A guest of single stores, who never sees the share, hears of it.
    sync(guest, laptop)
    for replica in (middle, low):
        assert not guest.members.may_connect(replica.id, key(mallory))
    # An invite to a store does not lead back in, and is not used up.
    raises(Refused, laptop.invites.accept, low.id, kept.secret, key(mallory), START_MS)
    low.kv.put(b"secret", b"v", START_MS)
    laptop.journal.commit(START_MS)
    raises(Refused, sync, mallory, laptop)
    assert mallory.tree.get(low.id).kv.get(b"secret") is None
    assert laptop.invites.accept(low.id, kept.secret, b"k" * 32, START_MS) == KV


def test_one_list_may_shut_out_who_stays_in_the_share():
    laptop, root = share()
    closed = child(laptop, "closed", root, "independent")
    desk = node(2, "desk")
    enter(desk, laptop, root)
    enter(desk, laptop, closed)
    laptop.members.revoke(closed, key(desk), START_MS)
    closed.kv.put(b"secret", b"v", START_MS)
    laptop.journal.commit(START_MS)
    sync(desk, laptop)
    assert laptop.members.is_active(root, key(desk))
    assert desk.tree.get(closed.id).kv.get(b"secret") is None


def test_only_a_member_makes_stores_below_a_list():
    laptop, root = share()
    closed = child(laptop, "closed", root, "independent")
    desk = node(2, "desk")
    enter(desk, laptop, root)
    there = desk.tree.get(closed.id)
    for act in (
        lambda: desk.create_store("x", KV, there.id, START_MS),
        lambda: desk.invites.create(there, START_MS),
    ):
        assert "none of them" in str(raises(UsageError, act))
    assert there.store.count == 0


def test_a_store_of_an_unknown_type_is_carried_at_any_depth():
    laptop, root = share()
    top = child(laptop, "top", root)
    odd = laptop.founding.child(top, "odd", "core:nobodyknows", START_MS)
    odd.weaver.submit(ops.app(b"whatever"), [], START_MS)
    laptop.journal.commit(START_MS)
    low = child(laptop, "low", odd)
    stick, desk = node(2, "stick"), node(3, "desk")
    enter(stick, laptop, root)
    sync(stick, laptop)
    enter(desk, stick, stick.tree.get(root.id))
    for at in (stick, desk):
        assert not at.tree.get(odd.id).is_known
        assert at.tree.get(odd.id).store.count == odd.store.count
        assert has(at, low)
