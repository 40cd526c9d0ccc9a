"""Files as they stand in a store: names, versions, conflicts.

Reading never fails for what somebody else wrote: a row that is no entry is listed as such.
"""

from ..errors import ProtocolError, StorageError
from ..machines import kvlist, kvtable
from ..wire import utf8
from . import entry, tree


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


def file_of(store, found):
    """The `File` of a kvlist.Entry; None when nothing but deletions stands there."""
    if found is None or (found.winner.deleted and not found.conflicted):
        return None
    versions = [Version(store, head) for head in found.heads()]
    if versions[0].deleted and not [version for version in versions if version.entry is not None]:
        return None
    key = found.key
    if len(key) >= kvlist.KEY_IN_MEMORY_BYTES:
        return File(repr(key[3:60])[1:], key, versions, "not a file: its name is too long")
    if not utf8.valid(key):
        return File(repr(key[3:])[1:], key, versions, "not a file: its name is not UTF-8")
    return File(str(key[len(tree.KEY_PREFIX) :], "utf-8"), key, versions)
