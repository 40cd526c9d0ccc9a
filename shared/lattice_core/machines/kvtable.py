"""The head-list engine under every table of keys: which writes of a key stand, and which of them wins.

A row holds the *heads* of a key: the writes that no later write has named as a dep (docs/reference/
03-state-machines.md §2). They are kept sorted by stamp and author, the winner first, so that the same set of
intentions gives the same bytes whatever order they came in (the reference compares with one head only:
docs/differences.md). Writes of one author may have equal stamps: of those the later one in its chain comes first; it is
also applied later everywhere.

    row    = marks ‖ head*                   at most HEADS heads
           | marks+1 ‖ more u32 ‖ head*      and `more` lower ones in TABLE_HEADS
    marks  = even; bits that some write of this key has ever set, superseded or not (`system_apply.py`): 0 in most rows
    head   = rank ‖ kind ‖ content
    rank   = wall u64 ‖ counter u32 ‖ author 32 ‖ hash 32         big-endian: memcmp of the first 44 bytes is the order
    kind   = 0 deleted                       content: nothing
           | 1 inline                        size u16 ‖ bytes
           | 2 by reference                  offset u32 ‖ size u32 in the ops of the intention `hash`
           | 3 by reference, with a prefix   size u8 ‖ bytes ‖ offset u32 ‖ size u32
           | +0x80 for a shortened key       … ‖ offset u32 ‖ size u32 of the whole key in them

Everything is big-endian. A value lives once, in the log; what is short and not a piece of the ops stands inline.
Rows and their keys are small whatever a peer sends: see HEADS, INLINE_BYTES and `keys.py`.
"""

from struct import pack, unpack_from

from ..compat import const
from ..errors import StorageError
from ..seams import BytesBody, SliceBody
from ..storage.contract import TABLE_HEADS

DELETED = const(0)
INLINE = const(1)
REFERENCE = const(2)
PREFIXED = const(3)
_LONG_KEY = const(0x80)
_MORE = const(1)

HEADS = const(16)  # heads in one row; lower ones go to TABLE_HEADS: a row never grows past ROW_VALUE_BYTES
INLINE_BYTES = const(128)
_RANK = const(76)
_HASH = const(44)  # where the hash begins in a rank; what is before it decides the order


# -- writing -----------------------------------------------------------------------------------------------------


def rank_of(intention):
    """The rank of a write: its stamp and author, which decide, and its hash."""
    return pack(">QI", intention.wall_ms, intention.counter) + intention.author + intention.hash


def deleted():
    """kind ‖ content of a deletion."""
    return b"\x00"


def inline(value):
    """kind ‖ content of a value of at most INLINE_BYTES."""
    return b"\x01" + pack(">H", len(value)) + value


def reference(offset, size):
    """kind ‖ content of a value that lies in the intention's ops."""
    return b"\x02" + pack(">II", offset, size)


def prefixed(prefix, offset, size):
    """kind ‖ content of `prefix` (at most 255 bytes) followed by bytes of the intention's ops."""
    return b"\x03" + pack(">B", len(prefix)) + prefix + pack(">II", offset, size)


def with_key(content, offset, size):
    """Adds where the whole key lies, for a row whose key is a shortened one."""
    return bytes((content[0] | _LONG_KEY,)) + content[1:] + pack(">II", offset, size)


def hash_of(head):
    """Which intention a head in bytes is."""
    return head[_HASH:_RANK]


def is_deleted(head):
    """True when a head in bytes is a deletion."""
    return head[_RANK] & 0x7F == DELETED


def write(store, crypto, table, key, rank, deps, content, mark=0):
    """Applies one write to the row of `key`. Returns the head that wins afterwards as bytes, or None when this
    intention stands in the row already.

    `deps`: a container of the hashes that this write supersedes; `content`: from one of the functions above; `mark`:
    bits that stay with the row whatever supersedes this write.
    """
    row = store.row(table, key)
    head = rank + content
    if row is None:
        store.put_row(table, key, bytes((mark,)) + head)
        return head
    if not row[0] & _MORE and len(row) == 1 + _head_size(row, 1):
        # Nearly every row has one head, and nearly every write supersedes it.
        old = row[1 + _HASH : 1 + _RANK]
        if old == rank[_HASH:]:
            return None
        if old in deps:
            store.put_row(table, key, bytes((row[0] | mark,)) + head)
            return head
    return _write_several(store, crypto, table, key, row, head, deps, mark)


