"""The stick's interpreter for tests: build/emulator/micropython, built first when the sources have changed."""

import functools
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "emulator"


@functools.cache
def command(heaps: float = 1) -> tuple[str, ...]:
    """The interpreter with the device's heap (or that many of them): what stands before the script."""
    subprocess.run([sys.executable, ROOT / "tools" / "build_emulator.py"], check=True)
    heap_bytes = int(heaps * int((OUT / "heapsize").read_text()))
    return str(OUT / "micropython"), "-X", f"heapsize={heap_bytes}"


def run(
    *arguments: object, timeout_s: float = 300, heaps: float = 1, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script with the frozen core, and with tests/core for `support`; `variables` go into its environment.

    Paths are named from the checkout: the interpreter holds none that is longer than 128 bytes.
    """
    environment = dict(os.environ, MICROPYPATH=".frozen:tests/core", **variables)
    words = [*command(heaps), *(str(word).removeprefix(f"{ROOT}/") for word in arguments)]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s)
