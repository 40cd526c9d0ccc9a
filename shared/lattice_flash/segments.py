"""The segment files: which exist, how long they are, how much of each is alive, and reading from them."""

from array import array

from lattice_core.compat import const
from lattice_core.errors import StorageError

FREE = 0
LOG = 1
BULK = 2
_PREFIX = "?LB"
FOLDER = "/s"  # not the root: littlefs moves the blocks of a folder that is written often, those of the root it cannot
_SPARE_SEGMENTS = const(24)
_BLOCK_BYTES = const(4096)
_READERS = const(4)  # open files for reading; littlefs takes 1.2 KB each, and opening one costs as much as five reads


def _name(kind, slot):
    return "%s/%s%03d" % (FOLDER, _PREFIX[kind], slot)


class Segments:
    def __init__(self, files, window, nonces, geometry):
        self.files = files
        self.window = window
        self.geometry = geometry
        self.total, self.free = files.space()
        self.count = min(geometry.segments, _SPARE_SEGMENTS + 2 * self.total // geometry.segment_bytes)
        self.kinds = bytearray(self.count)
        self.sizes = array("I", bytes(4 * self.count))
        self.live = array("I", bytes(4 * self.count))  # bytes of records and bodies that the index points to
        self.last = 0
        self.stale = False  # `free` is worth asking for again
        self.seed = 0  # of the CRCs of all records; see layout.py
        self.nonces = nonces
        self.sections = array("I", bytes(4 * self.count))  # nonce of what this start has written there, 0: nothing yet
        self.hurt = False  # a record was found damaged after the log was read: reading it anew goes round it
        self._readers = []  # [slot, file], last used last

    def scan(self):
        """Finds the segments of a mounted file system."""
        self.files.make_folder(FOLDER)
        for name, size in self.files.names(FOLDER):
            if len(name) >= 4 and name[0] in "LB":
                slot = int(name[1:])
                if slot >= self.count:
                    raise StorageError("flash: segment %d, and there are to be at most %d" % (slot, self.count))
                self.kinds[slot] = _PREFIX.index(name[0])
                self.sizes[slot] = size

    def of_kind(self, kind):
        return [slot for slot in range(self.count) if self.kinds[slot] == kind]

    def create(self, kind):
        """(slot, file open for appending). The file exists durably after its first sync."""
        for _ in range(self.count):
            self.last = (self.last + 1) % self.count
            if self.kinds[self.last] == FREE:
                break
        else:
            raise StorageError("flash: all %d segments are in use" % self.count)
        slot = self.last
        file = self.files.open(_name(kind, slot), "wb")
        self.kinds[slot] = kind
        self.sizes[slot] = self.live[slot] = self.sections[slot] = 0
        self.free -= _BLOCK_BYTES
        self.stale = True
        return slot, file

    def append_to(self, slot):
        return self.files.open(_name(self.kinds[slot], slot), "ab")

    def remove(self, slot):
        self.forget_reader(slot)
        self.files.remove(_name(self.kinds[slot], slot))
        self.kinds[slot] = FREE
        self.free += self.sizes[slot] + _BLOCK_BYTES
        self.sizes[slot] = self.live[slot] = 0
        self.stale = True

    def measure_segment(self, slot):
        """Takes the length of a segment from littlefs: something failed, and what was counted may not be there."""
        self.forget_reader(slot)
        self.sizes[slot] = max(self.files.size(_name(self.kinds[slot], slot)), 0)
        self.stale = True

    def grow(self, slot, count):
        """Notes that a segment became longer by `count` bytes."""
        self.sizes[slot] += count
        self.free -= count

    def measure(self):
        """Asks littlefs for the free space; between two calls it is counted down. Only while everything is synced:
        littlefs counts the blocks of a file that is being written up to three times."""
        self.total, self.free = self.files.space()
        self.stale = False

    # -- reading -----------------------------------------------------------------------------------------------
    def _reader(self, slot):
        readers = self._readers
        for i in range(len(readers) - 1, -1, -1):
            if readers[i][0] == slot:
                entry = readers[i]
                if i != len(readers) - 1:
                    readers.append(readers.pop(i))
                return entry[1]
        if self.kinds[slot] == FREE:
            raise StorageError("flash: a record names segment %d, which does not exist" % slot)
        if len(readers) >= _READERS:
            self.files.close(readers.pop(0)[1])
        file = self.files.open(_name(self.kinds[slot], slot), "rb")
        readers.append((slot, file))
        return file

    def forget_reader(self, slot):
        """A reader sees the file as it was when opened: call this after each sync."""
        readers = self._readers
        for i in range(len(readers)):
            if readers[i][0] == slot:
                self.files.close(readers.pop(i)[1])
                return

    def read_some(self, slot, offset, count):
        """At most `count` bytes; fewer at the end of the segment."""
        return self.files.read(self._reader(slot), offset, count)

    def readinto(self, slot, offset, buffer):
        """Fills `buffer`; returns how many bytes there were."""
        return self.files.readinto(self._reader(slot), offset, buffer)

    def read(self, slot, offset, count):
        """Exactly `count` bytes; a body may reach far beyond 128 KiB."""
        data = self.files.read(self._reader(slot), offset, count)
        if len(data) != count:
            raise StorageError("flash: segment %d ends at %d, before %d" % (slot, offset + len(data), offset + count))
        return data

    def read_at(self, address, skip, count):
        """`count` bytes from `skip` bytes behind an address."""
        return self.read(self.geometry.slot_of(address), self.geometry.offset_of(address) + skip, count)