def written(store, crypto, table, key, rank):
    """The head of the write with this rank at `key` as bytes, None when it does not stand there."""
    row = store.row(table, key)
    if row is None:
        return None
    for head in split(row):
        if head[_HASH:_RANK] == rank[_HASH:]:
            return head
    more = count_more(row)
    return _Spill(store, crypto, table, key, more).get(rank) if more else None


def _write_several(store, crypto, table, key, row, head, deps, mark):
    hash = head[_HASH:_RANK]
    heads = split(row)
    more = count_more(row)
    for other in heads:
        if other[_HASH:_RANK] == hash:
            return None
    spill = _Spill(store, crypto, table, key, more)
    if more and spill.get(head) is not None:
        return None
    heads = [other for other in heads if other[_HASH:_RANK] not in deps]
    if more:
        spill.drop_deps(deps)
    if spill.count and (not heads or head[:_HASH] < heads[-1][:_HASH]):
        spill.put(head)
    else:
        _insert(heads, head)
        if len(heads) > HEADS:
            spill.put(heads.pop())
    if len(heads) < HEADS and spill.count:
        heads.extend(spill.take(HEADS - len(heads)))
    marks = marks_of(row) | mark
    start = pack(">BI", marks | _MORE, spill.count) if spill.count else bytes((marks,))
    store.put_row(table, key, start + b"".join(heads))
    return heads[0]


def _insert(heads, head):
    at = 0
    while at < len(heads) and heads[at][:_HASH] > head[:_HASH]:
        at += 1
    heads.insert(at, head)


class _Spill:
    """The heads of one row that do not fit into it, greatest first in TABLE_HEADS.

    Key there: table ‖ BLAKE3 of the row's key ‖ stamp, author and position in the author's chain, inverted so that
    ascending keys are descending ranks.
    """

    def __init__(self, store, crypto, table, key, count):
        self.store = store
        self.count = count
        self.stem = bytes((table,)) + crypto.blake3_digest(key)

    def _key(self, rank):
        found = self.store.position(rank[_HASH:_RANK])
        position = 0 if found is None else found[1]
        return self.stem + bytes([255 - byte for byte in rank[:_HASH] + pack(">I", position)])

    def get(self, rank):
        return self.store.row(TABLE_HEADS, self._key(rank))

    def put(self, head):
        self.store.put_row(TABLE_HEADS, self._key(head), head)
        self.count += 1

    def drop_deps(self, deps):
        """Removes the heads that `deps` names, looking at the fewer of both: a write names at most 1,024 deps, and may
        do so for each of thousands of keys."""
        if self.count <= len(deps):
            for key, head in self.store.rows(TABLE_HEADS, self.stem):
                if head[_HASH:_RANK] in deps:
                    self._drop(key)
            return
        for dep in deps:
            intention = self.store.get(dep)
            if intention is not None:
                key = self._key(rank_of(intention))
                if self.store.row(TABLE_HEADS, key) is not None:
                    self._drop(key)

    def _drop(self, key):
        self.store.put_row(TABLE_HEADS, key, None)
        self.count -= 1

    def take(self, count):
        """Removes and returns the `count` greatest heads."""
        taken = []
        for key, head in self.store.rows(TABLE_HEADS, self.stem):
            taken.append((key, head))
            if len(taken) == count:
                break
        for key, _ in taken:
            self.store.put_row(TABLE_HEADS, key, None)
        self.count -= len(taken)
        return [head for _, head in taken]


# -- reading -------------------------------------------------------------------------------------------------------


class Head:
    """One write that stands: `hash`, `author`, `wall_ms`, `counter`, `deleted`; `value_of` gives its value."""

    __slots__ = ("author", "counter", "data", "deleted", "hash", "key_at", "kind", "offset", "rank", "size", "wall_ms")

    def __init__(self, record):
        self.rank = record[:_RANK]
        self.wall_ms, self.counter = unpack_from(">QI", record, 0)
        self.author = record[12:_HASH]
        self.hash = record[_HASH:_RANK]
        flags = record[_RANK]
        self.kind = flags & 0x7F
        self.deleted = self.kind == DELETED
        self.data = b""  # an inline value, or the prefix of one by reference
        self.offset = self.size = 0
        at = _RANK + 1
        if self.kind == INLINE:
            end = at + 2 + unpack_from(">H", record, at)[0]
            self.data = record[at + 2 : end]
            at = end
        elif self.kind != DELETED:
            if self.kind == PREFIXED:
                end = at + 1 + record[at]
                self.data = record[at + 1 : end]
                at = end
            self.offset, self.size = unpack_from(">II", record, at)
            at += 8
        # (offset, size) of the whole key in the intention's ops, for a shortened key.
        self.key_at = unpack_from(">II", record, at) if flags & _LONG_KEY else None


