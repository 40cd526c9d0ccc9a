"""Drives an endpoint over a serial port, in one thread: read, step, write, wait.

A stick may be pulled and plugged in again, and a link may lose its session: then a new connection comes, the work is
begun again on it, and because nothing that was acknowledged is lost it goes on where it was.
"""

import select
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from lattice_core.endpoint import Endpoint
from lattice_core.errors import LatticeError, UsageError
from lattice_core.link.link import SERIAL, Link
from lattice_core.sync.common.progress import Progress
from lattice_core.sync.common.tasks import Fault, StreamLost, Task
from lattice_core.sync.nano.peer import NanoPeer, Options

from ..clock import Clock
from .impression import seems
from .line import Line
from .port import PortError, PortLost

_FIRST_ANSWER_MS = 12000  # a stick that starts, checks its flash and answers; nothing extends it
_LOST_IN_A_ROW = 5  # connections that ended early without anything new acknowledged on either side
_LOST_PAUSE_MS = 100  # before the work is begun again after the first of them, doubled each time
_RETRY_S = 0.1  # between attempts to open a port that went away
_SETTLE_MS = 15000  # how long others may look at a port that has just come (ModemManager, udev)
_LONGEST_WAIT_MS = 250  # so that progress is shown, and a cancel is heard
_STEPS = 32  # of the peer before the port has its turn again
_CLOSE_MS = 1500  # to tell the other side that this is the end
_POLL_MS = 50


class State(NamedTuple):
    """How far the work is. `plugged` is False while the stick is pulled."""

    port: str
    plugged: bool
    done_bytes: int
    total_bytes: int


