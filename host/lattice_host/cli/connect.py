"""Talking to what is behind a port: waiting for a stick that was pulled, progress, giving it the time."""

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lattice_core.errors import LatticeError, StorageError, UsageError
from lattice_core.node import peers
from lattice_core.sync.common.tasks import StreamLost

from .. import crypto
from ..serial import ports
from ..serial.driver import SerialDriver
from ..service.activity import Activity
from .context import now_ms
from .output import warn
from .progress import ProgressLine

try:
    HOST_VERSION = "lattice-host " + version("lattice-host")
except PackageNotFoundError:  # run from a checkout that is not installed
    HOST_VERSION = "lattice-host"


class StickPort:
    """A port of a desk. `talk` runs one command; `moved` then sums up what went over it."""

    def __init__(self, on, port):
        self._on = on
        self._port = port
        self.path = self._find()
        self._moved = []
        self.peer_key = b""  # of the stick, once it has proven it: then something was reached

    def _find(self):
        return ports.chosen(self._port, self._on.directory.known_ports())

    def talk(self, command, timeout_s, give_time=False) -> Any:
        """Runs `command(peer)` (which gives a Task) on every new connection until one is done; its result.

        `give_time`: tells the time first. A stick has no clock of its own, and without one it cannot write.
        """
        if give_time:
            self._on.check_clock()
        with ProgressLine() as meter:
            driver = SerialDriver(self._on.node, crypto, self._find, HOST_VERSION)
            activity = Activity(self._on.directory.path)
            watch = _Watcher(meter, activity)
            self._moved = driver.moved

            def begin(peer):
                self.path = driver.path
                self._check_same(peer.key)
                return peer.start(_after_the_time(peer, command), "command") if give_time else command(peer)

            work = driver.run(begin, timeout_s)
            try:
                while True:
                    watch(next(work))
            except StopIteration as end:
                return end.value
            except LatticeError as error:
                error.args = (self._where_it_happened(str(error)),)
                raise
            finally:
                activity.end()

    def _check_same(self, key):
        """What was begun with one stick is not finished with another that is plugged in meanwhile."""
        if self.peer_key and key != self.peer_key:
            raise UsageError(
                "another stick (%s) is at %s now; begun with %s: plug that one in again, or repeat the command"
                % (peers.key_text(key)[:8], self.path, peers.key_text(self.peer_key)[:8]),
                "another_stick",
            )
        self.peer_key = key

    def _where_it_happened(self, words):
        """The text of an error, with what `auto` took, and which stick it took that for."""
        if self._port != ports.AUTO or not self.path:
            return words
        sticks = self._on.directory.config()["sticks"]
        seen = [_stick_label(key, sticks[key]) for key in sticks if sticks[key].get("port") == self.path]
        there = peers.key_text(self.peer_key)
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

    def remember(self, name):
        """Notes where this stick was, for `auto`. What was done with it is done without that, too."""
        try:
            self._on.directory.remember_stick(peers.key_text(self.peer_key), name=name, port=self.path)
        except StorageError as error:
            warn("where the stick was seen is not noted: %s" % error)

    def moved(self):
        """{"sent": {intentions, blobs, bytes}, "received": the same} over all connections."""
        total = {"sent": dict.fromkeys(_COUNTED, 0), "received": dict.fromkeys(_COUNTED, 0)}
        for progress in self._moved:
            for name, counts in (("sent", progress.sent()), ("received", progress.received())):
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


def outcome_of(task):
    """Task: the result of another one, or its error."""
    while not task.done:
        yield
    if task.error is not None:
        raise task.error
    return task.result


_COUNTED = ("intentions", "blobs", "bytes")


class _Watcher:
    """Feeds the meter, and says when a stick has gone."""

    def __init__(self, meter, activity):
        self._meter = meter
        self._activity = activity
        self._was_plugged = True

    def __call__(self, state):
        if state.plugged != self._was_plugged:
            self._was_plugged = state.plugged
            if not state.plugged and sys.stderr.isatty():
                warn("%s was pulled; plug it in again to go on (Ctrl-C ends)" % state.port)
        self._meter.show(state.done_bytes, state.total_bytes, state.port)
        self._activity.show(state.port, state.done_bytes, state.total_bytes)


def key_of_member(node, text):
    """The key that 64 hex digits, or a member's name or the beginning of its id, mean."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) == 32:
        return key
    for root in node.roots():
        return peers.find(node, root, text)
    raise UsageError("%s is no id: an id has 64 hex digits" % text, "unknown_member")
