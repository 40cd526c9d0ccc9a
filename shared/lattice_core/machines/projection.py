"""From the witness log into the tables: routes each witnessed intention to the machine it is for.

The order is that of the witness log; the weaver witnesses an intention only on top of its own author's tip, so the
author-chain check of the reference has nothing left to do here. An intention that cannot be applied is *skipped*
(docs/protocol.md, "Fates"): none of its ops apply, and the next ones go on. That is decided by its bytes alone, never
by what else has arrived or by a limit of this node: equal sets of intentions give equal states everywhere.
"""

from ..compat import const
from ..errors import ProtocolError
from ..limits import ROWS_TO_OPS
from ..model import ops
from ..storage.contract import TABLE_DATA, TABLE_HEADS, TABLE_META, TABLE_SYSTEM
from ..text import cut
from ..wire.fields import read_varint
from . import genesis, kvtable, system_apply
from .change import Change
from .registry import TYPE_ROOT, kind_of

# Raised whenever the same log gives other rows than before: a store with older rows is projected anew.
STATE_VERSION = const(2)

_APP_KEY = const(0x52)  # app_data, length-delimited
_SKIPPED = b"skipped/"
_REASON_BYTES = const(200)
_ROWS = const(64)  # that go between two commits
_STATE_TABLES = (TABLE_DATA, TABLE_SYSTEM, TABLE_HEADS)


class Projection:
    """Applies intentions to the tables of one store."""

    def __init__(self, store, crypto, store_type):
        self.store = store
        self.crypto = crypto
        self.store_type = store_type
        kind = kind_of(store_type)
        self._machine = None if kind.machine is None else kind.machine()
        self._estimate = kind.estimate

    @property
    def decides_membership(self):
        """True when the store's system table says who is let in: storage keeps room for that."""
        return self.store_type == TYPE_ROOT

    def note_early(self, intention):
        """Notes the final statuses in an intention that is not witnessed yet: they hold from now on."""
        system_apply.note_early(self.store, self.crypto, intention)

    def version(self):
        """What the rows depend on beside the log; stored beside them."""
        kind = self.store_type if self._machine is not None else ""
        return bytes((STATE_VERSION,)) + kind.encode()

    def apply(self, intention, events):
        """Applies a witnessed intention and appends what happened to `events`, tuples that begin with a kind and the
        store's id. Fails for nothing that the intention holds; StorageError when the medium does."""
        if not intention.ops_size:
            return  # an acknowledgement
        change = Change(self.store, self.crypto, intention, events)
        try:
            leg, segments = leg_of(change)
            if leg == ops.LEG_APP:
                if self._machine is not None:
                    self._machine.apply(change, segments[0][0], segments[0][1])
            elif leg == ops.LEG_SYSTEM:
                system_apply.apply(change, segments)
            elif leg == ops.LEG_GENESIS:
                genesis.apply(change)
        except ProtocolError as error:
            self._skip(change, str(error))

    def estimate(self, intention, enough):
        """About how many bytes of rows an intention makes; counted no further than `enough`."""
        change = Change(self.store, self.crypto, intention, [])
        try:
            leg, segments = leg_of(change)
            if leg == ops.LEG_APP and self._machine is None:
                return 0  # carried only
            if leg == ops.LEG_APP and self._estimate is not None:
                return self._estimate(change, segments[0][0], segments[0][1], enough)
        except ProtocolError:
            return 0  # skipped: no rows
        return intention.ops_size * ROWS_TO_OPS

    def _skip(self, change, reason):
        intention = change.intention
        value = intention.author + cut(reason, _REASON_BYTES).encode()
        self.store.put_row(TABLE_META, _SKIPPED + intention.hash, value)
        change.emit(("skipped", self.store.id, intention.hash, reason))

    def skipped(self):
        """Iterates over (hash, author, reason) of the intentions that could not be applied."""
        for key, value in self.store.rows(TABLE_META, _SKIPPED):
            yield key[len(_SKIPPED) :], value[:32], value[32:].decode()

    def clear(self):
        """Drops every row that `apply` has made, before the log is projected anew. Yields every so often."""
        dropped = 0
        for table, prefix in [(table, b"") for table in _STATE_TABLES] + [(TABLE_META, _SKIPPED)]:
            for key, _ in self.store.rows(table, prefix):
                self.store.put_row(table, key, None)
                dropped += 1
                if dropped % _ROWS == 0:
                    yield

    def state_hash(self):
        """One hash over the whole state: equal on nodes that have witnessed the same intentions."""
        return kvtable.state_hash(self.store, self.crypto, _STATE_TABLES)


def leg_of(change):
    """(leg, its segments) of an intention's ops, as `ops.split`; ProtocolError when they are undecodable."""
    buf = change.buf
    # Nearly all ops are app data and nothing else: one field over all the bytes. An acknowledgement has none at all.
    if buf and buf[0] == _APP_KEY:
        size, start = read_varint(buf, 1, change.size)
        if start + size == change.size:
            return ops.LEG_APP, ((start, change.size),)
    return ops.split(change.body)
