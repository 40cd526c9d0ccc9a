"""Sessions of the reference's protocol: limits and manners. (Byte for byte: the judge, with reconcile.json.)"""

from lattice_core.errors import ProtocolError
from lattice_core.limits import MESSAGES_IGNORED, RECONCILE_PAYLOADS
from lattice_core.model import intention as intentions
from lattice_core.seams import BytesBody
from lattice_core.sync.common.tasks import StreamLost, Task
from lattice_core.sync.reference import fetch, large, reconcile, session, store_sync
from lattice_core.sync.reference.messages import Messages, next_message
from lattice_core.sync.reference.session import Session
from lattice_core.wire.reference_messages import PeerMessage
from support import Rng, raises
from support.fake_connection import Pair
from support.nano import START_MS, hashes, node, same
from support.reference import RefWorld, joined
from support.sets import PlainSet, listed, some

STORE = b"s" * 16


class Items(PlainSet):
    """A set that keeps what it is given."""

    def __init__(self, hashes, unwanted=()):
        super().__init__(hashes)
        self.unwanted = unwanted
        self.given = []

    def commit(self):
        pass

    def wanted(self, hash):
        return hash not in self.hashes and hash not in self.unwanted

    def get(self, hash):
        return None

    def take(self, entries):
        self.given.extend(entries)
        return len(entries)


class Out:
    def __init__(self):
        self.queue = []
        self.post = self.queue.append

    def said(self):
        """All messages posted so far, decoded."""
        found = []
        while True:
            pieces = next_message(self.queue)
            if pieces is None:
                return found
            found.append(PeerMessage.decode(b"".join([bytes(piece) for piece in pieces])))


def begun(items, **options):
    out = Out()
    return Session(items, STORE, out, **options), out


def payload(messages):
    return {"reconcile": {"store_id": STORE, "messages": messages}}


def test_syncdone_comes_when_nothing_is_outstanding_and_only_once():
    made, out = begun(Items(some(1, 3)))
    made.start()
    made.settle()
    assert [next(iter(message)) for message in out.said()] == ["reconcile"]
    made.receive(payload([{"done": True}]))
    made.settle()
    made.settle()
    assert out.said() == [{"sync_done": {"store_id": STORE}}]
    assert made.may_be_left()
    assert not made.over()
    assert made.equal
    made.receive({"sync_done": {"store_id": STORE}})
    assert made.over()


def test_only_what_is_wanted_is_asked_for_once():
    held, refused, new = some(1, 3), some(2, 1), some(3, 2)
    made, out = begun(Items(held, refused))
    # One hash that we hold is listed outside of its range, as a faulty peer might.
    made.receive(payload([listed("range_items_reply", reconcile.FIRST, reconcile.FIRST, held + refused + new + new)]))
    replies, fetches = out.said()
    assert replies["reconcile"]["messages"] == [{"done": True}]
    assert fetches["fetch_intentions"]["hashes"] == new
    assert made.asked == 2
    assert made.left == 0


def test_no_more_is_asked_for_than_may_be_and_in_pieces():
    made, out = begun(Items([]), most=10, piece=4)
    new = some(4, 25)
    made.receive(payload([listed("range_items_reply", reconcile.FIRST, reconcile.LAST, new)]))
    asked = [message["fetch_intentions"]["hashes"] for message in out.said() if "fetch_intentions" in message]
    assert [len(each) for each in asked] == [4, 4, 2]
    assert asked[0] + asked[1] + asked[2] == new[:10]
    assert made.left == 15
    assert made.fetches == 3


def test_what_nobody_asked_for_is_not_taken():
    items = Items([])
    made, _ = begun(items)
    response = {"store_id": STORE, "done": True, "intentions": [{"intention_borsh": b"x", "signature": b""}]}
    made.receive({"intention_response": response})
    assert items.given == []
    assert made.fetches == 0


def test_endless_peers_are_ended():
    made, _ = begun(Items(some(5, 1)))
    question = {"start": reconcile.FIRST, "end": reconcile.LAST, "fingerprint": b"\x01" * 32, "count": 100}
    for _ in range(RECONCILE_PAYLOADS):
        made.receive(payload([{"range_fingerprint": question}]))
    raises(ProtocolError, made.receive, payload([]))
    made, _ = begun(Items([]))
    for _ in range(MESSAGES_IGNORED):
        made.receive({})
    raises(ProtocolError, made.receive, {})


def test_a_payload_is_answered_as_far_as_the_limits_go():
    hashes = some(6, 40)
    made, out = begun(Items(hashes))
    request = listed("range_items_request", reconcile.FIRST, reconcile.LAST, [])
    before = session.RECONCILE_REPLY_BYTES
    session.RECONCILE_REPLY_BYTES = 4000
    try:
        made.receive(payload([request] * 50))
    finally:
        session.RECONCILE_REPLY_BYTES = before
    (answer,) = out.said()
    assert 1 <= len(answer["reconcile"]["messages"]) < 50
    assert made.pending == 1


