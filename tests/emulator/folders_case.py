"""A bit flips in one of the two blocks in which littlefs keeps a folder: it goes back to the older one.

The root's two blocks say the same. The older block of the log's folder is some syncs old: what is lost so is named, and
nothing of our own is written before it is back. On the stick's interpreter (test_flash_storage.py).
PAGES and SEED in the environment; all pages with `make campaign-flips`.
"""

import gc
import os

from damages import copy, flip, places
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, PAGE_BYTES
from flips import look, populated, refill, values
from lattice_core.errors import LatticeError
from lattice_flash.segments import LOG
from support import Rng, raises
from support.files import make_file
from support.nano import hashes, same

_path = (os.getenv("IMAGES") or "build") + "/damage.img"
SEED = int(os.getenv("SEED") or "1")
PAGES = int(os.getenv("PAGES") or "5")  # of each block


def used_pages(block):
    """Offsets in the image of the pages of a block that something was written to."""
    with open(_path, "rb") as file:
        file.seek(block)
        data = file.read(BLOCK_BYTES)
    blank = b"\xff" * PAGE_BYTES
    return [block + at for at in range(0, BLOCK_BYTES, PAGE_BYTES) if data[at : at + PAGE_BYTES] != blank]


def each_flip(made, blocks, rng):
    """Flips a bit in the first and some other pages of some blocks, one after the other; yields the places."""
    made.stick.chip.dead = True
    copy(_path, _path + ".saved")
    for block in blocks:
        pages = used_pages(block)
        while len(pages) > PAGES:
            pages.pop(1 + rng.below(len(pages) - 1))
        for page in pages:
            gc.collect()
            at = page + rng.below(64)
            flip(at, 1 << rng.below(8))
            try:
                yield at
            finally:
                made.stick.chip.dead = True
                copy(_path + ".saved", _path)


def test_a_bit_in_the_root():
    made = populated()
    made.stick.boot()
    status = made.stick.device.state
    for at in each_flip(made, (FIRMWARE_BYTES, FIRMWARE_BYTES + BLOCK_BYTES), Rng(SEED)):
        made.stick.boot()
        made.check()
        assert made.stick.device.state == status == "owned", at
        assert same(made.laptop, made.stick.node), at
        refill(made)


def log_folder(made):
    """The two blocks of the folder in which the log's files are named."""
    blocks = set()
    for slot in made.stick.storage.segments.of_kind(LOG):
        blocks.update([at // BLOCK_BYTES * BLOCK_BYTES for at in places(b"L%03d" % slot)])
    assert len(blocks) == 2, blocks
    return sorted(blocks)


def fall_back(made):
    """Bits in the log's folder: (times that something was lost, that own writes had to wait)."""
    made.stick.boot()
    owned = made.stick.device.state
    before = {handle.id: hashes(handle) for handle in made.stick.node.tree.replicas}
    contents = [file.path for file in made.notes.files.list()]
    expected = values(made.notes)
    batch = made.stick.storage.batch
    lost = waited = 0
    for at in each_flip(made, log_folder(made), Rng(SEED)):
        made.stick.boot()
        there = made.stick.node.tree.get(made.notes.id)
        assert made.stick.device.state == owned == "owned"
        missing = len(before[made.notes.id] - hashes(there))
        missing += len([path for path in contents if not content_held(there, path)])
        if missing:
            lost += 1
            assert made.stick.storage.damage, "lost without a word"
        assert made.stick.storage.batch >= batch, "a number of a batch would be given twice"
        look(made, before, expected)
        if before[made.notes.id] & set(made.shown["own"]) - hashes(there):
            waited += 1
            assert there.weaver.read_only
            raises(LatticeError, there.kv.put, b"fork", b"!", made.now_ms)
            made.stick.node.journal.rollback()
        refill(made)
        for handle in made.laptop.tree.replicas:
            made._check_own_chain(handle, made.stick.node.tree.get(handle.id))
    return lost, waited


def content_held(handle, path):
    file = handle.files.get(path)
    return file is not None and handle.files.held(file)


def write_until(made, done, size=1):
    """The laptop writes and syncs, one small batch after the other."""
    for number in range(200):
        made.notes.kv.put(b"last %d" % number, b"v" * size, made.now_ms)
        made.laptop.journal.commit(made.now_ms)
        made.sync()
        if done():
            return
    raise AssertionError("200 batches did not do")


def test_the_log_goes_back_by_writes_of_others():
    made = populated()
    blocks = log_folder(made)
    write_until(made, lambda: 8 < min([len(used_pages(block)) for block in blocks]) < 12)
    make_file(made.notes, "last", b"content" * 3000, 20000, made.now_ms)
    made.laptop.journal.commit(made.now_ms)
    made.sync()
    made.stick.storage.note_end()
    lost, waited = fall_back(made)
    assert lost, (lost, waited)
    assert not waited, (lost, waited)


def test_the_log_goes_back_by_own_writes():
    made = populated()
    made.own()
    made.stick.storage.note_end()
    lost, waited = fall_back(made)
    assert lost, (lost, waited)
    assert waited, (lost, waited)


def test_the_log_goes_back_to_before_its_newest_segment():
    made = populated()
    first = made.stick.storage.log.slot
    write_until(made, lambda: made.stick.storage.log.slot != first, 3000)
    made.stick.storage.note_end()
    lost, _ = fall_back(made)
    assert lost
