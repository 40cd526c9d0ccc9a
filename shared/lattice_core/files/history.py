"""One step back: what stood under a key before the writes that stand now.

Nothing is kept for this. A write names as deps the heads that it replaced, and their values are in the log.
"""

from ..errors import ProtocolError
from ..machines import kv, projection
from ..machines.change import Change
from ..machines.kvtable import rank_of
from ..model.ops import LEG_APP
from ..seams import SliceBody


def before(store, crypto, head, key):
    """The value (a Body) that the write `head` replaced under `key`, None when that was nothing or a deletion.

    Of several replaced values the winner is taken, as a reader saw it then. `key`: the whole key.
    """
    best = best_rank = None
    for dep in store.get(head.hash).deps():
        intention = store.get(dep)
        if intention is None:
            continue
        written, value = value_written(store, crypto, intention, key)
        if written:
            rank = rank_of(intention)
            if best_rank is None or rank > best_rank:
                best, best_rank = value, rank
    return best


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
