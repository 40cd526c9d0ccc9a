"""One bit flips anywhere in a populated stick: never a crash, never a wrong datum, and its owner fills it again.

FLIPS and SEED in the environment; `make campaign-flips` for many. On the stick's interpreter (test_flash_storage.py).
"""

import gc
import os

from damage_case import _blank, copy, desk, flip, places
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, size_of
from lattice_core.errors import LatticeError
from lattice_flash.segments import LOG
from nano_support import hashes, same
from support import Rng

_path = (os.getenv("IMAGES") or "build") + "/damage.img"
FLIPS = int(os.getenv("FLIPS") or "16")
SEED = int(os.getenv("SEED") or "1")
_AROUND = 64


def populated():
    """A laptop, a visitor and a stick that has everything: own writes, content, a large body, a checkpoint."""
    made = desk(SEED)
    made.join()
    made.large()
    made.blob()
    made.blob()
    made.housekeeping()
    for _ in range(3):
        made.ingest()
        made.own()
    made.blob()
    assert made.sync().complete
    return made


def values(handle):
    """{key: value} of what can be read; what is damaged is left out."""
    found = {}
    for entry in handle.kv.list():
        try:
            if handle.weaver.read(entry.winner.hash) is None:
                continue
            value = entry.value()
            found[bytes(entry.key)] = value.read(0, value.size)
        except LatticeError:
            pass
    return found


def programmed(rng, blocks):
    """Offset of a byte that something was written to."""
    while True:
        block = rng.choice(blocks)
        with open(_path, "rb") as file:
            file.seek(block)
            data = file.read(BLOCK_BYTES)
        for _ in range(40):
            at = rng.below(BLOCK_BYTES)
            if data[at] != 0xFF:
                return block + at


def log_bytes(made, slot):
    slots = made.stick.storage.segments
    return b"".join([slots.read_some(slot, at, 4096) for at in range(0, slots.sizes[slot], 4096)])


def logged(rng, segments):
    """Offsets of one byte of the log: where it lies, and where an older copy of its block was left."""
    while True:
        segment = rng.choice(segments)
        at = rng.below(len(segment) - _AROUND)
        found = places(segment[at : at + _AROUND])  # so many that a record's own bytes are among them: no other place
        if found:
            return [place + _AROUND // 2 for place in found]


def look(made, before, expected):
    """Nothing that the stick shows is wrong, whatever is missing."""
    node = made.stick.node
    for handle in node.stores:
        known = before[handle.id]
        assert hashes(handle) <= known, "something that was never there"
        assert not list(handle.weaver.forks()), "a fork"
    notes = node.get(made.notes.id)
    if notes is not None and hashes(notes) == before[made.notes.id]:
        for key, value in values(notes).items():
            assert value == expected[key], key
    if not node.lists.any_cut():
        for root in node.roots():
            for peer in made.laptop.peers(made.root):
                listed = root.system.peer(peer.key)
                assert listed is not None, "another list"
                assert listed.status == peer.status, "another list"


def refill(made):
    """Idle, the stick finds what is damaged and nobody has asked for; the owner syncs until both hold the same."""
    while made.stick.node.look_over():
        pass
    made.stick.node.commit(made.now_ms)
    said = []
    for _ in range(4):
        try:
            report = made.sync()
            if report.complete and same(made.laptop, made.stick.node):
                break
            said.append([str(error) for _, error in report.errors])
        except LatticeError as error:
            said.append(str(error))
        if made.stick.storage.hurt:
            made.stick.boot()  # as the main loop does
    assert same(made.laptop, made.stick.node), (made.stick.storage.damage, said)
    for handle in made.laptop.stores:
        there = made.stick.node.get(handle.id)
        assert there.weaver.state_hash() == handle.weaver.state_hash(), "another state"
        assert there.weaver.read_only is None
        assert not list(handle.weaver.forks())
    there = made.stick.node.get(made.notes.id)
    for file in made.notes.files.list():
        assert there.files.held(there.files.get(file.path)), "content did not come back"
        found = b"".join(there.files.read(there.files.get(file.path).entry))
        assert found == b"".join(made.notes.files.read(file.entry)), "other content"


def test_a_flipped_bit():
    made = populated()
    rng = Rng(SEED)
    before = {handle.id: hashes(handle) for handle in made.stick.node.stores}
    expected = values(made.notes)
    segments = [log_bytes(made, slot) for slot in made.stick.storage.segments.of_kind(LOG)]
    made.stick.chip.dead = True
    copy(_path, _path + ".saved")
    blocks = [at for at in range(FIRMWARE_BYTES, size_of(_path), BLOCK_BYTES) if not _blank(at)]
    groups = (blocks, None, None, blocks[:2])  # anywhere, in the log twice, in the root folder's blocks
    stopped = named = silent = 0
    for number in range(FLIPS):
        gc.collect()
        blocks = groups[number % 4]
        spots = [programmed(rng, blocks)] if blocks else logged(rng, segments)
        bit = 1 << rng.below(8)
        for at in spots:
            flip(at, bit)
        try:
            try:
                made.stick.boot()
            except LatticeError:
                stopped += 1
                continue
            if made.stick.storage.damage:
                named += 1
            else:
                silent += 1
            look(made, before, expected)
            refill(made)
            made.stick.boot()
            assert same(made.laptop, made.stick.node)
        except Exception as error:
            print("seed %d, flip %d: bit %d at %s: %s" % (SEED, number, bit, spots, error))
            raise
        finally:
            made.stick.chip.dead = True
            copy(_path + ".saved", _path)
    print("%d flips: %d named, %d nothing to be seen, %d not started" % (FLIPS, named, silent, stopped))
    assert named
    assert silent
    assert stopped < FLIPS // 5
