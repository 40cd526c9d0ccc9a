"""The files of one store: entries at `fs/<path>`, their content in blobs, conflicts, undo.

Reading never fails for what somebody else wrote: a row that is no entry is listed as such. Writing goes through the
store's key-value machine, in batches small enough that the stick takes each in memory and a step back stays cheap.
"""

from ..compat import const
from ..errors import ProtocolError, StorageFull, UsageError
from ..machines import kvlist, kvtable
from ..weaver.store import TABLE_DATA
from ..wire import utf8
from . import chunks, entry, history, tree
from . import cid as cids
from .contents import Contents
from .wanted import Wanted

BATCH_ENTRIES = const(32)  # entries in one intention
BATCH_BYTES = const(8192)  # of their values: an intention that the stick holds easily
ROOM_KEPT_BYTES = const(65536)  # content leaves this much for intentions


class Version:
    """One write that stands: `entry` is None for a deletion or for what is no file (`problem` says why)."""

    __slots__ = ("entry", "problem", "deleted", "hash", "author", "wall_ms", "head")

    def __init__(self, store, head):
        self.head = head
        self.hash, self.author, self.wall_ms, self.deleted = head.hash, head.author, head.wall_ms, head.deleted
        self.entry = self.problem = None
        if not head.deleted:
            try:
                self.entry = entry.parse(kvtable.value_of(store, head))
            except ProtocolError as error:
                self.problem = "not a file: %s" % error


class File:
    """A name: `path`, `key` (whole), `version` that wins, `conflicts`: other versions with an entry, best first.

    `problem`: why it is no file, or None. `removed`: the winner is a deletion, but a concurrent edit stands beside it.
    """

    def __init__(self, path, key, versions, problem=None):
        self.path = path
        self.key = key
        self.versions = versions
        self.version = versions[0]
        self.entry = self.version.entry
        self.conflicts = [version for version in versions[1:] if version.entry is not None]
        self.problem = problem or self.version.problem
        self.removed = self.version.deleted

    def conflict_path(self, version):
        """The name of a losing version beside this one."""
        return tree.conflict_path(self.path, version.author, version.wall_ms, version.hash)


