"""The file system seam: everything the storage does to littlefs, with its errors made storage errors.

`vfs` is a `vfs.VfsLfs2` (or anything with its methods open, ilistdir, remove, rename, statvfs). Files are durable
after `sync` only; littlefs then switches from the old contents to the new at once.
"""

from lattice_core.errors import StorageError, StorageFull

_ENOSPC = 28  # MicroPython's errno has no name for it


def _failed(error, what):
    if error.errno == _ENOSPC:
        return StorageFull("the flash is full (%s)" % what)
    return StorageError("flash: cannot %s (error %s)" % (what, error.errno))


def _seek(file, offset):
    """Through the beginning: littlefs 2.8 takes the cached end of a block for the next block's when the read before
    ended exactly there, and then gives bytes of the wrong block (tests/emulator/seek_case.py)."""
    file.seek(0)
    if offset:
        file.seek(offset)


class Files:
    def __init__(self, vfs):
        self.vfs = vfs

    def open(self, name, mode):
        """An unbuffered binary file. Modes: rb, ab, wb."""
        try:
            return self.vfs.open(name, mode)
        except OSError as error:
            raise _failed(error, "open " + name) from None

    def size(self, name):
        """Size of a file (0 for a folder), -1 when there is none."""
        try:
            return self.vfs.stat(name)[6]
        except OSError:
            return -1

    def make_folder(self, name):
        if self.size(name) < 0:
            try:
                self.vfs.mkdir(name)
            except OSError as error:
                raise _failed(error, "make " + name) from None

    def write(self, file, data):
        try:
            written = file.write(data)
        except OSError as error:
            raise _failed(error, "write") from None
        if written != len(data):
            raise StorageFull("the flash is full (%s of %d bytes written)" % (written, len(data)))

    def sync(self, file):
        try:
            file.flush()
        except OSError as error:
            raise _failed(error, "sync") from None

    def close(self, file):
        """Closing also syncs."""
        try:
            file.close()
        except OSError as error:
            raise _failed(error, "close") from None

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

    def names(self):
        """(name, size) of everything in the root."""
        try:
            return [(entry[0], entry[3]) for entry in self.vfs.ilistdir("/")]
        except OSError as error:
            raise _failed(error, "list") from None

    def remove(self, name):
        try:
            self.vfs.remove(name)
        except OSError as error:
            raise _failed(error, "remove " + name) from None

    def rename(self, old, new):
        try:
            self.vfs.rename(old, new)
        except OSError as error:
            raise _failed(error, "rename " + old) from None

    def space(self):
        """(bytes in all, bytes free). Walks the file system: some ms."""
        try:
            info = self.vfs.statvfs("/")
        except OSError as error:
            raise _failed(error, "measure") from None
        return info[0] * info[2], info[0] * info[3]
