"""docs/footprint.md says of the boards what the build says; the emulator's heap is the one that the boards have."""

import pathlib
import re
import subprocess

import pytest

from tool_module import tool

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 0.02
LEAST = 2048  # bytes that any figure may differ by


footprint = tool("footprint")


@pytest.fixture(scope="module")
def built():
    for board in footprint.BOARDS:
        command = ["make", "firmware", "BOARD=" + board]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"^Frozen: [\d,]+ bytes: .*\bnode [\d,]+", done.stdout, re.M), done.stdout
    return {board: footprint.sizes_of(board) for board in footprint.BOARDS}


def test_the_page_says_what_the_build_says(built):
    said, found = footprint.written(), footprint.rows(built)
    assert list(said) == list(found), "python3 tools/footprint.py writes the page"
    for name, figures in found.items():
        for one, other in zip(said[name], figures):
            assert abs(one - other) <= max(LEAST, TOLERANCE * other), (name, said[name], figures)


def test_parts_add_up_to_the_image(built):
    for board, sizes in built.items():
        assert 0.97 <= sum(sizes["parts"].values()) / sizes["image"] <= 1.01, board
        assert abs(sum(sizes["frozen"].values()) - sizes["parts"]["frozen Python"]) < 20000, board


def test_no_room_of_a_computer_is_frozen(built):
    for sizes in built.values():
        assert {"api", "testing"} & set(sizes["frozen"]) == set()


def test_the_emulators_heap_is_what_the_smallest_board_has(built):
    heap = min(sizes["heap"] for sizes in built.values())
    text = (ROOT / "tools" / "build_emulator.py").read_text()
    emulated = int(re.search(r"^DEVICE_HEAP_BYTES = (\d+)", text, re.M).group(1))
    assert heap - 1024 < emulated <= heap
