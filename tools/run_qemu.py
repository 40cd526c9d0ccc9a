"""Runs Python scripts of the tests on QEMU's Cortex-M33, with the firmware's interpreter and the boards' heap.

    python3 tools/run_qemu.py [--heaps N] [--count] [--profile] SCRIPT [WORD …]

What the machine prints comes out here, the exit status is the script's. The script, `tests/core`, `tests/emulator` and
the published crypto vectors are on its disk `/rom`, at their names in the checkout. `--count`: time goes with the
instructions (1 ns each), so that figures repeat exactly. `--profile`: so too, and in the end the functions in
C that took most of them are printed.

The 16 MiB that are a file of the computer are laid out by boards/qemu/control.h: flash chip, disk, and a last page in
which the computer and the machine tell each other things.
"""

import argparse
import bisect
import collections
import mmap
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
from typing import Any

import build_qemu
import fetch_sources

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED_BYTES = 16 << 20
DISK_START = 8 << 20
SAMPLES_START = 15 << 20
CONTROL_START = SHARED_BYTES - 4096
CHIP_START = 1572864  # as firmware/ports/nor.py
MARK = 0x314C5451
# Of control_t: what the computer writes, and what it may read
_WRITTEN = struct.Struct("<9I32s1024s")
_READ = struct.Struct("<9I")
INSTRUCTIONS_A_TICK = 50
SHOWN = 25  # functions of a profile
# What of the checkout tests/core and tests/emulator read. VfsRom knows no `..`: a folder of that name does.
_FOLDERS = ("tests/core", "tests/emulator")
_VECTORS = ("tests/vectors/wycheproof", "tests/vectors/signature.json")


class Shared:
    """The file that the machine has as memory."""

    def __init__(self, path: pathlib.Path):
        if not path.exists():
            path.touch()
        with open(path, "r+b") as file:
            file.truncate(SHARED_BYTES)  # sparse: what was never written takes no room
            self.memory = mmap.mmap(file.fileno(), SHARED_BYTES)

    def prepare(
        self,
        *,
        words: "tuple[str, ...]" = (),
        disk: bytes = b"",
        chip_bytes: int = 4 << 20,
        cut_at: int = 0,
        button_ms: int = 0,
        heap_bytes: int = 0,
        seed: bytes = b"",
        new_chip: bool = False,
        profile: bool = False,
        ask_heap: bool = False,
    ) -> None:
        """Before the machine is started. What it had told before is forgotten, but for its chip."""
        if new_chip:
            self.memory[:chip_bytes] = b"\xff" * chip_bytes
        if disk:
            if len(disk) > SAMPLES_START - DISK_START:
                sys.exit("The tests' disk is too large for the machine.")
            self.memory[DISK_START : DISK_START + len(disk)] = disk
        text = b"".join(word.encode() + b"\0" for word in words)
        self.memory[CONTROL_START:] = bytes(4096)
        _WRITTEN.pack_into(
            self.memory,
            CONTROL_START,
            *(MARK, CHIP_START, chip_bytes, cut_at, button_ms, heap_bytes, len(disk), profile, ask_heap),
            *(seed or os.urandom(32), text),
        )

    def put_chip(self, image: bytes) -> None:
        self.memory[: len(image)] = image

    def told(self) -> "dict[str, int]":
        """What the machine says of itself: `instructions` only where time goes with them."""
        found = _READ.unpack_from(self.memory, CONTROL_START + _WRITTEN.size)
        starts, erases, programs, led, high, low, status, samples, heap_free = found
        instructions = (high << 32 | low) * INSTRUCTIONS_A_TICK
        return {
            "starts": starts,
            "erases": erases,
            "programs": programs,
            "led": led,
            "instructions": instructions,
            "status": status,
            "samples": samples,
            "heap_free": heap_free,
        }

    def samples(self) -> "tuple[int, ...]":
        """Addresses of what ran, one for each ms."""
        return struct.unpack_from(f"<{self.told()['samples']}I", self.memory, SAMPLES_START)


def command(machine: pathlib.Path, shared: pathlib.Path, link: str, console: str, count: bool) -> "list[str]":
    """QEMU on a file of `Shared`. `link`, `console`: what `-chardev` says of the two serial ports, without the ids."""
    words = ["qemu-system-arm", "-machine", "mps2-an505,memory-backend=shared", "-no-user-config", "-display", "none"]
    words += ["-object", f"memory-backend-file,id=shared,size=16M,share=on,mem-path={shared}"]
    words += ["-monitor", "none", "-semihosting-config", "enable=on,target=native", "-kernel", str(machine)]
    # A port holds one byte; `mux` brings a buffer of 32 with it, and no byte is its escape with such a number
    words += ["-echr", "0x100", "-chardev", f"{link},id=link,mux=on", "-serial", "chardev:link"]
    words += ["-chardev", f"{console},id=console", "-serial", "chardev:console"]
    return [*words, "-icount", "shift=0"] if count else words


