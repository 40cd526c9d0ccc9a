"""Files as they stand in a store: names, versions, conflicts, who holds their content, the content itself.

Reading never fails for what somebody else wrote: a row that is no entry is listed as such.
"""

from ..errors import ProtocolError, StorageError, UsageError
from ..machines import kvlist, kvtable
from ..wire import utf8
from . import chunks, entry, tree
from . import cid as cids
from .contents import Contents


class Version:
    """One write that stands: `entry` is None for a deletion or for what is no file (`problem` says why)."""

    __slots__ = ("author", "deleted", "entry", "hash", "head", "problem", "wall_ms")

    def __init__(self, store, head):
        self.head = head
        self.hash, self.author, self.wall_ms, self.deleted = head.hash, head.author, head.wall_ms, head.deleted
        self.entry = self.problem = None
        if not head.deleted:
            try:
                self.entry = entry.parse(kvtable.value_of(store, head))
            except ProtocolError as error:
                self.problem = "not a file: %s" % error
            except StorageError as error:
                self.problem = "it cannot be read: %s" % error


class File:
    """A name: `path`, `key` (whole), `version` that wins, `conflicts`: other versions with an entry, best first. Of
    versions with the same content only the best counts: two people who put the same have no conflict.

    `problem`: why it is no file, or None. `removed`: the winner is a deletion, but a concurrent edit stands beside it.
    """

    def __init__(self, path, key, versions, problem=None):
        self.path = path
        self.key = key
        self.versions = versions
        self.version = versions[0]
        self.entry = self.version.entry
        self.conflicts = []
        told = set() if self.entry is None else {self.entry.cid}
        for version in versions[1:]:
            if version.entry is not None and version.entry.cid not in told:
                told.add(version.entry.cid)
                self.conflicts.append(version)
        self.problem = problem or self.version.problem
        self.removed = self.version.deleted

    def conflict_path(self, version):
        """The name of a losing version beside this one."""
        return tree.conflict_path(self.path, version.author, version.wall_ms, version.hash)


class Reading:
    """The reading half of `files.Files`. `contents`: blobs and what is wanted; `holdings`: who holds what."""

    def __init__(self, handle, node):
        self.handle = handle
        self.node = node
        self.store = handle.store
        self.contents = Contents(handle.store, node.crypto)
        self.holdings = handle.holdings

    def list(self, folder=""):
        """Iterates over the `File`s below `folder` (all for ""), in order of their names' bytes."""
        prefix = tree.key_of(folder + "/") if folder else tree.KEY_PREFIX
        for found in self.handle.kv.list(prefix, deleted=True):
            file = self.file_of(found)
            if file is not None:
                yield file

    def count(self):
        """How many names there are, without a look at what stands there."""
        count = 0
        for _ in self.handle.kv.list(tree.KEY_PREFIX):
            count += 1
        return count

    def get(self, path):
        """The `File` of this name, or None when there is none."""
        return self.file_of(self.handle.kv.inspect(tree.key_of(path)))

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
                self.node.lose_blob(self.contents, version_entry.digest)
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
        try:
            piece = body.read(0, body.size)
        except StorageError:
            piece = b""
        if self.node.crypto.blake3_digest(piece) != digest:
            self.node.lose_blob(self.contents, digest)
            raise _damaged()
        if body.size != size:
            raise ProtocolError("a chunk has %d bytes, its list says %d" % (body.size, size))
        return piece

    def file_of(self, found):
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


def _damaged():
    return ProtocolError(
        "a piece of the content is damaged on this medium (its hash is wrong): `sync` with somebody who "
        "has the file brings it again",
        "damaged",
    )


def _not_held():
    return UsageError("a part of the content is not here")
