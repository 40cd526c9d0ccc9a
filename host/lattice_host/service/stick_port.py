"""Talking to what is behind a port: waiting for a stick that was pulled, progress, giving it the time."""

from collections.abc import Callable, Generator
from typing import Any

from lattice_core.errors import LatticeError, StorageError, UsageError
from lattice_core.node.members import key_text
from lattice_core.sync.common.tasks import StreamLost, Task

from .. import crypto
from ..clock import now_ms
from ..serial import ports
from ..serial.driver import SerialDriver
from ..version import HOST_VERSION
from .activity import Activity
from .backend import Event, progress
from .local import OpenNode


class StickPort:
    """A port, as the node of `on` uses it. `talk` runs one command; `moved` then sums up what went over it."""

    def __init__(self, on: OpenNode, port: str) -> None:
        self._on = on
        self._port = port
        self.path = self._find()
        self._moved = []
        self.peer_key = b""  # of the stick, once it has proven it: then something was reached

    def _find(self):
        return ports.chosen(self._port, self._on.directory.known_ports())

    def talk(
        self, command: Callable[[Any], Any], timeout_s: float, give_time: bool = False
    ) -> Generator[Event, None, Any]:
        """Runs `command(peer)` (which gives a Task) on every new connection until one is done; its result. Yields
        progress in bytes, and {"event": "pulled", "port"} when the stick has gone. Closed, it ends the connection.

        `give_time`: tells the time first. A stick has no clock of its own, and without one it cannot write.
        """
        if give_time:
            self._on.check_clock()
        driver = SerialDriver(self._on.node, crypto, self._find, HOST_VERSION)
        activity = Activity(self._on.directory.path)
        self._moved = driver.moved

        def begin(peer):
            self.path = driver.path
            self._check_same(peer.key)
            return peer.start(_after_the_time(peer, command), "command") if give_time else command(peer)

        work = driver.run(begin, timeout_s)
        was_plugged = True
        try:
            while True:
                state = next(work)
                if was_plugged and not state.plugged:
                    yield {"event": "pulled", "port": state.port}
                was_plugged = state.plugged
                activity.show(state.port, state.done_bytes, state.total_bytes)
                yield progress(state.done_bytes, state.total_bytes, state.port)
        except StopIteration as end:
            return end.value
        except LatticeError as error:
            error.args = (self._where_it_happened(str(error)),)
            raise
        finally:
            work.close()
            activity.end()

    def _check_same(self, key):
        """What was begun with one stick is not finished with another that is plugged in meanwhile."""
        if self.peer_key and key != self.peer_key:
            raise UsageError(
                "another stick (%s) is at %s now; begun with %s: plug that one in again, or repeat the command"
                % (key_text(key)[:8], self.path, key_text(self.peer_key)[:8]),
                "another_stick",
            )
        self.peer_key = key

    def _where_it_happened(self, words):
        """The text of an error, with what `auto` took, and which stick it took that for."""
        if self._port != ports.AUTO or not self.path:
            return words
        sticks = self._on.directory.config()["sticks"]
        seen = [_stick_label(key, sticks[key]) for key in sticks if sticks[key].get("port") == self.path]
        there = key_text(self.peer_key)
        if not there:
            return (
                words if self.path in words and not seen else "%s (`auto` took %s%s)" % (words, self.path, _last(seen))
            )
        named = _stick_label(there, sticks.get(there, {}))
        return "%s (`auto` took %s, where %s is%s)" % (
            words,
            self.path,
            named,
            "" if named in seen else _last(seen),
        )

    def remember(self, name: str) -> None:
        """Notes where this stick was, for `auto`. What was done with it is done without that, too."""
        try:
            self._on.directory.remember_stick(key_text(self.peer_key), name=name, port=self.path)
        except StorageError as error:
            self._on.notify("where the stick was seen is not noted: %s" % error)

    def moved(self) -> dict[str, dict[str, int]]:
        """{"sent": {intentions, blobs, bytes}, "received": the same} over all connections."""
        total: dict[str, dict[str, int]] = {"sent": dict.fromkeys(_COUNTED, 0), "received": dict.fromkeys(_COUNTED, 0)}
        for one in self._moved:
            for name, counts in (("sent", one.sent()), ("received", one.received())):
                for what in _COUNTED:
                    total[name][what] += counts[what]
        return total


def _stick_label(key, stick):
    return "stick %s" % " ".join([part for part in (stick.get("name"), "(%s)" % key[:8]) if part])


def _last(seen):
    return "; last seen there: %s" % ", ".join(seen) if seen else ""


def _after_the_time(peer, command):
    """Task: tells the time, then runs the command. Who may not set the clock is told no, which harms nobody."""
    clock = peer.set_clock(now_ms())
    while not clock.done:
        yield
    if isinstance(clock.error, StreamLost):
        raise clock.error
    return (yield from outcome_of(command(peer)))


def outcome_of(task: Task) -> Generator[None, None, Any]:
    """Task: the result of another one, or its error."""
    while not task.done:
        yield
    if task.error is not None:
        raise task.error
    return task.result


_COUNTED = ("intentions", "blobs", "bytes")
