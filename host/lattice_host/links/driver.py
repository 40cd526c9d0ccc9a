"""Drives peers on the running asyncio loop, over QUIC and over serial ports alike: feed, step, send, arm one timer.

Whatever may make a step worthwhile sets one event: something arrived, the port takes more, a write of this node was
committed, the deadline came. Nothing polls.
"""

import asyncio
from collections.abc import Callable

from lattice_core.endpoint import Endpoint
from lattice_core.errors import StorageError
from lattice_core.sync.common.peer import Peer

from ..clock import Clock, Now
from ..serial.line import Line
from ..serial.port import PortLost

_ENDING_MS = 20000  # for the tasks of a connection that is closed: longer than any of them waits for an answer
_CLOSE_MS = 1500  # to tell the other side of a port that this is the end


class Driver:
    """What every transport has in common. `woken`: set it whenever a step is worthwhile."""

    def __init__(self, node, woken: asyncio.Event):
        self.node = node
        self.woken = woken
        self.clock = Clock()
        self._timer: asyncio.TimerHandle | None = None

    def turn(self, now: Now) -> bool:
        """Everything that can be done now. True when there is more to do at once."""
        raise NotImplementedError

    def deadline_ms(self, now: Now) -> int | None:
        raise NotImplementedError

    async def run(self, over: Callable[[], bool]) -> None:
        """Takes turns until `over()` is true. It is asked after each of them."""
        watchers = self.node.events.watchers
        watchers.append(self.woken.set)
        try:
            while not over():
                self.woken.clear()
                if self.turn(self.clock.now()):
                    await asyncio.sleep(0)
                elif not over():
                    self._arm(self.clock.now())
                    await self.woken.wait()
        finally:
            watchers.remove(self.woken.set)
            self._disarm()

    def _arm(self, now):
        self._disarm()
        due_ms = self.deadline_ms(now)
        if due_ms is not None:
            wait_s = max(due_ms - now.ticks_ms, 0) / 1000
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.woken.set)

    def _disarm(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class QuicDriver(Driver):
    """A peer on a QUIC connection. The connection itself brings the bytes and sets the event."""

    def __init__(self, peer: Peer):
        super().__init__(peer.node, peer.connection.changed)
        self.peer = peer
        self._ending_ms: int | None = None  # by then a closed connection is left alone
        self._failed = False

    def turn(self, now):
        if self.peer.connection.closed is not None and self._ending_ms is None:
            self._ending_ms = now.ticks_ms + _ENDING_MS
        try:
            return self.peer.step(now.ticks_ms, now.wall_ms)
        except StorageError:  # the peer has ended its connection, and its tasks have the error
            self._failed = True
            return False

    def deadline_ms(self, now):
        times = [at for at in (self.peer.deadline_ms(), self._ending_ms) if at is not None]
        return min(times) if times else None

    def is_over(self) -> bool:
        """True when the connection is closed and everything on it has come to its end, or had the time to."""
        if self._failed:
            return True
        if self._ending_ms is None:
            return False
        return not self.peer.transfers() or self.clock.now().ticks_ms > self._ending_ms


async def drive(peer: Peer, done: Callable[[], bool]) -> None:
    """Drives a NanoPeer or RefPeer on a QUIC connection until `done()` is true, or until the connection is closed and
    everything on it has come to its end: what had arrived is taken, and what was learnt is stored.

    Raises nothing. When the medium fails the connection is closed, and the peer's tasks end with the StorageError.
    """
    driver = QuicDriver(peer)
    await driver.run(lambda: done() or driver.is_over())
    if peer.connection.closed is not None:
        peer.close("the connection is over")
        try:
            peer.commit()
        except StorageError as error:
            peer.last_fault = error


class LineDriver(Driver):
    """An endpoint on an open serial port. `ended`: why nothing moves any more, None until then."""

    def __init__(self, node, line: Line):
        super().__init__(node, asyncio.Event())
        self.line = line
        self.endpoint: Endpoint = line.endpoint
        self.ended: Exception | None = None
        self._writing = False

    def turn(self, now):
        try:
            self.line.exchange(now.ticks_ms)
            busy = self.endpoint.step(now.ticks_ms, now.wall_ms)
            self.line.exchange(now.ticks_ms)
        except PortLost as lost:
            self._lose(lost, now)
            return False
        except StorageError as error:  # the peer's tasks have it, too; the link tells the other side
            self.ended = error
            return False
        self._wait_for_room()
        return busy

    def _lose(self, lost, now):
        self.ended = lost
        try:
            self.endpoint.lost(str(lost), now.ticks_ms, now.wall_ms)
        except StorageError as error:
            self.ended = error

    def _wait_for_room(self):
        """The port is asked whether it takes more only while something waits for that."""
        if self.line.waiting != self._writing:
            self._writing = self.line.waiting
            loop = asyncio.get_running_loop()
            if self._writing:
                loop.add_writer(self.line, self.woken.set)
            else:
                loop.remove_writer(self.line)

    def deadline_ms(self, now):
        return self.endpoint.deadline_ms(now.ticks_ms)

    async def run(self, over):
        loop = asyncio.get_running_loop()
        loop.add_reader(self.line, self.woken.set)
        try:
            await super().run(lambda: self.ended is not None or over())
        finally:
            loop.remove_reader(self.line)
            if self._writing:
                self._writing = False
                loop.remove_writer(self.line)

    async def close(self, reason: str) -> None:
        """Tells the other side, briefly, and lets the port go."""
        link = self.endpoint.link
        try:
            if link.connection is not None and not isinstance(self.ended, PortLost):
                self.ended = None
                self.endpoint.close(reason)
                until_ms = self.clock.now().ticks_ms + _CLOSE_MS
                alarm = asyncio.get_running_loop().call_later(_CLOSE_MS / 1000, self.woken.set)
                await self.run(lambda: link.closed is not None or self.clock.now().ticks_ms >= until_ms)
                alarm.cancel()
                self.line.exchange(self.clock.now().ticks_ms)
        except PortLost:
            pass  # it is gone already: nobody is left to be told
        finally:
            self.line.close()
