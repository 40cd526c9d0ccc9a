"""The chunk list: how a file of several chunks is named by one hash (docs/protocol.md, "Files").

`ChunkList { uint32 depth = 1; uint64 size = 2; bytes entries = 3; bytes hash = 4; }`. An entry is 40 bytes: the
BLAKE3 of a blob (32) and how many bytes of content stand behind it (u64 little-endian). At depth 0 the blobs are
chunks, at depth n lists of depth n - 1. A list has at most 400 entries, so it is a blob of at most 16 KiB that
the stick takes in one piece; one list names 6 MiB of average chunks, two levels 2.5 GiB, three 1 TiB. Only the top
list holds `hash`, the BLAKE3 of the whole content.

Lists are canonical: every list but the last of its level is full, every chunk but the content's last has at least
4 KiB, and nothing of a single chunk has a list. So what a few small blobs claim cannot be walked for hours.
"""

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..wire.protobuf import BYTES, UINT32, UINT64, Message, fields
from . import cid as cids

CHUNK_BYTES = const(65536)  # the largest chunk (FastCDC's maximum)
CHUNK_MIN_BYTES = const(4096)  # FastCDC's minimum; only a content's last chunk is smaller
LIST_BYTES = const(16384)  # the largest list
LIST_ENTRIES = const(400)
ENTRY_BYTES = const(40)
MAX_DEPTH = const(3)
_WINDOW_ENTRIES = const(16)

ChunkList = Message("ChunkList", ((1, "depth", UINT32), (2, "size", UINT64), (3, "entries", BYTES), (4, "hash", BYTES)))


class ChunkListBuilder:
    """Takes the chunks of one file in order and makes its lists, holding at most one open list per level."""

    def __init__(self, crypto):
        self.crypto = crypto
        self.count = 0
        self._last_bytes = CHUNK_MIN_BYTES  # of the chunk before
        self._levels = [_Level()]
        self._first = None

    def add(self, digest, size):
        """The next chunk. Returns the lists that are complete now, as (digest, bytes): blobs to be stored.
        UsageError behind a chunk that only the last one may be."""
        if self._last_bytes < CHUNK_MIN_BYTES:
            raise UsageError("a chunk of %d bytes before the last one" % self._last_bytes)
        self._last_bytes = size
        self.count += 1
        if self._first is None:
            self._first = digest
        done = []
        self._add(0, digest, size, done)
        return done

    def finish(self, content_hash):
        """(cid, lists to be stored). `content_hash`: the BLAKE3 of the whole content."""
        if self.count < 2:
            return cids.make(cids.RAW, content_hash if self._first is None else self._first), []
        done = []
        depth = 0
        while depth < len(self._levels) - 1:  # sealing a full level may add one on top
            sealed = self._seal(depth, b"")
            done.append(sealed)
            self._add(depth + 1, sealed[0], self._levels[depth].size, done)
            depth += 1
        top = self._seal(depth, content_hash)
        done.append(top)
        return cids.make(cids.LIST, top[0]), done

    def _add(self, depth, digest, size, done):
        """Appends to the list at `depth`. A full one is sealed only now that another entry follows: it may have
        been the top."""
        while True:
            if depth == len(self._levels):
                self._levels.append(_Level())
            level = self._levels[depth]
            if level.count < LIST_ENTRIES:
                level.add(digest, size)
                return
            sealed = self._seal(depth, b"")
            done.append(sealed)
            self._levels[depth] = _Level()
            self._levels[depth].add(digest, size)
            digest, size = sealed[0], level.size
            depth += 1

    def _seal(self, depth, content_hash):
        level = self._levels[depth]
        data = ChunkList.encode(
            {"depth": depth, "size": level.size, "entries": bytes(level.entries), "hash": content_hash}
        )
        return self.crypto.blake3_digest(data), data


class _Level:
    def __init__(self):
        self.entries = bytearray()
        self.count = 0
        self.size = 0

    def add(self, digest, size):
        self.entries.extend(digest)
        self.entries.extend(size.to_bytes(8, "little"))
        self.count += 1
        self.size += size


