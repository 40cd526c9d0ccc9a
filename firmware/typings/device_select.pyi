"""MicroPython's `select`, as far as the firmware uses it."""

from collections.abc import Iterator

POLLIN: int
POLLOUT: int
POLLERR: int
POLLHUP: int

class poll:
    def register(self, source: object, events: int = ...) -> None: ...
    def modify(self, source: object, events: int) -> None: ...
    def ipoll(self, timeout_ms: int = ...) -> Iterator[tuple[object, int]]: ...
