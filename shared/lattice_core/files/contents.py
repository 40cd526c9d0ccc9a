"""Which content of a store is here, which is wanted, and what may be dropped: rows in TABLE_BLOBS.

| key | value | meaning |
|---|---|---|
| `w` ‖ BLAKE3(key)[:8] ‖ root (32) | codec u8 ‖ size u64 LE ‖ path | a head of `fs/<path>` names it, some is missing |
| `c` ‖ root (32) | codec u8 ‖ size u64 LE | all of this content is here |
| `u` ‖ blob (32) | u64 LE ms | when the blob was first found unreferenced |
| `g` | u64 LE ms | when unreferenced blobs were last looked for |
| `x` ‖ BLAKE3(key)[:8] | row key | an own write at `fs/…` that is no file stands there, or stood |
| `l` | | a blob was lost to damage: what is wanted is to be worked out anew |

`root` is the digest of a cid. The rows change in the transaction that projects an entry or stores a blob, so they
are never behind what is committed.
"""

from ..compat import const
from ..errors import ProtocolError, StorageError
from ..model.intention import digest_of
from ..storage.contract import TABLE_BLOBS
from ..text import cut
from . import chunks
from . import cid as cids

_WANTED = b"w"
_COMPLETE = b"c"
_UNREFERENCED = b"u"
_COLLECTED = b"g"
_LOST = b"l"
_NO_FILE = b"x"
_KEY_HASH_BYTES = const(8)
_SUSPECTS = const(64)
_PATH_BYTES = const(3000)  # a row's value is limited; a longer path is cut, it only serves messages


class Want:
    """A content of which something is missing. `path` serves messages."""

    __slots__ = ("codec", "digest", "path", "row", "size")
    inline = None

    def __init__(self, row, value):
        self.row = row
        self.digest = row[1 + _KEY_HASH_BYTES :]
        self.codec = value[0]
        self.size = int.from_bytes(value[1:9], "little")
        self.path = str(value[9:], "utf-8")


