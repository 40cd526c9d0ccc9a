"""Builds the stick's interpreter for this machine: build/emulator/micropython.

It is MicroPython's unix port as boards/unix describes it (32-bit where the machine can, so that objects
have the device's sizes; the device's float type and stack limit; no sockets), with the C module
`lattice_native` and, frozen, the packages `lattice_core`, `lattice_flash` and `firmware`. Beside it stands
build/emulator/stick, which the emulated stick runs: the same objects, but frozen is only what a board has of the core.

Run it with the device's heap, whose size stands in build/emulator/heapsize:

    build/emulator/stick -X heapsize=$(cat build/emulator/heapsize) -m firmware.main

Sources shadow the frozen modules without a rebuild when they come first on the path:

    MICROPYPATH=shared:tests/core:.:.frozen build/emulator/micropython -X heapsize=483456 tests/core/run.py FILE

A stamp with the hash of all inputs makes a second run do nothing. The compiler's words: build/emulator/build.log.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import building
import fetch_sources
import footprint
import system_packages

ROOT = fetch_sources.ROOT
OUT = ROOT / "build" / "emulator"
OBJECTS = OUT / "objects"
# What is frozen: what is built. The stick's comes last: its size is what matters.
INTERPRETERS = {"whole.py": OUT / "micropython", "manifest.py": OUT / "stick"}
STAMP = OUT / "stamp"
INPUTS = (
    *("boards/core.py", "boards/unix", "firmware", "shared"),
    *("tools/build_emulator.py", "tools/building.py", "tools/fetch_sources.py", "tools/footprint.py"),
)
DEVICE_HEAP_BYTES = 483456  # of the boards (docs/footprint.md), a little less


def inputs_hash() -> str:
    return building.hash_of(INPUTS, os.environ.get("MICROPY_DIR", ""))


def can_build_32_bit() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "probe"
        command = ["gcc", "-m32", "-x", "c", "-", "-lm", "-o", str(program)]
        source = "#include <math.h>\n#include <stdio.h>\nint main(int n, char **v) { return (int)floor(n) - 1; }\n"
        built = subprocess.run(command, input=source, capture_output=True, text=True).returncode == 0
        return built and subprocess.run([str(program)]).returncode == 0


def build() -> None:
    if not system_packages.ensure("gcc", "libc6-dev", "make", "xz-utils", "gcc-multilib?"):
        sys.exit(1)
    sources = fetch_sources.provide("micropython", "libsodium", "blake3")
    narrow = can_build_32_bit()
    if not narrow:
        print("This machine builds no 32-bit programs: the emulator gets 64-bit objects and twice the heap.")
    log = building.Log(OUT / "build.log")
    micropython = sources["micropython"]
    mpy_cross = building.mpy_cross(micropython, log)
    for manifest, interpreter in INTERPRETERS.items():
        (OBJECTS / "frozen_content.c").unlink(missing_ok=True)  # make does not see that it is another manifest
        log.make(
            micropython / "ports" / "unix",
            f"BUILD={OBJECTS}",
            f"VARIANT_DIR={ROOT}/boards/unix",
            f"FROZEN_MANIFEST={ROOT}/boards/unix/{manifest}",
            f"USER_C_MODULES={ROOT}/firmware/cmodules",
            f"LATTICE_SODIUM_DIR={sources['libsodium']}",
            f"LATTICE_BLAKE3_DIR={sources['blake3']}",
            f"MICROPY_FORCE_32BIT={int(narrow)}",
            f"MICROPY_MPYCROSS={mpy_cross}",
            f"MPY_LIB_DIR={micropython}",  # any folder with a README.md: nothing of micropython-lib is frozen
            "COPT=-O2 -DNDEBUG",
        )
        new = interpreter.with_suffix(".new")
        shutil.copy(OBJECTS / "micropython", new)
        new.replace(interpreter)  # who starts it meanwhile gets the old one or the new one
        sizes = footprint.frozen(OBJECTS / "frozen_content.o", "nm", "size")
        print(f"Frozen into {interpreter.name}: {footprint.sentence(sizes)}")
    (OUT / "heapsize").write_text(f"{DEVICE_HEAP_BYTES if narrow else 2 * DEVICE_HEAP_BYTES}\n")


def is_current(wanted: str) -> bool:
    return all(path.exists() for path in INTERPRETERS.values()) and STAMP.exists() and STAMP.read_text() == wanted


def main() -> None:
    if is_current(inputs_hash()):
        return
    with building.only_one(OUT):
        wanted = inputs_hash()
        if is_current(wanted):
            return
        started = time.monotonic()
        print("Building the emulator (build/emulator/micropython)", flush=True)
        build()
        STAMP.write_text(wanted)
        print(f"Built in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