class ListReader:
    """One stored list, read where it lies. ProtocolError when it is none, or not what its parent said.

    `depth` and `size` are what the list above says, None for the top; `last`: it is the last list of its level.
    """

    def __init__(self, body, depth=None, size=None, last=True):
        if body.size > LIST_BYTES:
            raise ProtocolError("a chunk list of %d bytes; at most %d are allowed" % (body.size, LIST_BYTES))
        self.body = body
        self.last = last
        self.depth = self.size = self.offset = self.count = 0
        self.hash = b""
        self._parse(body.read(0, body.size), 2 if depth is None else 1 if last else LIST_ENTRIES)
        if depth is not None and (self.depth != depth or self.size != size or self.hash):
            raise ProtocolError("a chunk list is not the one that the list above it describes")

    def _parse(self, data, least):
        message = ChunkList.decode(data)
        entries = message["entries"]
        self.depth, self.size, self.hash = message["depth"], message["size"], message["hash"]
        self.count = len(entries) // ENTRY_BYTES
        if len(entries) % ENTRY_BYTES or not least <= self.count <= LIST_ENTRIES or self.depth > MAX_DEPTH:
            raise ProtocolError("a chunk list with %d bytes of entries at depth %d" % (len(entries), self.depth))
        if len(self.hash) not in (0, 32):
            raise ProtocolError("the content hash of a chunk list has %d bytes" % len(self.hash))
        if self._sum(entries) != self.size:
            raise ProtocolError("the chunks of a list do not have %d bytes together" % self.size)
        for number, _, offset, size in fields(data):
            if number == 3:
                self.offset = offset  # the last one counts, as in decode

    def _sum(self, entries):
        """Bytes of content behind all entries. Only the content's last chunk may be small, and so what holds it."""
        chunks_below = LIST_ENTRIES**self.depth
        least, most = chunks_below * CHUNK_MIN_BYTES, chunks_below * CHUNK_BYTES
        total = 0
        for at in range(0, len(entries), ENTRY_BYTES):
            size = int.from_bytes(entries[at + 32 : at + 40], "little")
            if self.last and at + ENTRY_BYTES == len(entries):
                least = 1
            if not least <= size <= most:
                raise ProtocolError("%d bytes behind an entry of a chunk list at depth %d" % (size, self.depth))
            total += size
        return total

    def entries(self):
        """Iterates over (digest, size), reading a few entries at a time."""
        at = 0
        while at < self.count:
            count = min(_WINDOW_ENTRIES, self.count - at)
            window = self.body.read(self.offset + at * ENTRY_BYTES, count * ENTRY_BYTES)
            for start in range(0, len(window), ENTRY_BYTES):
                yield window[start : start + 32], int.from_bytes(window[start + 32 : start + 40], "little")
            at += count


MISSING_LIST = const(1)
MISSING_CHUNK = const(2)
HELD_CHUNK = const(3)
HELD_LIST = const(4)


def walk(store, codec, digest, size, once=False):
    """Iterates over the blobs of one content in order, depth first: (kind, digest, size in bytes of content).

    What stands below a list that is not held is not known: it is given as MISSING_LIST with all its content.
    With `once` a list that comes again is left out: for questions about blobs. That bounds the steps by what is
    stored, 400 for each list held; in content order there are at most size / 4096 and the lists.
    ProtocolError when a held list is damaged or does not add up; `store` is where the blobs are kept.
    """
    if codec == cids.RAW:
        yield HELD_CHUNK if store.has_blob(digest) else MISSING_CHUNK, digest, size
        return
    body = store.blob(digest)
    if body is None:
        yield MISSING_LIST, digest, size
        return
    top = ListReader(body)
    if top.size != size or len(top.hash) != 32:
        raise ProtocolError("a chunk list of %d bytes of content stands for a file of %d" % (top.size, size))
    yield HELD_LIST, digest, size
    seen = {}  # list -> bytes of content behind it
    stack = [_Open(top)]
    while stack:
        level = stack[-1]
        if not level.left:
            stack.pop()
            continue
        digest, size = level.next()
        if level.reader.depth == 0:
            yield HELD_CHUNK if store.has_blob(digest) else MISSING_CHUNK, digest, size
            continue
        if once and digest in seen:
            if seen[digest] != size:
                raise ProtocolError("one chunk list stands for %d and for %d bytes" % (seen[digest], size))
            continue
        if once:
            seen[digest] = size
        body = store.blob(digest)
        if body is None:
            yield MISSING_LIST, digest, size
        else:
            yield HELD_LIST, digest, size
            stack.append(_Open(ListReader(body, level.reader.depth - 1, size, level.reader.last and not level.left)))


class _Open:
    """A list of which some entries have been given."""

    def __init__(self, reader):
        self.reader = reader
        self.left = reader.count
        self._entries = reader.entries()

    def next(self):
        self.left -= 1
        return next(self._entries)
