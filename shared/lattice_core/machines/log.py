"""`core:logstore`: entries in the order of their time (docs/reference/03-state-machines.md §4).

    row key = wall u64 ‖ author 32      big-endian: ascending keys are the order in which entries are read
    row     = one head of `kvtable`     a reference to the content in the log of intentions

Every payload is an entry, whatever its bytes; an empty one is accepted and stored nowhere. Of two entries of one author
with the same time the one that comes first in its chain stands. The other is skipped: the same one on every node.
"""

from struct import pack, unpack_from

from ..compat import const
from ..errors import ProtocolError
from ..storage.contract import TABLE_DATA
from . import kvtable
from .registry import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .change import Change
    from .log_view import LogView
    from .registry import Viewable

_ROW_BYTES = const(160)  # key, row, and what storage adds


def row_key(wall_ms: int, author: bytes) -> bytes:
    """The row key of an entry."""
    return pack(">Q", wall_ms) + author


def wall_of(key: bytes) -> int:
    """The time in a row key."""
    return unpack_from(">Q", key, 0)[0]


class LogMachine:
    """Applies `app_data` of a log store. Events: ("log", store id, row key)."""

    def apply(self, change: "Change", start: int, end: int) -> None:
        """Adds the entry at [start, end). ProtocolError when its author has another one of this time."""
        if start == end:
            return
        intention = change.intention
        key = row_key(intention.wall_ms, intention.author)
        row = change.store.row(TABLE_DATA, key)
        if row is not None:
            if kvtable.winner(row).hash == intention.hash:
                return
            raise ProtocolError("its author has another entry of the same time")
        change.write(TABLE_DATA, key, kvtable.reference(start, end - start))
        change.emit(("log", change.store.id, key))


def estimate(change: "Change", start: int, end: int, enough: int) -> int:
    """How many bytes of rows an entry makes, about."""
    return _ROW_BYTES


def _view(replica: "Viewable") -> "LogView":
    from .log_view import LogView  # here: no stick needs it

    return LogView(replica)


KIND = Kind(LogMachine, _view, estimate)