class SerialDriver:
    """Serves what is behind a port. `find()` gives its path, again after it was lost: a stick that is plugged in again
    may get another name. `moved`: the Progress of each connection there was."""

    def __init__(self, node, crypto, find: Callable[[], str], version: str):
        self._node = node
        self._crypto = crypto
        self._find = find
        self._version = version
        self._clock = Clock()
        self._line: Line | None = None
        self._followed: NanoPeer | None = None  # the peer that the work was begun on, or is to be
        self._opened_ms = 0  # when the port was opened
        self._heard_ms = 0  # when a connection last moved
        self._intact = 0  # packets of connections by then
        self._lost = 0  # connections in a row that got nowhere
        self._gained = 0  # what was acknowledged by the time of the last lost one
        self.path = ""
        self.moved: list[Progress] = []

    @property
    def plugged(self) -> bool:
        return self._line is not None

    @property
    def endpoint(self) -> Endpoint | None:
        return None if self._line is None else self._line.endpoint

    @property
    def peer(self) -> Any:
        return None if self._line is None else self._line.endpoint.peer

    def state(self) -> State:
        done = total = 0
        for progress in self.moved:
            done += progress.sent_bytes + progress.received_bytes
            total += progress.expected_bytes + progress.wanted_bytes
        return State(self.path, self.plugged, done, max(done, total))

    def run(self, begin: Callable[[NanoPeer], Task], timeout_s: float) -> Generator[State, None, Any]:
        """Begins `begin(peer)` on each new connection until such a task has ended. Yields the State with every turn,
        at least 4 times a second; its value is the task's result. Whoever closes the generator cancels the work: the
        connection is ended, and what was acknowledged is safe.

        Raises what the task ended with, StorageError when this computer's disk failed, or UsageError when no stick
        answered, when it was silent for `timeout_s`, or when one connection after another was lost at the same place.
        """
        try:
            return (yield from self._run(begin, timeout_s))
        except Fault as fault:
            self._close(str(fault)[:100])
            raise fault.cause from fault  # the command's last net makes a report of it
        except LatticeError as error:
            self._close(str(error)[:100])
            raise
        finally:
            self._close("done")

    def finish(self, begin: Callable[[NanoPeer], Task], timeout_s: float) -> Any:
        """`run` to its end, for those who show no progress; the task's result."""
        work = self.run(begin, timeout_s)
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value

    def _run(self, begin, timeout_s):
        self._open()
        self._heard_ms = self._opened_ms
        task = None
        begin_at_ms = None  # when the work is begun on the connection there is
        while True:
            fresh = self._turn(timeout_s)
            if task is not None and task.done:
                if task.error is None:
                    self._node.journal.commit(self._clock.now().wall_ms)  # what the other side has acknowledged last
                    return task.result
                if not (self._is_lost(fresh) and isinstance(task.error, StreamLost)):
                    raise task.error
            if task is not None and self._is_lost(fresh):
                self._count_lost(task.error or self._trouble())
                task = None
            ticks_ms = self._clock.now().ticks_ms
            if self.peer is None:
                task = begin_at_ms = None  # begun again on the next connection
            elif fresh:
                begin_at_ms = ticks_ms + (_LOST_PAUSE_MS << self._lost if self._lost else 0)
            if self.peer is not None and begin_at_ms is not None and ticks_ms >= begin_at_ms:
                task, begin_at_ms = begin(self.peer), None
            yield self.state()

    def _count_lost(self, error):
        """A connection was lost in the middle of the work. UsageError when that leads nowhere."""
        gained = sum(progress.gained() for progress in self.moved)
        self._lost = self._lost + 1 if gained == self._gained else 1
        self._gained = gained
        if self._lost >= _LOST_IN_A_ROW:
            raise UsageError(
                "the connection to %s was lost %d times at the same place (%s): `stick status` shows what the stick "
                "says of itself; what was acknowledged is safe" % (self.path, self._lost, error),
                "connection_lost",
            )

    def _trouble(self):
        endpoint = self.endpoint
        return "the port went away" if endpoint is None else endpoint.link.trouble or "the other side went away"

    def _is_lost(self, fresh):
        """True when the connection that the task ran on is over."""
        return fresh or self.peer is None or self.peer.connection.closed is not None

    # -- one turn -------------------------------------------------------------------------------------------------

    def _turn(self, timeout_s):
        """Everything that can be done now, then a wait. True, at once, when `peer` is a new one."""
        line = self._line
        if line is None:
            self._reopen()
        else:
            try:
                if self._work(line):
                    return True
            except PortLost as lost:
                self._lose(line, str(lost))
        self._give_up_when_silent(timeout_s)
        if self._line is not None:
            self._wait(self._line, _LONGEST_WAIT_MS)
        return False

    def _work(self, line):
        """Takes, steps, sends. True when there is a new connection to begin on."""
        endpoint = line.endpoint
        line.exchange(self._clock.now().ticks_ms)
        for _ in range(_STEPS):
            busy = endpoint.step(*self._clock.now())
            if endpoint.link.closed is not None:
                raise UsageError("%s: %s" % (self.path, endpoint.link.closed), "connection_lost")
            if endpoint.peer is not self._followed:
                self._followed = endpoint.peer
                if endpoint.peer is not None:
                    return True
            if not busy:
                break
        line.exchange(self._clock.now().ticks_ms)
        counters = endpoint.link.counters
        if endpoint.peer is not None and counters.packets_in - counters.forged != self._intact:
            self._intact = counters.packets_in - counters.forged  # any other byte may be of whatever is there
            self._heard_ms = self._clock.now().ticks_ms
        return False

    def _make_peer(self, connection):
        self._heard_ms = self._clock.now().ticks_ms
        peer = NanoPeer(self._node, connection, Options(self._version))
        self.moved.append(peer.progress)
        return peer

    def _wait(self, line, longest_ms):
        """Until something comes, the port takes more of what waits, or something is due."""
        ticks_ms = self._clock.now().ticks_ms
        due_ms = line.endpoint.deadline_ms(ticks_ms)
        wait_ms = longest_ms if due_ms is None else min(due_ms - ticks_ms, longest_ms)
        select.select([line], [line] if line.waiting else [], [], max(wait_ms, 0) / 1000)

    # -- the port comes and goes ------------------------------------------------------------------------------------

    def _open(self):
        self.path = self._find()
        self._opened_ms = self._clock.now().ticks_ms
        seed = self._node.identity.seed
        link = Link(self._crypto, seed, True, SERIAL, self._version.encode(), self._opened_ms)
        self._line = Line(self.path, Endpoint(link, self._make_peer))

    def _reopen(self):
        """Tries to open the port again; waits a little when it is not there yet."""
        try:
            self._open()
        except PortError as error:
            if not error.absent and self._silent_ms() > _SETTLE_MS:
                raise
            time.sleep(_RETRY_S)
        except UsageError:  # `auto` finds none, or more than one
            time.sleep(_RETRY_S)

    def _lose(self, line, reason):
        """The port is gone, and the connection with it."""
        self._line = self._followed = None
        line.close()
        line.endpoint.lost(reason, *self._clock.now())

    def _close(self, reason):
        """Tells the other side, briefly, and lets the port go."""
        line, self._line = self._line, None
        if line is None:
            return
        link = line.endpoint.link
        try:
            if link.connection is not None:
                line.endpoint.close(reason)
                until_ms = self._clock.now().ticks_ms + _CLOSE_MS
                while link.closed is None and self._clock.now().ticks_ms < until_ms:
                    line.exchange(self._clock.now().ticks_ms)
                    self._wait(line, _POLL_MS)
                line.exchange(self._clock.now().ticks_ms)
        except PortLost:
            pass  # it is gone already: nobody is left to be told
        finally:
            line.close()

    def _silent_ms(self):
        return self._clock.now().ticks_ms - self._heard_ms

    def _give_up_when_silent(self, timeout_s):
        silent_ms = self._silent_ms()
        line = self._line
        waited_ms = self._clock.now().ticks_ms - self._opened_ms
        if not self.moved and line is not None and waited_ms > min(_FIRST_ANSWER_MS, timeout_s * 1000):
            raise UsageError(
                "%s does not answer as a stick: %s"
                % (self.path, line.endpoint.link.trouble or seems(line.heard, line.said)),
                "not_a_stick",
            )
        if silent_ms > timeout_s * 1000:
            found = ""
            if line is not None and self.peer is None and line.heard:
                found = " (%s)" % seems(line.heard, line.said)
            raise UsageError(
                "nothing came from a stick at %s for %d s%s: plug it in again and repeat the command, it goes on where "
                "it was" % (self.path, timeout_s, found),
                "port_silent",
            )
