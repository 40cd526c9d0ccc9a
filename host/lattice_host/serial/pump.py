"""Runs a link and what stands on it over a serial port, in one thread: read, step, write, wait.

A stick may be pulled and plugged in again, and a link may lose its session: then a new connection comes, the work is
begun again on it, and because nothing that was acknowledged is lost it goes on where it was.
"""

import time
from collections.abc import Callable

from lattice_core.errors import LatticeError, UsageError
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
_LONGEST_WAIT_MS = 250  # so that progress is shown
_STEPS = 32  # of the peer before the port has its turn again


class Pump:
    """Serves what is behind a port. `find()` gives its path, again after it was lost: a stick that is plugged in again
    may get another name. `watch(pump)` is called with every turn, for showing progress."""

    def __init__(self, node, crypto, find: Callable[[], str], version: str, watch=None):
        self._node = node
        self._crypto = crypto
        self._find = find
        self._version = version
        self._watch = watch
        self._line: Line | None = None
        self._connection = None
        self._ended: NanoPeer | None = None  # the peer of a connection that is over
        self._opened_ms = 0  # when the port was opened
        self._heard_ms = 0  # when a connection last moved
        self._intact = 0  # packets of connections by then
        self._lost = 0  # connections in a row that got nowhere
        self._gained = 0  # what was acknowledged by the time of the last lost one
        self.now_ms = Clock().now_ms
        self.path = ""
        self.peer: NanoPeer | None = None
        self.moved: list[Progress] = []  # of each connection there was

    @property
    def plugged(self) -> bool:
        return self._line is not None

    def run(self, begin: Callable[[NanoPeer], Task], timeout_s: float):
        """Begins `begin(peer)` on each new connection until such a task has ended; returns its result.

        Raises what the task ended with, or UsageError when no stick answered, when it was silent for `timeout_s`, or
        when one connection after another was lost at the same place.
        """
        self._open()
        self._heard_ms = self._opened_ms
        task = None
        begin_at_ms = None  # when the work is begun on the connection there is
        while True:
            fresh = self._turn(timeout_s)
            if task is not None and task.done:
                if task.error is None:
                    self._node.commit(self.now_ms())  # what the other side has acknowledged last
                    return task.result
                if not (self._is_lost(fresh) and isinstance(task.error, StreamLost)):
                    raise task.error
            if task is not None and self._is_lost(fresh):
                self._count_lost(task.error or self._trouble())
                task = None
            self._release()
            if self.peer is None:
                task = begin_at_ms = None  # begun again on the next connection
            elif fresh:
                begin_at_ms = self.now_ms() + (_LOST_PAUSE_MS << self._lost if self._lost else 0)
            if self.peer is not None and begin_at_ms is not None and self.now_ms() >= begin_at_ms:
                task, begin_at_ms = begin(self.peer), None

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
        line = self._line
        return "the port went away" if line is None else line.link.trouble or "the other side went away"

    def _is_lost(self, fresh):
        """True when the connection that the task ran on is over."""
        return fresh or self.peer is None or self.peer.connection.closed is not None

    def close(self, reason: str = "done") -> None:
        """Tells the other side, briefly, and lets the port go."""
        line, self._line = self._line, None
        if line is not None:
            line.close(reason, self.now_ms)

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
        if self._watch is not None:
            self._watch(self)
        if self._line is not None:
            now_ms = self.now_ms()
            self._line.wait(now_ms, self._until_ms(now_ms))
        return False

    def _work(self, line):
        """Takes, steps, sends. True when there is a new connection to begin on."""
        line.exchange(self.now_ms())
        if self._follow(line.link):
            return True
        for _ in range(_STEPS):
            if self.peer is None or not self.peer.step(self.now_ms()):
                break
        line.exchange(self.now_ms())
        counters = line.link.counters
        if self.peer is not None and counters.packets_in - counters.forged != self._intact:
            self._intact = counters.packets_in - counters.forged  # any other byte may be of whatever is there
            self._heard_ms = self.now_ms()
        return False

    def _follow(self, link):
        """True when another connection came about. Raises when the link has ended for good."""
        if link.closed is not None:
            raise UsageError("%s: %s" % (self.path, link.closed), "connection_lost")
        connection = link.connection
        if connection is self._connection:
            return False
        self._end_peer()
        self._connection = connection
        if connection is None:
            return False
        self._heard_ms = self.now_ms()
        self.peer = NanoPeer(self._node, connection, Options(self._version))
        self.moved.append(self.peer.progress)
        return True

    def _until_ms(self, now_ms):
        """How long a turn may wait at most."""
        until_ms = now_ms + _LONGEST_WAIT_MS
        due_ms = None if self.peer is None else self.peer.deadline_ms()
        return until_ms if due_ms is None else min(until_ms, due_ms)

    def _end_peer(self):
        """The connection is over: its tasks learn of it."""
        if self.peer is not None:
            self.peer.step(self.now_ms())
            self._ended = self.peer
        self.peer = None

    def _release(self):
        """Lets go what the tasks of an ended connection still hold."""
        if self._ended is not None:
            self._ended.close("the connection is over")
            self._ended = None

    # -- the port comes and goes ------------------------------------------------------------------------------------

    def _open(self):
        self.path = self._find()
        self._opened_ms = self.now_ms()
        self._line = Line(self.path, self._crypto, self._node.identity.seed, self._version, self._opened_ms)

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
        line.drop()
        self._line = None
        if self._connection is not None:
            self._connection.end(reason)
        self._end_peer()
        self._connection = None

    def _silent_ms(self):
        return self.now_ms() - self._heard_ms

    def _give_up_when_silent(self, timeout_s):
        silent_ms = self._silent_ms()
        line = self._line
        waited_ms = self.now_ms() - self._opened_ms
        if not self.moved and line is not None and waited_ms > min(_FIRST_ANSWER_MS, timeout_s * 1000):
            raise UsageError(
                "%s does not answer as a stick: %s" % (self.path, line.link.trouble or seems(line.heard, line.said)),
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


def pumped(pump: Pump, begin: Callable[[NanoPeer], Task], timeout_s: float):
    """Runs one task and closes the pump whatever happens."""
    try:
        return pump.run(begin, timeout_s)
    except Fault as fault:
        pump.close(str(fault)[:100])
        raise fault.cause from fault  # the command's last net makes a report of it
    except LatticeError as error:
        pump.close(str(error)[:100])
        raise
    finally:
        pump.close()
