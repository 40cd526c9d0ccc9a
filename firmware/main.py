"""Boot: heap, button, file system, storage, identity, node, then the loop.

    power → large buffers → button held? erase everything → mount → read checkpoint and log → open stores → loop

A stick whose flash is damaged does not go on: the LED says so, and only the button erases what is left.
"""

import gc

from lattice_core.errors import LatticeError
from lattice_core.node.device import Device, load_identity
from lattice_core.node.node import Node

from .flash import medium
from .flash.contents import Memory
from .flash.storage import FlashStorage
from .loop import Loop

RESET_HOLD_MS = 5000  # how long the button must be held while power comes
GC_THRESHOLD_BYTES = 65536  # collected late, long-lived objects lie scattered over the heap and nothing large fits


def start(board):
    """Everything up to the loop. StorageError when the flash is beyond use."""
    gc.threshold(GC_THRESHOLD_BYTES)
    memory = Memory()
    if _reset_wanted(board):
        medium.erase(board.flash)
    storage = FlashStorage(medium.mount(board.flash), memory)
    identity = load_identity(storage, board.crypto)
    device = Device(storage)
    node = Node(storage, board.crypto, identity, keep_unreferenced_ms=0)
    node.open(device.now_ms(board.clock.now_ms()))
    if storage.damage and storage.damage != device.last_error():
        device.note_error(storage.damage)
        node.commit()
    gc.collect()
    return Loop(board, storage, node, device)


def _reset_wanted(board):
    """Waits as long as the button is held, up to the time that means a reset."""
    while 0 < board.button_ms() < RESET_HOLD_MS:
        board.show("busy")
        board.serial.wait(50, False)
    return board.button_ms() >= RESET_HOLD_MS


def main(board):
    try:
        loop = start(board)
    except LatticeError as error:
        board.check_power()
        board.show("error")
        board.stopped(error)
        return
    loop.run()


if __name__ == "__main__":
    from .ports import unix

    unix.run(main)