class Contents:
    """The blobs of one store: `has`, `get`, `put`, and the books above."""

    def __init__(self, store, crypto):
        self.store = store
        self.crypto = crypto
        self.drops = 0  # how often blobs were dropped
        self._suspects = []  # digests of chunk lists that were found damaged and are still stored

    # -- blobs -----------------------------------------------------------------------------------------------------

    def has(self, digest):
        """True when the blob is here."""
        return self.store.has_blob(digest)

    def get(self, digest):
        """The blob as a Body, or None: "not held" is an answer."""
        return self.store.blob(digest)

    def put(self, digest, data):
        """Stores a blob. ProtocolError when `data` (bytes) is not what the digest names."""
        if self.crypto.blake3_digest(data) != digest:
            raise ProtocolError("a blob of %d bytes is not the one its hash names" % len(data))
        self.put_body(digest, data)

    def put_body(self, digest, body):
        """Stores a blob (bytes or a Body) whose hash was checked, in place of a damaged one too."""
        if digest in self._suspects:
            self.check(digest)
        self.store.put_blob(digest, body)

    # -- damage ----------------------------------------------------------------------------------------------------

    def has_blob(self, digest):
        """For `chunks.walk`."""
        return self.store.has_blob(digest)

    def blob(self, digest):
        """A chunk list for `chunks.walk`: None when it is not here, or is damaged here."""
        if digest in self._suspects:
            return None
        body = self.store.blob(digest)
        if body is None or body.size > chunks.LIST_BYTES or self._is_good(digest, body):
            return body
        if len(self._suspects) < _SUSPECTS:
            self._suspects.append(digest)
        return None

    def _is_good(self, digest, body):
        try:
            return digest_of(self.crypto, body) == digest
        except StorageError:
            return False

    def check(self, digest):
        """False when a blob is here and damaged: it is dropped then, and wanted again. Part of the transaction."""
        body = self.store.blob(digest)
        if digest in self._suspects:
            self._suspects.remove(digest)
        if body is None or self._is_good(digest, body):
            return True
        self.drops += 1
        self.store.drop_blob(digest)
        self.doubt()
        return False

    def check_suspects(self):
        """Drops what was found damaged while it was read."""
        while self._suspects:
            self.check(self._suspects[0])

    def doubt(self):
        """Blobs may be gone: nothing is known to be complete any more, and what is wanted is worked out anew."""
        for row, _ in self.store.rows(TABLE_BLOBS, _COMPLETE):
            self.store.put_row(TABLE_BLOBS, row, None)
        if not self.doubted():
            self.store.put_row(TABLE_BLOBS, _LOST, b"")

    def doubted(self):
        return self.store.row(TABLE_BLOBS, _LOST) is not None

    def trust(self):
        if self.doubted():
            self.store.put_row(TABLE_BLOBS, _LOST, None)

    # -- what is wanted ----------------------------------------------------------------------------------------------

    def consider(self, key, path, entries):
        """Takes note of the entries (all heads) that stand under `key` now. Lists are not walked here: a content that
        has come another way is a want until the next session looks."""
        prefix = _WANTED + self.crypto.blake3_digest(key)[:_KEY_HASH_BYTES]
        stale = {row for row, _ in self.store.rows(TABLE_BLOBS, prefix)}
        for entry in entries:
            if entry.inline is not None:
                continue
            row = prefix + entry.digest
            if row in stale:
                stale.remove(row)
            elif not self.known(entry):
                self.store.put_row(TABLE_BLOBS, row, _shape(entry) + cut(path, _PATH_BYTES).encode())
        for row in stale:
            self.store.put_row(TABLE_BLOBS, row, None)

    def wants(self):
        """Iterates over what is not all here."""
        for row, value in self.store.rows(TABLE_BLOBS, _WANTED):
            yield Want(row, value)

    def note_no_file(self, key):
        """An own write at this row key is no entry, as only somebody makes it who writes there by hand."""
        self.store.put_row(TABLE_BLOBS, _NO_FILE + self.crypto.blake3_digest(key)[:_KEY_HASH_BYTES], key)

    def no_files(self):
        """Iterates over the row keys that were noted so."""
        for _, key in self.store.rows(TABLE_BLOBS, _NO_FILE):
            yield key

    def known(self, entry):
        """True when the content is known to be here without a look at chunk lists."""
        if entry.inline is not None or self.store.row(TABLE_BLOBS, _COMPLETE + entry.digest) == _shape(entry):
            return True
        return entry.codec == cids.RAW and self.store.has_blob(entry.digest)

    def complete(self, entry):
        """True when the whole content of an entry (or a Want) is here. Looks at the blobs once, then remembers."""
        if self.known(entry):
            return True
        try:
            for kind, _, _ in chunks.walk(self, entry.codec, entry.digest, entry.size, True):
                if kind in (chunks.MISSING_CHUNK, chunks.MISSING_LIST):
                    return False
        except ProtocolError:
            return False  # it does not add up: no peer can complete it, `file list` shows it as not held
        self.mark_complete(entry)
        return True

    def mark_complete(self, content):
        """All blobs of this content (an Entry or a Want) are here."""
        row = _COMPLETE + content.digest
        if self.store.row(TABLE_BLOBS, row) != _shape(content):
            self.store.put_row(TABLE_BLOBS, row, _shape(content))

    def settle(self, want):
        """A want of which nothing is missing any more."""
        self.mark_complete(want)
        if self.store.row(TABLE_BLOBS, want.row) is not None:
            self.store.put_row(TABLE_BLOBS, want.row, None)

    # -- dropping ---------------------------------------------------------------------------------------------------

    def collect(self, referenced, now_ms, keep_ms):
        """Drops blobs that nothing has referenced for `keep_ms`; 0 drops all unreferenced ones now.

        `referenced`: iterator of the digests (roots, lists, chunks) that must stay. Returns (blobs, bytes) dropped.
        """
        unsure, twice = self._marks_of_complete()
        kept = set()
        for digest in referenced:
            mark = _mark(digest)
            kept.add(mark)
            if mark in unsure and self.store.row(TABLE_BLOBS, _COMPLETE + digest) is not None:
                unsure.remove(mark)
        for row, _ in self.store.rows(TABLE_BLOBS, _COMPLETE):
            if _mark(row[1:]) in unsure or _mark(row[1:]) in twice:
                self.store.put_row(TABLE_BLOBS, row, None)
        doomed = [item for item in self.store.blobs() if self._is_doomed(item[0], kept, now_ms, keep_ms)]
        for digest, _ in doomed:
            self.drops += 1
            self.store.drop_blob(digest)
            self._forget_unreferenced(digest)
        return len(doomed), sum([size for _, size in doomed])

    def _marks_of_complete(self):
        """(marks of all `c` rows, those that more than one has). A row may stay only when its very root is
        referenced: a chance equality would call content complete whose chunks are dropped. Rows of equal marks go
        all: `complete` makes them again."""
        marks = set()
        twice = set()
        for row, _ in self.store.rows(TABLE_BLOBS, _COMPLETE):
            mark = _mark(row[1:])
            if mark in marks:
                twice.add(mark)
            marks.add(mark)
        return marks, twice

    def _is_doomed(self, digest, kept, now_ms, keep_ms):
        """True when a blob's time is over; notes when it was first found unreferenced."""
        if _mark(digest) in kept:
            self._forget_unreferenced(digest)
            return False
        if not keep_ms:
            return True
        since = self.store.row(TABLE_BLOBS, _UNREFERENCED + digest)
        if since is None:
            self.store.put_row(TABLE_BLOBS, _UNREFERENCED + digest, now_ms.to_bytes(8, "little"))
            return False
        return now_ms - int.from_bytes(since, "little") >= keep_ms

    def _forget_unreferenced(self, digest):
        row = _UNREFERENCED + digest
        if self.store.row(TABLE_BLOBS, row) is not None:
            self.store.put_row(TABLE_BLOBS, row, None)

    def collect_is_due(self, now_ms, interval_ms):
        last = self.store.row(TABLE_BLOBS, _COLLECTED)
        return last is None or now_ms - int.from_bytes(last, "little") >= interval_ms

    def note_collected(self, now_ms):
        self.store.put_row(TABLE_BLOBS, _COLLECTED, now_ms.to_bytes(8, "little"))


def _shape(content):
    """What the digest alone does not say of a content: how it is to be read, and how much it is."""
    return bytes((content.codec,)) + content.size.to_bytes(8, "little")


def _mark(digest):
    """30 bits of a digest, a small integer on the stick. A chance equality only keeps a blob longer."""
    return int.from_bytes(digest[:4], "little") & 0x3FFFFFFF
