"""Who is awaited and says nothing, who is only slow, and who gives up and begins anew."""

from lattice_core.sync.common.tasks import StreamLost
from support import Rng
from support.nano import START_MS, joined, node, same

STEP_MS = 1000


def two_nodes():
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right)
    for number in range(30):
        notes.kv.put(b"%d" % number, b"x" * number, START_MS + number)
    left.journal.commit(START_MS)
    return world.connect(), notes


def both(world, steps):
    for _ in range(steps):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)


def alone(world, peer, seconds):
    """Only one side has its turns."""
    for _ in range(seconds):
        world.now_ms += STEP_MS
        peer.step(world.now_ms)


def test_a_sync_that_is_given_up_and_the_next_may_arrive_together():
    world, notes = two_nodes()
    session, task = world.a.open_session(notes, False)
    both(world, 3)
    assert not task.done
    assert len(world.b.sessions) == 1
    task.cancel()
    session.frames.stream.reset()  # the other side is busy and sees it late ...
    _, task = world.a.open_session(notes, False)
    alone(world, world.a, 2)
    both(world, 300)  # ... with the next
    assert world.b.faults == 0, world.b.last_fault
    assert task.result.ended
    assert same(world.left, world.right)


def test_a_slow_side_is_synced_by_whoever_tries_again():
    given_up = 0
    for seed in range(1, 9):
        rng = Rng(seed)
        world, _notes = two_nodes()
        for _ in range(30):
            task = world.a.sync()
            while not task.done:
                alone(world, world.a, 4 + rng.below(16))  # the other side's flash is at work
                for _ in range(8):
                    if not world.b.step(world.now_ms):
                        break
            given_up += bool(task.error is not None or task.result.errors)
            if task.error is None and task.result.complete:
                break
        assert world.b.faults == 0, (seed, world.b.last_fault)
        assert same(world.left, world.right), seed
    assert given_up > 2


def test_who_is_in_step_and_never_ends_the_session_is_silent():
    world, notes = two_nodes()
    session, _ = world.a.open_session(notes, False)
    session.frames.finish = lambda: None
    both(world, 200)
    assert world.b.sessions[0][0].in_step()
    assert world.b.transfers() == 1
    assert world.b.deadline_ms() is not None
    alone(world, world.b, 14)
    assert world.b.transfers() == 1
    alone(world, world.b, 3)
    assert world.b.transfers() == 0
    assert world.b.sessions == []


def test_a_live_session_in_step_waits_for_nothing():
    world, notes = two_nodes()
    world.a.open_session(notes, True)
    both(world, 200)
    alone(world, world.b, 60)
    assert len(world.b.sessions) == 1
    assert world.b.transfers() == 0


def test_silence_is_the_connections():
    world, _notes = two_nodes()
    task = world.a.status()
    for _ in range(4):  # something else moves
        alone(world, world.a, 9)
        world.a.moved()
    assert not task.done
    alone(world, world.a, 17)
    assert isinstance(task.error, StreamLost)
    assert task.error.code == "peer_silent"


def test_silence_before_anything_was_asked_does_not_count():
    world, _notes = two_nodes()
    both(world, 10)
    alone(world, world.a, 60)
    task = world.a.status()
    alone(world, world.a, 10)
    assert not task.done
