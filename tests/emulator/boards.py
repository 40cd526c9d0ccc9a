"""The stick's board in the emulator, with its chip in a file, and the exchange of a link with it."""

import os

import lattice_native

from firmware.ports.nor import Nor, make_image
from support import fake_board

_path = (os.getenv("IMAGES") or "build") + "/boot.img"


class EmulatedBoard(fake_board.FakeBoard):
    def __init__(self, transports=None):
        make_image(_path, 4 << 20)
        fake_board.FakeBoard.__init__(self, lattice_native, Nor(_path), transports)

    @property
    def serial(self):
        """Its first transport."""
        return self.transports[0]


def fresh_board(transports=None):
    try:
        os.remove(_path)
    except OSError:
        pass  # the first test finds none
    return EmulatedBoard(transports)


def exchange(board, loop, endpoint):
    """Both ends until nothing moves."""
    far = fake_board.FarEnd(board.serial, endpoint)
    quiet = 0
    while quiet < 3:
        board.clock.ms += 1
        loop.turn()
        quiet = 0 if far.turn(board.clock.ms) or board.serial.inbox else quiet + 1
