"""Two nodes over a fake connection: they end equal, whatever is cut in between, and control of a stick."""

import sys

from lattice_core.errors import ProtocolError, Refused, StorageError
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.node.device import Device
from lattice_core.sync.common.tasks import StreamLost
from lattice_core.sync.nano.message_stream import MessageStream
from support import Rng, raises
from support.nano import START_MS, NodePair, joined, node, same

ON_DEVICE = sys.implementation.name == "micropython"


def quiet(world, steps=200):
    for _ in range(steps):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)


def two_nodes(**wire):
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right, **wire)
    return world.connect(), notes, right.tree.get(notes.id)


def write(handle, name, count, now_ms=START_MS):
    for number in range(count):
        handle.kv.put(b"%s %d" % (name, number), b"x" * number, now_ms + number)
    handle.files.journal.commit(now_ms)


def test_join_brings_the_share_and_its_stores():
    left, right = node(1, "left"), node(2, "right")
    world, _notes = joined(left, right)
    assert [handle.id for handle in right.tree.replicas] == [handle.id for handle in left.tree.replicas]
    assert same(left, right)
    assert world.b.complete


def test_writes_of_both_sides_arrive():
    world, notes, far = two_nodes()
    write(notes, b"left", 30)
    write(far, b"right", 20)
    report = world.sync()
    assert report.complete
    assert world.a.complete
    assert same(world.left, world.right)
    assert world.a.progress.sent()["intentions"] == world.b.progress.received()["intentions"] == 30
    assert world.a.progress.received()["intentions"] == world.b.progress.sent()["intentions"] == 20
    assert notes.kv.get(b"right 7") is not None
    assert far.kv.get(b"left 7") is not None
    for handle, peer in ((notes, world.right), (far, world.left)):
        known = handle.holdings.holds_items(peer.identity.public)
        assert known > 0


def test_a_sync_may_follow_before_the_news_of_the_last_end_has_arrived():
    """The opener knows that all is over when its end was acknowledged; the other side may not have read it yet."""
    for step_between in (False, True):
        world, notes, _far = two_nodes()
        write(notes, b"left", 5)
        task = world.a.sync([notes.id])
        while not task.done:
            world.now_ms += 1
            world.b.step(world.now_ms)
            for session, _ in world.b.sessions:
                session.frames.stream.finished = lambda: False  # our acknowledgement is still under way
            world.a.step(world.now_ms)
        late = [session.frames.stream for session, _ in world.b.sessions]
        assert len(late) == 1
        assert task.result.complete
        again = world.a.sync([notes.id])
        if step_between:
            for _ in range(5):
                world.a.step(world.now_ms)
                world.b.step(world.now_ms)
            assert not again.done
        del late[0].finished
        assert world.run(again).complete
        assert world.b.faults == 0
        assert world.b.last_fault is None


def test_equal_nodes_say_so_in_a_few_bytes():
    world, notes, _far = two_nodes()
    write(notes, b"left", 5)
    world.sync()
    world.connect()
    report = world.run(world.a.sync([notes.id]))
    assert report.complete
    assert world.a.progress.sent_intentions == world.b.progress.sent_intentions == 0
    assert world.pair.a.bytes_out + world.pair.b.bytes_out < 120, world.pair.a.bytes_out + world.pair.b.bytes_out


def test_a_child_made_later_comes_in_the_same_session():
    world, _notes, _far = two_nodes()
    more = world.left.create_store("more", "core:kvstore", None, START_MS)
    write(more, b"new", 3)
    assert world.sync().complete
    assert world.right.tree.get(more.id) is not None
    assert same(world.left, world.right)


def test_a_wire_that_is_cut_again_and_again():
    rng = Rng(5)
    for _ in range(3 if ON_DEVICE else 30):
        world, notes, far = two_nodes(window=rng.choice((200, 1000, 5000)))
        write(notes, b"left", 10 + rng.below(20))
        write(far, b"right", rng.below(20))
        for attempt in range(60):
            world.connect(budget=300 + rng.below(3000) if attempt < 50 else None)
            task = rng.choice((world.a, world.b)).sync()
            for _ in range(400):
                world.now_ms += 1
                world.a.step(world.now_ms)
                world.b.step(world.now_ms)
                if task.done:
                    break
            if task.error is None and task.done:
                break
            assert not task.done or isinstance(task.error, StreamLost), task.error
        assert task.result.complete
        assert same(world.left, world.right)


def test_both_open_at_once():
    world, notes, far = two_nodes()
    write(notes, b"left", 4)
    write(far, b"right", 4)
    first, second = world.a.sync(), world.b.sync()
    world.run(first)
    world.run(second)
    assert first.result.complete
    assert second.result.complete
    assert same(world.left, world.right)


