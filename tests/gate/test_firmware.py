"""The firmware of two boards is built, a UF2 for the RP2350 and nothing else; a second build gives the same bytes."""

import pathlib
import re
import shutil
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLASH = 0x10000000
FIRMWARE_BYTES = 1 << 20
IMAGE_BYTES = {"pico2": 560 * 1024}  # of the others any that fits
PAGE = 256
FAMILY_RP2350_ARM = 0xE48BFF59
FAMILY_PRESENT = 0x2000
BLOCK = struct.Struct("<8I476sI")
MAGICS = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
BUILT_BOARDS = ("pico2", "pico_plus2")


def uf2_of(board):
    version = re.search(r'VERSION = "([^"]+)"', (ROOT / "firmware" / "version.py").read_text()).group(1)
    return ROOT / "build" / ("lattice-nano-%s-%s.uf2" % (board, version)), version


@pytest.fixture(scope="module", params=BUILT_BOARDS)
def board(request):
    command = ["make", "firmware", "BOARD=" + request.param]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return request.param


def image(path):
    """The bytes that a UF2 puts into the flash, from its beginning."""
    data = path.read_bytes()
    assert len(data) % BLOCK.size == 0
    count = len(data) // BLOCK.size
    pages = []
    for number, words in enumerate(BLOCK.iter_unpack(data)):
        first, second, flags, address, size, index, total, family, payload, last = words
        assert (first, second, last) == MAGICS
        assert flags & FAMILY_PRESENT
        assert family == FAMILY_RP2350_ARM
        assert (index, total, size) == (number, count, PAGE)
        assert address == FLASH + number * PAGE
        assert address + size <= FLASH + FIRMWARE_BYTES, "it would overwrite data"
        pages.append(payload[:size])
    return b"".join(pages)


def test_the_image_is_for_this_chip_and_touches_no_data(board):
    path, version = uf2_of(board)
    found = image(path)
    assert len(found) <= IMAGE_BYTES.get(board, FIRMWARE_BYTES)
    assert b"Lattice Nano " + version.encode() in found
    stack, reset = struct.unpack_from("<2I", found)
    assert 0x20000000 < stack <= 0x20082000
    assert FLASH < reset < FLASH + FIRMWARE_BYTES


def test_nothing_of_this_machine_is_in_the_image(board):
    found = image(uf2_of(board)[0])
    for word in (str(ROOT), str(pathlib.Path.home()) + "/", "/build/sources/", "/tmp/"):
        assert word.encode() not in found, word


def test_the_heap_is_at_least_what_is_promised(board):
    """No less than 470 KiB between what is fixed and the stack."""
    linked = (ROOT / "build" / "firmware" / board / "firmware.map").read_text()
    start, end = (
        int(re.search(r"(0x[0-9a-f]+) +%s = " % name, linked).group(1), 16) for name in ("__GcHeapStart", "__GcHeapEnd")
    )
    assert end - start >= 470 * 1024


def test_a_build_in_another_folder_gives_the_same_bytes(tmp_path):
    first = uf2_of("pico2")[0]
    folder = tmp_path / "elsewhere"
    for name in ("boards", "firmware", "shared", "tools"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "build").mkdir()
    shutil.copytree(ROOT / "build" / "sources", folder / "build" / "sources", symlinks=True)
    code = "import build_firmware as b, building; b.build('pico2', False, building.ROOT / 'build' / 'again')"
    command = [sys.executable, "-c", code]
    built = subprocess.run(command, cwd=folder / "tools", capture_output=True, text=True, timeout=1500, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert (folder / "build" / "again" / "firmware.uf2").read_bytes() == first.read_bytes()
