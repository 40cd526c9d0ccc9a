"""The file system seam: everything the storage does to littlefs, with its errors made storage errors.

`vfs` is a `vfs.VfsLfs2` (or anything with its methods open, ilistdir, remove, rename, statvfs). FileSystem are durable
after `sync` only; littlefs then switches from the old contents to the new at once.
"""

from lattice_core.errors import StorageError, StorageFull

INTERRUPTS = (MemoryError, RuntimeError)  # raised through littlefs, they leave it in the middle of its work
FULL = (28, 36)  # littlefs says "name too long" where a file that is made finds no room; our names are short

_NOT_FOUND = 2


def _failed(error, what):
    if error.errno in FULL:
        return StorageFull("the flash is full (%s)" % what)
    return StorageError("flash: cannot %s (error %s)" % (what, error.errno))


def _seek(file, offset):
    """Through the beginning: littlefs 2.8 takes the cached end of a block for the next block's when the read before
    ended exactly there, and then gives bytes of the wrong block (tests/emulator/seek_case.py)."""
    file.seek(0)
    if offset:
        file.seek(offset)


class FileSystem:
    def __init__(self, vfs):
        self.vfs = vfs
        self.torn = False  # littlefs was left in the middle of its work: only a new mount may write

    def _broke(self, error, what):
        """The error of a change that failed. Where it was not for want of room, what littlefs has in memory need not be
        what is on the chip."""
        if error.errno not in FULL:
            self.torn = True
        return _failed(error, what)

    def open(self, name, mode):
        """An unbuffered binary file. Modes: rb, ab, wb."""
        try:
            return self.vfs.open(name, mode)
        except OSError as error:
            raise self._broke(error, "open " + name) from None
        except INTERRUPTS:
            self.torn = True
            raise

    def size(self, name):
        """Size of a file (0 for a folder), -1 when there is none. What cannot be read is not taken for missing."""
        try:
            return self.vfs.stat(name)[6]
        except OSError as error:
            if error.errno == _NOT_FOUND:
                return -1
            raise _failed(error, "look at " + name) from None

    def make_folder(self, name):
        if self.size(name) < 0:
            try:
                self.vfs.mkdir(name)
            except OSError as error:
                raise self._broke(error, "make " + name) from None
            except INTERRUPTS:
                self.torn = True
                raise

    def write(self, file, data):
        try:
            written = file.write(data)
        except OSError as error:
            raise self._broke(error, "write") from None
        except INTERRUPTS:
            self.torn = True
            raise
        if written != len(data):
            raise StorageFull("the flash is full (%s of %d bytes written)" % (written, len(data)))

    def sync(self, file):
        try:
            file.flush()
        except OSError as error:
            raise self._broke(error, "sync") from None
        except INTERRUPTS:
            self.torn = True
            raise

    def close(self, file):
        """Closing also syncs."""
        try:
            file.close()
        except OSError as error:
            raise self._broke(error, "close") from None
        except INTERRUPTS:
            self.torn = True
            raise

    def read(self, file, offset, count):
        """At most `count` bytes from `offset`."""
        try:
            _seek(file, offset)
            return file.read(count)
        except OSError as error:
            raise _failed(error, "read") from None

    def readinto(self, file, offset, buffer):
        """Fills `buffer` from `offset`; returns how many bytes there were."""
        try:
            _seek(file, offset)
            return file.readinto(buffer)
        except OSError as error:
            raise _failed(error, "read") from None

    def names(self, folder="/"):
        """(name, size) of everything in a folder."""
        try:
            return [(entry[0], entry[3]) for entry in self.vfs.ilistdir(folder)]
        except OSError as error:
            raise _failed(error, "list") from None

    def remove(self, name):
        try:
            self.vfs.remove(name)
        except OSError as error:
            raise self._broke(error, "remove " + name) from None
        except INTERRUPTS:
            self.torn = True
            raise

    def rename(self, old, new):
        try:
            self.vfs.rename(old, new)
        except OSError as error:
            raise self._broke(error, "rename " + old) from None
        except INTERRUPTS:
            self.torn = True
            raise

    def space(self):
        """(bytes in all, bytes free). Walks the file system: some ms."""
        try:
            info = self.vfs.statvfs("/")
        except OSError as error:
            raise _failed(error, "measure") from None
        return info[0] * info[2], info[0] * info[3]
