"""Two computers that push large intentions and files at once into one stick, over a serial line and over packets; the
plug of one of them is pulled in the middle. What runs is the firmware's own loop, on any storage of a stick."""

from firmware.loop import Loop
from lattice_core.endpoint import Endpoint
from lattice_core.link.link import Link
from lattice_core.node.device import Device, load_identity
from lattice_core.node.node import Node
from lattice_core.sync.nano.peer import NanoPeer
from support import Rng, crypto
from support.fake_board import FakeBoard, FakeTransport, FarEnd
from support.files import put_file
from support.nano import START_MS, NodePair, hashes, node

FILES = 1
FILE_BYTES = 9200
CHUNK_BYTES = 4600  # more than is held of a message: these, too, are written as they arrive
VALUES = 2
VALUE_BYTES = 4600
WINDOW_BYTES = 2048  # of the computers: on the stick's interpreter they share its heap
PACKET_BYTES = 185


def loop_on(storage, transports):
    """The firmware's loop without a boot."""
    board = FakeBoard(crypto(), None, transports)
    device = Device(storage)
    stick = Node(storage, board.crypto, load_identity(storage, board.crypto), keep_unreferenced_ms=0)
    storage.open_stores = lambda: len(stick.tree.replicas)
    stick.open(None)
    return Loop(board, storage, stick, device)


class ConnectedComputer(FarEnd):
    def __init__(self, owner, transport, now_ms):
        self.node = owner
        seed = owner.identity.seed
        link = Link(owner.crypto, seed, True, transport.packet_bytes, b"test", now_ms, window_bytes=WINDOW_BYTES)
        FarEnd.__init__(self, transport, Endpoint(link, lambda connection: NanoPeer(self.node, connection)))

    @property
    def peer(self):
        return self.endpoint.peer


class TwoComputers:
    """`open_loop(transports)` gives the loop of the same stick each time."""

    def __init__(self, open_loop):
        self.laptop, self.desktop = node(1, "laptop"), node(2, "desktop")
        notes = self.laptop.create_store("notes", "core:kvstore", None, START_MS)
        pair = NodePair(self.laptop, self.desktop)
        pair.run(pair.b.join(self.laptop.invites.create(self.laptop.tree.roots()[0], START_MS)))
        self.notes = notes.id
        self.loop = open_loop([FakeTransport(), FakeTransport(PACKET_BYTES)])
        self.board = self.loop.board
        self.computers = []

    def plug(self, owner, at):
        """Computer `owner` on the stick's transport number `at`, connected."""
        computer = ConnectedComputer(owner, self.board.transports[at], self.board.clock.ms)
        self.computers.append(computer)
        assert self.until(lambda: computer.peer is not None), self.board.shown
        return computer

    def turn(self):
        self.loop.turn()
        self.board.clock.ms += 1
        for computer in self.computers:
            computer.turn(self.board.clock.ms)

    def until(self, done, turns=20000):
        for _ in range(turns):
            if done():
                return True
            self.turn()
        return False

    def finish(self, task):
        assert self.until(lambda: task.done), task.name
        assert task.error is None, (task.error, [served.endpoint.link.trouble for served in self.loop.served])
        return task.result

    def finish_own(self, task):
        """A sync that takes all over which the computer has. Content of files that the other one has announced to the
        stick and not sent yet is missing then."""
        report = self.finish(task)
        assert report.errors == []
        for outcome in report.outcomes.values():
            assert outcome.refused_there == outcome.unfit_there == 0

    def set_up(self):
        """The laptop's share is on the stick, and the stick has met its two computers."""
        laptop = self.plug(self.laptop, 0)
        self.finish(laptop.peer.setup(self.laptop.tree.roots()[0], "blue", START_MS))
        assert self.finish(laptop.peer.sync()).complete
        NodePair(self.laptop, self.desktop).sync()  # the desktop hears of the stick
        desktop = self.plug(self.desktop, 1)
        assert self.finish(desktop.peer.sync()).complete
        return laptop, desktop

    def write(self, owner, seed):
        """Returns what was written: (hashes of intentions, names of blobs)."""
        handle = owner.tree.get(self.notes)
        before = hashes(handle)
        rng = Rng(seed)
        for number in range(VALUES):
            handle.kv.put(b"%d/%d" % (seed, number), rng.bytes(VALUE_BYTES), START_MS)
        for number in range(FILES):
            put_file(handle, "%d-%d.bin" % (seed, number), 10 * seed + number, FILE_BYTES, CHUNK_BYTES)
        owner.journal.commit(START_MS)
        blobs = set(handle.store.blobs())
        assert len(blobs) >= 2 * FILES, len(blobs)
        return hashes(handle) - before, blobs

    def check_stick(self, written):
        """All that was written is on the stick, and every piece of content there is what its name says."""
        stick = self.loop.node.tree.get(self.notes)
        assert written[0] <= hashes(stick)
        assert written[1] <= set(stick.store.blobs())
        self.check_content()

    def check_content(self):
        stick = self.loop.node.tree.get(self.notes)
        platform = self.board.crypto
        for digest, _ in list(stick.store.blobs()):
            body = stick.store.blob(digest)
            assert platform.blake3_digest(body.read(0, body.size)) == digest, digest


