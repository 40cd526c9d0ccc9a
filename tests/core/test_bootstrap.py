"""Bootstrap: pages, catch-up from the sequence remembered, what the client verifies."""

from lattice_core.errors import ProtocolError, Refused
from lattice_core.node.fetched import fetched_up_to
from lattice_core.sync.reference import bootstrap
from lattice_core.sync.reference.replica import ReferenceReplica
from support import raises
from support.nano import START_MS, node, same
from support.reference import RefWorld, joined


def write(world, handle, count, name=b"k"):
    for number in range(count):
        handle.kv.put(name + b"%d" % number, b"v", world.now_ms)
        world.left.journal.commit(world.now_ms)


def catch_up(world, handle, page):
    return world.run(world.b.start(bootstrap.catch_up(world.b, handle, page), "bootstrap"))


def frames(handle, start, limit):
    return [message["bootstrap_response"] for message in bootstrap.pages(handle, {"start_seq": start, "limit": limit})]


def test_pages_and_where_they_end():
    world, notes = joined(node(1, "left"), node(2, "right"))
    write(world, notes, 10)
    count = notes.store.count
    for start, limit, records, done, last in (
        (0, 5, 5, False, 5),
        (1, count, count, False, count),
        (1, count + 1, count, True, count),
        (count, 2, 1, True, count),
        (count + 1, 7, 0, True, 0),
    ):
        (frame,) = frames(notes, start, limit)
        assert (len(frame["witness_records"]), frame["done"], frame["last_seq"]) == (records, done, last)
        assert bootstrap.is_full(notes, {"start_seq": start, "limit": limit}) == (not done)


def test_large_intentions_make_frames_smaller():
    world, notes = joined(node(1, "left"), node(2, "right"))
    write(world, notes, 6)
    before = bootstrap.ROOM_BYTES
    bootstrap.ROOM_BYTES = 1000
    try:
        found = frames(notes, 1, 1000)
    finally:
        bootstrap.ROOM_BYTES = before
    assert len(found) > 2
    assert sum([len(frame["witness_records"]) for frame in found]) == notes.store.count
    assert [frame["done"] for frame in found] == [False] * (len(found) - 1) + [True]


def test_catch_up_goes_on_where_it_was():
    world, notes = joined(node(1, "left"), node(2, "right"))
    theirs = world.right.tree.get(notes.id)
    assert fetched_up_to(theirs, world.b.key) == 2
    write(world, notes, 9)
    assert catch_up(world, theirs, 4) == 9
    assert same(world.left, world.right)
    assert fetched_up_to(theirs, world.b.key) == notes.store.count
    assert catch_up(world, theirs, 4) == 0


def test_an_interrupted_bootstrap_is_resumed():
    world, notes = joined(node(1, "left"), node(2, "right"))
    theirs = world.right.tree.get(notes.id)
    write(world, notes, 12)
    world.connect(budget=3500)
    task = world.b.start(bootstrap.catch_up(world.b, theirs, 2), "bootstrap")
    for _ in range(2000):
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
    assert task.error is not None
    reached = fetched_up_to(theirs, world.b.key)
    assert 2 < reached < notes.store.count
    world.connect()
    assert catch_up(world, theirs, 2) == notes.store.count - reached
    assert same(world.left, world.right)


def test_a_stranger_is_told_that_there_is_nothing():
    world, notes = joined(node(1, "left"), node(2, "right"))
    stranger = node(3, "stranger")
    other = stranger.create_store("x", "core:kvstore", None, START_MS)
    world = RefWorld(world.left, stranger)
    world.b.check_allowed = lambda handle: None  # it wants to hear from anybody
    for handle in (notes, other):  # a store that is here, and one that is not
        task = world.b.start(bootstrap.catch_up(world.b, handle, 10), "bootstrap")
        assert world.run(task) == 0
    assert world.a.faults == 2


def test_an_end_without_a_frame_is_an_end():
    world, notes = joined(node(1, "left"), node(2, "right"))
    theirs = world.right.tree.get(notes.id)
    task = world.b.start(bootstrap.catch_up(world.b, theirs, 10), "bootstrap")
    world.b.step(world.now_ms)
    world.pair.a.accept_stream().finish()
    world.b.step(world.now_ms)
    assert isinstance(task.error, Refused)


def refused(world, notes, change):
    """A changed first frame is refused before anything changed."""
    theirs = node(4, "fresh").create_store("y", "core:kvstore", None, START_MS)
    before = theirs.store.count
    page = bootstrap.Page(ReferenceReplica(world.b, theirs), theirs, world.b.key, 1, 1000)
    (frame,) = frames(notes, 1, 1000)
    change(frame)
    raises(ProtocolError, page.take, frame)
    assert theirs.store.count == before
    assert not theirs.store.floating()


def test_what_the_client_verifies():
    world, notes = joined(node(1, "left"), node(2, "right"))
    world.b.check_allowed = lambda handle: None
    write(world, notes, 3)
    stranger = b"\x01" * 32

    def break_signature(frame):
        frame["witness_records"][2]["signature"] = bytes(64)

    def drop_intention(frame):
        frame["intentions"].pop(1)

    def twice(frame):
        frame["witness_records"].append(frame["witness_records"][0])
        frame["last_seq"] += 1

    def other_end(frame):
        frame["last_seq"] += 1

    def nothing(frame):
        frame["witness_records"] = []
        frame["done"] = False

    for change in (break_signature, drop_intention, twice, other_end, nothing):
        refused(world, notes, change)
    world.b.key = stranger
    refused(world, notes, lambda frame: None)
