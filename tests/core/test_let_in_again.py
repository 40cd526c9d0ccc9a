"""Who was revoked comes back with a new invite, over either protocol, and is told so until then; invites expire."""

from lattice_core.errors import Refused, UsageError
from lattice_core.node import invites
from lattice_core.wire.messages import INVITE_REVOKED, INVITE_VALID, PEER_REVOKED
from support import crypto, raises
from support.nano import START_MS, NodePair, node, same
from support.reference import RefWorld


def shut_out(world_of):
    """(laptop, its root, a phone that was a member and is revoked, and has written meanwhile)."""
    laptop = node(1, "laptop")
    laptop.create_store("notes", "core:kvstore", None, START_MS)
    root = laptop.tree.roots()[0]
    phone = node(2, "phone")
    world = world_of(phone, laptop)
    world.run(world.a.join(laptop.invites.create(root, START_MS)))
    laptop.members.revoke(root, phone.identity.public, START_MS + 1)
    phone.tree.find("notes").kv.put(b"k", b"written meanwhile", START_MS + 2)
    phone.journal.commit(START_MS + 2)
    return laptop, root, phone


def test_a_revoked_node_comes_back_with_a_new_invite():
    for world_of in (NodePair, RefWorld):
        laptop, root, phone = shut_out(world_of)
        world = world_of(phone, laptop)
        words = str(raises(Refused, world.run, world.a.sync()))
        assert "active member" in words
        assert "revoked" in words
        # It has not heard of it: by its own list it is in.
        token = laptop.invites.create(root, START_MS)
        raises(UsageError, phone.begin_join, token)
        world = world_of(phone, laptop)
        report = world.run(world.a.join(token, True))
        assert report.complete
        assert laptop.members.may_connect(root.id, phone.identity.public)
        assert same(laptop, phone)
        assert laptop.tree.find("notes").kv.get(b"k") is not None
        # Once more changes nothing, and uses no invite up.
        spare = laptop.invites.create(root, START_MS)
        world = world_of(phone, laptop)
        world.run(world.a.join(spare, True))
        assert root.system.invite(spare.invite_id(crypto())).status == INVITE_VALID


def test_a_revoked_node_that_has_heard_of_it_joins_as_before():
    for world_of in (NodePair, RefWorld):
        laptop, root, phone = shut_out(world_of)
        there = phone.tree.get(root.id)
        for _, hash, _, _ in root.store.witness_log():
            there.weaver.ingest(root.store.get(hash), START_MS + 3)
        phone.journal.commit(START_MS + 3)
        assert there.system.peer(phone.identity.public).status == PEER_REVOKED
        world = world_of(phone, laptop)
        assert world.run(world.a.join(laptop.invites.create(root, START_MS))).complete
        assert same(laptop, phone)


def test_a_join_that_was_cut_goes_on():
    laptop = node(1, "laptop")
    notes = laptop.create_store("notes", "core:kvstore", None, START_MS)
    for number in range(25):
        notes.kv.put(b"key %d" % number, b"x" * 50, START_MS + number)
    laptop.journal.commit(START_MS)
    root = laptop.tree.roots()[0]
    token = laptop.invites.create(root, START_MS)
    phone = node(2, "phone")
    for steps in (3, 6, 10, 15, 25, 40, 60):
        world = NodePair(phone, laptop)
        world.a.join(token, phone.tree.get(root.id) is not None)
        for _ in range(steps):
            world.now_ms += 1
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
    world = NodePair(phone, laptop)
    assert world.run(world.a.join(token, phone.tree.get(root.id) is not None)).complete
    assert same(laptop, phone)


def test_an_invite_ends_when_its_time_has_come():
    laptop = node(1, "laptop")
    laptop.create_store("notes", "core:kvstore", None, START_MS)
    root = laptop.tree.roots()[0]
    stick = node(3, "stick")
    world = NodePair(stick, laptop)
    world.run(world.a.join(laptop.invites.create(root, START_MS)))
    end_s = START_MS // 1000 + 600
    end_ms = end_s * 1000
    token = laptop.invites.create(root, START_MS, None, end_s, "for Anna")
    invite_id = token.invite_id(crypto())
    assert invites.noted(root, invite_id) == (end_s, "for Anna")
    # The joiner's clock, the server's by what the token says, the maker's by what it has noted.
    late = NodePair(node(2, "late"), laptop, end_ms)
    assert "expired" in str(raises(Refused, late.run, late.a.join(token)))
    for said in (0, end_s):
        raises(Refused, laptop.invites.accept, root.id, token.secret, b"j" * 32, end_ms, said)
    NodePair(stick, laptop).sync()
    raises(Refused, stick.invites.accept, root.id, token.secret, b"j" * 32, end_ms, end_s)
    assert not laptop.invites.is_redeemable(root, root.system.invite(invite_id), end_ms)
    assert laptop.invites.end_expired(end_ms - 1) == 0
    assert root.system.invite(invite_id).status == INVITE_VALID
    assert laptop.invites.end_expired(end_ms) == 1
    assert laptop.invites.end_expired(end_ms) == 0
    assert root.system.invite(invite_id).status == INVITE_REVOKED
    # Where the revocation has not arrived, whoever does not say when it ends is let in: this is said where it is made.
    stick.invites.accept(root.id, token.secret, b"r" * 32, end_ms)