class Files:
    """`contents`: blobs and what is wanted. `holdings`: who holds what."""

    def __init__(self, handle, node):
        self.handle = handle
        self.node = node
        self.store = handle.store
        self.contents = Contents(handle.store, node.crypto)
        self.holdings = handle.holdings
        self._considered = handle.store.count  # the log up to here is reflected in what is wanted
        self._overlooked = node.storage.room() < ROOM_KEPT_BYTES  # a full medium may have kept us from noting wants

    # -- reading -----------------------------------------------------------------------------------------------------

    def list(self, folder=""):
        """Iterates over the `File`s below `folder` (all for ""), in order of their names' bytes."""
        prefix = tree.key_of(folder + "/") if folder else tree.KEY_PREFIX
        for found in self.handle.kv.list(prefix, deleted=True):
            file = self._file(found)
            if file is not None:
                yield file

    def get(self, path):
        """The `File` of this name, or None when there is none."""
        return self._file(self.handle.kv.inspect(tree.key_of(path)))

    def held(self, file):
        """True when the whole content of the winning version is here."""
        return file.entry is not None and self.contents.complete(file.entry)

    def holders(self, file, version=None):
        """Who is known to hold the content of a version: [(key, how)], how is "acknowledged" or "wrote it"."""
        version = version or file.version
        sequence = self.store.witness_sequence(version.hash)
        found = []
        for peer in self.members_known():
            if self.holdings.holds_content(peer, sequence, file.key):
                found.append((peer, "acknowledged"))
        if version.author != self.node.identity.public and version.author not in [key for key, _ in found]:
            found.append((version.author, "wrote it"))
        return found

    def members_known(self):
        """The peers of which something is known and that may connect: a revoked one counts as holder of nothing."""
        return [peer for peer in self.holdings.peers() if self.node.may_connect(self.handle.id, peer)]

    def read(self, version_entry):
        """Iterates over the content of an entry as bytes, in pieces of at most 64 KiB. UsageError when a part of it
        is not here; ProtocolError when it is damaged: the whole hash is checked at the end, so use nothing before."""
        crypto = self.node.crypto
        if version_entry.inline is not None:
            expected = version_entry.digest if version_entry.codec == cids.RAW else None
            pieces = iter((version_entry.inline,))
        else:
            expected = self._content_hash(version_entry)
            pieces = self._pieces(version_entry)
        hasher = crypto.blake3()
        size = 0
        for piece in pieces:
            hasher.update(piece)
            size += len(piece)
            yield piece
        if size != version_entry.size or hasher.digest() != expected:
            raise ProtocolError("the content does not have the hash that its entry names")

    def _content_hash(self, version_entry):
        if version_entry.codec == cids.RAW:
            return version_entry.digest
        body = self.store.blob(version_entry.digest)
        if body is None:
            raise _not_held()
        return chunks.ListReader(body).hash

    def _pieces(self, version_entry):
        for kind, digest, size in chunks.walk(
            self.store, version_entry.codec, version_entry.digest, version_entry.size
        ):
            if kind == chunks.HELD_CHUNK:
                body = self.store.blob(digest)
                if body.size != size:
                    raise ProtocolError("a chunk has %d bytes, its list says %d" % (body.size, size))
                yield body.read(0, size)
            elif kind != chunks.HELD_LIST:
                raise _not_held()

    def _file(self, found):
        """The `File` of a kvlist.Entry; None when nothing but deletions stands there."""
        if found is None or (found.winner.deleted and not found.conflicted):
            return None
        versions = [Version(self.store, head) for head in found.heads()]
        if versions[0].deleted and not [version for version in versions if version.entry is not None]:
            return None
        key = found.key
        if len(key) >= kvlist.KEY_IN_MEMORY_BYTES:
            return File(repr(key[3:60])[1:], key, versions, "not a file: its name is too long")
        if not utf8.valid(key):
            return File(repr(key[3:])[1:], key, versions, "not a file: its name is not UTF-8")
        return File(str(key[len(tree.KEY_PREFIX) :], "utf-8"), key, versions)

    # -- writing -----------------------------------------------------------------------------------------------------

    def put_entry(self, path, new, now_ms):
        """Writes the entry of one file whose blobs are stored. False when nothing would change: then nothing is
        written."""
        return self.put_entries([(path, new)], now_ms) == 1

    def put_entries(self, items, now_ms):
        """Writes entries [(path, Entry)], in as few intentions as fit. Returns how many were not there already."""
        operations = []
        for path, new in items:
            tree.check(path)
            if new.inline is None:
                self.contents.mark_complete(new)
            if not self._stands(path, new):
                operations.append((tree.key_of(path), new.encode()))
        self._write(operations, now_ms)
        return len(operations)

    def _stands(self, path, new):
        """True when exactly this file stands there, without a conflict."""
        file = self.get(path)
        return file is not None and len(file.versions) == 1 and file.entry is not None and file.entry.same_file(new)

    def remove(self, path, now_ms):
        """Removes a file, or all files of a folder. Returns their paths; UsageError when there is none."""
        files = self._below(path)
        self._write([(file.key, None) for file in files], now_ms)
        return [file.path for file in files]

    def move(self, source, target, now_ms):
        """Gives a file or folder another name; moves no content. Returns [(old path, new path)]."""
        if source == target or target.startswith(source + "/"):
            raise UsageError("%s cannot be moved into itself" % tree.shown(source))
        moves = []
        for file in self._below(source):
            if file.entry is None or file.conflicts:
                raise UsageError("%s cannot be moved: %s" % (tree.shown(file.path), _why_stuck(file)))
            moves.append((file, tree.check(target + file.path[len(source) :])))
        for _, path in moves:
            if self.get(path) is not None:
                raise UsageError("%s is there already" % tree.shown(path))
        operations = []
        for file, path in moves:
            moved = entry.Entry(
                path.split("/")[-1],
                file.entry.mode,
                file.entry.cid,
                file.entry.modified_at,
                file.entry.size,
                file.entry.inline,
            )
            operations.append((tree.key_of(path), moved.encode()))
            operations.append((file.key, None))
        self._write(operations, now_ms)
        return [(file.path, path) for file, path in moves]

    def undo(self, path, now_ms):
        """Brings back what the last write of a file hid, or every removed file of a folder. Doing it twice on a file
        brings back what it hid itself. Returns the paths; UsageError when there is nothing to bring back."""
        restored = []
        for found in self._undoable(path):
            value = history.before(self.store, self.node.crypto, found.winner, found.key)
            if value is not None:
                restored.append((found.key, value.read(0, value.size)))
        if not restored:
            raise UsageError("there is nothing to bring back at %s" % tree.shown(path))
        self._write(restored, now_ms)
        return [str(key[len(tree.KEY_PREFIX) :], "utf-8") for key, _ in restored]

    def _undoable(self, path):
        """The kvlist.Entry of the file itself, else those of all removed files below the folder."""
        own = self.handle.kv.inspect(tree.key_of(path))
        if own is not None:
            if own.conflicted:
                raise UsageError("%s has conflict copies: put the version that shall stay" % tree.shown(path))
            yield own
            return
        for found in self.handle.kv.list(tree.key_of(path + "/"), deleted=True):
            if found.winner.deleted and not found.conflicted and utf8.valid(found.key):
                yield found

    def _below(self, path):
        """The file of this name, or the files of the folder of this name."""
        file = self.get(path)
        files = [file] if file is not None else list(self.list(path))
        if not files:
            raise UsageError("there is no file called %s" % tree.shown(path))
        return files

    def _write(self, operations, now_ms):
        """Writes [(key, value or None)] in batches."""
        batch = []
        size = 0
        for key, value in operations:
            cost = len(key) + len(value or b"")
            if batch and (len(batch) == BATCH_ENTRIES or size + cost > BATCH_BYTES):
                self.handle.kv.batch(batch, now_ms)
                batch = []
                size = 0
            batch.append((key, value))
            size += cost
        if batch:
            self.handle.kv.batch(batch, now_ms)

    # -- content -----------------------------------------------------------------------------------------------------

    def consider_events(self, events):
        """Takes note of entries that were projected: which content is wanted now."""
        keys = set()
        if any([event[0] == "lost" for event in events]):
            # More happened at once than events are kept: the log says which keys.
            for _, hash, _, _ in self.store.witness_log(min(self._considered, self.store.count)):
                keys.update(history.keys_written(self.store, self.node.crypto, self.store.get(hash), tree.KEY_PREFIX))
        else:
            keys.update([event[2] for event in events if event[0] == "kv" and event[2][:3] == tree.KEY_PREFIX])
        self._considered = self.store.count
        for key in keys:
            row = self.store.row(TABLE_DATA, key)
            if row is not None:
                self._consider(key, row)

    def _consider(self, key, row):
        file = self._file(kvlist.Entry(self.store, self.node.crypto, key, row))
        entries = [] if file is None else [version.entry for version in file.versions if version.entry is not None]
        try:
            self.contents.consider(key, "" if file is None else file.path, entries)
        except StorageFull:
            self._overlooked = True  # the entry stands all the same; `wanted` looks again

    def _consider_all(self):
        self._overlooked = False
        for key, row in self.store.rows(TABLE_DATA, tree.KEY_PREFIX):
            self._consider(key, row)

    def wanted(self, limited=True):
        """What to ask peers for, see `Wanted`. `limited`: keep to the storage's room."""
        if self._overlooked:
            self._consider_all()
        if not limited:
            return Wanted(self.contents)
        return Wanted(self.contents, self._room, self.drop_unreferenced)

    def _room(self):
        return max(self.node.storage.room() - ROOM_KEPT_BYTES, 0)

    def referenced(self):
        """Iterates over the digests of all blobs that a head names, losers included."""
        for key, _ in self.store.rows(TABLE_DATA, tree.KEY_PREFIX):
            for head in kvtable.heads(self.store, self.node.crypto, TABLE_DATA, key):
                found = Version(self.store, head).entry
                if found is not None and found.inline is None:
                    for digest in self._blobs_of(found):
                        yield digest

    def _blobs_of(self, found):
        yield found.digest
        try:
            for _, digest, _ in chunks.walk(self.store, found.codec, found.digest, found.size):
                yield digest
        except ProtocolError:
            return  # damaged: what it named before the damage stays

    def drop_unreferenced(self):
        """Makes room: drops every blob that nothing references. Returns (blobs, bytes)."""
        return self.contents.collect(self.referenced(), 0, 0)

    def collect(self, now_ms, keep_ms):
        """Drops blobs that nothing has referenced for `keep_ms`; looks at most once in a tenth of that time."""
        if not self.contents.collect_is_due(now_ms, keep_ms // 10):
            return 0, 0
        self.contents.note_collected(now_ms)
        return self.contents.collect(self.referenced(), now_ms, keep_ms)


def _why_stuck(file):
    return (
        "it has conflict copies: put the version that shall stay"
        if file.conflicts
        else file.problem or "it was removed"
    )


def _not_held():
    return UsageError("a part of the content is not here")
