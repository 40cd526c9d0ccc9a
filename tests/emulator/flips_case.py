"""One bit flips anywhere in a populated stick: never a crash, never a wrong datum, and its owner fills it again.

FLIPS and SEED in the environment; `make campaign-flips` for many. On the stick's interpreter (test_flash_storage.py).
"""

import gc
import os

from damages import blank, copy, flip, places
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, size_of
from flips import SEED, look, populated, refill, values
from lattice_core.errors import LatticeError
from lattice_flash.segments import LOG
from support import Rng
from support.nano import hashes, same

_path = (os.getenv("IMAGES") or "build") + "/damage.img"
FLIPS = int(os.getenv("FLIPS") or "16")
_AROUND = 64


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


def test_a_flipped_bit():
    made = populated()
    rng = Rng(SEED)
    before = {handle.id: hashes(handle) for handle in made.stick.node.tree.replicas}
    expected = values(made.notes)
    segments = [log_bytes(made, slot) for slot in made.stick.storage.segments.of_kind(LOG)]
    made.stick.chip.dead = True
    copy(_path, _path + ".saved")
    blocks = [at for at in range(FIRMWARE_BYTES, size_of(_path), BLOCK_BYTES) if not blank(at)]
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
