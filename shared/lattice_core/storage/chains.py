"""Searches in the chains that a store holds, by what `Store` offers."""

from ..storage.contract import ZERO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..storage.contract import Store


def position_of(store: "Store", author: bytes, hash: bytes) -> int:
    """Position of a witnessed intention in its author's chain, 0 for ZERO: a binary search over the sequences, which
    rise along a chain."""
    if hash == ZERO:
        return 0
    sequence = store.witness_sequence(hash)
    low, high = 1, store.chain(author)[0]
    while low < high:
        middle = (low + high) >> 1
        if store.witness_sequence(store.chain_at(author, middle)) < sequence:
            low = middle + 1
        else:
            high = middle
    return low


def length_up_to(store: "Store", author: bytes, sequence: int) -> int:
    """Number of an author's witnessed intentions in the log up to `sequence`: sequences rise along a chain."""
    low, high = 0, store.chain(author)[0]
    if high and store.witness_sequence(store.chain_at(author, high)) <= sequence:
        return high
    while low < high:
        middle = (low + high) >> 1
        if store.witness_sequence(store.chain_at(author, middle + 1)) <= sequence:
            low = middle + 1
        else:
            high = middle
    return low