def test_the_next_sync_of_a_store_may_come_before_the_end_of_the_last_is_known():
    world, notes, _far = two_nodes()
    write(notes, b"left", 3)
    late = []

    def serve(stream):
        finished = stream.finished
        stream.finished = lambda: stream not in late and finished()
        late.append(stream)
        return real(stream)

    real, world.b._serve = world.b._serve, serve
    _, task = world.a.open_session(notes, False)
    while not task.done:
        quiet(world, 1)
    assert [session.ending() for session, _ in world.b.sessions] == [True]
    write(notes, b"more", 3)
    _, task = world.a.open_session(notes, False)
    quiet(world, 20)
    assert not task.done
    assert world.b.faults == 0
    late[:] = []
    quiet(world, 50)
    late[:] = []
    assert task.done
    assert task.result.complete
    assert same(world.left, world.right)


def test_silence_ends_a_sync():
    world, _notes, _far = two_nodes()
    task = world.a.sync()
    for _ in range(40):
        world.now_ms += 1000
        world.a.step(world.now_ms)
    assert (task.done and isinstance(task.error, StreamLost)) or task.result.errors


def test_a_peer_revoked_during_the_session_gets_no_further():
    world, notes, far = two_nodes()
    world.run(world.a.sync(None, True))
    world.right.members.revoke(world.right.tree.roots()[0], world.left.identity.public, START_MS)
    count = far.weaver.store.count
    write(notes, b"late", 3)
    quiet(world, 1500)
    assert far.weaver.store.count == count
    assert isinstance(world.b.last_fault, Refused)


def test_nothing_shared_is_said_in_words():
    world = NodePair(node(1, "left"), node(2, "right"))
    error = raises(Refused, world.run, world.a.sync())
    assert "invite" in str(error)


def test_too_many_faults_close_the_connection():
    world, _notes, _far = two_nodes()
    for _ in range(8):
        frames = MessageStream(world.pair.a.open_stream())
        frames.post({"equal": {}})
        frames.flush()
        quiet(world, 3)
    assert world.pair.b.closed is not None
    assert world.b.faults == 8
    raises(StreamLost, world.run, world.a.sync())


def test_streams_beyond_the_limit_wait():
    world, _notes, _far = two_nodes()
    streams = [world.pair.a.open_stream() for _ in range(40)]
    quiet(world, 5)
    assert len(world.b._serving) == 16
    for stream in streams:
        stream.finish()
    quiet(world, 20)
    assert len(world.b._serving) == 0


def test_a_medium_that_fails_ends_the_step_with_its_error():
    world, notes, _far = two_nodes()
    write(notes, b"left", 3)
    commit = world.right.storage.commit

    def failing():
        raise StorageError("worn out")

    world.right.storage.commit = failing
    world.a.sync()
    raises(StorageError, quiet, world)
    world.right.storage.commit = commit
    world.connect()
    report = world.sync()
    assert report.complete, report.errors
    assert same(world.left, world.right), report.errors


# -- control of a stick ------------------------------------------------------------------------------------------


def stick_world(host):
    stick = node(9, "")
    world = NodePair(host, stick)
    world.device = Device(stick.storage)
    return world.connect()


def share():
    host = node(1, "laptop")
    host.create_store("notes", "core:kvstore", None, START_MS)
    return host


def test_setup_takes_a_fresh_stick_into_the_share():
    host = share()
    world = stick_world(host)
    shown = world.run(world.a.status())["status"]
    assert shown["version"] == "1.0"
    assert not shown["owned"]
    root = host.tree.roots()[0]
    world.run(world.a.setup(root, "blue", START_MS))
    assert world.device.is_owner(host.identity.public)
    assert world.device.name == "blue"
    assert world.sync().complete
    assert same(host, world.right)
    shown = world.run(world.a.status())["status"]
    assert shown["id"] == world.right.identity.public
    assert shown["owners"] == [host.identity.public]
    assert sorted([store["name"] for store in shown["stores"]]) == sorted(
        [handle.name for handle in host.tree.replicas]
    )
    assert shown["flash_total"] == 2621440
    assert shown["safe_to_unplug"]
    assert shown["state"] == "owned"
    assert host.members.peer_name(world.right.identity.public) == "blue"


