"""However a session ends, the stick answers the next one: the firmware's own loop, a line in the same process.

Runs on the stick's interpreter with the stick's heap.
"""

import lattice_native

from boards import fresh_board
from firmware import main
from lattice_core.endpoint import Endpoint
from lattice_core.errors import StorageError, StorageFull
from lattice_core.limits import FAULTS
from lattice_core.link import states
from lattice_core.link.link import SERIAL, Link
from lattice_core.sync.common.tasks import StreamLost
from lattice_core.sync.nano.message_stream import MessageStream
from lattice_core.sync.nano.peer import NanoPeer
from lattice_core.wire.nano_messages import NanoFrame
from support.fake_board import FarEnd
from support.nano import START_MS, node

OWNER, STRANGER = 1, 2
_NEXT_MS = 30000  # a host that comes after the other gave up is answered within that time


class LinkHost(FarEnd):
    """A computer at the other end of the line."""

    def __init__(self, desk, number):
        self.desk = desk
        self.node = node(number, "host %d" % number)
        self.talk_with(Link(lattice_native, self.node.identity.seed, True, SERIAL, b"test", desk.board.clock.ms))

    def talk_with(self, link):
        self.link = link
        FarEnd.__init__(
            self, self.desk.board.serial, Endpoint(link, lambda connection: NanoPeer(self.node, connection))
        )

    @property
    def peer(self):
        return self.endpoint.peer


class StickAndHosts:
    """The stick on its board and whatever host is plugged in; time goes on by itself while nothing moves."""

    def __init__(self):
        self.board = fresh_board()
        self.loop = main.start(self.board)
        self.host = None
        self.share = None

    @property
    def endpoint(self):
        return self.loop.served[0].endpoint

    def turn(self):
        board = self.board
        self.loop.turn()
        board.clock.ms += 1 if board.serial.outbox or board.serial.inbox else 20
        if self.host is None:
            board.serial.take()
        else:
            self.host.turn(board.clock.ms)

    def until(self, done, limit_ms=60000):
        end = self.board.clock.ms + limit_ms
        while not done():
            if self.board.clock.ms > end:
                return False
            self.turn()
        return True

    def plug(self, number):
        self.host = LinkHost(self, number)
        assert self.until(self._both_speak, _NEXT_MS), (self.endpoint.link.state, self.endpoint.link.trouble)
        return self.host

    def _both_speak(self):
        return self.host.peer is not None and self.endpoint.peer is not None

    def finish(self, task, limit_ms=60000):
        self.until(lambda: task.done, limit_ms)
        return task

    def answers(self):
        """The owner's computer is plugged in anew: does the stick say how it is?"""
        self.board.serial.deaf = False
        host = self.plug(OWNER)
        task = self.finish(host.peer.status())
        assert task.done, task.error
        assert task.error is None, task.error
        assert task.result["status"]["owned"], task.error
        self.host.link.close("done")
        self.until(lambda: self.host.link.closed is not None, 5000)
        self.host = None

    def left(self, limit_ms=200000):
        """Until the stick has no connection any more."""
        assert self.until(lambda: self.endpoint.link.connection is None, limit_ms), self.loop.served[
            0
        ].endpoint.link.state


def desk():
    made = StickAndHosts()
    host = made.plug(OWNER)
    host.node.create_store("notes", "core:kvstore", None, START_MS)
    task = made.finish(host.peer.setup(host.node.tree.roots()[0], "blue", START_MS))
    assert task.done, task.error
    assert task.error is None, task.error
    made.share = host.node.tree.roots()[0].id
    return made


def _ask(stick, payload):
    stream = stick.host.peer.open_stream()
    stream.write(len(payload).to_bytes(4, "big") + payload)
    stream.finish()
    return stream


def too_many_faults(stick):
    stick.plug(STRANGER)
    request = {"node_pubkey": bytes(32), "store_id": bytes(16), "invite_secret": bytes(32)}
    streams = []
    for _ in range(FAULTS):
        if stick.host.peer is None:
            break
        streams.append(_ask(stick, NanoFrame.encode({"join_request": request})))
        stick.until(lambda: streams[-1].at_end() or streams[-1].error is not None, 5000)
    stick.left(5000)
    assert "too many requests" in stick.host.link.closed, stick.host.link.closed


def broken_frames(stick):
    stick.plug(STRANGER)
    for _ in range(FAULTS):
        if stick.host.peer is not None:
            _ask(stick, b"\xff" * 20)
            stick.turn()
    stick.left(20000)


def _flash_fails(stick, error):
    host = stick.plug(OWNER)
    commit = stick.loop.storage.commit

    def fail():
        stick.loop.storage.commit = commit
        raise error

    stick.loop.storage.commit = fail
    task = stick.finish(host.peer.set_clock(START_MS + 5000), 20000)
    assert task.done, (task.done, task.result)
    assert task.error is not None, (task.done, task.result)
    stick.left(5000)
    assert stick.loop.device.last_error() == str(error), stick.loop.device.last_error()


