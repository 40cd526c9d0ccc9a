"""The stick's board in the emulator, and the exchange of a link with it."""

import os

import lattice_native

from firmware.ports.nor import Nor, make_image

_path = (os.getenv("IMAGES") or "build") + "/boot.img"


class Pipe:
    """A serial port whose other end is in the same process."""

    def __init__(self):
        self.inbox = b""
        self.outbox = b""
        self.waits = []

    def readinto(self, buffer):
        count = min(len(buffer), len(self.inbox))
        buffer[:count] = self.inbox[:count]
        self.inbox = self.inbox[count:]
        return count

    def write(self, data):
        taken = min(len(data), 700)  # never all of a frame
        self.outbox += bytes(data[:taken])
        return taken

    def wait(self, timeout_ms, writing):
        self.waits.append(timeout_ms)


class Clock:
    def __init__(self):
        self.ms = 5

    def now_ms(self):
        return self.ms


class FakeBoard:
    crypto = lattice_native

    def __init__(self):
        make_image(_path, 4 << 20)
        self.flash = Nor(_path)
        self.serial = Pipe()
        self.clock = Clock()
        self.shown = []

    def button_ms(self):
        return 0

    def show(self, state):
        if self.shown[-1:] != [state]:
            self.shown.append(state)

    def check_power(self):
        assert not self.flash.dead

    def restart(self):
        self.flash = self.flash.again()


def fresh_board():
    try:
        os.remove(_path)
    except OSError:
        pass  # the first test finds none
    return FakeBoard()


def exchange(board, loop, endpoint):
    """Both ends until nothing moves."""
    quiet = 0
    while quiet < 3:
        board.clock.ms += 1
        loop.turn()
        data, board.serial.outbox = board.serial.outbox, b""
        if data:
            endpoint.receive(data, board.clock.ms)
        endpoint.step(board.clock.ms)
        packet = endpoint.send(board.clock.ms)
        while packet is not None:
            board.serial.inbox += bytes(packet)
            packet = endpoint.send(board.clock.ms)
        quiet = 0 if data or board.serial.inbox else quiet + 1
