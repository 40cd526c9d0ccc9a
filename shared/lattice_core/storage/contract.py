"""What the core asks of storage. Three implementations: memory (here), SQLite (host), flash (stick).

Types and rules only. One `Storage` holds everything of one node; it has one open transaction at a time, which
spans all stores: reads see what was written since the last commit, `commit` makes all of it durable at once,
a power cut before it leaves nothing of it. The same tests run on all three (tests/core/support/storage_suite.py).

Who calls: only weaver, machines and node. Never sync or link.
"""

from ..compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from ..model.intention import Intention
    from ..seams import Body, Buffer

    class BodyWriter(Protocol):
        """Takes bytes that are too large to hold, as they arrive. Invisible until handed to `put*`."""

        def write(self, data: Buffer) -> None:
            """Raises StorageFull when there is no room."""
            ...

        def body(self) -> Body:
            """What was written, readable at once (also before commit). Ends the writer."""
            ...

        def discard(self) -> None: ...

    class Storage(Protocol):
        medium: str  # what is full when there is no room, for messages

        def record(self, name: bytes) -> "bytes | None":
            """A small node record (identity, owner, own tips): RECORDS at most, RECORD_VALUE_BYTES each."""
            ...

        def put_record(self, name: bytes, value: "bytes | None") -> None:
            """Part of the transaction; None deletes; ValueError beyond the limits. On the stick records live in a
            two-copy record with CRC that is written after the log was synced, before `commit` returns."""
            ...

        def store_ids(self) -> "list[bytes]":
            """Ids (16 bytes) of all stores created, in order of creation."""
            ...

        def store(self, store_id: bytes) -> "Store":
            """Opens a store; creates it (part of the transaction) when absent. Same object every time."""
            ...

        def commit(self) -> None:
            """Makes everything since the last commit durable, atomically. Returns after the sync. No-op if clean."""
            ...

        def rollback(self) -> None:
            """Drops everything since the last commit, stores created in it included. Callers must drop what they
            derived from it."""
            ...

        # A storage that keeps a reserve for what decides who is let in (the stick) has `write_for(intention)`: what is
        # written from then on follows from this intention of a root store (None: from others). True when an owner of
        # the node has written it: whom such a one shuts out is shut out before it is witnessed. And `need_rows(size)`:
        # StorageFull when there is no room for so many bytes of rows.

        # A storage that may lose a part of what it has committed and go on with the rest (the stick) has `may_lose`,
        # True, and `salvaged`: True when that was found at its start. Rows may then be older than the log.

        def pending(self) -> int:
            """Bytes written since the last commit (about): the node commits when this passes `limits.BATCH_BYTES`, or
            the storage's own `commit_bytes` where it has one (a computer takes larger batches). In the same way it may
            bring `new_floating`, which makes what holds a store's waiting intentions (weaver/roomy.py)."""
            ...

        def room(self) -> int:
            """How many bytes may still be written (about)."""
            ...

        def body_writer(self, size: int, content: bool = False) -> BodyWriter:
            """For bodies over `limits.BODY_IN_MEMORY_BYTES`. StorageFull at once when `size` cannot fit. `content`:
            it will be a blob, which a stick leaves more room beside than an intention."""
            ...

        def to_write(self, body: Body) -> int:
            """How many bytes of room storing this body still takes: none when a writer has put it there already."""
            ...

    class Store(Protocol):
        id: bytes  # 16
        count: int  # witnessed intentions = last witness sequence
        head: bytes  # content hash of the last witness record, ZERO when empty
        first_sequence: int  # where the witness log begins: 1, until a store lets history go

        # -- intentions ---------------------------------------------------------------------------------
        def has(self, hash: bytes) -> bool:
            """Stored, witnessed or floating."""
            ...

        def put(self, intention: Intention, absent: bool = False) -> None:
            """Stores a verified intention (its body may be a BytesBody, or what a BodyWriter of this storage
            gave). It floats until `witness`. `absent`: the caller knows that it is not stored. StorageFull before
            anything is changed."""
            ...

        def get(self, hash: bytes) -> "Intention | None": ...

        def mend(self, intention: Intention) -> None:
            """Replaces body and signature of a stored intention, whose bytes were found damaged."""
            ...

        def drop(self, hash: bytes) -> None:
            """Forgets a floating intention; nothing when absent. ValueError when it is witnessed."""
            ...

        def floating(self) -> "list[bytes]":
            """Hashes stored and not witnessed, oldest first."""
            ...

        # -- witness log and chains -----------------------------------------------------------------------
        def witness(self, hash: bytes, wall_ms: int, head: bytes) -> None:
            """Appends to the witness log. The weaver has checked that the intention's store_prev is its author's
            tip; `head` is the content hash of the new record. The author's chain advances."""
            ...

        # A storage that can lose records of its log and go on (the stick) has `gaps()`: how many sequences are without
        # an entry. `witness_log` leaves them out; `witness_at` and the like raise StorageError for them.

        def witness_sequence(self, hash: bytes) -> int:
            """1-based sequence of a witnessed intention, 0 otherwise."""
            ...

        def witness_at(self, sequence: int) -> "tuple[bytes, int]":
            """(intention hash, wall_ms). ValueError outside first_sequence..count."""
            ...

        def witness_author(self, sequence: int) -> bytes:
            """Author of the intention with that sequence, without reading the intention. ValueError outside
            first_sequence..count."""
            ...

        def witness_log(self, after: int = 0) -> "Iterator[tuple[int, bytes, bytes, int]]":
            """(sequence, intention hash, author, wall_ms) of every entry with a sequence greater than `after`, in
            order: for reading thousands in a row. The log may grow meanwhile."""
            ...

        def head_at(self, sequence: int) -> "bytes | None":
            """Content hash of the record with that sequence, or None when the store keeps only the last one (the
            stick: 32 B an intention): the weaver then computes it again. ValueError outside
            first_sequence..count."""
            ...

        def authors(self) -> "list[bytes]":
            """Authors with at least one witnessed intention, in order of their first one."""
            ...

        def chain(self, author: bytes) -> "tuple[int, bytes]":
            """(length, tip hash) of the author's witnessed chain; (0, ZERO) when there is none."""
            ...

        def chain_at(self, author: bytes, position: int) -> bytes:
            """Hash of the author's `position`-th intention, 1-based. ValueError outside of what follows the base,
            up to the length."""
            ...

        def chain_base(self, author: bytes) -> "tuple[int, bytes, int]":
            """(position, hash, stamp in ms) of the last of an author's intentions that were let go with all before it:
            (0, ZERO, 0), until a store lets history go."""
            ...

        def position(self, hash: bytes) -> "tuple[bytes, int] | None":
            """(author, position in the author's chain) of a witnessed intention, None for any other hash."""
            ...

        def length_at(self, author: bytes, sequence: int) -> int:
            """How many of an author's intentions are witnessed in the log up to `sequence`."""
            ...

        def pinned(self, hash: bytes) -> bool:
            """True for an intention that is kept although the log around it was let go: none, as yet."""
            ...

        def newest_authors(self, count: int) -> "list[bytes]":
            """Authors whose tips were witnessed last, newest first."""
            ...

        # -- ranges of witnessed hashes: hosts and memory only, for the reference's reconciliation ----------------
        def range_summary(self, start: bytes, end: "bytes | None") -> "tuple[int, bytes]":
            """(count, XOR of 32 bytes) of the witnessed hashes in [start, end), in O(log n); None: to the last."""
            ...

        def range_hashes(self, start: bytes, end: "bytes | None", limit: int) -> "list[bytes]":
            """The first `limit` witnessed hashes in [start, end), ascending."""
            ...

        # -- ordered state tables --------------------------------------------------------------------------
        def row(self, table: int, key: bytes) -> "bytes | None": ...

        def put_row(self, table: int, key: bytes, value: "Buffer | None") -> None:
            """None deletes. `table` is one of TABLE_*. Keys have 0 to ROW_KEY_BYTES bytes (the empty key is
            legal), values 0 to ROW_VALUE_BYTES; ValueError beyond."""
            ...

        def rows(
            self, table: int, prefix: bytes = b"", after: "bytes | None" = None
        ) -> "Iterator[tuple[bytes, bytes]]":
            """(key, value) in ascending memcmp order of keys, only keys that start with `prefix`, only keys
            greater than `after`. The table may change between two steps; then the iterator goes on behind
            the last key it gave."""
            ...

        # -- blobs: named by BLAKE3, kept per store -----------------------------------------------------------
        def has_blob(self, hash: bytes) -> bool: ...

        def put_blob(self, hash: bytes, body: "Body | bytes") -> None:
            """The caller has verified the hash. Idempotent."""
            ...

        def blob(self, hash: bytes) -> "Body | None": ...

        def drop_blob(self, hash: bytes) -> None: ...

        def blobs(self) -> "Iterator[tuple[bytes, int]]":
            """(hash, size) of all, in no order."""
            ...


# State tables of a store. One letter each so that a dump reads well.
TABLE_DATA = 0x64  # d: rows of the application machine (kv, root)
TABLE_SYSTEM = 0x73  # s: rows of the system machine
TABLE_META = 0x6D  # m: the weaver's own: skipped, refused, forks, genesis, cursors
TABLE_BLOBS = 0x62  # b: wanted content and who holds what (sync.blobs)
TABLE_HEADS = 0x68  # h: heads of rows with more than fit into one (machines.kvtable)
# 0x67, g, is spoken for: graves of keys whose deletion was let go (docs/storage.md, "Numbers that are spoken for").
TABLES = (TABLE_DATA, TABLE_SYSTEM, TABLE_META, TABLE_BLOBS, TABLE_HEADS)

# Rows stay small, so that flash can keep them in blocks of 4 KiB and a length of a key in one byte. Machines keep
# to it whatever a peer sends: longer keys are shortened (machines.kvtable), values are stored by reference.
ROW_KEY_BYTES = const(255)
ROW_VALUE_BYTES = const(3584)
RECORD_NAME_BYTES = const(32)
RECORD_VALUE_BYTES = const(256)
RECORDS = const(96)  # the sums of 80 lists of members and what a node has for itself

ZERO = b"\x00" * 32
