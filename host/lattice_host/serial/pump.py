"""Runs a link and what stands on it over a serial port, in one thread: read, step, commit, send, wait.

A stick may be pulled and plugged in again, and a link may lose its session: then a new connection comes, the work is
begun again on it, and because nothing that was acknowledged is lost it goes on where it was.
"""

import select
import time

from lattice_core.errors import LatticeError, UsageError
from lattice_core.link.link import CLOSED, OPEN, SERIAL, Link
from lattice_core.sync.nano import NanoPeer, Options
from lattice_core.sync.tasks import StreamLost

from .port import Port, PortError, PortLost

_OUT_BYTES = 16384  # waits for the port at most; what is not given to the port yet can still be replaced
_FIRST_ANSWER_MS = 12000  # a stick that starts, checks its flash and answers
_RETRY_S = 0.1  # between attempts to open a port that went away
_SETTLE_MS = 15000  # how long others may look at a port that has just come (ModemManager, udev)
_LONGEST_WAIT_MS = 250  # so that progress is shown
_CLOSE_MS = 1500
_STEPS = 32  # of the peer before the port has its turn again


class Clock:
    """Wall time in ms that never goes back: deadlines and stamps on one clock."""

    def __init__(self):
        self._offset = time.time() - time.monotonic()

    def now_ms(self):
        return int((time.monotonic() + self._offset) * 1000)


