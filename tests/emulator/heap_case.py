"""The firmware's heap while it takes intentions, in the stick's heap: what is frozen on a stick is frozen here, too."""

import gc
import sys

sys.path.insert(0, ".frozen")  # else the firmware's modules are compiled from this folder, into the heap

from boards import fresh_board
from firmware import main
from lattice_core.model.identity import Identity
from lattice_core.model.intention import ZERO
from lattice_core.node import stores
from lattice_core.weaver.weaver import WITNESSED
from stick_history import STORE, signed_put
from support import START_MS

AUTHORS = 4
EACH = 16  # bytes of heap that an intention, and a key, may cost
HALF_BYTES = (
    161500  # with the runner and the fakes of board and chip (8 KB); leaves more than half of the heap to transfers
)


def _heap():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def test_an_intention_and_a_key_cost_little_heap():
    loop = main.start(fresh_board())
    node, crypto = loop.node, loop.board.crypto
    root = node.tree.make(b"the share's root", stores.ROOT_TYPE, None, START_MS)  # no stick founds one
    handle = node.tree.add(STORE, stores.KV_TYPE, root.id, START_MS)
    node.journal.commit(START_MS)
    authors = [Identity(crypto, bytes([n + 1]) * 32) for n in range(AUTHORS)]
    tips = [ZERO] * AUTHORS
    before = 0
    for number in range(1100):
        if number == 300:
            node.journal.commit(START_MS)
            before = _heap()
        made = signed_put(crypto, authors[number % AUTHORS], tips[number % AUTHORS], number)
        tips[number % AUTHORS] = made.hash
        assert handle.weaver.ingest(made, START_MS, True) == WITNESSED
        node.journal.commit_due(START_MS)
    node.journal.commit(START_MS)
    after = _heap()
    assert (after - before) / 800 <= 2 * EACH, (before, after)
    assert after < HALF_BYTES + 800 * 2 * EACH, after
