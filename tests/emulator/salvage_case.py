"""A log that lost records: what is intact stays, what is lost comes back, and a cut list of members decides nothing.

Runs on the stick's interpreter (test_flash_storage.py).
"""

import os
from binascii import crc32

from damages import damage_intention, desk, flip, heal, places
from firmware.ports.nor import BLOCK_BYTES
from lattice_core.errors import LatticeError, Refused
from lattice_flash.layout import COMMIT, INTENTION, RECORD, ROW, SEGMENT
from lattice_flash.replay import scan
from lattice_flash.segments import LOG
from support import raises
from support.nano import hashes, node, same

_path = (os.getenv("IMAGES") or "build") + "/damage.img"


def records(made, kind):
    """(slot, offset, payload) of all intact records of a kind."""
    slots = made.stick.storage.segments
    found = []
    for slot in slots.of_kind(LOG):
        for at, what, payload in scan(slots, slot, 0):
            if what == kind:
                found.append((slot, at, bytes(payload)))
    return found


def find(made, slot, offset, count=16):
    """Where bytes of a log segment lie in the image: all places that hold them."""
    return places(made.stick.storage.segments.read(slot, offset, count))


def flip_record(made, slot, offset, at, bit=1):
    """Flips a bit of a record, at its byte `at`; the stick then boots."""
    back = 0 if offset < 12 else 12
    spots = find(made, slot, offset - back, back + 12)
    made.stick.chip.dead = True
    assert spots
    for spot in spots:
        flip(spot + back + at, bit)
    made.stick.boot()


def state(made):
    return [handle.weaver.state_hash() for handle in made.stick.node.tree.replicas]


def works(made):
    """After a sync the stick has what the laptop has, also after boots with and without what tidying up leaves."""
    heal(made)
    for handle in made.laptop.tree.replicas:
        assert made.stick.node.tree.get(handle.id).weaver.state_hash() == handle.weaver.state_hash()
    for _ in range(300):
        if not made.stick.storage.idle():
            break
    assert not made.stick.storage.damaged
    made.stick.boot()
    assert not made.stick.storage.damage
    assert not made.stick.storage.salvaged
    assert same(made.laptop, made.stick.node)
    made.stick.storage.checkpoint.remove()
    made.stick.boot()
    assert same(made.laptop, made.stick.node)
    assert not made.stick.storage.damage
    made.ingest()
    made.own()
    heal(made)


def test_what_is_behind_a_damaged_record_is_kept():
    made = desk(11)
    before = hashes(made.stick.node.tree.get(made.notes.id))
    victim = made.notes.store.witness_at(3)[0]  # the laptop's chain goes on behind it, the stick's does not need it
    damage_intention(made, victim)
    there = made.stick.node.tree.get(made.notes.id)
    floating = set(there.store.floating())
    assert hashes(there) | floating == before - {victim}
    own = there.store.chain(made.stick.node.identity.public)
    assert own[0] > 0 or made.stick.node.identity.public in [there.store.get(hash).author for hash in floating]
    works(made)


