"""Builds the firmware for a board: build/lattice-nano-BOARD-VERSION.uf2, to be copied onto a board in BOOTSEL mode.

    python3 tools/build_firmware.py [BOARD] [--debug]

It is MicroPython's rp2 port as boards/rp2350 describes it, with the C module `lattice_native` and, frozen, the packages
`lattice_core`, `lattice_flash` and `firmware`. The compiler comes from Debian's packages, the sources from
tools/fetch_sources.py. The same inputs give the same bytes in any folder, so what was built once is kept in the cache
under the hash of its inputs (not when MICROPY_DIR or PICO_SDK_DIR names sources of your own). Beside the UF2 lie its
linker map (build/firmware/BOARD/firmware.map), what takes how much room (sizes.json; docs/footprint.md) and the
compiler's words (build.log).

`--debug`: a second serial port with a REPL, asserts and line numbers in the frozen modules, no watchdog.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable

import building
import fetch_sources
import footprint
import system_packages

ROOT = building.ROOT
BOARDS = ROOT / "boards" / "rp2350"
SOURCE_NAMES = ("micropython", "libsodium", "blake3", "pico-sdk", "tinyusb")
RADIO_SUBMODULES = ("cyw43-driver", "btstack", "lwip", "mbedtls")
KEPT = ("firmware.uf2", "firmware.map", "sizes.json")
FAMILY = "0xe48bff59"  # RP2350, Arm, secure
FLASH_START = "0x10000000"
KEPT_BUILDS = 12
# Of no build's date or folder is anything in the image
FIXED = {"SOURCE_DATE_EPOCH": "0", "MICROPY_GIT_TAG": "v1.25.0", "MICROPY_GIT_HASH": "v1.25.0"}


def boards() -> "list[str]":
    return sorted(path.parent.name for path in BOARDS.glob("*/mpconfigboard.cmake"))


def version() -> str:
    found = re.search(r'^VERSION = "([^"]+)"', (ROOT / "firmware" / "version.py").read_text(), re.M)
    assert found
    return found.group(1)


def uf2_name(board: str, debug: bool = False) -> str:
    return f"lattice-nano-{board}-{version()}{'-debug' if debug else ''}.uf2"


def folder_of(board: str, debug: bool = False) -> pathlib.Path:
    return ROOT / "build" / "firmware" / (board + ("-debug" if debug else ""))


def hash_with_compiler(inputs: "Iterable[str]", sources: "Iterable[str]", *words: str) -> str:
    """Of everything that decides what the compiler for the chip makes of `inputs`."""
    try:
        compiler = subprocess.run(["arm-none-eabi-gcc", "--version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        compiler = "none"
    pins = [fetch_sources.SOURCES[name].sha256 for name in sources]
    return building.hash_of(inputs, *words, compiler, *pins)


def inputs_hash(board: str, debug: bool) -> str:
    inputs = (
        *("boards/core.py", f"boards/rp2350/{board}", "boards/rp2350/common", "firmware", "shared"),
        *("tools/build_firmware.py", "tools/footprint.py"),
    )
    return hash_with_compiler(inputs, SOURCE_NAMES, board, str(debug))


def check_radio(micropython: pathlib.Path) -> None:
    """Boards with a radio need parts that Debian does not carry."""
    absent = [name for name in RADIO_SUBMODULES if not any((micropython / "lib" / name).glob("*"))]
    if absent:
        sys.exit(
            f"This board has a radio; its drivers come with MicroPython's own checkout. Missing: {', '.join(absent)}. "
            "Set MICROPY_DIR= to a MicroPython 1.25.0 checkout and run there: "
            f"git submodule update --init {' '.join('lib/' + name for name in RADIO_SUBMODULES)}"
        )


def build(board: str, debug: bool, out: pathlib.Path) -> None:
    """Builds into the folder `out`: firmware.uf2, firmware.elf, firmware.map."""
    sources = fetch_sources.provide(*SOURCE_NAMES)
    micropython = sources["micropython"]
    if "MICROPY_PY_BLUETOOTH ON" in (BOARDS / board / "mpconfigboard.cmake").read_text():
        check_radio(micropython)
    log = building.Log(out / "build.log")
    cross = building.mpy_cross(micropython, log)
    objects = out / "objects"
    shutil.rmtree(objects, ignore_errors=True)  # cmake does not see every change of a setting
    environment = FIXED | {"MICROPY_MPYCROSS": str(cross)}
    settings = {
        "PICO_BUILD_DOCS": 0,
        "PICO_SDK_PATH_OVERRIDE": sources["pico-sdk"],
        "MICROPY_BOARD": board,
        "MICROPY_BOARD_DIR": BOARDS / board,
        "USER_C_MODULES": ROOT / "firmware" / "cmodules" / "lattice_native" / "micropython.cmake",
        "PICO_CLIB": "newlib",
        "MICROPY_LIB_DIR": micropython,  # any folder with a README.md: nothing of micropython-lib is frozen
        "picotool_FOUND": 0,
        "LATTICE_SODIUM_DIR": sources["libsodium"],
        "LATTICE_BLAKE3_DIR": sources["blake3"],
        "LATTICE_TINYUSB_DIR": sources["tinyusb"],
        "LATTICE_VERSION": version(),
        "LATTICE_DEBUG": int(debug),
    }
    words = [f"-D{name}={value}" for name, value in settings.items()]
    log.run("cmake", "-S", micropython / "ports" / "rp2", "-B", objects, *words, environment=environment)
    log.make(objects, environment=environment)
    convert = [sys.executable, micropython / "tools" / "uf2conv.py", "-f", FAMILY, "-b", FLASH_START, "-c"]
    log.run(*convert, "-o", out / "firmware.uf2", objects / "firmware.bin")
    shutil.copy(objects / "firmware.elf", out / "firmware.elf")
    shutil.copy(objects / "firmware.elf.map", out / "firmware.map")
    (out / "sizes.json").write_text(json.dumps(footprint.of_board(out, objects)))
    shutil.rmtree(objects)


def keep(folder: pathlib.Path, kept: pathlib.Path, names: "Iterable[str]" = KEPT) -> None:
    """Puts a build into the cache, whole or not at all; the oldest ones go."""
    partial = kept.with_name(f"{kept.name}-{os.getpid()}")
    partial.mkdir(parents=True)
    for name in names:
        shutil.copy(folder / name, partial / name)
    try:
        partial.rename(kept)
    except OSError:  # somebody else was faster
        shutil.rmtree(partial)
    builds = sorted(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in builds[:-KEPT_BUILDS]:
        shutil.rmtree(path, ignore_errors=True)


def provide(board: str, debug: bool = False) -> pathlib.Path:
    """The UF2 of a board, built or taken from the cache."""
    if not system_packages.ensure(
        *("gcc", "libc6-dev", "make", "xz-utils", "cmake"),
        *("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "libstdc++-arm-none-eabi-newlib"),
    ):
        sys.exit(1)
    out = folder_of(board, debug)
    uf2 = ROOT / "build" / uf2_name(board, debug)
    with building.only_one(out):
        wanted = inputs_hash(board, debug)
        stamp = out / "stamp"
        if uf2.exists() and stamp.exists() and stamp.read_text() == wanted:
            return uf2
        own = any(os.environ.get(variable) for variable in ("MICROPY_DIR", "PICO_SDK_DIR"))
        kept = fetch_sources.CACHE / "firmware" / wanted
        if kept.exists() and not own:
            for name in KEPT:
                shutil.copy(kept / name, out / name)
        else:
            started = time.monotonic()
            print(f"Building the firmware for {board}", flush=True)
            build(board, debug, out)
            print(f"Built in {time.monotonic() - started:.0f} s")
            if not own:
                keep(out, kept)
        shutil.copy(out / "firmware.uf2", uf2)
        stamp.write_text("" if own else wanted)
    return uf2


def main(words: "list[str]") -> None:
    names = [word for word in words if not word.startswith("-")] or ["pico2"]
    unknown = [name for name in names if name not in boards()]
    if unknown or any(word.startswith("-") and word != "--debug" for word in words):
        sys.exit(f"Usage: build_firmware.py [BOARD] [--debug]. Boards: {', '.join(boards())}")
    for board in names:
        debug = "--debug" in words
        print(provide(board, debug).relative_to(ROOT))
        sizes = json.loads((folder_of(board, debug) / "sizes.json").read_text())
        print(f"Image {sizes['image']:,} bytes, fixed memory {sizes['memory']:,}, heap {sizes['heap']:,}")
        print("Frozen:", footprint.sentence(sizes["frozen"]))


if __name__ == "__main__":
    main(sys.argv[1:])
