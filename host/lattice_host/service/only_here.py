"""What no other node is known to hold: gone for good if this machine is lost.

Counted from indexes (`storage.own_rows`): only this node's own writes can be here alone, and they ascend in its chain.
"""

from struct import pack
from typing import Any

from lattice_core.errors import ProtocolError, StorageError
from lattice_core.files import tree
from lattice_core.files.reading import file_of
from lattice_core.machines import kvlist, kvtable
from lattice_core.machines.keys import KEY_BYTES, row_key
from lattice_core.node.stores import KV_TYPE
from lattice_core.storage.contract import TABLE_DATA

_BEHIND_ALL = b"\xff" * 12  # a rank greater than any


class OnlyHere:
    """Of one store. `intentions`: own writes; `keys` (bytes) and `files` (paths): at most `limit` each, all counted."""

    def __init__(self, node, handle, limit):
        self._node = node
        self._handle = handle
        self._store = handle.store
        self._own = node.identity.public
        self._limit = limit
        self._length = handle.store.chain(self._own)[0]
        self._reachable = self._known_sequence()
        self.intentions = self._length - self._store.length_at(self._own, self._reachable)
        self.key_count = self.file_count = 0
        self.keys = []
        self.files = []
        if handle.type == KV_TYPE:
            if self.intentions:
                self._look_at_keys()
            self._look_at_files()

    def any(self):
        return bool(self.intentions or self.file_count)

    def _known_sequence(self):
        """Up to which witness sequence some other ACTIVE member is known to hold every intention. What others wrote,
        they are taken to hold."""
        others = [key for key in self._node.members.active(self._handle) if key != self._own]
        return max((self._handle.holdings.holds_items(key) for key in others), default=0)

    # -- the own chain ---------------------------------------------------------------------------------------------

    def _rank(self, sequence):
        """The least rank of own rows that were written after `sequence`."""
        for at in range(self._store.length_at(self._own, sequence) + 1, self._length + 1):
            stamp = self._stamp(at)
            if stamp is not None:
                return pack(">QI", *stamp)
        return _BEHIND_ALL

    def _stamp(self, position):
        """The stamp of an own intention; None where it is damaged: it was noted, and the next one decides."""
        try:
            intention = self._store.get(self._store.chain_at(self._own, position))
        except (ProtocolError, StorageError):
            return None
        return intention.wall_ms, intention.counter

    # -- keys ------------------------------------------------------------------------------------------------------

    def _look_at_keys(self):
        since = self._rank(self._reachable)
        rows = self._store.own_rows
        self.key_count = rows.count(False, since)
        found = rows.keys(False, since, limit=self._limit)
        if any(len(key) > KEY_BYTES for key in found):
            # Shortened keys stand in the order of their hashes.
            found = sorted(self._entry(key).key for key in rows.keys(False, since))
        self.keys = found[: self._limit]

    def _entry(self, key):
        """The kvlist.Entry at a row key."""
        return kvlist.Entry(self._store, self._node.crypto, key, self._store.row(TABLE_DATA, key))

    # -- files -----------------------------------------------------------------------------------------------------

    def _look_at_files(self):
        """Of the own files those count that nobody has acknowledged. Of what was written after the last acknowledgement
        those are all but `absent`; the others are looked at."""
        files, rows = self._handle.files, self._store.own_rows
        acknowledged = [files.holdings.acknowledged_content(peer) for peer in files.members_known()]
        content = max((sequence for sequence, _ in acknowledged), default=0)
        since = self._rank(content)
        after = _BEHIND_ALL if files.index.is_unsure() else self._rank(max(content, self._reachable))
        looked_at = rows.keys(True, since, after) if since < after else []
        left_out = [marks for sequence, marks in acknowledged if sequence == content]
        if left_out and all(left_out):
            before = rows.keys(True, None, since)
            looked_at += [key for key in before if files.holdings.mark(self._entry(key).key) in left_out[0]]
        found = [file for file in map(self._file, looked_at) if self._is_only_here(file)]
        absent = {key for key in self._not_held() if self._is_counted(key, after)}
        self.file_count = rows.count(True, after) - len(absent) + len(found)
        first = rows.keys(True, after, limit=self._limit + len(absent))
        if any(len(key) > KEY_BYTES for key in first):
            first = rows.keys(True, after)
        found += [self._file(key) for key in first if key not in absent]
        self.files = [file.path for file in sorted(found, key=lambda file: file.key)[: self._limit]]

    def _file(self, key) -> Any:
        return file_of(self._store, self._entry(key))

    def _is_only_here(self, file):
        files = self._handle.files
        if file is None or file.entry is None or not files.held(file):
            return False
        beyond = self._store.witness_sequence(file.version.hash) > self._reachable
        return (beyond or file.entry.inline is None) and not files.holders(file)

    def _is_counted(self, key, after):
        """True when a row is among those that the index counts from `after` on, and is not only here."""
        row = self._store.row(TABLE_DATA, key)
        if row is None:
            return False
        winner = kvtable.winner(row)
        own = winner.author == self._own and not winner.deleted and winner.rank[: len(after)] >= after
        return own and not self._is_only_here(self._file(key))

    def _not_held(self):
        """Row keys of all own files that may be no file, or whose content may not be all here."""
        contents = self._handle.contents
        yield from contents.no_files()
        for want in contents.wants():
            yield row_key(self._node.crypto, tree.key_of(want.path))
