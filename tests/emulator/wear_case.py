"""How small durable writes wear the flash. On the stick's interpreter.

    micropython -X heapsize=6000000 tests/emulator/wear_case.py BLOCKS COMMITS FILL RECORDS COMMITS_PER_BOOT SEED

A chip with BLOCKS for data is filled to FILL percent with content that stays; then COMMITS small writes follow, each
durable by itself, with a change of the records where RECORDS is 1 (an own write moves the tip that is noted there). The
plug is pulled now and then: littlefs begins elsewhere on the chip each time. Prints one JSON line: the erases of the
hottest block, of the block pair of the root, and the mean of all blocks that were free or were ever erased since.
"""

import gc
import json
import os
import sys

from firmware import mount
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, Nor, make_image
from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage
from support import Rng, crypto

STORE = b"a store to wear."
_CONTENT_BYTES = 32768
_KEYS = 50


class Worn(Nor):
    """A chip that counts the erases of each block."""

    counts = []
    pages = [0]

    def _erase(self, block):
        Nor._erase(self, block)
        self.counts[block] += 1

    def _program(self, at, page):
        Nor._program(self, at, page)
        self.pages[0] += 1


def run(blocks, commits, fill, with_records, commits_per_boot, seed):
    path = (os.getenv("IMAGES") or "build") + "/wear-%d-%d.img" % (fill, with_records)
    make_image(path, FIRMWARE_BYTES + blocks * BLOCK_BYTES)
    memory = Memory()
    rng = Rng(seed)
    chip = Worn(path)
    Worn.counts = [0] * blocks
    storage = FlashStorage(mount.mount(chip), crypto().random, memory)
    for number in range(6):
        storage.put_record(b"record %d" % number, rng.bytes(40))
    _fill(storage, fill, rng)
    free = storage.segments.free // BLOCK_BYTES
    Worn.counts = [0] * blocks
    Worn.pages[0] = 0
    for number in range(commits):
        if number and number % commits_per_boot == 0:
            chip.dead = True
            chip = Worn(path)
            storage = FlashStorage(mount.mount(chip), crypto().random, memory)
        if number % 16 == 0:
            gc.collect()  # closes what is left of files
        storage.store(STORE).put_row(0x6D, b"key %d" % rng.below(_KEYS), rng.bytes(20) * (1 + rng.below(10)))
        if with_records:
            storage.put_record(b"own/" + STORE, rng.bytes(36))
        storage.commit()
        storage.idle()
    counts = Worn.counts
    touched = len([1 for count in counts if count])
    report = {"commits": commits, "fill": fill, "records": with_records, "free": free, "touched": touched}
    report["mean"] = sum(counts) / max(free, touched)
    report["hottest"] = max(counts)
    report["root"] = counts[:2]
    report["erases_each"] = sum(counts) / commits
    report["programs_each"] = Worn.pages[0] / commits
    print(json.dumps(report))


def _fill(storage, percent, rng):
    store = storage.store(STORE)
    total = storage.segments.total
    while (total - storage.segments.free) * 100 < total * percent:
        store.put_blob(rng.bytes(32), rng.bytes(32) * (min(_CONTENT_BYTES, _still(storage, percent)) // 32))
        storage.commit()


def _still(storage, percent):
    """Bytes up to that fill, in whole blocks."""
    bytes_left = storage.segments.total * percent // 100 - storage.segments.total + storage.segments.free
    return max(bytes_left // BLOCK_BYTES * BLOCK_BYTES, BLOCK_BYTES)


if __name__ == "__main__":
    run(*[int(word) for word in sys.argv[1:7]])