def _head_size(row, at):
    """Size of the head that begins at `at`. StorageError when the row ends before it."""
    try:
        size = _size_written(row, at)
    except IndexError:
        size = len(row)
    if at + size > len(row):
        raise StorageError("a row of the state is damaged: what it says ends behind its end", "damaged")
    return size


def _size_written(row, at):
    flags = row[at + _RANK]
    kind = flags & 0x7F
    size = _RANK + 1
    if kind == INLINE:
        size += 2 + (row[at + size] << 8 | row[at + size + 1])
    elif kind == REFERENCE:
        size += 8
    elif kind == PREFIXED:
        size += 9 + row[at + size]
    elif kind != DELETED:
        raise StorageError("a row of the state is damaged: it holds a write of no kind that there is", "damaged")
    return size + 8 if flags & _LONG_KEY else size


def marks_of(row):
    """The bits that some write of the row has set, superseded or not."""
    return row[0] & ~_MORE if row else 0


def _heads_at(row):
    return 5 if row and row[0] & _MORE else 1


def split(row):
    """The heads in a row as bytes, the winner first."""
    at = _heads_at(row)
    heads = []
    while at < len(row):
        size = _head_size(row, at)
        heads.append(row[at : at + size])
        at += size
    return heads


def count_more(row):
    """How many heads of the row lie in TABLE_HEADS."""
    if not row or not row[0] & _MORE:
        return 0
    if len(row) < 5:
        raise StorageError("a row of the state is damaged: it is cut off after %d bytes" % len(row), "damaged")
    return unpack_from(">I", row, 1)[0]


def winner(row):
    """The `Head` whose value the key has."""
    at = _heads_at(row)
    return Head(row[at : at + _head_size(row, at)])


def conflicted(row):
    """True when more than one write of the key stands."""
    return count_more(row) > 0 or len(row) > 1 + _head_size(row, 1)


def heads(store, crypto, table, key):
    """Iterates over the `Head`s of a row, the winner first; none when there is no such row."""
    row = store.row(table, key)
    if row is None:
        return
    for record in split(row):
        yield Head(record)
    if count_more(row):
        stem = bytes((table,)) + crypto.blake3_digest(key)
        for _, record in store.rows(TABLE_HEADS, stem):
            yield Head(record[: _head_size(record, 0)])


def value_of(store, head):
    """The value of a head as a `Body`, None when it is a deletion."""
    if head.kind == INLINE:
        return BytesBody(head.data)
    if head.kind == DELETED:
        return None
    intention = store.get(head.hash)
    body = SliceBody(intention.body, intention.ops_offset + head.offset, head.size)
    return _Joined(head.data, body) if head.kind == PREFIXED else body


def key_of(store, head, row_key):
    """The whole key of a head's row as a `Body`; the row key itself where nobody knows more (system and root rows)."""
    if head.key_at is None:
        return BytesBody(row_key)
    intention = store.get(head.hash)
    return SliceBody(intention.body, intention.ops_offset + head.key_at[0], head.key_at[1])


class _Joined:
    """A `Body`: a few bytes, then another body."""

    def __init__(self, first, rest):
        self.first = first
        self.rest = rest
        self.size = len(first) + rest.size

    def read(self, offset, count):
        split_at = len(self.first)
        if offset >= split_at:
            return self.rest.read(offset - split_at, count)
        piece = self.first[offset : offset + count]
        missing = count - len(piece)
        return piece + self.rest.read(0, missing) if missing else piece


# -- the state as one hash ---------------------------------------------------------------------------------------------


def state_hash(store, crypto, tables):
    """BLAKE3 over the rows of `tables` in order: equal sets of intentions give equal hashes (the manifest keys that
    RemoveBundle of the root store finds are the one exception: docs/differences.md)."""
    hasher = crypto.blake3()
    for table in tables:
        for key, value in store.rows(table):
            hasher.update(pack(">BHH", table, len(key), len(value)))
            hasher.update(key)
            hasher.update(value)
    return hasher.digest()
