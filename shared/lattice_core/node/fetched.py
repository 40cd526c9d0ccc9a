"""How far a peer's witness log was fetched: one row per store and peer, in the transaction of what it brought."""

from ..storage.contract import TABLE_META

_ROW = b"node/fetched/"


def fetched_up_to(handle, key):
    """The peer's sequence up to which everything was fetched from it, 0 for nothing."""
    row = handle.store.row(TABLE_META, _ROW + key)
    return 0 if row is None else int.from_bytes(row, "big")


def note_fetched(handle, key, sequence):
    handle.store.put_row(TABLE_META, _ROW + key, sequence.to_bytes(8, "big"))
