"""The clock of every port: MicroPython's ticks, which wrap, as milliseconds that never do."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import device_time as time
else:
    import time


class TicksClock:
    """`firmware.board.Ticks`: milliseconds since power came; never goes back, never wraps."""

    def __init__(self) -> None:
        self._last = time.ticks_ms()
        self._passed = 0

    def now_ms(self) -> int:
        ticks = time.ticks_ms()
        self._passed += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._passed
