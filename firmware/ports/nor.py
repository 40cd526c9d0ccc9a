"""A NOR flash chip in a file, for the emulator: the rules of the real one, and a power cut where a test wants it.

Erase sets 4 KiB to 0xff; programming goes by pages of 256 bytes and can only clear bits: a program that would set one
is an error (NotNor), because on the chip it would silently store something else. Every erase and program is one
operation; with `cut_at` = n the n-th one is half done and the power is gone: PowerCut is raised, then and by each
operation that follows, so that whoever caught it on the way out meets it again. Once a chip is opened anew, the one
before only fails (EIO): the collector closes files that were left open, and an exception must not leap out of littlefs
there. Nothing is cached: what was programmed is in the file.
"""

import os

BLOCK_BYTES = 4096
PAGE_BYTES = 256
FIRMWARE_BYTES = 1572864  # 1.5 MiB of the chip hold the firmware; littlefs gets the rest
_ERASED_BLOCK = b"\xff" * BLOCK_BYTES
_BLOCK_COUNT = 4  # ioctl numbers of MicroPython's block devices
_BLOCK_SIZE = 5
_BLOCK_ERASE = 6
_EIO = 5


class PowerCut(BaseException):
    """The stick has no power any more. Not an Exception: nothing may go on after it."""


_CUT = PowerCut()  # raised again without an allocation: the collector closes files that were left open
_powerless = []  # the chip whose power was cut last


class NotNor(Exception):
    """A program that no NOR flash can do."""


def size_of(path):
    """Size of a file in bytes, 0 when there is none."""
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def make_image(path, size):
    """Makes an erased chip when there is none."""
    if size_of(path) == 0:
        with open(path, "wb") as file:
            for _ in range(size // BLOCK_BYTES):
                file.write(_ERASED_BLOCK)


class Nor:
    """Block device of the data part of a chip (extended protocol of `vfs.AbstractBlockDev`)."""

    def __init__(self, path, cut_at=0, start=FIRMWARE_BYTES):
        self.path = path
        self.file = open(path, "r+b")
        self.start = start
        self.blocks = (size_of(path) - start) // BLOCK_BYTES
        self.cut_at = cut_at
        self.erases = 0
        self.programs = 0
        self.dead = False  # it does nothing any more …
        self.powerless = False  # … because the power is gone
        for chip in _powerless:
            chip.powerless = False
        _powerless.clear()

    def again(self):
        """The same chip for whoever starts anew. This object does nothing any more: files left open write nothing."""
        chip = Nor(self.path, self.cut_at, self.start)
        chip.erases, chip.programs = self.erases, self.programs
        self.dead = True
        self.file.close()
        return chip

    def readblocks(self, block, buffer, offset=0):
        if self.dead:
            return self._nothing()
        self.file.seek(self.start + block * BLOCK_BYTES + offset)
        self.file.readinto(buffer)
        return None

    def writeblocks(self, block, buffer, offset=None):
        if self.dead:
            return self._nothing()
        self._write_pages(block, buffer, offset)
        return None

    def _write_pages(self, block, buffer, offset):
        if offset is None:
            for number in range(len(buffer) // BLOCK_BYTES):
                self._erase(block + number)
            offset = 0
        view = memoryview(buffer)
        if offset % PAGE_BYTES or len(view) % PAGE_BYTES:
            raise NotNor("a program of %d bytes at %d" % (len(view), offset))
        at = self.start + block * BLOCK_BYTES + offset
        for done in range(0, len(view), PAGE_BYTES):
            self._program(at + done, view[done : done + PAGE_BYTES])

    def ioctl(self, operation, argument):
        if operation == _BLOCK_COUNT:
            return self.blocks
        if operation == _BLOCK_SIZE:
            return BLOCK_BYTES
        if self.dead:
            return self._nothing()
        if operation == _BLOCK_ERASE:
            self._erase(argument)
        return 0

    def _erase(self, block):
        at = self.start + block * BLOCK_BYTES
        if self._cut():
            self._write(at, _ERASED_BLOCK[: BLOCK_BYTES // 2])
            self._die()
        self._write(at, _ERASED_BLOCK)
        self.erases += 1

    def _program(self, at, page):
        self.file.seek(at)
        old = int.from_bytes(self.file.read(PAGE_BYTES), "little")
        new = int.from_bytes(page, "little")
        if old & new != new:
            raise NotNor("a program at %d would set bits" % at)
        if self._cut():
            self._write(at, page[: PAGE_BYTES // 2])
            self._die()
        self._write(at, page)
        self.programs += 1

    def _write(self, at, data):
        self.file.seek(at)
        self.file.write(data)

    def _cut(self):
        return self.cut_at and self.erases + self.programs + 1 == self.cut_at

    def _die(self):
        self.dead = self.powerless = True
        _powerless.append(self)
        raise _CUT

    def _nothing(self):
        if self.powerless:
            raise _CUT
        return -_EIO
