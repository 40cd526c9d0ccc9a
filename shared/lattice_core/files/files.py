"""The files of one store as commands work with them: entries at `fs/<path>`, their content in blobs, conflicts, undo.

Writing goes through the store's key-value machine, in batches small enough that the stick takes each in memory and a
step back stays cheap.
"""

from ..compat import const
from ..errors import ProtocolError, StorageError, UsageError
from ..machines.kv_view import KvView
from ..wire import utf8
from . import chunks, entry, history, tree
from . import cid as cids
from .reading import file_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..machines.registry import Viewable
    from .content_index import ContentIndex

    class Holdings(Protocol):
        """What is known of who holds what in this store."""

        def peers(self) -> "list[bytes]": ...

        def holds_content(self, peer: bytes, sequence: int, key: bytes) -> bool: ...

    class Admits(Protocol):
        """Of the members: who may connect, what they are called, and which key is ours."""

        own: bytes

        def may_connect(self, store_id: bytes, key: bytes) -> bool: ...

        def peer_name(self, key: bytes) -> str: ...


BATCH_ENTRIES = const(32)  # entries in one intention
BATCH_BYTES = const(8192)  # of their values: an intention that the stick holds easily


class Files:
    """`index`: what content is wanted and what may be dropped; `contents`: the blobs themselves."""

    def __init__(
        self,
        store_id: bytes,
        replica: "Viewable",
        index: "ContentIndex",
        holdings: "Holdings",
        members: "Admits",
    ):
        self.store_id = store_id
        self.store = index.store
        self.crypto = index.crypto
        self.index = index
        self.contents = index.contents
        self.storage = index.budget.storage
        self.journal = index.budget.journal
        self.holdings = holdings
        self.members = members
        self.kv = KvView(replica)

    # -- reading -----------------------------------------------------------------------------------------------------

    def list(self, folder=""):
        """Iterates over the `File`s below `folder` (all for ""), in order of their names' bytes."""
        prefix = tree.key_of(folder + "/") if folder else tree.KEY_PREFIX
        for found in self.kv.list(prefix, deleted=True):
            file = file_of(self.store, found)
            if file is not None:
                yield file

    def get(self, path):
        """The `File` of this name, or None when there is none."""
        return file_of(self.store, self.kv.inspect(tree.key_of(path)))

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
        if version.author != self.members.own and version.author not in [key for key, _ in found]:
            found.append((version.author, "wrote it"))
        return found

    def members_known(self) -> "list[bytes]":
        """The peers of which something is known and that may connect: a revoked one counts as holder of nothing."""
        return [peer for peer in self.holdings.peers() if self.members.may_connect(self.store_id, peer)]

    def read(self, version_entry):
        """Iterates over the content of an entry as bytes, in pieces of at most 64 KiB. UsageError when a part of it
        is not here; ProtocolError when it is damaged: the whole hash is checked at the end, so use nothing before."""
        crypto = self.crypto
        if version_entry.inline is not None:
            expected = version_entry.digest if version_entry.codec == cids.RAW else None
            pieces = iter((version_entry.inline,))
        else:
            expected = self.content_hash(version_entry)
            pieces = self._pieces(version_entry)
        hasher = crypto.blake3()
        size = 0
        for piece in pieces:
            hasher.update(piece)
            size += len(piece)
            yield piece
        if size != version_entry.size or hasher.digest() != expected:
            raise ProtocolError("the content does not have the hash that its entry names")

    def content_hash(self, version_entry):
        """The BLAKE3 of the whole content of an entry that has blobs. UsageError when that is not known here."""
        if version_entry.codec == cids.RAW:
            return version_entry.digest
        body = self.contents.blob(version_entry.digest)
        if body is None:
            if self.store.has_blob(version_entry.digest):
                self._lose(version_entry.digest)
                raise _damaged()
            raise _not_held()
        return chunks.ListReader(body).hash

    def _pieces(self, version_entry):
        for kind, digest, size in chunks.walk(
            self.contents, version_entry.codec, version_entry.digest, version_entry.size
        ):
            if kind == chunks.HELD_CHUNK:
                yield self._piece(digest, size)
            elif kind != chunks.HELD_LIST:
                raise _not_held()

    def _piece(self, digest, size):
        """The bytes of a chunk that is held. One that is damaged is dropped and wanted again."""
        body = self.store.blob(digest)
        if body is None:
            raise _not_held()  # it went after its list was read
        try:
            piece = body.read(0, body.size)
        except StorageError:
            piece = b""
        if self.crypto.blake3_digest(piece) != digest:
            self._lose(digest)
            raise _damaged()
        if body.size != size:
            raise ProtocolError("a chunk has %d bytes, its list says %d" % (body.size, size))
        return piece

    def _lose(self, digest):
        """A blob was found damaged: it is dropped, if that can be written now, and wanted again."""
        try:
            if not self.contents.check(digest):
                self.journal.commit()
        except StorageError:
            return  # a medium that cannot be written: it is found again

    # -- writing -----------------------------------------------------------------------------------------------------

    def put_entry(self, path, new, now_ms):
        """Writes the entry of one file whose blobs are stored. False when nothing would change: then nothing is
        written."""
        return self.put_entries([(path, new)], now_ms) == 1

    def put_entries(self, items, now_ms):
        """Writes entries [(path, Entry)], in as few intentions as fit. Returns how many were not there already."""
        return len([hash for hash in self.write(items, now_ms) if hash is not None])

    def write(self, items, now_ms):
        """Writes [(path, Entry)] over what stands there, and [(path, Entry or None to remove it, deps)] as the
        successor of the versions `deps` alone: what else stands stays beside it. Returns for each the hash of the
        intention, None where exactly this file stood already."""
        groups = []
        places = []
        for at, item in enumerate(items):
            path, new = tree.check(item[0]), item[1]
            deps = item[2] if len(item) > 2 else None
            if new is not None and new.inline is None:
                self.contents.mark_complete(new)
            if new is None or deps is not None or not self.stands(path, new):
                groups.append([(tree.key_of(path), None if new is None else new.encode())])
                places.append((at, deps))
        written = [None] * len(items)
        if groups:
            hashes = self._write(groups, now_ms, [deps for _, deps in places])
            for place, hash in zip(places, hashes):
                written[place[0]] = hash
        return written

    def stands(self, path, new):
        """True when exactly this file stands there, without a conflict."""
        file = self.get(path)
        return file is not None and not file.conflicts and file.entry is not None and file.entry.same_file(new)

    def remove(self, path, now_ms):
        """Removes a file, or all files of a folder. Returns their paths; UsageError when there is none."""
        files = self._below(path)
        self._write([[(file.key, None)] for file in files], now_ms)
        return [file.path for file in files]

    def move(self, source, target, now_ms):
        """Gives a file or folder another name; moves no content. Returns [(old path, new path)]."""
        if source == target or target.startswith(source + "/"):
            raise UsageError("%s cannot be moved into itself" % tree.shown(source), "bad_name")
        moves = []
        for file in self._below(source):
            if file.entry is None or file.conflicts:
                raise UsageError("%s cannot be moved: %s" % (tree.shown(file.path), _why_stuck(file)))
            moves.append((file, tree.check(target + file.path[len(source) :])))
        for _, path in moves:
            if self.get(path) is not None:
                raise UsageError("%s is there already" % tree.shown(path), "exists")
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
            operations.append([(tree.key_of(path), moved.encode()), (file.key, None)])
        self._write(operations, now_ms)
        return [(file.path, path) for file, path in moves]

    def undo(self, path, now_ms):
        """Brings back what the last write of a file hid, or every removed file of a folder. Doing it twice on a file
        brings back what it hid itself. Returns the paths; UsageError when there is nothing to bring back."""
        restored = []
        for found in self._undoable(path):
            value = self._hidden(found)
            if value is not None:
                restored.append([(found.key, value.read(0, value.size))])
        if not restored:
            raise UsageError("there is nothing to bring back at %s" % tree.shown(path), "unknown_file")
        self._write(restored, now_ms)
        return [str(group[0][0][len(tree.KEY_PREFIX) :], "utf-8") for group in restored]

    def _hidden(self, found):
        """The value (a Body) that the last write of a name hid: another content if it hid one, else another mode or
        time of the same. None when it hid nothing. A write may repeat what stood there to drop what stood beside it."""
        _, own = history.value_written(self.store, self.crypto, self.store.get(found.winner.hash), found.key)
        now = _content(own)
        values = history.replaced(self.store, self.crypto, found.winner.hash, found.key)
        values = [value for value in values if value is not None]
        for value in values:
            if _content(value) != now:
                return value
        if own is None:
            return None
        for value in values:
            if value.read(0, value.size) != own.read(0, own.size):
                return value
        return None

    def _undoable(self, path):
        """The kvlist.Entry of the file itself, else those of all removed files below the folder."""
        own = self.kv.inspect(tree.key_of(path))
        if own is not None:
            file = file_of(self.store, own)
            if file is not None and file.conflicts:
                raise UsageError(
                    "%s has conflict copies: put the version that shall stay, or `file undo` the copy's name"
                    % tree.shown(path)
                )
            yield own
            return
        for found in self.kv.list(tree.key_of(path + "/"), deleted=True):
            if utf8.valid(found.key) and file_of(self.store, found) is None:
                yield found

    def _below(self, path):
        """The file of this name, or the files of the folder of this name."""
        file = self.get(path)
        files = [file] if file is not None else list(self.list(path))
        if not files:
            raise UsageError("there is no file called %s" % tree.shown(path), "unknown_file")
        return files

    def _write(self, groups, now_ms, deps=()):
        """Writes groups of [(key, value or None)], each whole in one intention, several to an intention. `deps`: for
        each group what it supersedes, None for all that stands. One with deps of its own goes alone: what another group
        supersedes may stand at its key too, and must not be superseded there. Returns the hash for each group."""
        hashes = []
        batch = []
        count = size = 0
        for at, group in enumerate(groups):
            own = deps[at] if deps else None
            cost = sum([len(key) + len(value or b"") for key, value in group])
            if batch and (own is not None or len(batch) + len(group) > BATCH_ENTRIES or size + cost > BATCH_BYTES):
                hashes.extend([self.kv.batch(batch, now_ms).hash] * count)
                batch = []
                count = size = 0
            if own is not None:
                hashes.append(self.kv.batch(group, now_ms, own).hash)
                continue
            batch.extend(group)
            count += 1
            size += cost
        if batch:
            hashes.extend([self.kv.batch(batch, now_ms).hash] * count)
        return hashes


def _content(value):
    """What tells one content from another: the cid of an entry, the bytes of what is none, None for a deletion."""
    if value is None:
        return None
    try:
        return entry.parse(value).cid
    except ProtocolError:
        return value.read(0, value.size)


def _why_stuck(file):
    return (
        "it has conflict copies: put the version that shall stay"
        if file.conflicts
        else file.problem or "it was removed"
    )


def _damaged():
    return ProtocolError(
        "a piece of the content is damaged on this medium (its hash is wrong): `sync` with somebody who "
        "has the file brings it again",
        "damaged",
    )


def _not_held():
    return UsageError("a part of the content is not here")
