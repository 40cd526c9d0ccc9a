"""Boot and main loop with a stand-in for the board. Runs on the stick's interpreter with the stick's heap."""

import gc

import lattice_native

from boards import EmulatedBoard, exchange, fresh_board
from firmware import main
from firmware.loop import Damaged, Loop
from firmware.ports.nor import Nor
from lattice_core.endpoint import Endpoint
from lattice_core.errors import StorageError, StorageFull
from lattice_core.link.link import OPEN, SERIAL, Link
from lattice_core.sync.nano.peer import NanoPeer
from lattice_flash.filesystem import FileSystem
from support.nano import START_MS, node

CORE_BYTES = 200000  # what the core may hold of the heap


def test_boot_leaves_the_heap_to_the_core():
    gc.collect()
    before = gc.mem_alloc()
    loop = main.start(fresh_board())
    gc.collect()
    assert gc.mem_alloc() - before < CORE_BYTES // 2
    assert loop.device.state == "fresh"
    assert loop.node.stores == []


def test_identity_survives_a_boot():
    board = fresh_board()
    public = main.start(board).node.identity.public
    board.flash.dead = True
    assert main.start(EmulatedBoard()).node.identity.public == public


def test_setup_and_status_over_the_loop():
    board = fresh_board()
    loop = main.start(board)
    laptop = node(1, "laptop")
    laptop.create_store("notes", "core:kvstore", None, START_MS)
    link = Link(lattice_native, laptop.identity.seed, True, SERIAL, b"test", board.clock.ms)
    endpoint = Endpoint(link, lambda connection: NanoPeer(laptop, connection))
    exchange(board, loop, endpoint)
    assert link.state == OPEN
    assert loop.served[0].endpoint.connection is not None
    task = endpoint.peer.setup(laptop.roots()[0], "blue", START_MS)
    exchange(board, loop, endpoint)
    assert task.done, task.error
    assert task.error is None, task.error
    task = endpoint.peer.status()
    exchange(board, loop, endpoint)
    shown = task.result["status"]
    assert shown["owned"]
    assert shown["name"] == "blue"
    assert shown["version"] == loop.options.version
    assert shown["flash_total"] < 2621440, shown
    assert shown["flash_used"] < 200000, shown
    assert board.waits
    assert max(board.waits) <= 1000


def test_noise_on_the_line_changes_nothing():
    board = fresh_board()
    loop = main.start(board)
    for piece in (b"AT\r\n", b"\x00" * 5000, b"\xff" * 5000, bytes(range(256)) * 8, b"\x03\x04>>> "):
        board.serial.inbox = piece
        for _ in range(6):
            board.clock.ms += 10
            loop.turn()
    assert board.serial.inbox == b""
    assert loop.served[0].endpoint.connection is None
    assert loop.device.state == "fresh"


class Pulled(BaseException):
    """The plug is pulled: ends a test of what otherwise runs for ever."""


def _until_pulled(board, turns):
    """Makes the board's plug be pulled after so many waits."""
    left = [turns]

    def wait(timeout_ms, writing):
        board.clock.ms += timeout_ms
        left[0] -= 1
        if not left[0]:
            raise Pulled()

    board.wait = wait


def _run_main(board, turns):
    _until_pulled(board, turns)
    try:
        main.main(board)
    except Pulled:
        return
    raise AssertionError("the firmware has ended")


def _last_error():
    return main.start(EmulatedBoard()).device.last_error()


def _fails_once(error, keep):
    left = [error]

    def function(loop, now_ms):
        if left:
            raise left.pop()
        keep(loop, now_ms)

    return function


def test_whatever_goes_wrong_the_stick_starts_anew():
    for error in (ValueError("not foreseen"), IndexError("list"), AttributeError("reload"), StorageError("the log")):
        board = fresh_board()
        public = main.start(board).node.identity.public
        board.flash = board.flash.again()
        keep = Loop._keep
        Loop._keep = _fails_once(error, keep)
        try:
            _run_main(board, 6)
        finally:
            Loop._keep = keep
        assert board.shown[-1] == "ready", board.shown
        assert "error" in board.shown, board.shown
        board.flash.dead = True
        assert str(error) in _last_error()
        assert type(error).__name__ in _last_error()
        assert main.start(EmulatedBoard()).node.identity.public == public


def test_what_fails_at_every_boot_is_written_down_once():
    board = fresh_board()
    main.start(board)
    board.flash = board.flash.again()
    keep = Loop._keep

    def fail(loop, now_ms):
        raise ValueError("again and again")

    Loop._keep = fail
    try:
        _run_main(board, 4)
        erases = board.flash.erases
        _run_main(board, 4)
    finally:
        Loop._keep = keep
    assert board.flash.erases - erases <= 2 * 4, "each start writes"
    board.flash.dead = True
    assert "again and again" in _last_error()


def _write_fails_once(loop, error):
    """The next commit of the storage fails, as when the flash or the heap is full."""
    commit = loop.storage.commit

    def fail():
        loop.storage.commit = commit
        raise error

    loop.storage.commit = fail


