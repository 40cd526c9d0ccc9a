"""A stick taken into a share by its first host: all at once or not at all."""

from lattice_core.errors import Refused, UsageError
from lattice_core.node import device as devices
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from support import raises
from support.nodes import CRYPTO, NOW_MS, meet, reopened, share


def fresh_stick():
    storage = MemoryStorage()
    node = Node(storage, CRYPTO, devices.load_identity(storage, CRYPTO))
    node.open(None)
    return node, devices.Device(storage)


def test_setup_takes_the_stick_into_the_share():
    laptop, root, data = share()
    stick, device = fresh_stick()
    laptop.members.admit(root, stick.identity.public, "carrier", NOW_MS)
    laptop.members.note_stick(root, stick.identity.public)
    stick.set_up_stick(device, laptop.identity.public, "carrier", root.id, root.type, NOW_MS)
    assert (device.state, device.name, device.store_id) == (devices.OWNED, "carrier", root.id)
    assert stick.members.may_connect(root.id, laptop.identity.public)
    again = reopened(stick)
    device = devices.Device(again.storage)
    assert again.name == "carrier"
    assert device.is_owner(laptop.identity.public)
    meet(laptop, again)
    again.after_sync(NOW_MS)
    assert again.tree.find("notes").id == data.id
    assert again.members.may_connect(data.id, laptop.identity.public)
    assert laptop.members.peer_name(again.identity.public) == "carrier"


def test_setup_that_fails_leaves_a_fresh_stick():
    laptop, root, _ = share()
    stick, device = fresh_stick()
    owner = laptop.identity.public
    raises(Refused, stick.set_up_stick, device, owner, "carrier", root.id, "core:other", NOW_MS)
    raises(UsageError, stick.set_up_stick, device, owner, "", root.id, root.type, NOW_MS)
    assert device.state == devices.FRESH
    assert stick.tree.replicas == []
    assert stick.storage.store_ids() == []
    stick.set_up_stick(device, owner, "carrier", root.id, root.type, NOW_MS)
    raises(Refused, stick.set_up_stick, device, b"x" * 32, "mine", b"s" * 16, root.type, NOW_MS)
    assert device.owners == [owner]
    assert len(stick.tree.replicas) == 1


def test_power_lost_in_setup_leaves_it_fresh():
    laptop, root, _ = share()
    stick, device = fresh_stick()
    commit, steps = stick.storage.commit, []

    def cut():
        steps.append(1)
        raise devices.StorageError("power lost")

    stick.storage.commit = cut
    raises(devices.StorageError, stick.set_up_stick, device, laptop.identity.public, "c", root.id, root.type, NOW_MS)
    stick.storage.commit = commit
    again = reopened(stick)
    assert steps
    assert devices.Device(again.storage).state == devices.FRESH
    assert again.tree.replicas == []
    assert again.identity.public == stick.identity.public


def test_a_stick_that_was_never_told_the_time_does_not_write():
    laptop, root, _ = share()
    stick, device = fresh_stick()
    raises(UsageError, stick.create_store, "x", "core:kvstore", None, device.now_ms(5))
    laptop.members.admit(root, stick.identity.public, "carrier", NOW_MS)
    stick.set_up_stick(device, laptop.identity.public, "carrier", root.id, root.type, None)
    meet(laptop, stick)
    stick.after_sync(device.now_ms(5))
    data = stick.tree.find("notes")
    raises(UsageError, data.kv.put, b"k", b"v", device.now_ms(5))
    device.set_clock(laptop.identity.public, True, NOW_MS, 0)
    data.kv.put(b"k", b"v", device.now_ms(5))
    stick.journal.commit(device.now_ms(5))
    assert data.store.chain(stick.identity.public)[0] == 1
