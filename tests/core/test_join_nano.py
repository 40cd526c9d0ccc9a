"""Joining at a Nano peer: who sees the secret, who gets in, and what everybody else is told."""

from lattice_core.errors import Refused, StorageError, UsageError
from lattice_core.model.token import Token
from lattice_core.node.members import key_text
from support import crypto, raises
from support.nano import START_MS, NodePair, node, same


def share():
    """(laptop, its root, a token): a share with one data store."""
    laptop = node(1, "laptop")
    laptop.create_store("private notes", "core:kvstore", None, START_MS)
    root = laptop.tree.roots()[0]
    return laptop, root, laptop.invites.create(root, START_MS)


def attempt(joiner, server, token):
    """Joins over a recorded connection; returns (error or None, world)."""
    world = NodePair(joiner, server, record=True)
    task = world.a.join(token)
    try:
        world.run(task)
    except Refused as error:
        return error, world
    return None, world


def seen_by(connection):
    """Everything an end has read, in any stream."""
    return connection.input()


def member(laptop, root, number, name):
    """A node that is in the share already."""
    other = node(number, name)
    error, _ = attempt(other, laptop, laptop.invites.create(root, START_MS))
    assert error is None
    return other


def test_joining_at_the_inviter():
    laptop, root, token = share()
    phone = node(2, "phone")
    error, world = attempt(phone, laptop, token)
    assert error is None
    assert world.a.complete
    assert same(laptop, phone)
    assert laptop.members.status_of(root, phone.identity.public) is not None
    assert laptop.members.peer_name(phone.identity.public) == "phone", "its name came back in the same session"
    assert token.secret in seen_by(world.pair.b)


def test_joining_at_a_listed_stick_that_never_met_the_joiner():
    laptop, root, _ = share()
    stick = member(laptop, root, 3, "stick")
    token = laptop.invites.create(root, START_MS)
    assert stick.identity.public in token.listed
    NodePair(laptop, stick).sync()
    desktop = node(4, "desktop")
    error, _world = attempt(desktop, stick, token)
    assert error is None
    assert same(stick, desktop)
    NodePair(laptop, stick).sync()
    assert laptop.members.may_connect(root.id, desktop.identity.public)


def impostor_sees_nothing(joiner, impostor, token):
    error, world = attempt(joiner, impostor, token)
    assert error is not None, error
    assert "only at" in str(error), error
    assert token.secret not in seen_by(world.pair.b)
    assert seen_by(world.pair.b) == b"", "a peer that may not see it hears nothing at all"
    assert not joiner.tree.replicas
    return str(error)


def test_a_stranger_never_sees_the_secret():
    _, _, token = share()
    impostor_sees_nothing(node(2, "phone"), node(66, "stranger"), token)


def test_a_stick_revoked_before_the_invite_never_sees_the_secret():
    laptop, root, _ = share()
    stick = member(laptop, root, 3, "stick")
    laptop.members.revoke(root, stick.identity.public, START_MS)
    token = laptop.invites.create(root, START_MS)
    assert stick.identity.public not in token.listed
    words = impostor_sees_nothing(node(2, "phone"), stick, token)
    assert key_text(laptop.identity.public)[:8] in words, "the user reads where the invite can be redeemed"


def test_a_relay_in_the_middle_never_sees_the_secret():
    """It has its own identity on both sides: the connection says so, whatever it would pass on."""
    laptop, _root, token = share()
    relay = node(66, "relay")
    outside = NodePair(node(2, "phone"), relay, record=True)
    task = outside.a.join(token)
    inside = NodePair(relay, laptop, record=True)
    passing = []
    for _ in range(200):
        outside.now_ms += 1
        outside.a.step(outside.now_ms)
        stream = outside.pair.b.accept_stream()
        if stream is not None:
            passing.append((stream, inside.pair.a.open_stream()))
        for left, right in passing:
            right.write(left.read(4096))
            left.write(right.read(4096))
        inside.b.step(outside.now_ms)
    assert task.done
    assert isinstance(task.error, Refused)
    assert token.secret not in seen_by(outside.pair.b)
    assert token.secret not in seen_by(inside.pair.b)


def test_what_a_stranger_with_a_wrong_token_learns():
    laptop, _root, token = share()
    wrong = Token(token.store_id, bytes(32), token.inviter)
    error, world = attempt(node(2, "phone"), laptop, wrong)
    assert "not known here" in str(error)
    elsewhere = Token(b"\x05" * 16, bytes(32), token.inviter)
    same_words, other = attempt(node(3, "tablet"), laptop, elsewhere)
    assert str(same_words) == str(error), "which stores there are stays hidden"
    for connection in (world.pair.a, other.pair.a):
        assert b"notes" not in seen_by(connection)
        assert b"laptop" not in seen_by(connection)


def test_a_token_works_once():
    laptop, _root, token = share()
    assert attempt(node(2, "phone"), laptop, token)[0] is None
    error, _ = attempt(node(3, "thief"), laptop, token)
    assert "used already" in str(error)


def test_a_revoked_invite_is_refused():
    laptop, root, token = share()
    laptop.invites.revoke(root, key_text(token.invite_id(crypto()))[:12], START_MS)
    error, _ = attempt(node(2, "phone"), laptop, token)
    assert "revoked" in str(error)


def test_a_revoked_member_is_refused_in_words():
    laptop, root, token = share()
    phone = node(2, "phone")
    attempt(phone, laptop, token)
    laptop.members.revoke(root, phone.identity.public, START_MS)
    count = root.weaver.store.count
    world = NodePair(phone, laptop)
    error = raises(Refused, world.run, world.a.sync())
    assert "revoked" in str(error)
    assert root.weaver.store.count == count


def test_nothing_is_answered_when_the_claim_was_not_stored():
    laptop, _root, token = share()
    world = NodePair(node(2, "phone"), laptop, record=True)
    task = world.a.join(token)
    commit = laptop.storage.commit

    def failing():
        raise StorageError("the medium is gone")

    laptop.storage.commit = failing
    for _ in range(20):
        world.now_ms += 1
        world.a.step(world.now_ms)
        try:
            world.b.step(world.now_ms)
        except StorageError:
            world.b.close("the medium failed")
    laptop.storage.commit = commit
    assert task.done
    assert task.error is not None
    assert not world.left.tree.replicas
    assert b"core:rootstore" not in seen_by(world.pair.a)
    assert attempt(node(3, "tablet"), laptop, token)[0] is None, "the invite is still good"


def test_joining_again_is_a_local_mistake():
    laptop, root, token = share()
    phone = node(2, "phone")
    attempt(phone, laptop, token)
    world = NodePair(phone, laptop)
    task = world.a.join(laptop.invites.create(root, START_MS))
    raises(UsageError, world.run, task)
    assert "already" in str(task.error)


def test_an_interrupted_join_can_be_repeated():
    laptop, _root, token = share()
    phone = node(2, "phone")
    for budget in range(40, 4000, 120):
        world = NodePair(phone, laptop, budget=budget)
        task = world.a.sync() if phone.tree.replicas else world.a.join(token)
        for _ in range(100):
            world.now_ms += 1
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
        if task.done and task.error is None:
            break
    assert same(laptop, phone)