def test_a_failed_commit_is_rolled_back_and_told():
    loop = main.start(fresh_board())
    loop.device.note_error("something to write")
    _write_fails_once(loop, StorageFull("the flash is full"))
    for _ in range(3):
        loop.board.clock.ms += 1000
        loop.turn()
    assert loop.device.last_error() == "the flash is full", loop.device.last_error()
    assert loop.board.shown[-2:] == ["error", "ready"], loop.board.shown
    assert loop.node.journal.rollbacks
    assert loop.storage.pending() == 0


def test_a_write_that_the_chip_refuses_starts_everything_anew():
    """After an error littlefs need not know what is on the chip: nothing is written before it is mounted again."""
    board = fresh_board()
    loop = main.start(board)
    public = loop.node.identity.public
    refused = []
    start, writeblocks = main.start, Nor.writeblocks

    def refuse(chip, block, buffer, offset=None):
        if len(refused) < 2 and board.clock.ms > 100:
            refused.append(block)
            return -5
        return writeblocks(chip, block, buffer, offset)

    def started(board, memory, gone_wrong):
        again = start(board, memory, gone_wrong)
        if not refused:
            again.device.note_error("something to write")
            board.clock.ms += 1000
        return again

    board.flash = loop.board.flash.again()
    main.start, Nor.writeblocks = started, refuse
    try:
        _run_main(board, 8)
    finally:
        main.start, Nor.writeblocks = start, writeblocks
    board.flash.dead = True
    assert len(refused) == 2, (refused, board.shown)
    assert board.shown[-1] == "ready", (refused, board.shown)
    assert "started anew" in _last_error(), _last_error()
    loop = main.start(EmulatedBoard())
    assert loop.node.identity.public == public
    loop.device.note_error("writable")
    loop.node.commit()


def test_no_memory_is_survived():
    board = fresh_board()
    loop = main.start(board)
    loop.device.note_error("something to write")
    _write_fails_once(loop, MemoryError("no heap"))
    board.clock.ms += 1000
    _until_pulled(board, 3)
    try:
        loop.run()
    except Pulled:
        pass
    assert loop.device.last_error() == "out of memory: no heap"
    assert loop.storage.pending() == 0


def test_no_memory_in_the_middle_of_a_write_is_survived():
    """littlefs was left in the middle of an operation: only a new start makes the log writable again."""
    board = fresh_board()
    sync = FileSystem.sync
    failed = []

    def no_memory(files, file):
        if not failed and board.clock.ms > 100:
            failed.append(1)
            raise MemoryError("no heap for a block")
        sync(files, file)

    loop = main.start(board)
    FileSystem.sync = no_memory
    start = main.start

    def started(board, memory, gone_wrong):
        again = start(board, memory, gone_wrong)
        if not failed:
            again.device.note_error("something to write")
            board.clock.ms += 1000
        return again

    board.flash = loop.board.flash.again()
    main.start = started
    try:
        _run_main(board, 8)
    finally:
        main.start = start
        FileSystem.sync = sync
    board.flash.dead = True
    assert failed
    assert board.shown[-1] == "ready"
    assert "started anew" in _last_error(), _last_error()
    loop = main.start(EmulatedBoard())
    loop.device.note_error("writable")
    loop.node.commit()


def test_a_flash_that_cannot_be_read_is_tried_again():
    board = fresh_board()
    public = main.start(board).node.identity.public
    board.flash = board.flash.again()
    said = []
    board.stopped = said.append
    start = main.start

    def fail(board, memory, gone_wrong):
        if len(said) < 3:
            raise StorageError("the stick's flash is damaged")
        return start(board, memory, gone_wrong)

    main.start = fail
    try:
        _run_main(board, 8)
    finally:
        main.start = start
    assert len(said) == 3, board.shown
    assert board.shown[-1] == "ready", board.shown
    board.flash.dead = True
    assert start(EmulatedBoard()).node.identity.public == public


def test_what_fails_at_once_is_tried_with_growing_pauses():
    board = fresh_board()
    main.start(board)
    board.flash = board.flash.again()
    pauses = []
    keep = Loop._keep

    def fail(loop, now_ms):
        raise ValueError("again and again")

    def wait(timeout_ms, writing):
        board.clock.ms += timeout_ms
        pauses.append(timeout_ms)
        if len(pauses) == 6:
            raise Pulled()

    board.wait = wait
    Loop._keep = fail
    try:
        main.main(board)
    except Pulled:
        pass
    finally:
        Loop._keep = keep
    assert pauses == [1000, 2000, 4000, 8000, 8000, 8000], pauses


def test_a_record_found_damaged_in_use_ends_in_a_new_start():
    loop = main.start(fresh_board())
    loop._failed(StorageError("an ordinary failure"))
    loop.storage.segments.hurt = True
    try:
        loop._failed(StorageError("the record at 0 of segment 1 is damaged"))
        raise AssertionError("it went on")
    except Damaged:
        assert "damaged" in loop.device.last_error()
