"""A board that is reset: by itself, then by its watchdog. What it has in flash and its last words are there each time.

Runs on QEMU's machine: reset_case.py; `breach`: it does what no NOR flash can do.
"""

import sys
import time

import lattice_board
import machine
from _rp2 import Flash

PAGE_BYTES = 256
ERASED = b"\xff" * PAGE_BYTES
STALLED_MS = 50
flash = Flash()


def page(number):
    content = bytearray(PAGE_BYTES)
    flash.readblocks(0, content, number * PAGE_BYTES)
    return content


def main():
    stage = [page(number) == ERASED for number in range(4)].index(True)
    print("start", stage, len(lattice_board.kept()), lattice_board.bitten(), lattice_board.bitten())
    flash.writeblocks(0, bytes([stage] * PAGE_BYTES), stage * PAGE_BYTES)
    if stage == 0:
        lattice_board.keep("é" * 100)
        machine.reset()
    lattice_board.watch(STALLED_MS)
    end = time.ticks_add(time.ticks_ms(), 10 * STALLED_MS)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        if stage == 2:
            lattice_board.alive()
    print("alive")


def breach():
    flash.writeblocks(0, bytes(PAGE_BYTES), 0)
    print("cleared")
    flash.writeblocks(0, b"\x01" + bytes(PAGE_BYTES - 1), 0)
    print("not reached")


if sys.argv[1:]:
    breach()
else:
    main()
