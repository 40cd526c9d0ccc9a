"""Who is known to hold what: one small row per peer and store, in TABLE_BLOBS.

Key `p` ‖ peer (32). Value: u64 LE items ‖ u64 LE content ‖ 8 bytes for each path left out. `items`: the peer holds
every intention up to this sequence of our witness log; `content`: also all content that the entries up to this
sequence name, but that of the paths left out. Only what a peer has acknowledged as durable is written here, so the
rows may say too little and never too much; a chain that was cut back (a damaged stick) cuts them back too.
"""

from ..compat import const
from ..errors import StorageFull
from ..storage.contract import TABLE_BLOBS

LEFT_OUT = const(64)  # paths; a peer that lacks more is taken to hold no new content
_PEER = b"p"


class ReplicationState:
    """The rows of one store."""

    def __init__(self, store, crypto):
        self.store = store
        self.crypto = crypto

    def acknowledged(self, peer, sequence):
        """The peer holds every intention up to `sequence`."""
        items, content, left_out = self._row(peer)
        if sequence > items:
            self._write(peer, sequence, content, left_out)

    def content_acknowledged(self, peer, sequence, left_out=()):
        """The peer also holds all content named up to `sequence`, but for the keys (`fs/…`) in `left_out`."""
        items, content, known = self._row(peer)
        marks = b"".join([self.mark(key) for key in left_out])
        if len(left_out) > LEFT_OUT or (sequence, marks) == (content, known):
            return
        if sequence >= content:
            self._write(peer, items, sequence, marks)

    def holds_items(self, peer):
        """Up to which of our sequences the peer holds every intention; 0 when nothing is known."""
        return min(self._row(peer)[0], self.store.count)

    def holds_content(self, peer, sequence, key):
        """True when the peer acknowledged the content of the entry at `key`, witnessed here with `sequence`."""
        items, content, left_out = self._row(peer)
        # Of an entry that it has refused a peer has no content either.
        if not 0 < sequence <= min(items, content):
            return False
        mark = self.mark(key)
        return not any(left_out[at : at + 8] == mark for at in range(0, len(left_out), 8))

    def acknowledged_content(self, peer):
        """(sequence, marks): the peer holds what was witnessed up to there, less the marked keys."""
        items, content, left_out = self._row(peer)
        return min(items, content), [left_out[at : at + 8] for at in range(0, len(left_out), 8)]

    def peers(self):
        """All peers of which something is known."""
        return [row[1:] for row, _ in self.store.rows(TABLE_BLOBS, _PEER)]

    def mark(self, key):
        return self.crypto.blake3_digest(key)[:8]

    def _row(self, peer):
        value = self.store.row(TABLE_BLOBS, _PEER + peer)
        if value is None:
            return 0, 0, b""
        return int.from_bytes(value[:8], "little"), int.from_bytes(value[8:16], "little"), value[16:]

    def _write(self, peer, items, content, left_out):
        value = items.to_bytes(8, "little") + content.to_bytes(8, "little") + left_out
        try:
            self.store.put_row(TABLE_BLOBS, _PEER + peer, value)
        except StorageFull:
            return  # knowing too little is safe, and a full medium must still finish its session
