"""The stick as a process on a desktop: flash in a file, the serial port a pseudo terminal, button and power by option.

    micropython -X heapsize=497792 -m firmware.main IMAGE FD [--cut-at N] [--button MS]

IMAGE is the flash chip (ports/nor.py). FD is the inherited, non-blocking master of a pseudo terminal: what the host
writes to its slave arrives there. `tools/emulator.py` starts this.
"""

import select
import sys
import time

import lattice_native

from .nor import Nor, PowerCut

CUT_STATUS = 75  # exit status after a power cut of --cut-at
UNPLUGGED_STATUS = 0


class UnixBoard:
    """`firmware.board.Board` in a process."""

    crypto = lattice_native

    def __init__(self, arguments):
        options = _options(arguments[2:])
        self.flash = Nor(arguments[0], options.get("--cut-at", 0))
        self.transports = [Serial(int(arguments[1]))]
        self.clock = UnixClock()
        self._button_ms = options.get("--button", 0)

    def button_ms(self):
        """How long the button has been held down since power came, 0 when it is not."""
        now_ms = self.clock.now_ms()
        return now_ms + 1 if now_ms < self._button_ms else 0

    def show(self, state):
        """The LED: "ready", "busy" or "error". A process has none."""

    def wait(self, timeout_ms, writing):
        self.transports[0].wait(timeout_ms, len(writing) > 0)

    def restart(self):
        """What a watchdog does: nothing that ran before can reach the flash any more."""
        self.flash = self.flash.again()

    def stopped(self, error):
        """The firmware cannot go on: on a board the LED says so until the plug is pulled."""
        sys.print_exception(error)
        sys.exit(1)


def _options(words):
    return {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}


class UnixClock:
    """Milliseconds since power came; never goes back, never wraps."""

    def __init__(self):
        self._last = time.ticks_ms()
        self._passed = 0

    def now_ms(self):
        ticks = time.ticks_ms()
        self._passed += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._passed


class Serial:
    """`firmware.board.Transport` on a raw serial port."""

    packet_bytes = 0
    closed = None  # a port that is gone ends the process

    def __init__(self, fd):
        self._file = open(fd, "r+b")
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def read_into(self, buffer):
        return self._file.readinto(buffer) or 0

    def send(self, data):
        return self._file.write(data) or 0

    def wait(self, timeout_ms, writing):
        """Until bytes have come, or (`writing`) some would be taken, or the time is over. Ends when unplugged."""
        self._poll.modify(self._file, select.POLLIN | select.POLLOUT if writing else select.POLLIN)
        for _, events in self._poll.ipoll(timeout_ms):
            if events & (select.POLLHUP | select.POLLERR):
                sys.exit(UNPLUGGED_STATUS)


def run(main):
    """Runs `main(board)` until the plug is pulled or the power is cut."""
    board = UnixBoard(sys.argv[1:])
    try:
        main(board)
    except PowerCut:
        board.flash.powerless = False  # files that the collector closes now are closed in silence
        sys.exit(CUT_STATUS)
