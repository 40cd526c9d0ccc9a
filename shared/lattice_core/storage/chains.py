"""A search that storages share: for those that find an intention by its chain, and have no column to count in."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def length_at(store: "Any", author: bytes, sequence: int) -> int:
    """`Store.length_at` by a binary search: sequences rise along a chain."""
    low, high = store.chain_base(author)[0], store.chain(author)[0]
    if high > low and store.witness_sequence(store.chain_at(author, high)) <= sequence:
        return high
    while low < high:
        middle = (low + high) >> 1
        if store.witness_sequence(store.chain_at(author, middle + 1)) <= sequence:
            low = middle + 1
        else:
            high = middle
    return low