def disk(names: "tuple[str, ...]" = (), beyond: "tuple[pathlib.Path, ...]" = ()) -> bytes:
    """A ROMFS of what tests need of the checkout; `names`: folders or files beyond. `beyond`: files for its root."""
    micropython = fetch_sources.provide("micropython")["micropython"]
    sys.path.insert(0, str(micropython / "tools" / "mpremote" / "mpremote"))
    import romfs  # pyright: ignore[reportMissingImports] MicroPython's own writer

    sys.path.pop(0)
    places = {path: path.relative_to(ROOT).as_posix() for name in (*_FOLDERS, *names) for path in _files(ROOT / name)}
    vectors = {
        path: "tests/core/../vectors/" + path.relative_to(ROOT / "tests" / "vectors").as_posix()
        for name in _VECTORS
        for path in _files(ROOT / name)
    }
    writer = romfs.VfsRomWriter()
    _add(writer, _tree({**places, **vectors, **{path: path.name for path in beyond}}))
    return bytes(writer.finalise())


def _files(path: pathlib.Path) -> "list[pathlib.Path]":
    found = [path] if path.is_file() else path.rglob("*")
    return sorted(one for one in found if one.is_file() and one.suffix in (".py", ".txt", ".json"))


def _tree(places: "dict[pathlib.Path, str]") -> "dict[str, Any]":
    root: dict[str, Any] = {}
    for path, place in places.items():
        folder = root
        *folders, name = place.split("/")
        for one in folders:
            folder = folder.setdefault(one, {})
        folder[name] = path
    return root


def _add(writer: "Any", folder: "dict[str, Any]") -> None:
    for name, inside in sorted(folder.items()):
        if isinstance(inside, pathlib.Path):
            writer.mkfile(name, inside.read_bytes())
        else:
            writer.opendir(name)
            _add(writer, inside)
            writer.closedir()


def run(
    *words: object,
    heaps: float = 1,
    count: bool = False,
    timeout_s: "float | None" = None,
    capture: bool = True,
    chip: "pathlib.Path | None" = None,
    files: "tuple[pathlib.Path, ...]" = (),
    profile: bool = False,
) -> "subprocess.CompletedProcess[str]":
    """A script with its words; `stdout` is what the machine printed. Its random numbers are always the same.

    `chip`: the image of the flash chip, else it is erased; `files`: they are on the disk's root.
    """
    machine = build_qemu.provide("tests")
    names = tuple(str(word).removeprefix(f"{ROOT}/") for word in words)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "shared"
        shared = Shared(path)
        shared.prepare(
            words=names,
            disk=disk((names[0],), files),
            heap_bytes=0 if heaps == 1 else int(heaps * build_qemu.HEAP_BYTES),
            seed=b"\x2a" * 32,
            new_chip=True,
            profile=profile,
        )
        if chip is not None:
            shared.put_chip(chip.read_bytes())
        started = command(machine, path, "null", "stdio,signal=off", count or profile)
        done = subprocess.run(
            started,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
            text=True,
            timeout=timeout_s,
            errors="replace",
        )
        if profile:
            show_profile(machine, shared.samples())
        return done


def show_profile(machine: pathlib.Path, samples: "tuple[int, ...]") -> None:
    """The functions that most samples lie in."""
    listed = subprocess.run(["arm-none-eabi-nm", "-n", str(machine)], capture_output=True, text=True, check=True).stdout
    symbols = [(int(words[0], 16), words[2]) for words in map(str.split, listed.splitlines()) if words[1] in "tTwW"]
    starts = [address for address, _ in symbols]
    counts = collections.Counter(symbols[bisect.bisect_right(starts, address) - 1][1] for address in samples)
    for name, count in counts.most_common(SHOWN):
        print(f"{count / len(samples):7.1%}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--heaps", type=float, default=1, help="how many of the boards' heaps (at most 8)")
    parser.add_argument("--count", action="store_true", help="time goes with the instructions")
    parser.add_argument("--profile", action="store_true", help="print what took most of the instructions")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="SCRIPT WORD …")
    options = parser.parse_args()
    if not options.words:
        parser.error("name a script")
    kinds = {"heaps": options.heaps, "count": options.count, "profile": options.profile}
    sys.exit(run(*options.words, capture=False, **kinds).returncode)


if __name__ == "__main__":
    main()
