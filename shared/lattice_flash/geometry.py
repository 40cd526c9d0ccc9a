"""How large a storage may become: its segments, and how its indexes are kept."""

from lattice_core.compat import const
from lattice_core.errors import StorageError

from .hash_index import HashIndex
from .layout import EMPTY

SEGMENT_BYTES = const(131072)  # quick to compact, and few enough files that littlefs stays fast
SEGMENTS = const(512)  # at most
SEQUENCES = const(65535)  # chain lengths and tips are u16
CHAINS = const(1024)  # authors per store; docs/reference/nano-reconcile.md §9
# What stores and indexes may take of the heap together: an open store 5 KB, an intention, an author and a blob 10 bytes
# each, a key 5. The firmware itself has 241 KB after its first session; 110 KB are left to the largest one.
MEMORY_BYTES = const(145000)


class Geometry:
    """`segment_bytes` is a power of two. `memory_bytes`: of the heap, for stores and indexes. `index` makes an index of
    intentions, chains or blobs for pages of so many rows, as `HashIndex`.

    An *address* is a u32: slot of the segment, then the offset in it in units of 4 bytes, so a record or a body starts
    within the first `segment_bytes` of its segment. It fits a small integer of the interpreter.
    """

    def __init__(self, segment_bytes, segments, sequences, chains, memory_bytes, index):
        self.segment_bytes = segment_bytes
        self.segments = segments
        self.sequences = sequences
        self.chains = chains
        self.memory_bytes = memory_bytes
        self.index = index
        self.shift = 0  # bits of an offset
        while 4 << self.shift < segment_bytes:
            self.shift += 1
        if 4 << self.shift != segment_bytes or segments << self.shift > EMPTY:
            raise ValueError("no address for %d segments of %d bytes" % (segments, segment_bytes))

    def address_at(self, slot, offset):
        if offset & 3 or offset >= self.segment_bytes:
            raise StorageError("flash: nothing can begin at %d of segment %d" % (offset, slot))
        return (slot << self.shift) | (offset >> 2)

    def slot_of(self, address):
        return address >> self.shift

    def offset_of(self, address):
        return (address & (1 << self.shift) - 1) << 2


STICK = Geometry(SEGMENT_BYTES, SEGMENTS, SEQUENCES, CHAINS, MEMORY_BYTES, HashIndex)
