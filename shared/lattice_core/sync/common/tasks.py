"""Running tasks: generators that yield when they cannot go on and are resumed after something happened.

A task reads and writes its streams and yields; it is resumed with the time in ms. It ends by returning, or by
raising a LatticeError, which is kept as its outcome: a peer's fault ends one task and never its neighbours.
"""

from ...errors import LatticeError, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from .streams import Stream


class Task:
    """One running generator. After `done`: `result` (its return value) or `error` (a LatticeError)."""

    def __init__(self, generator: "Generator[Any, Any, Any]", name: str = ""):
        self.generator = generator
        self.name = name
        self.done = False
        self.result: Any = None
        self.error: LatticeError | None = None
        self._started = False

    def step(self, now_ms: int) -> bool:
        """Runs the task until it waits again. Returns True when it is done."""
        if self.done:
            return True
        try:
            if self._started:
                self.generator.send(now_ms)
            else:
                self._started = True
                next(self.generator)
        except StopIteration as stop:
            self.result = stop.value
            self.done = True
        except LatticeError as error:
            self.error = error
            self.done = True
        except Exception as error:
            self.error = Fault(error)  # never a result: the connection's driver ends everything (peer.Peer.step)
            self.done = True
            raise
        return self.done

    def cancel(self, error: "LatticeError | None" = None) -> None:
        """Stops the task where it waits; `error` is then its outcome."""
        if not self.done:
            self.done = True
            self.error = error
            self.generator.close()


def read_exactly(stream: "Stream", count: int) -> "Generator[None, int, bytes | None]":
    """Task: returns exactly `count` bytes, or None when the stream ends orderly before the first of them."""
    parts = []
    missing = count
    while missing:
        piece = stream.read(missing)
        if piece:
            parts.append(piece)
            missing -= len(piece)
        elif stream.at_end():
            if missing == count:
                return None
            raise ProtocolError("the stream ended %d bytes before the end of a message of %d" % (missing, count))
        elif stream.error is not None:
            raise StreamLost(stream.error)
        else:
            yield
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Fault(LatticeError):
    """This program's own fault while it served a peer: `cause` is the error, which is none of the core's."""

    code = "internal"

    def __init__(self, cause: Exception):
        super().__init__(
            "a fault of this program ended the connection (%s: %s): what was acknowledged is safe, nothing else of it "
            "is kept; please report it, then try again" % (type(cause).__name__, cause)
        )
        self.cause = cause


class StreamLost(LatticeError):
    """The stream or its connection ended early. What was acknowledged is safe; open again to go on."""

    code = "connection_lost"
