"""Flash that lost bits: what is damaged is noticed, given up as little as possible, and comes back from a peer.

Runs on the stick's interpreter (test_flash_storage.py).
"""

import gc

from damages import _path, blank, copy, damage_intention, desk, flip, heal, places
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, size_of
from lattice_core.errors import LatticeError
from support import Rng
from support.nano import hashes, same


def test_a_damaged_intention_comes_back():
    made = desk(1)
    count = made.notes.store.count
    middle = made.notes.store.witness_at(count // 2)[0]
    damage_intention(made, middle)
    there = made.stick.node.tree.get(made.notes.id)
    assert made.stick.storage.damage
    assert there.weaver.witnessed_count() < count
    assert not there.store.has(middle)
    held = hashes(there)
    made.stick.boot()
    assert hashes(made.stick.node.tree.get(made.notes.id)) == held
    made.laptop.journal.commit(made.now_ms)
    heal(made)


def test_a_stick_that_lost_own_writes_writes_nothing_until_they_are_back():
    made = desk(2)
    own = made.shown["own"][2]
    damage_intention(made, own)
    there = made.stick.node.tree.get(made.notes.id)
    assert there.weaver.read_only
    try:
        there.kv.put(b"fork", b"!", made.now_ms)
        raise AssertionError("it wrote")
    except LatticeError:
        made.stick.node.journal.rollback()
    heal(made)
    made.own()
    heal(made)


def test_a_damaged_copy_of_the_records_is_replaced():
    made = desk(3)
    before = dict(made.stick.storage.records)
    made.stick.chip.dead = True
    copy(_path, _path + ".saved")
    found = places(b"LNR1")
    assert len(found) >= 2
    for at in found:
        copy(_path + ".saved", _path)
        flip(at + 5)
        for _ in range(2):
            made.stick.boot()
            assert made.stick.storage.records == before
            made.check()
            made.stick.chip.dead = True


def test_a_damaged_checkpoint_is_not_used():
    made = desk(4)
    made.housekeeping()
    assert made.stick.storage.checkpoint.position[0] > 0
    made.stick.chip.dead = True
    for at in places(b"LNX1"):
        flip(at + 30)
    made.stick.boot()
    assert made.stick.storage.checkpoint.position == (0, 0)
    made.check()
    assert same(made.laptop, made.stick.node)


def test_any_flipped_bit_is_named_or_costs_no_own_write():
    """A bit of littlefs' own can take back the last batch unseen, when nothing of ours was in it: the peer that sent
    it sends it again."""
    made = desk(5)
    rng = Rng(6)
    before = _state(made)
    made.stick.chip.dead = True
    copy(_path, _path + ".saved")
    used = [at for at in range(FIRMWARE_BYTES, size_of(_path), BLOCK_BYTES) if not blank(at)]
    named = 0
    for number in range(100):
        gc.collect()
        block = used[number % 2] if number < 50 else rng.choice(used)  # the root folder's blocks above all
        flip(block + rng.below(BLOCK_BYTES), 1 << rng.below(8))
        try:
            made.stick.boot()
            reports = [handle.weaver.verify() for handle in made.stick.node.tree.replicas]
            if made.stick.storage.damage or not all(report.ok() for report in reports):
                named += 1
            else:
                stores, records = _state(made)
                assert records == before[1]
                assert all(now[:1] == then[:1] and now[1] <= then[1] for now, then in zip(stores, before[0]))
        except LatticeError:
            named += 1
        made.stick.chip.dead = True
        copy(_path + ".saved", _path)
    assert 0 < named < 100


def _state(made):
    """What nobody may lose without a word."""
    node = made.stick.node
    records = dict(made.stick.storage.records)
    records.pop(b"clock")  # may lag
    return [(handle.id, handle.store.count) for handle in node.tree.replicas], records