def test_any_kind_of_record_may_be_damaged():
    for kind, at in ((INTENTION, 100), (ROW, 12), (COMMIT, 9), (INTENTION, 4), (ROW, 7), (SEGMENT, 9)):
        made = desk(12)
        slot, offset, _ = records(made, kind)[len(records(made, kind)) // 3]
        flip_record(made, slot, offset, at)
        assert made.stick.storage.damage, (kind, at)
        works(made)


def test_the_last_commit_may_be_damaged():
    made = desk(13)
    before = state(made)
    slot, offset, _ = records(made, COMMIT)[-1]
    flip_record(made, slot, offset, 9)
    assert made.stick.storage.damage
    assert state(made) == before
    works(made)


def test_a_block_of_garbage_costs_what_is_in_it():
    made = desk(14)
    slot, offset, _ = records(made, INTENTION)[12]
    block = find(made, slot, offset, 40)[-1] // BLOCK_BYTES * BLOCK_BYTES
    made.stick.chip.dead = True
    with open(_path, "r+b") as file:
        file.seek(block + 64)
        file.write(b"\x5a" * 2000)
    made.stick.boot()
    assert made.stick.storage.damage
    works(made)


def test_bytes_that_look_like_a_record_are_none():
    """A value may hold the very bytes of a record; behind damage nothing but the chip's own records is found."""
    made = desk(15)
    # An owner record of somebody else's, as the log would hold it, and its COMMIT; with plain CRCs.
    owner = b"\x01\x06device" + b"\x01\x01" + b"e" * 32 + made.root.id + b"mine"
    forged = b""
    for kind, payload in ((RECORD, owner), (COMMIT, (10**6).to_bytes(4, "little"))):
        head = (kind << 24 | len(payload)).to_bytes(4, "little")
        record = crc32(head + payload).to_bytes(4, "little") + head + payload
        forged += record + bytes(-len(record) % 4)
    for shift in range(4):
        made.notes.kv.put(b"trap %d" % shift, bytes(shift) + forged * 3, made.now_ms)
    made.laptop.journal.commit(made.now_ms)
    made.sync()
    for slot, offset, payload in records(made, INTENTION):
        if forged in payload:
            break
    flip_record(made, slot, offset, 4)  # its length is wrong now: what is behind is searched for
    assert made.stick.storage.damage
    assert made.stick.storage.batch < 10**6
    assert made.stick.device.owners == [made.laptop.identity.public]
    works(made)


def cut(made):
    """Damages the root's second intention on the stick."""
    damage_intention(made, made.root.store.witness_at(2)[0])


def test_a_cut_list_lets_in_the_owner_alone_and_only_to_mend_it():
    made = desk(16)
    made.join()
    visitor = made.shown["joined"][0]
    visitor.tree.get(made.notes.id).kv.put(b"only here", b"precious", made.now_ms)
    visitor.journal.commit(made.now_ms)
    world = made.world(visitor)
    assert world.run(world.a.sync()).complete
    cut(made)
    stick = made.stick
    root = stick.node.tree.get(made.root.id)
    for _ in range(2):
        assert stick.node.members.is_cut(stick.node.tree.get(made.root.id))
        for who in (visitor, made.laptop):
            assert not stick.node.members.may_connect(made.root.id, who.identity.public)
            assert not stick.node.members.may_connect(made.notes.id, who.identity.public)
        world = made.world(visitor)
        raises(Refused, world.run, world.a.sync())
        shown = world.run(world.a.status())["status"]
        assert not shown["member"]
        assert not shown["stores"]
        # Neither clock nor owners, for nobody.
        for who in (visitor, made.laptop):
            world = made.world(who)
            before = stick.device.now_ms(world.now_ms)
            raises(Refused, world.run, world.a.set_clock(made.now_ms + 10**8))
            raises(Refused, world.run, world.a.owner_add(b"f" * 32))
            assert stick.device.now_ms(world.now_ms) < (before or 0) + 60000
            raises(Refused, world.run, world.a.start(_ask_content(world.a, made.notes.id, made.root.id), "content"))
        stranger = made.world(node(77, "stranger"))
        assert "damaged" not in str(
            raises(Refused, stranger.run, stranger.a.start(_open(stranger.a, made.root.id), "x"))
        )
        world = made.world()
        shown = world.run(world.a.status())["status"]
        assert shown["member"]
        assert "members" in shown["damage"]
        assert shown["last_error"] == stick.device.last_error()
        stick.boot()  # it is not forgotten
    root = stick.node.tree.get(made.root.id)
    assert root.weaver.parked == 0
    report = made.sync()
    assert report.complete
    assert not stick.node.members.lists.any_cut()
    assert made.notes.kv.get(b"only here") is not None
    works(made)
    world = made.world(visitor)
    assert world.run(world.a.sync()).complete


def _ask_content(peer, store_id, root_id):
    frames = peer.open()
    frames.post({"blob_open": {"store_id": store_id, "root_id": root_id}})
    yield from peer.answer(frames)


def _open(peer, store_id):
    frames = peer.open()
    frames.post({"open": {"store_id": store_id, "salt": b"s" * 8, "sum": 0}})
    yield from peer.answer(frames)


def test_a_cut_list_does_not_bring_back_a_revoked_owner():
    made = desk(17)
    made.join()
    desktop = made.shown["joined"][0]
    laptop = made.laptop
    world = made.world()
    world.run(world.a.owner_add(desktop.identity.public))
    root = desktop.tree.get(made.root.id)
    desktop.members.revoke(root, laptop.identity.public, made.now_ms)
    world = made.world(desktop)
    assert world.run(world.a.sync()).complete
    stick = made.stick
    assert stick.node.members.is_revoked(made.root.id, laptop.identity.public)
    revocation = root.store.chain(desktop.identity.public)[1]
    stick.node.tree.get(made.notes.id).kv.put(b"secret", b"not for the laptop", made.now_ms)
    stick.node.journal.commit(made.now_ms)
    damage_intention(made, revocation)
    assert not stick.node.members.is_revoked(made.root.id, laptop.identity.public), "that is what was lost"
    for attempt in range(3):
        # It may bring what it likes, as much as was lost or more: the list does not become whole by it.
        laptop.invites.create(made.root, made.now_ms + attempt)
        world = made.world()
        try:
            report = world.run(world.a.sync())
            assert not report.complete
        except LatticeError:
            pass
        assert stick.node.members.is_cut(stick.node.tree.get(made.root.id))
        assert not stick.node.members.may_connect(made.notes.id, laptop.identity.public)
        assert made.notes.kv.get(b"secret") is None
        if attempt:
            for _ in range(300):
                if not stick.storage.idle():
                    break
        stick.boot()
        assert stick.node.members.is_cut(stick.node.tree.get(made.root.id))
    # The other owner has what was lost.
    world = made.world(desktop)
    assert world.run(world.a.sync()).complete
    assert not stick.node.members.lists.any_cut()
    assert stick.node.members.is_revoked(made.root.id, laptop.identity.public)
    assert desktop.tree.get(made.notes.id).kv.get(b"secret") is not None
    world = made.world()
    raises(Refused, world.run, world.a.sync())


def test_a_list_that_lost_nothing_is_trusted():
    made = desk(18)
    damage_intention(made, made.notes.store.witness_at(4)[0])
    assert made.stick.storage.salvaged
    assert not made.stick.node.members.lists.any_cut()
    assert made.sync().complete
