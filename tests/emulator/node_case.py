"""The node's and the files' tests on flash in place of memory. Runs on the stick's interpreter, with room for the
indexes of several sticks: test_node_flash.py starts it there."""

import os

from firmware.mount import mount
from firmware.ports.nor import FIRMWARE_BYTES, Nor, make_image, size_of
from lattice_flash.storage import FlashStorage, Memory
from support import crypto, files, nodes

_CHIP_BYTES = 1572864 + (1 << 20)
_SMALLEST_BYTES = 1 << 18  # of a chip; capacities below are for memory
_FOLDER = os.getenv("IMAGES") or "build"
_MEMORY = [Memory() for _ in range(3)]
_made = []  # chips of the test that runs

# These fill, damage or count what only the memory storage has; the flash has tests of its own for it.
_OF_MEMORY = (
    "test_a_store_that_does_not_fit_leaves_nothing",
    "test_a_damaged_store_does_not_keep_the_others_closed",
    "test_what_does_not_fit_is_named_and_the_rest_comes",
    "test_unreferenced_content_gives_way_to_what_is_wanted",
    "test_a_full_disk_does_not_cost_a_computer_its_undo",
    "test_a_want_that_found_no_room_is_noted_later",
)


_MODULES = [
    __import__("test_failing_peer"),
    __import__("test_files_content"),
    __import__("test_files_entries"),
    __import__("test_files_random"),
    __import__("test_invites"),
    __import__("test_node_peers"),
    __import__("test_node_stores"),
    __import__("test_node_transaction"),
]


class Flash(FlashStorage):
    """Flash that can be opened again as after a cut."""

    def on(self, chip, path, memory):
        self.chip = chip
        self.path = path
        self.memory = memory
        return self

    def reopened(self):
        self.chip.dead = True
        return _start(self.path, self.memory)


def _start(path, memory):
    chip = Nor(path)
    _made.append(chip)
    return Flash(mount(chip), crypto().random, memory).on(chip, path, memory)


def _make_storage(capacity=None):
    path = "%s/%d.img" % (_FOLDER, len(_made))
    if size_of(path):
        os.remove(path)
    small = capacity is not None and capacity >= _SMALLEST_BYTES
    make_image(path, FIRMWARE_BYTES + capacity if small else _CHIP_BYTES)
    return _start(path, _MEMORY[len(_made) % len(_MEMORY)])  # no test has more than three sticks at a time


def _on_flash(function):
    def run():
        del _made[:]
        nodes.make_storage = _make_storage
        try:
            function()
        finally:
            for chip in _made:
                chip.dead = True

    return run


for _module in _MODULES:
    for _name in list(_module.__dict__):
        if _name.startswith("test_") and _name not in _OF_MEMORY:
            globals()[_name] = _on_flash(_module.__dict__[_name])


@_on_flash
def test_room_that_unreferenced_content_held_is_used_in_the_same_sync():
    """On flash what is dropped gives its room back with the next commit, and not before."""
    laptop, data, other, far = files.two_nodes(1 << 19)
    other.budget.keep_ms = 0
    size = other.storage.room() * 6 // 10
    files.make_file(data, "first", files.content(6, size))
    nodes.meet(laptop, other)
    nodes.carry_blobs(laptop, other)
    assert far.files.held(far.files.get("first"))
    data.files.remove("first", nodes.NOW_MS)
    second = files.content(7, size)
    files.make_file(data, "second", second)
    nodes.meet(laptop, other)
    nodes.carry_blobs(laptop, other)
    assert far.files.held(far.files.get("second"))
    assert files.whole(far, "second") == second
