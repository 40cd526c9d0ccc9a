"""The stick as a board with an RP2350: flash behind the firmware, an own USB port, the BOOTSEL button, the LED, a
watchdog.

BOOTSEL held while power comes starts the chip's own loader, so it is read only later, while the firmware runs. It
shares a wire with the flash: a look takes 16 µs, in which nothing runs.
"""

import lattice_board
import lattice_native
import machine
from _rp2 import Flash, bootsel_button

from lattice_core.compat import const

from ..button import ERASE_HOLD_MS, WARNED_MS, Button
from ..ticks import TicksClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import device_time as time
else:
    import time

_BLINK_MS = const(500)
_WARNING_MS = const(100)
_STALLED_MS = const(60000)  # no look at the port for so long resets the board: the longest work takes half of it
_BRIGHTNESS = const(16)  # of 255
_WS2812_NS = (400, 850, 800, 450)


class UsbSerial:
    """`firmware.board.Transport` on the USB port, whose bytes lattice_board keeps."""

    packet_bytes = 0
    closed = None  # a port that is gone takes the power with it
    read_into = staticmethod(lattice_board.read_into)
    send = staticmethod(lattice_board.send)


class Rp2350:
    """`firmware.board.Board` on the chip."""

    crypto = lattice_native

    def __init__(self):
        self.flash = Flash()
        self.transports = [UsbSerial()]
        self.clock = TicksClock()
        self._led = _led()
        self._shown = ""
        if not lattice_board.DEBUG:  # a REPL stands still as long as it likes
            lattice_board.watch(_STALLED_MS)

    def button_ms(self):
        """How long the button has been held down since power came, 0 when it is not."""
        return self.clock.now_ms() + 1 if bootsel_button() else 0

    def show(self, state):
        """The LED: out when ready, else on; fast blinking before and while everything is erased."""
        if state == "erase":  # shown again and again while the button is held
            self._warn(self.clock.now_ms())
        elif state != self._shown:
            self._led(state != "ready")
        self._shown = state

    def _warn(self, ticks_ms):
        self._led(ticks_ms // _WARNING_MS % 2)

    def wait(self, timeout_ms, writing):
        lattice_board.wait(timeout_ms, len(writing) > 0)

    def last_words(self):
        """Why the board was reset, "" when it was not or nobody knows."""
        words = lattice_board.kept()
        return words or ("reset by the watchdog" if lattice_board.bitten() else "")

    def restart(self, words):
        """A reset: nothing that ran before can reach the flash any more."""
        lattice_board.keep(words)
        machine.reset()

    def stopped(self, error):
        """The firmware cannot go on: the LED blinks, until the plug is pulled or the button was held for 10 s: True."""
        button = Button(self.button_ms)
        held_ms = 0
        while held_ms < ERASE_HOLD_MS:
            ticks_ms = self.clock.now_ms()
            held_ms = button.held_ms(ticks_ms)
            if held_ms >= WARNED_MS:
                self._warn(ticks_ms)
            else:
                self._led(ticks_ms // _BLINK_MS % 2)
            lattice_board.alive()
            time.sleep_ms(_WARNING_MS)
        return True


def _led():
    """A function that lights the board's LED or puts it out."""
    try:
        return machine.Pin("LED", machine.Pin.OUT).value
    except ValueError:  # the board has only a coloured one
        pin = machine.Pin("NEOPIXEL", machine.Pin.OUT)

    def light(lit):
        machine.bitstream(pin, 0, _WS2812_NS, bytes([_BRIGHTNESS if lit else 0] * 3))

    return light


def run(main):
    """Runs `main(board)` until the plug is pulled. What leaves it ends in a reset; in a debug build in the REPL."""
    try:
        main(Rp2350())
    finally:
        if not lattice_board.DEBUG:
            machine.reset()