class Pump:
    """Serves what is behind a port. `find()` gives its path, again after it was lost: a stick that is plugged in again
    may get another name. `watch(pump)` is called with every turn, for showing progress."""

    def __init__(self, node, crypto, find, version, watch=None):
        self._node = node
        self._crypto = crypto
        self._find = find
        self.path = None
        self._version = version
        self._watch = watch
        self._clock = Clock()
        self._port = None
        self._out = b""
        self._link = None
        self._connection = None
        self._ended = None  # the peer of a connection that is over
        self.peer = None
        self.moved = []  # the Progress of each connection there was
        self.heard_ms = 0  # when something last came from the other side

    def now_ms(self):
        return self._clock.now_ms()

    def run(self, begin, timeout_s):
        """Begins `begin(peer)` (a Task) on each new connection until one is done; returns its result.

        Raises what the task ended with, or UsageError when the other side was silent for `timeout_s`.
        """
        self._open_port()
        self.heard_ms = self.now_ms()
        task = None
        while True:
            fresh = self._turn(timeout_s)
            lost = fresh or self.peer is None or self.peer.connection.closed is not None
            if task is not None and task.done:
                if task.error is None:
                    self._node.commit(self.now_ms())  # what the other side has acknowledged last
                    return task.result
                if not (lost and isinstance(task.error, StreamLost)):
                    raise task.error
            self._release()
            if fresh:
                task = begin(self.peer)
            elif self.peer is None:
                task = None  # begun again on the next connection

    def close(self, reason="done"):
        """Tells the other side, briefly, and lets the port go."""
        if self._port is None:
            return
        if self._link is not None and self._link.state == OPEN:
            self._link.close(reason)
            until = self.now_ms() + _CLOSE_MS
            try:
                while self._link.state != CLOSED and self.now_ms() < until:
                    self._exchange()
                    self._wait(50)
                self._exchange()
            except PortLost:
                pass  # it is gone already: nobody is left to be told
        self._drop_port()

    # -- one turn -------------------------------------------------------------------------------------------------

    def _turn(self, timeout_s):
        """Everything that can be done now, then a wait. True, at once, when `peer` is a new one."""
        try:
            if self._port is None:
                self._reopen(timeout_s)
                return False
            self._exchange()
            if self._follow_connection():
                return True
            self._step()
            self._exchange()
        except PortLost as lost:
            self._lose(str(lost))
        self._give_up_when_silent(timeout_s)
        if self._watch is not None:
            self._watch(self)
        if self._port is not None:
            self._wait(_LONGEST_WAIT_MS)
        return False

    def _step(self):
        """Lets the peer work until it waits, but not for ever."""
        for _ in range(_STEPS):
            if self.peer is None or not self.peer.step(self.now_ms()):
                return

    def _exchange(self):
        """Takes all that came, sends what the port takes."""
        now_ms = self.now_ms()
        data = self._port.read()
        while data:
            self.heard_ms = now_ms
            self._link.receive(data, now_ms)
            data = self._port.read()
        while True:
            if len(self._out) < _OUT_BYTES:
                self._gather(now_ms)
            if not self._out:
                return
            count = self._port.write(self._out)
            self._out = self._out[count:]
            if count == 0:
                return

    def _gather(self, now_ms):
        """Frames of the link up to what may wait for the port, as one piece: few writes, few copies."""
        parts = [self._out]
        size = len(self._out)
        while size < _OUT_BYTES:
            packet = self._link.send(now_ms)
            if packet is None:
                break
            parts.append(bytes(packet))
            size += len(packet)
        self._out = b"".join(parts)

    def _follow_connection(self):
        """True when another connection came about. Raises when the link has ended for good."""
        if self._link.state == CLOSED:
            raise UsageError("%s: %s" % (self.path, self._link.closed))
        connection = self._link.connection
        if connection is self._connection:
            return False
        self._end_peer()
        self._connection = connection
        if connection is None:
            return False
        self.peer = NanoPeer(self._node, connection, Options(self._version))
        self.moved.append(self.peer.progress)
        return True

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

    def _wait(self, most_ms):
        now_ms = self.now_ms()
        due = [now_ms + most_ms, self._link.deadline_ms(now_ms)]
        if self.peer is not None:
            due.append(self.peer.deadline_ms())
        until = min(deadline_ms for deadline_ms in due if deadline_ms is not None)
        writers = [self._port] if self._out else []
        select.select([self._port], writers, [], max(0, until - now_ms) / 1000)

    # -- the port comes and goes ------------------------------------------------------------------------------------

    def _open_port(self):
        self.path = self._find()
        self._port = Port(self.path)
        self._out = b""
        now_ms = self.now_ms()
        self._link = Link(self._crypto, self._node.identity.seed, True, SERIAL, self._version.encode(), now_ms)

    def _reopen(self, timeout_s):
        """Tries to open the port again; waits a little when it is not there yet."""
        try:
            self._open_port()
        except (PortError, UsageError) as error:
            if isinstance(error, PortError) and not error.absent and self._silent_ms() > _SETTLE_MS:
                raise
            self._give_up_when_silent(timeout_s)
            if self._watch is not None:
                self._watch(self)
            time.sleep(_RETRY_S)

    def _lose(self, reason):
        """The port is gone, and the connection with it."""
        self._drop_port()
        if self._connection is not None:
            self._connection.end(reason)
        self._end_peer()
        self._connection = None

    def _drop_port(self):
        if self._port is not None:
            self._port.close()
        self._port = None
        self._link = None

    @property
    def plugged(self):
        return self._port is not None

    def _silent_ms(self):
        return self.now_ms() - self.heard_ms

    def _give_up_when_silent(self, timeout_s):
        silent_ms = self._silent_ms()
        if not self.moved and self._port is not None and silent_ms > _FIRST_ANSWER_MS:
            trouble = self._link.trouble
            raise UsageError(
                "%s does not answer as a stick%s; is Lattice's firmware on it, and does no other program use it?"
                % (self.path, " (%s)" % trouble if trouble else "")
            )
        if silent_ms > timeout_s * 1000:
            raise UsageError(
                "nothing came from %s for %d s: plug the stick in again and repeat the command, it goes on where it was"
                % (self.path, timeout_s)
            )


def pumped(pump, begin, timeout_s):
    """Runs one task and closes the pump whatever happens."""
    try:
        return pump.run(begin, timeout_s)
    except LatticeError as error:
        pump.close(str(error)[:100])
        raise
    finally:
        pump.close()
