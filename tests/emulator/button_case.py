"""The button while the firmware runs: what it erases, and what it does not. Runs on the stick's interpreter."""

from boards import EmulatedBoard, fresh_board
from firmware import main
from firmware.button import ERASE_HOLD_MS, LOOK_MS, WARNED_MS, EraseWanted
from lattice_core.errors import StorageError


class Held:
    """A board whose button is down between two times."""

    def __init__(self, board, down_ms, up_ms):
        self.board, self.down_ms, self.up_ms = board, down_ms, up_ms
        board.button_ms = self.button_ms
        self._wait = board.wait
        board.wait = self.wait

    def button_ms(self):
        return int(self.down_ms <= self.board.clock.ms < self.up_ms)

    def wait(self, timeout_ms, writing):
        self.board.clock.ms += timeout_ms
        self._wait(timeout_ms, writing)


def _turns(board, loop, until_ms):
    while board.clock.ms < until_ms:
        board.clock.ms += 1
        loop.turn()


def test_a_long_hold_asks_for_everything_to_be_erased_and_warns_first():
    board = fresh_board()
    held = Held(board, 3000, 100000)
    loop = main.start(board)
    _turns(board, loop, 3000 + WARNED_MS + 1500)
    assert "erase" in board.shown
    try:
        _turns(board, loop, held.up_ms)
        raise AssertionError("nothing was erased")
    except EraseWanted:
        assert ERASE_HOLD_MS <= board.clock.ms - held.down_ms < ERASE_HOLD_MS + 2000


def test_a_hold_that_is_too_short_erases_nothing():
    board = fresh_board()
    Held(board, 3000, 3000 + ERASE_HOLD_MS - 2 * LOOK_MS)
    loop = main.start(board)
    _turns(board, loop, 30000)
    assert board.shown[-1] == "ready"


def test_what_was_down_since_power_came_does_not_count():
    board = fresh_board()
    Held(board, 1, 60000)
    loop = main.start(board)
    _turns(board, loop, 50000)
    assert "erase" not in board.shown


def test_a_stick_that_stopped_is_erased_by_the_button_and_starts_as_a_new_one():
    board = fresh_board()
    before = main.start(board).node.identity.public
    board.flash = board.flash.again()
    for block in (0, 1):  # both anchors of the file system
        board.flash.ioctl(6, block)
        board.flash.writeblocks(block, bytes(4096), 0)
    again = EmulatedBoard()
    asked = []

    def stopped(error):
        asked.append(error)
        return True

    again.stopped = stopped
    assert main._boot(again, None, "") is True
    assert isinstance(asked[0], StorageError)
    assert "10 s" in str(asked[0])
    again.flash = again.flash.again()
    assert main.start(again).node.identity.public != before
