"""Boot: heap, button, file system, storage, identity, node, then the loop.

    power → large buffers → button held? erase everything → mount → read checkpoint and log → open stores → loop

A stick whose flash cannot be read shows that and waits; only the button erases what is left. Whatever else
goes wrong ends as with a watchdog: everything starts anew from flash, and the last error says what it was.
"""

from lattice_core.errors import LatticeError, StorageError
from lattice_core.node.device import Device, load_identity
from lattice_core.node.node import Node
from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage

from . import mount
from .button import LOOK_MS, EraseWanted
from .loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    import device_gc as gc
else:
    import gc

RESET_HOLD_MS = 5000  # how long the button must be held while power comes
REST_MS = 1000  # before everything starts anew: what fails at once does not wear the flash out …
LONGEST_REST_MS = 8000  # … twice as long each time, as long as a host waits for its first answer at most
STEADY_MS = 60000  # what ran so long has not failed at once
GC_THRESHOLD_BYTES = 65536  # collected late, long-lived objects lie scattered over the heap and nothing large fits


def start(board, memory=None, gone_wrong=""):
    """Everything up to the loop. StorageError when the flash is beyond use.

    `memory`: the large buffers of an earlier start; `gone_wrong`: what ended that, in words.
    """
    gc.threshold(GC_THRESHOLD_BYTES)
    if memory is None:
        memory = Memory()
    if _reset_wanted(board):
        _erase(board)
    storage = FlashStorage(mount.mount(board.flash), board.crypto.random, memory)
    identity = load_identity(storage, board.crypto)
    device = Device(storage)
    node = Node(storage, board.crypto, identity, keep_unreferenced_ms=0)
    storage.open_stores = lambda: len(node.tree.replicas)
    storage.is_owner = lambda key: device.is_owner(key) and node.members.is_member(key)
    node.open(device.now_ms(board.clock.now_ms()))
    _note_error(node, device, gone_wrong or storage.damage)
    gc.collect()
    return Loop(board, storage, node, device)


def _note_error(node, device, words):
    if words and words != device.last_error():
        try:
            device.note_error(words)
            node.journal.commit()
        except StorageError:
            device.reload()  # there is no room even for that


def _reset_wanted(board):
    """Waits as long as the button is held, up to the time that means a reset."""
    while 0 < board.button_ms() < RESET_HOLD_MS:
        board.show("busy")
        board.wait(50, [])
    return board.button_ms() >= RESET_HOLD_MS


def main(board):
    memory = Memory()
    gone_wrong = board.last_words()
    rest_ms = REST_MS
    while True:
        began_ms = board.clock.now_ms()
        try:
            if _boot(board, memory, gone_wrong):
                gone_wrong = ""
        except Exception as error:  # noqa: BLE001 (this is the watchdog: no error may leave a dead stick)
            gone_wrong = _words(error)
        board.show("error")
        gc.collect()
        board.restart(gone_wrong)
        if board.clock.now_ms() - began_ms >= STEADY_MS:
            rest_ms = REST_MS
        board.wait(rest_ms, [])
        rest_ms = min(2 * rest_ms, LONGEST_REST_MS)


def _words(error):
    try:
        return "started anew after %s: %s" % (type(error).__name__, error)
    except MemoryError:  # there is not even room for the words
        return "started anew: out of memory"


def _boot(board, memory, gone_wrong):
    """From flash into the loop, which ends only with what it cannot put right. Returns when the flash cannot be read
    (trying again loses nothing), and when it was erased: then True."""
    try:
        loop = start(board, memory, gone_wrong)
    except LatticeError as error:
        board.show("error")
        if not board.stopped(error):
            return False
        gc.collect()  # closes what the start has left open
    else:
        try:
            loop.run()
        except EraseWanted:
            pass  # the loop stays: the collector closes none of its files while they are erased
    _erase(board)
    return True


def _erase(board):
    """Destroys everything, then waits until the button is up: a board that starts with it down runs its own loader."""
    board.show("erase")
    mount.erase(board.flash, lambda: board.wait(0, []))
    while board.button_ms():
        board.wait(LOOK_MS, [])


if __name__ == "__main__":
    from .ports import unix

    unix.run(main)
