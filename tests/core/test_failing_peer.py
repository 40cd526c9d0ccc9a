"""Two peers send into one node and one of them fails in the middle: what the other one sent stays."""

from lattice_core.errors import StorageError
from lattice_core.model.intention import create
from lattice_core.sync.common.streams import ALPN_NANO
from lattice_core.sync.nano.peer import NanoPeer, Options
from support import raises
from support.fake_connection import Pair
from support.nodes import NOW_MS, join, make_node, reopened, share, value
from support.weaver import put_ops

ZERO = bytes(32)
_KEYS = 30


def _item(node, author, data, key):
    return create(node.crypto, author.identity, NOW_MS, 0, data.id, ZERO, [], put_ops([(key, b"v")]))


def _enter(node, writer, item, data):
    node.journal.writer = writer
    node.journal.enter(NOW_MS)
    data.weaver.ingest(item, NOW_MS)
    return node.journal.ticket()


def _fail_once(data, when, error):
    """The next row of a store that is written while `when()` is true fails. Returns a list that then holds True."""
    store = data.store
    put_row = store.put_row
    failed = []

    def fail(table, key, content):
        if when() and not failed:
            failed.append(True)
            raise error
        put_row(table, key, content)

    store.put_row = fail
    return failed


def test_a_rollback_takes_only_what_one_peer_has_sent():
    node, _, data = share()
    kept = _enter(node, "first", _item(node, make_node(8), data, b"first"), data)
    failed = _fail_once(data, lambda: node.journal.writer == "second", StorageError("no room"))
    lost = _item(node, make_node(9), data, b"second")
    raises(StorageError, _enter, node, "second", lost, data)
    assert failed
    node.journal.give_up("second")
    assert node.journal.durable(kept)
    assert value(data, b"first") == b"v"
    assert value(data, b"second") is None
    assert _enter(node, "second", lost, data)
    node.journal.commit(NOW_MS)
    found = reopened(node).tree.get(data.id)
    assert value(found, b"first") == b"v"
    assert value(found, b"second") == b"v"


def test_a_peer_that_gives_up_takes_nothing_of_another_one():
    node, _, data = share()
    ticket = _enter(node, "first", _item(node, make_node(8), data, b"first"), data)
    node.journal.give_up("second")
    assert not node.journal.durable(ticket)
    node.journal.commit(NOW_MS)
    assert node.journal.durable(ticket)
    assert value(data, b"first") == b"v"


class _Pull:
    """A sync of two nodes, which one end of it may break."""

    def __init__(self, node, other):
        pair = Pair(node.identity.public, other.identity.public, ALPN_NANO)
        self.here = NanoPeer(node, pair.a, Options(verify_batch=2))
        self.there = NanoPeer(other, pair.b, Options(verify_batch=2))
        self.task = self.here.sync()

    def step(self, now_ms):
        busy = False
        if self.here.connection.closed is None:
            try:
                busy = self.here.step(now_ms)
            except StorageError as error:  # as the drivers do
                self.here.node.journal.give_up(self.here)
                self.here.close(str(error))
        return self.there.step(now_ms) or busy


def _two_peers(error):
    node, root, data = share()
    others = [make_node(2), make_node(3)]
    for other in others:
        join(other, node, node.invites.create(root, NOW_MS))
    for at, other in enumerate(others):
        for number in range(_KEYS):
            other.tree.get(data.id).kv.put(b"%d/%d" % (at, number), b"v", NOW_MS + number)
        other.journal.commit(NOW_MS)
    good, bad = [_Pull(node, other) for other in others]

    def in_the_middle():
        begun = data.weaver.unfinished and value(data, b"1/4") is not None
        return begun and node.journal.writer is bad.here and not good.task.done

    failed = _fail_once(data, in_the_middle, error)
    now_ms = NOW_MS + 1000
    idle = 0
    while idle < 5:
        now_ms += 1
        busy = good.step(now_ms)
        busy = bad.step(now_ms) or busy
        idle = 0 if busy else idle + 1
        assert now_ms < NOW_MS + 20000
    assert failed
    assert bad.here.connection.closed is not None
    assert good.task.error is None, good.task.error
    assert good.task.result.complete, good.task.result.errors
    found = reopened(node).tree.get(data.id)
    for number in range(_KEYS):
        assert value(found, b"0/%d" % number) == b"v", number


def test_a_medium_that_fails_one_peer_in_the_middle_keeps_what_the_other_one_sent():
    _two_peers(StorageError("a row could not be written"))


def test_a_fault_of_this_program_in_one_peer_keeps_what_the_other_one_sent():
    _two_peers(IndexError("a fault of this program"))
