"""A folder of an ordinary file system in place of littlefs. On CPython only."""

import io
import os
import pathlib

BLOCK_BYTES = 4096


class FolderVfs:
    """What `lattice_flash.filesystem` asks of a VfsLfs2. `blocks`: how many it says it has."""

    def __init__(self, folder, blocks=512):
        self.folder = folder
        self.blocks = blocks

    def _path(self, name):
        return self.folder + name

    def open(self, name, mode):
        return io.FileIO(self._path(name), mode.replace("b", ""))

    def stat(self, name):
        return os.stat(self._path(name))

    def ilistdir(self, name):
        for entry in os.scandir(self._path(name)):
            yield entry.name, 0, 0, 0 if entry.is_dir() else entry.stat().st_size

    def mkdir(self, name):
        os.mkdir(self._path(name))

    def remove(self, name):
        os.remove(self._path(name))

    def rename(self, old, new):
        os.replace(self._path(old), self._path(new))

    def statvfs(self, name):
        sizes = [entry.stat().st_size for entry in pathlib.Path(self._path(name)).rglob("*") if entry.is_file()]
        used = sum(-(-size // BLOCK_BYTES) for size in sizes)
        return BLOCK_BYTES, BLOCK_BYTES, self.blocks, max(self.blocks - used, 0)
