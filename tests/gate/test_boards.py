"""The boards of boards/rp2350: each definition is whole, and agrees with the chip, the emulator and the firmware."""

import csv
import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards" / "rp2350"
MIB = 1 << 20
FLASH_MIB = {"pico2": 4, "pico2w": 4, "feather_rp2350": 8, "pico_plus2": 16, "pro_micro_rp2350": 16}
WITH_RADIO = {"pico2w"}
NAMES = sorted(path.parent.name for path in BOARDS.glob("*/mpconfigboard.cmake"))


def text(board, name):
    return (BOARDS / board / name).read_text()


def firmware_bytes(board):
    """What of the chip is not data."""
    found = re.search(r"#define LATTICE_FIRMWARE_BYTES +\((\d+) \* 1024\)", text(board, "mpconfigboard.h"))
    return (int(found.group(1)) if found else 1024) * 1024


def test_all_boards_are_known():
    assert set(NAMES) == set(FLASH_MIB)


@pytest.mark.parametrize("board", NAMES)
def test_a_board_is_whole(board):
    assert json.loads(text(board, "board.json"))["mcu"] == "rp2350"
    assert '#include "mpconfigcommon.h"' in text(board, "mpconfigboard.h")
    assert re.search(r"#define MICROPY_HW_BOARD_NAME +\"Lattice Nano \(.+\)\"", text(board, "mpconfigboard.h"))
    cmake = text(board, "mpconfigboard.cmake")
    assert re.search(r'set\(PICO_BOARD "\w+"\)', cmake)
    assert cmake.rstrip().endswith("include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)")
    assert ("MICROPY_PY_BLUETOOTH ON" in cmake) == (board in WITH_RADIO)
    assert ("BLE" in json.loads(text(board, "board.json"))["features"]) == (board in WITH_RADIO)


@pytest.mark.parametrize("board", NAMES)
def test_a_board_has_a_light(board):
    pins = dict(csv.reader(text(board, "pins.csv").splitlines()))
    assert set(pins) & {"LED", "NEOPIXEL"}
    number = re.compile(r"(EXT_)?GPIO(\d+)")
    assert all(number.fullmatch(pin) and int(number.fullmatch(pin).group(2)) < 48 for pin in pins.values())


@pytest.mark.parametrize("board", NAMES)
def test_the_data_follow_the_firmware_in_whole_blocks(board):
    assert re.search(r"%d MiB of flash" % FLASH_MIB[board], text(board, "mpconfigboard.h"))
    assert firmware_bytes(board) >= MIB  # the linker's script has this limit
    assert firmware_bytes(board) % 65536 == 0
    assert FLASH_MIB[board] > 4 or firmware_bytes(board) == emulator_firmware_bytes()


def emulator_firmware_bytes():
    nor = (ROOT / "firmware" / "ports" / "nor.py").read_text()
    return int(re.search(r"^FIRMWARE_BYTES = (\d+)", nor, re.M).group(1))
