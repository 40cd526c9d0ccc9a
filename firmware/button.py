"""The button while the firmware runs: held for 10 s it erases everything, and the LED warns from the first second on.

What was down when power came does not count until it was up once: that hold belongs to the start.
"""

from lattice_core.compat import const

ERASE_HOLD_MS = const(10000)
WARNED_MS = const(1000)  # shorter, and nothing shows
LOOK_MS = const(100)  # between two looks


class EraseWanted(Exception):
    """The button was held for so long that everything is to be erased."""


class Button:
    """`down()` says whether the button is down: `Board.button_ms`."""

    def __init__(self, down):
        self._down = down
        self._was_up = False
        self._since_ms: int | None = None

    def held_ms(self, ticks_ms: int) -> int:
        """How long it has been down, looked at now; 0 when it is up."""
        if not self._down():
            self._was_up = True
            self._since_ms = None
        elif self._since_ms is None and self._was_up:
            self._since_ms = ticks_ms
        return 0 if self._since_ms is None else ticks_ms - self._since_ms + 1
