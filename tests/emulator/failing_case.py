"""The flash fails now and then, without a power cut: what was acknowledged is there, what failed is told, and the stick
goes on. On the stick's interpreter.

Every write, erase and read of the chip is one operation; from the n-th on some fail with EIO, as a chip with a bad
contact does. Or littlefs finds no free block, because a file that is not ours has taken them.
"""

import gc
import os

from firmware.mount import mount
from firmware.ports.nor import FIRMWARE_BYTES, Nor, make_image
from lattice_core.errors import StorageError, StorageFull
from lattice_core.storage.contract import TABLE_DATA
from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage
from support import Rng, crypto, raises
from support.storage_suite import STORE, author_key, chain, head

_path = (os.getenv("IMAGES") or "build") + "/failing.img"
_memory = Memory()
_EIO = 5
_FAILURES_AT_ONCE = 3
_LARGE = 6000
_FOLDER = 0x4000


class Failing(Nor):
    """A chip of which some operations fail: `fail_in` counts down to the first of them."""

    fail_in = 0
    failures = 0
    reads_fail = False

    def _fails(self):
        if not self.fail_in:
            return False
        self.fail_in -= 1
        if self.fail_in:
            return False
        self.failures += 1
        self.fail_in = 1 if self.failures % _FAILURES_AT_ONCE else 0
        return True

    def readblocks(self, block, buffer, offset=0):
        if self.reads_fail and self._fails():
            return -_EIO
        return Nor.readblocks(self, block, buffer, offset)

    def writeblocks(self, block, buffer, offset=None):
        return -_EIO if self._fails() else Nor.writeblocks(self, block, buffer, offset)

    def ioctl(self, operation, argument):
        if operation == 6 and self._fails():
            return -_EIO
        return Nor.ioctl(self, operation, argument)


_chips = []


def start():
    """A storage on what is on the chip now."""
    for chip in _chips:
        chip.dead = True  # files that nobody closed must not be written by the collector
    del _chips[:]
    gc.collect()
    _chips.append(Failing(_path))
    return FlashStorage(mount(_chips[0]), crypto().random, _memory)


def make(blocks=256):
    for chip in _chips:
        chip.dead = True
    try:
        os.remove(_path)
    except OSError:
        pass  # the first test finds none
    make_image(_path, FIRMWARE_BYTES + blocks * 4096)
    return start()


class StorageModel:
    """What was committed, and what may have been: a failure behind the mark of a batch leaves it in place."""

    def __init__(self):
        self.rows = {}
        self.blobs = {}
        self.records = {}
        self.count = 0

    def copy(self):
        made = StorageModel()
        made.rows, made.blobs, made.records = dict(self.rows), dict(self.blobs), dict(self.records)
        made.count = self.count
        return made

    def matches(self, storage, items):
        store = storage.store(STORE)
        if dict(store.rows(TABLE_DATA)) != self.rows or dict(store.blobs()) != {
            name: len(data) for name, data in self.blobs.items()
        }:
            return False
        if [storage.record(name) for name in self.records] != list(self.records.values()):
            return False
        if store.count != self.count:
            return False
        for name, data in self.blobs.items():
            body = store.blob(name)
            assert body.read(0, body.size) == data, "another body's bytes"
        for item in items[: self.count]:
            found = store.get(item.hash).body
            assert found.read(0, found.size) == item.body.read(0, item.body.size), "another intention's bytes"
        return True


def one_batch(storage, model, rng, items):
    """A little of everything, in a copy of the model."""
    after = model.copy()
    store = storage.store(STORE)
    for _ in range(1 + rng.below(4)):
        dice = rng.below(10)
        if dice < 3:
            key, value = b"key %d" % rng.below(9), rng.bytes(30) * rng.below(60)
            store.put_row(TABLE_DATA, key, value)
            after.rows[key] = value
        elif dice < 6:
            name, data = rng.bytes(32), rng.bytes(1 + rng.below(97)) * (30 + rng.below(90))
            writer = storage.body_writer(len(data))
            try:
                for at in range(0, len(data), 1500):
                    writer.write(data[at : at + 1500])
                store.put_blob(name, writer.body())
            except StorageFull:
                writer.discard()  # as one does who goes on without it
                continue
            after.blobs[name] = data
        elif dice < 7 and after.blobs:
            name = sorted(after.blobs)[rng.below(len(after.blobs))]
            store.drop_blob(name)
            del after.blobs[name]
        elif dice < 8:
            name, value = b"record %d" % rng.below(3), rng.bytes(40)
            storage.put_record(name, value)
            after.records[name] = value
        elif after.count < len(items):
            item = items[after.count]
            if not store.has(item.hash):
                store.put(item)
            store.witness(item.hash, 7, head(after.count + 1))
            after.count += 1
    return after


