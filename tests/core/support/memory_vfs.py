"""A file system in memory with littlefs' rules: a file changes when it is synced or closed, all of it or nothing."""

BLOCK_BYTES = 4096
_NO_ENTRY = 2
_NO_SPACE = 28


class PowerCut(Exception):
    pass


class MemoryVfs:
    """What `lattice_flash.filesystem` asks of a `VfsLfs2`. `cut_at`: the operation at which the power goes, 0: never.

    `watch(name, position, data)` is told of each write, whether it is ever synced or not.
    """

    def __init__(self, blocks=512, files=None, folders=None):
        self.blocks = blocks
        self.files = {} if files is None else files  # name: bytes as of the last sync
        self.folders = {"/": True} if folders is None else folders
        self.operations = 0
        self.cut_at = 0
        self.dead = False
        self.watch = None

    def reborn(self):
        """The same chip after the plug was pulled."""
        self.dead = True
        return MemoryVfs(self.blocks, self.files, self.folders)

    def change(self):
        """One operation that changes something; nothing is changed once the power has gone."""
        self.operations += 1
        if self.dead or self.operations == self.cut_at:
            self.dead = True
            raise PowerCut()

    def open(self, name, mode):
        if name not in self.files:
            if mode == "rb":
                raise OSError(_NO_ENTRY, "")
            self.change()
            self.files[name] = b""
        return _File(self, name, mode)

    def stat(self, name):
        if name in self.folders:
            return (0, 0, 0, 0, 0, 0, 0)
        if name not in self.files:
            raise OSError(_NO_ENTRY, "")
        return (0, 0, 0, 0, 0, 0, len(self.files[name]))

    def ilistdir(self, folder):
        start = folder if folder.endswith("/") else folder + "/"
        for name in sorted(self.files):
            if name.startswith(start) and "/" not in name[len(start) :]:
                yield name[len(start) :], 0, 0, len(self.files[name])

    def mkdir(self, name):
        self.change()
        self.folders[name] = True

    def remove(self, name):
        self.change()
        del self.files[name]

    def rename(self, old, new):
        self.change()
        self.files[new] = self.files.pop(old)

    def free(self):
        used = 0
        for name in self.files:
            used += (len(self.files[name]) + BLOCK_BYTES - 1) // BLOCK_BYTES
        return max(self.blocks - used, 0)

    def statvfs(self, name):
        return BLOCK_BYTES, BLOCK_BYTES, self.blocks, self.free()


class _File:
    def __init__(self, vfs, name, mode):
        self.vfs = vfs
        self.name = name
        self.writes = mode != "rb"
        self.start = b"" if mode == "wb" else vfs.files[name]
        self.new = []
        self.changed = mode == "wb"
        self.size = len(self.start)
        self.at = 0

    def write(self, data):
        self.vfs.change()
        data = bytes(data)
        if (self.size + len(data) - len(self.start)) // BLOCK_BYTES > self.vfs.free():
            raise OSError(_NO_SPACE, "")
        if self.vfs.watch is not None:
            self.vfs.watch(self.name, self.size, data)
        self.new.append(data)
        self.size += len(data)
        self.changed = True
        return len(data)

    def flush(self):
        if self.writes and self.changed:
            self.vfs.change()
            self.start = b"".join([self.start] + self.new)
            self.new = []
            self.changed = False
            self.vfs.files[self.name] = self.start

    def close(self):
        self.flush()
        self.writes = False

    def seek(self, offset):
        self.at = offset

    def read(self, count):
        data = self.start[self.at : self.at + count]
        self.at += len(data)
        return data

    def readinto(self, buffer):
        size = len(bytes(buffer))
        data = self.read(size)
        if size == len(buffer):
            buffer[: len(data)] = data
            return len(data)
        width = size // len(buffer)  # a column of wider numbers
        for number in range(len(data) // width):
            buffer[number] = int.from_bytes(data[number * width : (number + 1) * width], "little")
        return len(data)