def test_a_stick_whose_flash_was_copied_says_so_and_lets_nobody_in():
    host = share()
    world = stick_world(host)
    root = host.tree.roots()[0]
    world.run(world.a.setup(root, "blue", START_MS))
    assert world.sync().complete
    token = host.invites.create(root, START_MS)
    assert world.connect().sync().complete
    assert not world.run(world.a.status())["status"]["forked"]
    handle = world.right.tree.roots()[0]
    elsewhere = intentions.create(
        handle.weaver.crypto, world.right.identity, START_MS, 0, handle.id, b"p" * 32, [], b"\x52\x00"
    )
    assert handle.weaver.take_evidence(elsewhere)
    world.right.journal.commit(START_MS)
    assert world.run(world.a.status())["status"]["forked"]
    guest = NodePair(node(3, "guest"), world.right, world.now_ms)
    guest.device = world.device
    words = str(raises(Refused, guest.connect().run, guest.a.join(token)))
    assert "two histories" in words
    assert not world.right.members.is_member(guest.left.identity.public)
    host.tree.get(root.id).weaver.submit(ops.system_batch([ops.store_name("still")]), [], START_MS + 10)
    host.journal.commit(START_MS)
    assert world.connect().sync().complete
    assert world.right.tree.roots()[0].name == "still"


def test_a_stick_is_set_up_once():
    host = share()
    world = stick_world(host)
    world.run(world.a.setup(host.tree.roots()[0], "blue", START_MS))
    thief = node(66, "thief")
    thief.create_store("mine", "core:kvstore", None, START_MS)
    other = NodePair(thief, world.right, world.now_ms)
    other.device = world.device
    other.connect()
    before = other.right.storage.commits
    assert "owner" in str(raises(Refused, other.run, other.a.setup(thief.tree.roots()[0], "red", START_MS)))
    request = {"setup": {"name": "red", "store_id": bytes(16), "store_type": "core:rootstore", "now_ms": 1}}
    task = other.a.start(other.a._control(request), "setup")
    raises(Refused, other.run, task)
    raises(Refused, other.run, other.a.owner_add(thief.identity.public))
    raises(Refused, other.run, other.a.owner_transfer(thief.identity.public))
    raises(Refused, other.run, other.a.set_clock(START_MS))
    assert other.right.storage.commits == before
    assert world.device.owners == [host.identity.public]


def test_a_stranger_learns_version_and_owned():
    host = share()
    world = stick_world(host)
    world.run(world.a.setup(host.tree.roots()[0], "blue", START_MS))
    world.sync()
    other = NodePair(node(66, "thief"), world.right, world.now_ms, record=True)
    other.device = world.device
    other.connect()
    shown = other.run(other.a.status())["status"]
    assert shown["version"] == "1.0"
    assert shown["owned"]
    assert not shown["member"]
    assert shown["stores"] == []
    assert shown["id"] == b""
    assert shown["name"] == ""
    assert b"blue" not in other.pair.a.input()
    assert b"notes" not in other.pair.a.input()


def test_owners_and_clock():
    host = share()
    world = stick_world(host)
    world.run(world.a.setup(host.tree.roots()[0], "blue", START_MS))
    world.sync()
    second = node(3, "second").identity.public
    world.run(world.a.owner_add(second))
    assert world.device.owners == [host.identity.public, second]
    world.run(world.a.set_clock(START_MS + 5000))
    assert START_MS + 5000 <= world.device.now_ms(world.now_ms) < START_MS + 6000
    world.run(world.a.owner_transfer(second))
    assert world.device.owners == [second]
    raises(Refused, world.run, world.a.owner_add(host.identity.public))
    world.run(world.a.set_clock(START_MS + 9000))
    far_ahead = START_MS + 40 * 3600000
    world.run(world.a.set_clock(far_ahead))
    assert world.device.now_ms(world.now_ms) < START_MS + 2 * 3600000, "a member moves it by an hour at most"


def test_a_computer_is_no_stick():
    world, _notes, _far = two_nodes()
    assert "no stick" in str(raises(Refused, world.run, world.a.status()))


def test_a_stick_without_a_clock_still_syncs():
    host = share()
    world = stick_world(host)
    root = host.tree.roots()[0]
    host.members.admit(root, world.right.identity.public, "blue", START_MS)
    world.right.set_up_stick(world.device, host.identity.public, "blue", root.id, root.type, None)
    assert world.device.now_ms(world.now_ms) is None
    assert world.sync().complete
    assert same(host, world.right)


def test_a_system_operation_from_a_peer_is_projected_and_counts():
    world, _notes, _far = two_nodes()
    root = world.left.tree.roots()[0]
    root.weaver.submit(ops.system_batch([ops.store_name("renamed")]), [], START_MS)
    world.left.journal.commit(START_MS)
    assert world.sync().complete
    assert world.right.tree.roots()[0].name == "renamed"
    assert isinstance(world.b.last_fault, (type(None), ProtocolError))