class Sized:
    """What an answer looks at of an intention."""

    signature = bytes(64)

    def __init__(self, size):
        self.body = BytesBody(bytes(size))


def test_answers_come_in_chunks_of_50_and_fit_into_frames():
    def sizes(hashes, size):
        counts = []
        done = []
        for message in fetch.chunks(lambda hash: Sized(size), STORE, hashes, counts.append):
            done.append(message["intention_response"]["done"])
        assert done == [False] * (len(done) - 1) + [True]
        return counts

    assert sizes([], 1) == [0]
    assert sizes([b"short"], 1) == [0]
    assert sizes([bytes(32)] * 50, 1) == [50]
    assert sizes([bytes(32)] * 101, 1) == [50, 50, 1]
    before = fetch.ROOM_BYTES
    fetch.ROOM_BYTES = 10000
    try:
        assert sizes([bytes(32)] * 9, 3000) == [3, 3, 3]
        assert sizes([bytes(32)] * 2, 20000) == [1, 1]
        answer = fetch.in_one(lambda hash: Sized(3000), STORE, [bytes(32)] * 9)
        assert len(answer["intention_response"]["intentions"]) == 3
    finally:
        fetch.ROOM_BYTES = before


def test_lists_read_piece_by_piece_are_the_decoded_ones():
    messages = [{"done": True}, listed("range_items_reply", reconcile.FIRST, reconcile.LAST, some(7, 5))]
    for message in (payload(messages), {"fetch_intentions": {"store_id": STORE, "hashes": some(8, 9)}}):
        encoded = PeerMessage.encode(message)
        for name, values in large.read(encoded).items():
            for field in values:
                got = list(values[field]) if field != "store_id" else values[field]
                assert got == message[name][field]
        raises(ProtocolError, large.read, encoded[:-1])


def test_random_differences_between_two_stores():
    for seed in range(2):
        rng = Rng(seed)
        world, notes = joined(node(1, "left"), node(2, "right"))
        theirs = world.right.tree.get(notes.id)
        for round in range(3):
            for side in (notes, theirs):
                for _ in range(rng.below(12)):
                    side.kv.put(rng.bytes(4), rng.bytes(rng.below(50)), world.now_ms)
                (world.left if side is notes else world.right).journal.commit(world.now_ms)
            report = world.run((world.a if rng.below(2) else world.b).sync())
            assert report.complete
            assert same(world.left, world.right)


def test_equal_sets_cost_little():
    world, _notes = joined(node(1, "left"), node(2, "right"))
    world.connect()
    assert world.sync().complete
    assert world.pair.a.bytes_in + world.pair.a.bytes_out < len(world.left.tree.replicas) * 250


def test_a_silent_peer_is_given_up_after_15_seconds():
    world, _ = joined(node(1, "left"), node(2, "right"))
    world.connect()
    task = world.a.sync()
    world.a.step(world.now_ms)
    world.a.step(world.now_ms + 14000)
    assert not task.done
    for later_ms in range(16000, 80000, 8000):  # one store after the other
        world.a.step(world.now_ms + later_ms)
    assert task.done
    assert isinstance(task.error, StreamLost)


def test_a_peer_may_go_after_our_syncdone_but_not_before():
    items = Items(some(9, 2))
    for gone_after_done in (True, False):
        pair = Pair(b"a" * 32, b"b" * 32)
        stream = pair.a.open_stream()
        other = pair.b.accept_stream()
        messages = Messages(stream)
        made = Session(items, STORE, messages)
        made.start()
        driver = node(3, "c")
        task = Task(store_sync.converse(RefWorld(driver, driver).a, made, messages))
        task.step(0)
        answering = Messages(other)
        if gone_after_done:
            answering.post(payload([{"done": True}]))
            answering.flush()
        task.step(0)
        other.finish()
        for _ in range(3):
            task.step(0)
        assert task.done
        assert (task.error is None) == gone_after_done


def test_a_fork_does_not_keep_syncs_going():
    world, notes = joined(node(1, "left"), node(2, "right"))
    theirs = world.right.tree.get(notes.id)
    author = node(9, "other").identity
    for number, side in enumerate((notes, theirs)):
        forked = intentions.create(
            side.weaver.crypto, author, START_MS + number, 0, notes.id, bytes(32), [], b"\x52\x00"
        )
        assert side.weaver.ingest(forked, world.now_ms)
    world.left.journal.commit(world.now_ms)
    world.right.journal.commit(world.now_ms)
    report = world.sync()
    assert [(store_id, key) for store_id, key in report.forks()] == [(notes.id, author.public)]
    assert len(hashes(notes) & hashes(theirs)) == notes.store.count - 1
