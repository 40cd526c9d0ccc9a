"""The boards of boards/rp2350: each definition is whole, and agrees with the chip, the emulator and the firmware."""

import ast
import csv
import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards" / "rp2350"
COMMON = BOARDS / "common"
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


def test_what_no_stick_runs_is_not_frozen_and_nothing_else_is_missing():
    tree = ast.parse((COMMON / "frozen.py").read_text())
    named = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    host_only = tuple(ast.literal_eval(named["HOST_ONLY"]))
    core = ROOT / "shared" / "lattice_core"
    frozen = {str(path.relative_to(core)) for path in core.rglob("*.py")}
    assert all(any(name.startswith(one) for name in frozen) for one in host_only), "a name that is gone"
    frozen = {name for name in frozen if not name.startswith(host_only)}
    for module in sorted(reached("firmware.main") | reached("firmware.ports.rp2")):
        path = source(module)
        if core in path.parents:
            assert str(path.relative_to(core)) in frozen, module


def source(module):
    """The file of one of our modules, None of any other."""
    for base in (ROOT / "shared", ROOT):
        for path in (base.joinpath(*module.split("."), "__init__.py"), base.joinpath(*module.split(".")[:-1])):
            if path.name != "__init__.py":
                path = path / (module.split(".")[-1] + ".py")
            if path.exists():
                return path
    return None


def reached(module):
    """The names of our modules that importing `module` brings, and those that the registry of types names."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        path = source(name)
        if name in found or path is None or name.split(".")[0] not in ("lattice_core", "lattice_flash", "firmware"):
            continue
        found.add(name)
        waiting += [name.rsplit(".", 1)[0]] if "." in name else []
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        tree = ast.parse(path.read_text())
        unread = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                unread.update(map(id, ast.walk(node)))
        for node in ast.walk(tree):
            if id(node) in unread:
                continue
            if isinstance(node, ast.Import):
                waiting += [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                base = base + (node.module.split(".") if node.module else [])
                waiting += [".".join(base), *(".".join([*base, one.name]) for one in node.names)]
            elif isinstance(node, ast.Constant) and name.endswith(".registry") and isinstance(node.value, str):
                waiting.append("lattice_core.machines." + node.value)
    return found
