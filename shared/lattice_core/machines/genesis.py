"""Genesis: every participant's chain in a store begins with one (docs/reference/02-weaver.md §11).

None of them identifies the store. The last one projected here is remembered for display, as the reference does.
"""

from ..storage.contract import TABLE_META

_KEY = b"genesis"


def apply(change):
    """Remembers the intention as the store's genesis."""
    change.store.put_row(TABLE_META, _KEY, change.intention.hash)
    change.emit(("genesis", change.store.id, change.intention.author))


def genesis_hash(store):
    """Hash of the genesis projected last on this node, or None."""
    return store.row(TABLE_META, _KEY)