def the_flash_fails(stick):
    _flash_fails(stick, StorageError("block 12 does not program"))
    assert "block 12" in stick.host.link.closed, stick.host.link.closed


def the_flash_is_full(stick):
    _flash_fails(stick, StorageFull("no room for 12 bytes"))


def only_a_trickle(stick):
    frames = MessageStream(stick.plug(OWNER).peer.open_stream())
    frames.post({"blob_open": {"store_id": stick.share}})
    for _ in range(15):
        frames.post({"blob_request": {"hash": bytes(32)}})
        if stick.endpoint.link.connection is None:
            break
        frames.flush()
        stick.until(lambda: stick.endpoint.link.connection is None, 14000)
    assert "trickle" in stick.host.link.closed, stick.host.link.closed


def out_of_memory(stick):
    host = stick.plug(OWNER)
    step = stick.endpoint.peer.step

    def fail(now_ms, wall_ms=None):
        stick.endpoint.peer.step = step
        raise MemoryError("no heap")

    stick.endpoint.peer.step = fail
    stick.finish(host.peer.status(), 10000)
    assert "out of memory" in stick.loop.device.last_error()


def the_stack_is_used_up(stick):
    stick.plug(OWNER)

    def fail(now_ms, wall_ms=None):
        raise RuntimeError("maximum recursion depth exceeded")

    stick.endpoint.peer.step = fail
    stick.turn()


def the_host_restarts(stick):
    stick.plug(OWNER)
    stick.plug(OWNER)


def the_host_vanishes(stick):
    stick.plug(OWNER).peer.status()
    stick.turn()
    stick.host = None
    stick.left(30000)


def the_host_is_pulled_at_once(stick):
    stick.plug(OWNER)
    stick.host = None


def an_impostor(stick):
    """A host that talks to itself, as far as the stick can see: its own identity is refused."""
    stick.host = LinkHost(stick, OWNER)
    seed = stick.loop.node.identity.seed
    stick.host.talk_with(Link(lattice_native, seed, True, SERIAL, b"x", stick.board.clock.ms))
    stick.until(lambda: stick.host.link.closed is not None, 10000)
    assert stick.host.peer is None


def a_refusal(stick):
    host = stick.plug(STRANGER)
    task = stick.finish(host.peer.owner_add(b"k" * 32))
    assert task.error is not None
    assert not isinstance(task.error, StreamLost)
    host.link.close("done")
    stick.until(lambda: host.link.closed is not None, 5000)


def closed_in_the_handshake(stick):
    stick.host = LinkHost(stick, OWNER)
    stick.until(lambda: stick.endpoint.link.state == states.PROVING, 1000)
    stick.host = None
    stick.endpoint.link.close("not now")
    assert stick.endpoint.link.state == states.LISTENING


def given_up_in_the_handshake(stick):
    stick.host = LinkHost(stick, OWNER)
    stick.until(lambda: stick.endpoint.link.state == states.PROVING, 1000)
    stick.host = None
    stick.until(lambda: stick.endpoint.link.state == states.LISTENING, 10000)


def the_port_takes_nothing(stick):
    """A host that stopped reading: the stick waits, and does not burn its power on trying."""
    host = stick.plug(OWNER)
    host.peer.status()
    stick.board.serial.deaf = True
    stick.until(lambda: False, 5000)
    waits = stick.board.waits
    del waits[:]
    stick.host = None
    stick.until(lambda: False, 60000)
    assert waits.count(0) < len(waits) // 4, (waits.count(0), len(waits))


def noise_instead_of_a_host(stick):
    stick.plug(OWNER)
    stick.host = None
    for _ in range(20):
        stick.board.serial.inbox += b"AT\r\n\x03\x04>>> " * 40 + b"\0" + bytes(range(256)) * 8
        stick.turn()
    stick.left(30000)


ENDS = (
    too_many_faults,
    broken_frames,
    the_flash_fails,
    the_flash_is_full,
    only_a_trickle,
    out_of_memory,
    the_stack_is_used_up,
    the_host_restarts,
    the_host_vanishes,
    the_host_is_pulled_at_once,
    an_impostor,
    a_refusal,
    closed_in_the_handshake,
    given_up_in_the_handshake,
    the_port_takes_nothing,
    noise_instead_of_a_host,
)


def test_the_stick_answers_after_every_end():
    stick = desk()
    for end in ENDS:
        end(stick)
        stick.host = None
        stick.answers()


def test_a_failing_flash_is_written_once_for_each_failure():
    """The connection that failed lives for two seconds more, until its end was told: nothing fails there again."""
    stick = desk()
    stick.plug(OWNER)
    failures = [0]

    def fail():
        failures[0] += 1
        raise StorageError("block 12 does not program")

    stick.endpoint.peer._step = fail
    stick.board.serial.deaf = True  # nobody hears the end
    stick.turn()
    batch = stick.loop.storage.batch
    stick.until(lambda: False, 4000)
    assert failures == [1]
    assert stick.loop.storage.batch == batch
    stick.answers()
