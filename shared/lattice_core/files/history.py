"""What the log knows beyond the tables: which keys a write touched, and what stood there before it.

Nothing is kept for this. A write names as deps the heads that it replaced, and their values are in the log.
"""

from ..errors import ProtocolError
from ..machines import kv, projection
from ..machines.change import Change
from ..machines.keys import KeyBuilder
from ..machines.kvtable import rank_of
from ..model.ops import LEG_APP
from ..seams import SliceBody


def before(store, crypto, head, key):
    """The value (a Body) that the write `head` replaced under `key`, None when that was nothing or a deletion.

    Of several replaced values the winner is taken, as a reader saw it then. `key`: the whole key.
    """
    values = replaced(store, crypto, head.hash, key)
    return values[0] if values else None


def replaced(store, crypto, hash, key):
    """The values (a Body, None for a deletion) that a write replaced under `key`, the winner first."""
    found = []
    for dep in store.get(hash).deps():
        intention = store.get(dep)
        if intention is None:
            continue
        written, value = value_written(store, crypto, intention, key)
        if written:
            found.append((rank_of(intention), value))
    found.sort(key=_rank, reverse=True)
    return [value for _, value in found]


def _rank(item):
    return item[0]


def keys_written(store, crypto, intention, prefix):
    """The row keys that an intention wrote and that begin with `prefix` (short)."""
    change = Change(store, crypto, intention, [])
    keys = []
    try:
        leg, segments = projection.leg_of(change)
        if leg != LEG_APP:
            return keys
        for kind, _, key_at, key_size, _, _ in kv.operations(change, segments[0][0], segments[0][1]):
            if kind and key_size >= len(prefix) and change.read(key_at, len(prefix)) == prefix:
                keys.append(KeyBuilder(crypto).add_range(change.body, key_at, key_size).key())
    except ProtocolError:
        return []  # it was skipped
    return keys


def value_written(store, crypto, intention, key):
    """(True, value) when the intention wrote `key`: the value as a Body, None for a deletion; else (False, None)."""
    change = Change(store, crypto, intention, [])
    try:
        leg, segments = projection.leg_of(change)
        if leg != LEG_APP:
            return False, None
        return _last_write(change, segments[0], key)
    except ProtocolError:
        return False, None  # it was skipped


def _last_write(change, piece, key):
    written, value = False, None
    for kind, _, key_at, key_size, value_at, value_size in kv.operations(change, piece[0], piece[1]):
        if kind and key_size == len(key) and change.read(key_at, key_size) == key:
            written = True
            value = SliceBody(change.body, value_at, value_size) if kind == kv.PUT else None
    return written, value
