"""The stick's main loop: bytes in, work, bytes out, then one piece of housekeeping or a wait.

Nothing in it waits but `board.wait`, and nothing takes longer than a flash erase and its programs, except a commit
(at most 2 blocks of log, 1 of each open body, and littlefs' own). Each transport has a link and a peer of its own; what
one of them does, or fails in, is nothing to the others.

What a peer can push at once is bounded by the link (8 streams, 8 KiB of window each, 8 packets in flight), by sync.nano
(16 streams, 8 faults), by limits.py (16 KiB held of a body, 256 floating intentions in 256 KiB) and by storage (64
stores, 1,024 authors, 8 bodies being written).
"""

import gc

from lattice_core.compat import const
from lattice_core.endpoint import Endpoint
from lattice_core.errors import StorageError
from lattice_core.link.link import Link
from lattice_core.sync.nano.peer import NanoPeer, Options

from .button import ERASE_HOLD_MS, LOOK_MS, WARNED_MS, Button, EraseWanted
from .served import ServedTransport
from .version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board

MOST_TRANSPORTS = const(2)  # each takes 18 KiB for packets and up to 97 KiB for streams
_READ_BYTES = const(1024)  # about a frame, and the longest packet
_READS_PER_TURN = const(16)
_LONGEST_WAIT_MS = const(1000)
_VERIFY_BATCH = const(4)  # intentions between two looks at the ports: 20 ms each on the board
_BLOB_REQUESTS = const(4)


class Damaged(Exception):
    """A record of the log was found damaged while it was used. What is left is found by a start anew, which passes it
    over; until then it would be met again and again."""


class Loop:
    def __init__(self, board: "Board", storage, node, device):
        self.board = board
        self.storage = storage
        self.node = node
        self.device = device
        self.served = []  # one for each transport
        self._button = Button(board.button_ms)
        self._look_ms = 0  # when the button is looked at again
        self._held_ms = 0
        self.options = Options(VERSION, _VERIFY_BATCH, _BLOB_REQUESTS, storage.usage)
        self._in = bytearray(_READ_BYTES)
        self._view = memoryview(self._in)
        self._follow_transports(board.clock.now_ms())

    def _listen(self, packet_bytes):
        """An endpoint that nobody has spoken on yet."""
        board = self.board
        seed = self.node.identity.seed
        link = Link(board.crypto, seed, False, packet_bytes, VERSION.encode(), board.clock.now_ms())
        return Endpoint(link, self._make_peer)

    def _make_peer(self, connection):
        return NanoPeer(self.node, connection, self.options, self.device)

    def run(self):
        """For ever. What leaves it cannot be put right in place: main starts everything anew."""
        while True:
            try:
                self.turn()
            except (MemoryError, RuntimeError) as error:  # no heap or no stack left, and no transport to blame
                self._start_over(self.served, error)

    def turn(self):
        ticks_ms = self.board.clock.now_ms()
        if ticks_ms >= self._look_ms:
            self._look_at_button(ticks_ms)
        self._follow_transports(ticks_ms)
        moved = busy = False
        for served in self.served:
            moved = served.receive(self._in, self._view, _READS_PER_TURN, ticks_ms) or moved
        for served in self.served:
            busy = self._step(served, ticks_ms) or busy
        self._keep(ticks_ms)
        for served in self.served:
            moved = served.send(ticks_ms) or moved
        if not (moved or busy) and not self._housekeep():
            self._wait(ticks_ms)

    def _look_at_button(self, ticks_ms):
        self._look_ms = ticks_ms + LOOK_MS
        self._held_ms = self._button.held_ms(ticks_ms)
        if self._held_ms >= ERASE_HOLD_MS:
            raise EraseWanted

    def _follow_transports(self, ticks_ms):
        """Serves what has come, and lets go what is closed."""
        for served in self.served:
            if served.transport.closed is not None:
                self.served = [other for other in self.served if other is not served]
                try:
                    served.endpoint.lost(served.transport.closed, ticks_ms)
                except StorageError as error:
                    self._failed(error)
        if len(self.served) < len(self.board.transports):
            known = [served.transport for served in self.served]
            for transport in self.board.transports:
                if transport not in known and transport.closed is None and len(self.served) < MOST_TRANSPORTS:
                    self.served.append(ServedTransport(transport, self._listen))

    def _step(self, served, ticks_ms):
        """One step of whatever is under way on one transport. True while there is more to do at once."""
        try:
            return served.endpoint.step(ticks_ms)
        except StorageError as error:  # the peer has ended its connection and taken back what it sent
            self._failed(error)
        except (MemoryError, RuntimeError) as error:  # no heap or no stack left
            self._start_over([served], error)
        return False

    def _keep(self, ticks_ms):
        """What is due, whoever is there."""
        try:
            self.device.keep_clock(ticks_ms)
            self.node.journal.commit_due(self.device.now_ms(ticks_ms), ticks_ms)
        except StorageError as error:
            self._failed(error)
        if self._held_ms >= WARNED_MS:
            self.board.show("erase")
        else:
            self.board.show("busy" if self.device.transfers else "ready")

    def _failed(self, error):
        """The medium failed: what was not acknowledged is gone. Whose it was has been told, or learns of it when asking
        for it."""
        self.board.show("error")
        self._take_back()
        try:
            self.device.note_error(str(error))
            self.node.journal.commit(None)
        except StorageError:
            self.device.reload()  # not even that can be written

        if self.storage.hurt:
            raise Damaged(str(error))

    def _take_back(self):
        """Rolls back what the flash has lost, and half a change."""
        if self.storage.must_roll_back or self.node.journal.spoilt():
            self.node.journal.rollback()
        self.device.reload()

    def _start_over(self, served, error):
        """What was under way on these transports is given up; everything committed is there, and their computers
        connect anew."""
        for one in served:
            peer = one.close_peer("the stick ran out of memory")
            one.begin()
            self.node.journal.give_up(peer)
        gc.collect()
        if not self.device.transfers:
            self.storage.abandon_bodies()  # where the heap was too short to give back what was being written
        self._take_back()
        self.device.note_error("out of memory: %s" % error)
        self.node.journal.commit(None)

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

    def _wait(self, ticks_ms):
        until_ms = ticks_ms + _LONGEST_WAIT_MS
        due = [self.node.journal.deadline_ms(), self._look_ms if self._held_ms else None]
        writing = []
        for served in self.served:
            due.append(served.deadline_ms(ticks_ms))
            if served.rest is not None:
                writing.append(served.transport)
        for deadline_ms in due:
            if deadline_ms is not None and deadline_ms < until_ms:
                until_ms = deadline_ms
        self.board.wait(max(0, until_ms - ticks_ms), writing)