def _run(seed, reads_fail):
    rng = Rng(seed)
    restarts = 0
    storage = make()
    items = chain(author_key(1), 40)
    model = StorageModel()
    storage.store(STORE)
    storage.commit()
    told = 0
    for number in range(60):
        chip = _chips[0]
        after = model
        chip.reads_fail = reads_fail
        chip.fail_in = 1 + rng.below(60) if rng.below(3) == 0 else 0
        try:
            after = one_batch(storage, model, rng, items)
            storage.commit()
            model = after
            for _ in range(rng.below(12)):
                storage.idle()
        except StorageError:
            told += 1
            chip.fail_in = 0
            try:
                storage.rollback()
                storage.abandon_bodies()
            except StorageError:  # littlefs must start anew, as main has it
                restarts += 1
                storage = start()
        chip.fail_in = 0
        if number % 7 == 0:
            storage = start()
        if model.matches(storage, items):
            continue
        # The batch whose commit failed may stand, but only all of it.
        assert after is not model, "neither before nor after, batch %d" % number
        assert after.matches(storage, items), "neither before nor after, batch %d" % number
        model = after
    storage = start()
    assert model.matches(storage, items)
    return told, restarts


def test_operations_fail_now_and_then():
    told = restarts = 0
    for seed in range(6):
        more, anew = _run(seed, seed % 3 == 2)
        told += more
        restarts += anew
    assert told >= restarts > 10, (told, restarts)


def _foreign(storage, left):
    """A file that is not ours takes all blocks but `left`, and two."""
    vfs = storage.files.vfs
    folders = len([entry for entry in vfs.ilistdir("/") if entry[1] == _FOLDER])
    free = vfs.statvfs("/")[3] + 2 * folders  # littlefs counts the two blocks of each folder twice
    file = vfs.open("/foreign", "wb")
    for _ in range(free - 2 - left):
        file.write(b"f" * 4088)
    file.close()


def test_a_body_behind_one_that_failed_is_its_own():
    for left in range(4):
        storage = make()
        first = storage.body_writer(_LARGE)
        first.write(b"\x01" * _LARGE)
        first.body()
        storage.extents.sync()
        second = storage.body_writer(3000)
        second.write(b"\x02" * 3000)
        lost = second.body()  # not synced
        _foreign(storage, left)
        third = storage.body_writer(40000)
        raises(StorageFull, third.write, b"\x03" * 40000)
        third.discard()
        storage.changed()
        raises(StorageError, storage.commit)  # `lost` may have been named in it
        storage.files.vfs.remove("/foreign")
        storage.rollback()
        raises(StorageError, storage.store(STORE).put_blob, b"l" * 32, lost)
        storage.rollback()
        storage.abandon_bodies()
        fourth = storage.body_writer(3000)
        fourth.write(b"\x04" * 3000)
        storage.store(STORE).put_blob(b"4" * 32, fourth.body())
        storage.commit()
        assert storage.store(STORE).blob(b"4" * 32).read(0, 3000) == b"\x04" * 3000
        storage = start()
        assert storage.store(STORE).blob(b"4" * 32).read(0, 3000) == b"\x04" * 3000


def test_a_full_file_system_is_said_to_be_full_whatever_is_written():
    """Also where a file must be made first: littlefs then complains of its name."""
    for left in range(3):
        storage = make()
        store = storage.store(STORE)
        store.put_row(TABLE_DATA, b"key", b"kept")
        storage.commit()
        _foreign(storage, left)
        fulls = 0
        last = b"kept"
        for number in range(12):
            tried = b"%d" % number * 1500
            storage.segments.free = storage.segments.total  # counting must not be what notices it
            try:
                store.put_row(TABLE_DATA, b"key", tried)
                storage.put_record(b"record", bytes([number]) * 200)
                storage.commit()
                last = tried
            except StorageFull:
                fulls += 1
                storage.rollback()
                if store.row(TABLE_DATA, b"key") == tried:
                    last = tried  # what failed came behind the mark of the batch
                assert store.row(TABLE_DATA, b"key") == last
                writer = None
                try:
                    writer = storage.body_writer(140000)
                    writer.write(bytes(140000))
                except StorageFull:
                    fulls += 1
                if writer is not None:
                    writer.discard()
        assert fulls > 2, fulls
        assert store.row(TABLE_DATA, b"key") == last
        storage.files.vfs.remove("/foreign")
        storage.segments.measure()
        store.put_row(TABLE_DATA, b"key", b"again")
        storage.commit()
        assert store.row(TABLE_DATA, b"key") == b"again"
        assert start().store(STORE).row(TABLE_DATA, b"key") == b"again"
