"""Cuts the power while littlefs moves the blocks of a folder that has been written often. On the stick's interpreter.

Small commits are made until the root is written, which happens when a folder has moved; then the commits just before
and behind that are done again from a copy of the chip, with a power cut at each of their flash operations.
"""

import gc
import os

from firmware.mount import mount
from firmware.ports.nor import BLOCK_BYTES, Nor, PowerCut
from lattice_core.errors import StorageError
from lattice_core.storage.contract import TABLE_DATA
from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage
from support import Rng, crypto

_FOLDER = os.getenv("IMAGES") or "build"
_path = _FOLDER + "/moving.img"
_copy = _FOLDER + "/moving-before.img"
_BLOCKS = 96
_COMMITS_PER_COPY = 40
_LONGEST = 4000  # commits until something moves
_STORE = b"a store to move."
_memory = Memory()


class Watched(Nor):
    """A chip that tells when the first two blocks, which hold the root, were written last."""

    at_root = 0

    def writeblocks(self, block, buffer, offset=None):
        if block < 2:
            self.at_root = self.erases + self.programs
        return Nor.writeblocks(self, block, buffer, offset)


def _copy_file(source, target):
    with open(source, "rb") as file, open(target, "wb") as copy:
        while True:
            piece = file.read(BLOCK_BYTES)
            if not piece:
                return
            copy.write(piece)


def _start(cut_at=0):
    chip = Watched(_path, cut_at, 0)
    gc.collect()
    return chip, FlashStorage(mount(chip), crypto().random, _memory)


def _commit(storage, number, with_record):
    storage.store(_STORE).put_row(TABLE_DATA, b"key %d" % (number % 3), b"%d " % number * 10)
    if with_record:
        storage.put_record(b"tip", b"%d" % number)
    storage.commit()
    storage.idle()


def _expected(number, with_record):
    """The rows and the record when `number` was the last commit."""
    rows = {}
    for made in range(max(0, number - 2), number + 1):
        rows[b"key %d" % (made % 3)] = b"%d " % made * 10
    return rows, b"%d" % number if with_record else None


def _found(storage):
    return dict(storage.store(_STORE).rows(TABLE_DATA)), storage.record(b"tip")


def _until_a_folder_moves(with_record):
    """(first commit behind the copy, first and last flash operation of interest, counted from the mount of it)"""
    with open(_path, "wb") as file:
        for _ in range(_BLOCKS):
            file.write(b"\xff" * BLOCK_BYTES)
    chip, storage = _start()
    for number in range(20):
        _commit(storage, number, with_record)
    for first in range(20, _LONGEST, _COMMITS_PER_COPY):
        chip.dead = True
        _copy_file(_path, _copy)
        chip, storage = _start()
        assert not chip.at_root
        for number in range(first, first + _COMMITS_PER_COPY):
            before = chip.erases + chip.programs
            _commit(storage, number, with_record)
            if chip.at_root:
                chip.dead = True
                return first, before, chip.erases + chip.programs
    raise AssertionError("nothing moves")


def test_a_cut_while_the_segments_folder_moves_loses_nothing():
    _cut_at_each_operation(False)


def test_a_cut_while_a_folder_of_records_moves_loses_nothing():
    _cut_at_each_operation(True)


def _cut_at_each_operation(with_record):
    first, start, end = _until_a_folder_moves(with_record)
    rng = Rng(1)
    cuts = 0
    for cut_at in range(start + 1, end + 8, 2):
        _copy_file(_copy, _path)
        done = first - 1
        chip = None
        try:
            chip, storage = _start(cut_at)
            while True:
                _commit(storage, done + 1, with_record)
                done += 1
        except (PowerCut, StorageError):
            assert chip.dead
        if rng.below(2):
            try:
                chip, storage = _start(1 + rng.below(8))
                chip.dead = True
            except (PowerCut, StorageError):
                pass  # cut again while it starts
        chip, storage = _start()
        assert not storage.damage, storage.damage
        found = _found(storage)
        # A batch is cut before or behind its mark; the record's copy is written behind it.
        assert found == _expected(done, with_record) or found == _expected(done + 1, with_record), (cut_at, done, found)
        for number in range(done + 1, done + 4):
            _commit(storage, number, with_record)
        chip.dead = True
        chip, storage = _start()
        assert _found(storage) == _expected(done + 3, with_record)
        chip.dead = True
        cuts += 1
    assert cuts > 8, cuts
    _flip_behind_the_move(first, with_record)


def _flip_behind_the_move(first, with_record):
    """The next start makes both blocks of the root tell where the folder is: a bit in either costs nothing."""
    _copy_file(_copy, _path)
    number = first - 1
    chip, storage = _start()
    while not chip.at_root:
        number += 1
        _commit(storage, number, with_record)
    chip.dead = True
    chip, storage = _start()
    assert chip.at_root
    chip.dead = True
    _copy_file(_path, _copy)
    for block in range(2):
        _copy_file(_copy, _path)
        with open(_path, "r+b") as file:
            file.seek(block * BLOCK_BYTES + 5)
            old = file.read(1)[0]
            file.seek(block * BLOCK_BYTES + 5)
            file.write(bytes([old ^ 1]))
        chip, storage = _start()
        assert not storage.damage, (block, storage.damage)
        assert _found(storage) == _expected(number, with_record), (block, storage.damage)
        chip.dead = True
