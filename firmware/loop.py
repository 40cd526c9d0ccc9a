"""The stick's main loop: bytes in, work, bytes out, then one piece of housekeeping or a wait.

Nothing in it waits but `serial.wait`, and nothing takes longer than a flash erase and its programs, except a commit
(at most 2 blocks of log, 1 of each open body, and littlefs' own). What a peer can push at once is bounded by the link
(8 streams, 8 KiB of window each, 8 packets in flight), by sync.nano (16 streams, 8 faults), by limits.py (16 KiB held
of a body, 256 floating intentions in 256 KiB) and by storage (64 stores, 1,024 authors, 8 bodies being written).
"""

import gc

from lattice_core.compat import const
from lattice_core.endpoint import Endpoint
from lattice_core.errors import StorageError
from lattice_core.link.link import SERIAL, Link
from lattice_core.sync.nano.peer import NanoPeer, Options

from .version import VERSION

_READ_BYTES = const(1024)  # about a frame
_READS_PER_TURN = const(16)
_LONGEST_WAIT_MS = const(1000)
_VERIFY_BATCH = const(4)  # intentions between two looks at the port: 20 ms each on the board
_BLOB_REQUESTS = const(4)


class Damaged(Exception):
    """A record of the log was found damaged while it was used. What is left is found by a start anew, which passes it
    over; until then it would be met again and again."""


class Loop:
    def __init__(self, board, storage, node, device):
        self.board = board
        self.serial = board.serial
        self.storage = storage
        self.node = node
        self.device = device
        self.endpoint = None
        self.options = Options(VERSION, _VERIFY_BATCH, _BLOB_REQUESTS, storage.usage)
        self._in = bytearray(_READ_BYTES)
        self._rest = None  # end of a frame that the port did not take at once: a view of the link's own buffer
        self._listen()

    def _listen(self):
        """A link that nobody has spoken on yet."""
        self.endpoint = self._rest = None  # its buffers first
        now_ms = self.board.clock.now_ms()
        seed = self.node.identity.seed
        link = Link(self.board.crypto, seed, False, SERIAL, VERSION.encode(), now_ms)
        self.endpoint = Endpoint(link, self._make_peer)
        self.connection = None

    def _make_peer(self, connection):
        return NanoPeer(self.node, connection, self.options, self.device)

    def run(self):
        """For ever. What leaves it cannot be put right in place: main starts everything anew."""
        while True:
            try:
                self.turn()
            except (MemoryError, RuntimeError) as error:  # no heap or no stack left, wherever that was
                self._start_over(error)

    def turn(self):
        now_ms = self.board.clock.now_ms()
        moved = self._receive(now_ms)
        busy = self._work(now_ms)
        self.board.check_power()
        moved = self._send(now_ms) or moved
        if not (moved or busy) and not self._housekeep():
            self._wait(now_ms)

    def _receive(self, now_ms):
        """Gives the link what has come, a bounded amount of it."""
        view = memoryview(self._in)
        for reads in range(_READS_PER_TURN):
            count = self.serial.readinto(self._in)
            if not count:
                return reads > 0
            self.endpoint.receive(view[:count], now_ms)
        return True

    def _work(self, now_ms):
        """One step of whatever is under way. True while there is more to do at once."""
        busy = False
        try:
            busy = self.endpoint.step(now_ms)
            self._follow_connection()
            self.device.keep_clock(now_ms)
            self.node.commit_due(self.device.now_ms(now_ms), now_ms)
        except StorageError as error:
            self._failed(error)
        self.board.show("busy" if self.device.transfers else "ready")
        return busy

    def _follow_connection(self):
        """What the peer of an ended connection was writing is for nobody."""
        if self.endpoint.connection is not self.connection:
            if self.connection is not None:
                self.storage.abandon_bodies()
            self.connection = self.endpoint.connection

    def _failed(self, error):
        """The medium failed: what was not acknowledged is gone, the peer is told by the end of the connection."""
        self.board.check_power()
        self.board.show("error")
        self.node.rollback()
        self.device.reload()
        try:
            self.device.note_error(str(error))
            self.node.commit(None)
        except StorageError:
            self.device.reload()  # not even that can be written

        if self.storage.hurt:
            raise Damaged(str(error))

    def _start_over(self, error):
        """What was under way is given up; everything committed is there, and the host connects anew."""
        self.board.check_power()
        if self.endpoint.peer is not None:
            self.endpoint.peer.close("the stick ran out of memory")
        self.connection = None
        self.storage.abandon_bodies()
        self._listen()
        gc.collect()
        self.node.rollback()
        self.device.reload()
        self.device.transfers = 0
        self.device.note_error("out of memory: %s" % error)
        self.node.commit(None)

    def _send(self, now_ms):
        """Frames, until the link has none or the port takes no more. True when any went out."""
        moved = False
        while True:
            packet = self._rest
            if packet is None:
                packet = self.endpoint.send(now_ms)
                if packet is None:
                    return moved
                moved = True
            taken = self.serial.write(packet)
            if taken < len(packet):
                self._rest = packet[taken:]
                return moved
            self._rest = None

    def _housekeep(self):
        """Only while nobody waits for us."""
        if self.device.transfers:
            return False
        try:
            if self.storage.idle():
                return True
            self.storage.note_end()
            return self.node.look_over()
        except StorageError as error:
            self._failed(error)
            return False

    def _wait(self, now_ms):
        until = now_ms + _LONGEST_WAIT_MS
        due = [self.node.journal.deadline_ms()]
        if self._rest is None:  # a port that takes nothing holds the link up, too
            due.append(self.endpoint.deadline_ms(now_ms))
        for deadline_ms in due:
            if deadline_ms is not None and deadline_ms < until:
                until = deadline_ms
        self.serial.wait(max(0, until - now_ms), self._rest is not None)