def both_arrive_at_once(open_loop):
    made = TwoComputers(open_loop)
    laptop, desktop = made.set_up()
    first, second = made.write(made.laptop, 1), made.write(made.desktop, 2)
    tasks = [computer.peer.sync() for computer in (laptop, desktop)]
    for task in tasks:
        made.finish_own(task)
    made.check_stick(first)
    made.check_stick(second)
    for computer in (laptop, desktop):
        assert made.finish(computer.peer.sync()).complete
        assert computer.endpoint.link.counters.connections == 1


def one_is_pulled_in_the_middle(open_loop, after=3000):
    """Returns how much of the pulled one's had arrived."""
    made = TwoComputers(open_loop)
    laptop, desktop = made.set_up()
    first, second = made.write(made.laptop, 1), made.write(made.desktop, 2)
    task, cut = laptop.peer.sync(), desktop.peer.sync()
    counters = made.loop.served[1].endpoint.link.counters
    begun = counters.bytes_in
    assert made.until(lambda: counters.bytes_in - begun > after)
    stick = made.loop.served[0].endpoint.peer
    assert not task.done
    assert not cut.done
    made.computers.remove(desktop)
    made.board.transports[1].closed = "the plug was pulled"
    desktop.endpoint.lost("the plug was pulled", made.board.clock.ms)
    made.board.transports = made.board.transports[:1]
    made.finish_own(task)
    assert [served.transport for served in made.loop.served] == made.board.transports
    assert laptop.endpoint.link.counters.connections == 1
    assert laptop.peer.faults == 0
    assert made.loop.served[0].endpoint.peer is stick
    assert stick.faults == 0, stick.last_fault
    made.check_stick(first)
    arrived = len(hashes(made.loop.node.tree.get(made.notes)) & second[0])
    # Plugged in again, on a transport that the board has not had before, it goes on where it was.
    made.board.transports = [made.board.transports[0], FakeTransport(PACKET_BYTES)]
    again = made.plug(made.desktop, 1)
    assert made.finish(again.peer.sync()).complete
    made.check_stick(second)
    assert made.finish(laptop.peer.sync()).complete
    assert made.loop.device.last_error() == ""
    assert made.loop.device.transfers == 0
    return arrived


def a_flash_that_fails_one(open_loop):
    """The storage refuses what the desktop sends: its connection ends with the reason, and the laptop's goes on."""
    from lattice_core.errors import StorageError

    made = TwoComputers(open_loop)
    laptop, desktop = made.set_up()
    first, _ = made.write(made.laptop, 1), made.write(made.desktop, 2)
    task, cut = laptop.peer.sync(), desktop.peer.sync()
    theirs = made.loop.served[1].endpoint.peer
    step = theirs._step
    left = [40]

    def fail():
        left[0] -= 1
        if left[0] == 0:
            raise StorageError("block 12 does not program")
        return step()

    theirs._step = fail
    made.finish_own(task)
    assert made.until(lambda: cut.done)
    assert cut.error is not None
    assert laptop.endpoint.link.counters.connections == 1
    assert made.loop.device.last_error() == "block 12 does not program"
    made.check_stick(first)


SCENARIOS = (both_arrive_at_once, one_is_pulled_in_the_middle, a_flash_that_fails_one)
