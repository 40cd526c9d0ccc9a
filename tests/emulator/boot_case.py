"""Boot and main loop with a stand-in for the board. Runs on the stick's interpreter with the stick's heap."""

import gc
import os

import lattice_native

from firmware import main
from firmware.ports.nor import Nor, make_image
from lattice_core.link.link import OPEN, SERIAL, Link
from lattice_core.sync.nano import NanoPeer
from nano_support import START_MS, node

_path = (os.getenv("IMAGES") or ".") + "/boot.img"
CORE_BYTES = 200000  # what the core may hold of the heap


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


class Board:
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


def fresh_board():
    try:
        os.remove(_path)
    except OSError:
        pass  # the first test finds none
    return Board()


def exchange(board, loop, link, peer_of):
    """Both ends until nothing moves."""
    quiet = 0
    while quiet < 3:
        board.clock.ms += 1
        loop.turn()
        data, board.serial.outbox = board.serial.outbox, b""
        if data:
            link.receive(data, board.clock.ms)
        peer = peer_of()
        if peer is not None:
            peer.step(board.clock.ms)
        packet = link.send(board.clock.ms)
        while packet is not None:
            board.serial.inbox += bytes(packet)
            packet = link.send(board.clock.ms)
        quiet = 0 if data or board.serial.inbox else quiet + 1


def test_boot_leaves_the_heap_to_the_core():
    gc.collect()
    before = gc.mem_alloc()
    loop = main.start(fresh_board())
    gc.collect()
    assert gc.mem_alloc() - before < CORE_BYTES // 2
    assert loop.device.state == "fresh" and loop.node.stores == []


def test_identity_survives_a_boot():
    board = fresh_board()
    public = main.start(board).node.identity.public
    board.flash.dead = True
    assert main.start(Board()).node.identity.public == public


def test_setup_and_status_over_the_loop():
    board = fresh_board()
    loop = main.start(board)
    laptop = node(1, "laptop")
    laptop.create_store("notes", "core:kvstore", None, START_MS)
    link = Link(lattice_native, laptop.identity.seed, True, SERIAL, b"test", board.clock.ms)
    peers = []

    def peer_of():
        if not peers and link.connection is not None:
            peers.append(NanoPeer(laptop, link.connection))
        return peers[0] if peers else None

    exchange(board, loop, link, peer_of)
    assert link.state == OPEN and loop.connection is not None
    task = peers[0].setup(laptop.roots()[0], "blue", START_MS)
    exchange(board, loop, link, peer_of)
    assert task.done and task.error is None, task.error
    task = peers[0].status()
    exchange(board, loop, link, peer_of)
    shown = task.result["status"]
    assert shown["owned"] and shown["name"] == "blue" and shown["version"] == loop.options.version
    assert shown["flash_total"] < 2621440 and shown["flash_used"] < 200000, shown
    assert board.serial.waits and max(board.serial.waits) <= 1000


def test_noise_on_the_line_changes_nothing():
    board = fresh_board()
    loop = main.start(board)
    for piece in (b"AT\r\n", b"\x00" * 5000, b"\xff" * 5000, bytes(range(256)) * 8, b"\x03\x04>>> "):
        board.serial.inbox = piece
        for _ in range(6):
            board.clock.ms += 10
            loop.turn()
    assert board.serial.inbox == b"" and loop.connection is None and loop.device.state == "fresh"
