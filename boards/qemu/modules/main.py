"""The machine of the tests: runs the script that the computer names, with its words, and ends with its exit status.

`/rom` is the disk that the computer made of the checkout. `/chips` takes files for images of flash chips, of up to
4 MiB each: they lie in the memory that is a file of the computer.
"""

import os
import sys

import lattice_qemu
import vfs

_CHIP_BYTES = 4 << 20


class _File:
    def __init__(self, chip, place):
        self._chip = chip
        self._view = place
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def close(self):
        pass

    def flush(self):
        pass

    def seek(self, at, whence=0):
        self._at = at + (0, self._at, self._chip.size)[whence]
        return self._at

    def read(self, count=-1):
        left = max(0, self._chip.size - self._at)
        count = left if count < 0 else min(count, left)
        data = bytes(self._view[self._at : self._at + count])
        self._at += count
        return data

    def readinto(self, buffer):
        count = min(len(buffer), max(0, self._chip.size - self._at))
        buffer[:count] = self._view[self._at : self._at + count]
        self._at += count
        return count

    def write(self, data):
        self._view[self._at : self._at + len(data)] = data
        self._at += len(data)
        self._chip.size = max(self._chip.size, self._at)
        return len(data)


class _Chip:
    def __init__(self, number):
        self.number = number
        self.size = 0


class Chips:
    """A file system of images: each has a place of its own."""

    def __init__(self):
        self._memory = memoryview(lattice_qemu.chips())
        self._chips = {}

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        chip = self._chips.get(path)
        if "w" in mode:
            if chip is None:
                taken = [other.number for other in self._chips.values()]
                free = [n for n in range(len(self._memory) // _CHIP_BYTES) if n not in taken]
                if not free:
                    raise OSError(28)
                chip = self._chips[path] = _Chip(free[0])
            chip.size = 0
        elif chip is None:
            raise OSError(2)
        return _File(chip, self._memory[chip.number * _CHIP_BYTES : (chip.number + 1) * _CHIP_BYTES])

    def stat(self, path):
        if path not in self._chips:
            raise OSError(2)
        return (0x8000, 0, 0, 0, 0, 0, self._chips[path].size, 0, 0, 0)

    def remove(self, path):
        self.stat(path)
        del self._chips[path]


def _compiled(path):
    with open(path) as file:
        return compile(file.read(), path, "exec")


def run(words):
    sys.argv[:] = words
    try:
        exec(_compiled(words[0]), {"__name__": "__main__", "__file__": words[0]})
    except SystemExit as end:
        return end.args[0] if end.args and end.args[0] is not None else 0
    except BaseException as error:  # noqa: BLE001 - whatever it was, the computer learns of it
        sys.print_exception(error)
        return 1
    return 0


vfs.mount(vfs.VfsRom(lattice_qemu.disk()), "/rom")
vfs.mount(Chips(), "/chips")
os.chdir("/rom")
sys.path[:] = [".frozen", "/rom/tests/core", "/rom/tests/emulator"]
lattice_qemu.exit(run(lattice_qemu.words()))
