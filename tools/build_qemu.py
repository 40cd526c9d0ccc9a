"""Builds the firmware for QEMU's mps2-an505 (Cortex-M33) into build/qemu: `stick.elf`, with what is frozen into a
board, and `tests.elf`, the interpreter of the tests with the whole core. tools/run_qemu.py and tools/emulator.py run
them.

    python3 tools/build_qemu.py

boards/qemu is a port of MicroPython's of our own; no file of MicroPython is changed. A stamp with the hash of all
inputs makes a second run do nothing; what was built once is kept in the cache under that hash. The compiler's words:
build/qemu/build.log.
"""

import os
import pathlib
import shutil
import sys
import time

import build_emulator
import build_firmware
import building
import fetch_sources
import system_packages

ROOT = building.ROOT
OUT = ROOT / "build" / "qemu"
HEAP_BYTES = build_emulator.DEVICE_HEAP_BYTES
SOURCE_NAMES = ("micropython", "libsodium", "blake3")
# {what is built: (what is frozen, whether the tests' parts are in it)}
MACHINES = {"stick": ("boards/rp2350/common/manifest.py", 0), "tests": ("boards/qemu/tests.py", 1)}
INPUTS = (
    *("boards/core.py", "boards/qemu", "boards/rp2350/common", "firmware", "shared"),
    "tools/build_qemu.py",
)

# As long as these are the same, only what is frozen is built again
C_INPUTS = ("boards/qemu", "boards/rp2350/common", "firmware/cmodules", "tools/build_qemu.py")


def build(name: str, sources: "dict[str, pathlib.Path]", log: building.Log) -> None:
    """build/qemu/NAME.elf"""
    manifest, tests = MACHINES[name]
    micropython = sources["micropython"]
    objects = OUT / ("objects-" + name)
    settled = build_firmware.hash_with_compiler(C_INPUTS, SOURCE_NAMES, str(HEAP_BYTES), str(micropython))
    mark = objects / "settings"
    if not mark.exists() or mark.read_text() != settled:  # make does not see every change of a setting
        shutil.rmtree(objects, ignore_errors=True)
    settings = {
        "LATTICE_QEMU_DIR": ROOT / "boards" / "qemu",
        "BUILD": objects,
        "FROZEN_MANIFEST": ROOT / manifest,
        "USER_C_MODULES": ROOT / "firmware" / "cmodules",
        "LATTICE_SODIUM_DIR": sources["libsodium"],
        "LATTICE_BLAKE3_DIR": sources["blake3"],
        "LATTICE_TESTS": tests,
        "LATTICE_HEAP_BYTES": HEAP_BYTES,
        "MICROPY_MPYCROSS": building.mpy_cross(micropython, log),
        "MPY_LIB_DIR": micropython,  # any folder with a README.md: nothing of micropython-lib is frozen
    }
    makefile = ROOT / "boards" / "qemu" / "Makefile"
    words = [f"{key}={value}" for key, value in settings.items()]
    log.make(micropython / "ports" / "qemu", "-f", str(makefile), *words, environment=build_firmware.FIXED)
    shutil.copy(objects / "firmware.map", OUT / (name + ".map"))
    new = OUT / (name + ".new")
    shutil.copy(objects / "firmware.elf", new)
    new.replace(OUT / (name + ".elf"))  # who starts it meanwhile gets the old one or the new one
    mark.write_text(settled)


def provide(name: str) -> pathlib.Path:
    """The machine of that name, built first when its sources have changed. Both are built."""
    wanted = build_firmware.hash_with_compiler(INPUTS, SOURCE_NAMES, str(HEAP_BYTES))
    machines = [OUT / (other + ".elf") for other in MACHINES]
    stamp = OUT / "stamp"
    with building.only_one(OUT):
        if all(path.exists() for path in machines) and stamp.exists() and stamp.read_text() == wanted:
            return OUT / (name + ".elf")
        packages = ("gcc", "libc6-dev", "make", "xz-utils", "qemu-system-arm")
        if not system_packages.ensure(*packages, "gcc-arm-none-eabi", "libnewlib-arm-none-eabi"):
            sys.exit(1)
        wanted = build_firmware.hash_with_compiler(INPUTS, SOURCE_NAMES, str(HEAP_BYTES))
        own = os.environ.get("MICROPY_DIR")
        kept = fetch_sources.CACHE / "qemu" / wanted
        if kept.exists() and not own:
            for path in machines:
                shutil.copy(kept / path.name, path)
        else:
            started = time.monotonic()
            print("Building the firmware for QEMU (build/qemu)", flush=True)
            sources = fetch_sources.provide(*SOURCE_NAMES)
            log = building.Log(OUT / "build.log")
            for other in MACHINES:
                build(other, sources, log)
            print(f"Built in {time.monotonic() - started:.0f} s")
            if not own:
                build_firmware.keep(OUT, kept, [path.name for path in machines])
        stamp.write_text("" if own else wanted)
    return OUT / (name + ".elf")


if __name__ == "__main__":
    for name in MACHINES:
        print(provide(name).relative_to(ROOT))
