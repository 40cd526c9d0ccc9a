"""Control of a stick when something is not as it should be: names, clocks, owners that were revoked."""

from lattice_core.errors import Refused, UsageError
from lattice_core.node.device import FRESH, LATEST_MS, Device
from support import raises
from support.nano import START_MS, NodePair, node

FRIEND = b"f" * 32


def plugged():
    """(world, root, device): a fresh stick on the right."""
    left, right = node(1, "laptop"), node(2, "stick")
    left.create_store("notes", "core:kvstore", None, START_MS)
    world = NodePair(left, right)
    world.device = Device(right.storage)
    world.connect()
    return world, left.tree.roots()[0], world.device


def test_a_stick_that_is_not_set_up_is_no_member():
    world, root, device = plugged()
    left, key = world.left, world.right.identity.public
    count = root.store.count
    for name in ("", "x" * 64):
        raises(UsageError, world.run, world.a.setup(root, name, START_MS + 5))
        assert root.store.count == count  # not even let in
    raises(Refused, world.run, world.a.setup(root, "carrier", LATEST_MS + 1))
    assert device.state == FRESH
    assert world.right.tree.replicas == []
    assert not left.members.may_connect(root.id, key)
    assert left.members.sticks(root) == []
    world.run(world.a.setup(root, "carrier", START_MS + 6))
    assert left.members.may_connect(root.id, key)
    assert left.members.sticks(root) == [key]


def test_a_member_that_refuses_its_setup_stays_a_member():
    world, root, _ = plugged()
    key = world.right.identity.public
    world.left.members.admit(root, key, "", START_MS)
    raises(Refused, world.run, world.a.setup(root, "carrier", LATEST_MS + 1))
    assert world.left.members.may_connect(root.id, key)


def test_an_impossible_time_is_refused_and_changes_nothing():
    world, root, device = plugged()
    world.run(world.a.setup(root, "carrier", START_MS + 5))
    before = device.now_ms(world.now_ms)
    for now_ms in (0, LATEST_MS + 1, 2**64 - 1):
        raises(Refused, world.run, world.a.set_clock(now_ms))
    assert before <= device.now_ms(world.now_ms) < before + 60000


def test_a_revoked_owner_commands_nothing():
    world, root, device = plugged()
    world.run(world.a.setup(root, "carrier", START_MS + 5))
    world.connect()
    world.sync()
    right, owner = world.right, world.left.identity.public
    assert world.run(world.a.status())["status"]["member"]
    right.members.revoke(right.tree.get(root.id), owner, START_MS + 9000)
    world.connect()
    shown = world.run(world.a.status())["status"]
    assert shown["owned"]
    assert not shown["member"]
    assert shown["stores"] == []
    assert shown["name"] == ""
    before = device.now_ms(world.now_ms)
    for command in (world.a.owner_add(FRIEND), world.a.owner_transfer(FRIEND), world.a.set_clock(START_MS + 10**9)):
        assert "revoked" in str(raises(Refused, world.run, command))
    assert device.owners == [owner]
    assert device.now_ms(world.now_ms) < before + 60000
    # Let in again, it commands again.
    right.members.admit(right.tree.get(root.id), owner, "", START_MS + 9001)
    world.connect()
    world.run(world.a.owner_add(FRIEND))
    assert device.owners == [owner, FRIEND]


def test_nobody_commands_a_stick_whose_list_of_members_cannot_be_read():
    world, root, device = plugged()
    world.run(world.a.setup(root, "carrier", START_MS + 5))
    world.connect()
    world.sync()
    right, owner = world.right, world.left.identity.public
    right.members.revoke(right.tree.get(root.id), owner, START_MS + 9000)
    right.tree.replicas.remove(right.tree.get(root.id))
    world.connect()
    before = device.now_ms(world.now_ms)
    for command in (world.a.owner_add(FRIEND), world.a.owner_transfer(FRIEND), world.a.set_clock(START_MS + 10**9)):
        assert "damaged" in str(raises(Refused, world.run, command))
    assert device.owners == [owner]
    assert device.now_ms(world.now_ms) < before + 60000
    assert "damaged" in world.run(world.a.status())["status"]["damage"]


def test_a_stick_is_not_given_to_somebody_who_was_revoked():
    world, root, device = plugged()
    world.run(world.a.setup(root, "carrier", START_MS + 5))
    world.connect()
    world.left.members.admit(root, FRIEND, "", START_MS + 6)
    world.left.members.revoke(root, FRIEND, START_MS + 7)
    world.sync()
    for command in (world.a.owner_add(FRIEND), world.a.owner_transfer(FRIEND)):
        assert "revoked" in str(raises(Refused, world.run, command))
    assert device.owners == [world.left.identity.public]
