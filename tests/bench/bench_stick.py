"""What the stick's storage costs: heap, ingest, boot, and the flash operations of a 1 MiB file. Prints JSON lines.

    python tests/bench/bench_stick.py [--intentions N]

Runs on the stick's interpreter with the stick's heap and frozen core (stick_storage.py). Times of this machine are
not the board's; flash operations and heap are. `board_s` counts 45 ms per erase and 0.4 ms per program.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.model.intention import ZERO, create, signed
from lattice_core.wire.messages import KvPayload
from lattice_host import crypto
from processor import ended_cpu_s

ROOT = pathlib.Path(__file__).resolve().parents[2]
AUTHORS = 4
STORE = b"bench-of-ingest!"
NOW_MS = 1_700_000_000_000
CHIP_BYTES = 4 << 20
ERASE_MS = 45
PROGRAM_MS = 0.4
OUT = ROOT / "build" / "emulator"


def write_history(path, count):
    """`count` signed puts of different keys by 4 authors, each behind its length."""
    identities = [Identity(crypto, bytes([n + 1]) * 32) for n in range(AUTHORS)]
    tips = [ZERO] * AUTHORS
    with open(path, "wb") as file:
        for number in range(count):
            put = KvPayload.encode({"ops": [{"put": {"key": b"key-%07d" % number, "value": b"%d" % number * 8}}]})
            who = number % AUTHORS
            made = create(crypto, identities[who], NOW_MS + number, 0, STORE, tips[who], [], ops.app(put))
            tips[who] = made.hash
            message = signed(made)
            file.write(len(message).to_bytes(2, "little") + message)


def on_stick(*words):
    """The figures that one run on the stick's interpreter printed, and the processor time that it took."""
    heap = (OUT / "heapsize").read_text().strip()
    command = [str(OUT / "micropython"), "-X", f"heapsize={heap}", "tests/bench/stick_storage.py", *map(str, words)]
    environment = dict(os.environ, MICROPYPATH=".frozen")
    before = ended_cpu_s()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    took_s = round(ended_cpu_s() - before, 3)
    return [{**json.loads(line), "cpu_s": took_s} for line in done.stdout.splitlines()]


def new_image(folder, name):
    path = pathlib.Path(folder) / name
    path.write_bytes(b"\xff" * CHIP_BYTES)
    return path


def board_s(figures):
    return round((figures["erases"] * ERASE_MS + figures["programs"] * PROGRAM_MS) / 1000, 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--intentions", type=int, default=3000)
    count = parser.parse_args().intentions
    subprocess.run([sys.executable, ROOT / "tools" / "build_emulator.py"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        history = pathlib.Path(folder) / "history"
        write_history(history, count)
        image = new_image(folder, "a.img")
        for figures in on_stick("ingest", image, history) + on_stick("boots", image) + on_stick("boots", image):
            print(json.dumps(figures))
        (blobs,) = on_stick("blobs", new_image(folder, "b.img"))
        blobs["board_s"] = board_s(blobs)
        blobs["aim"] = {"erases": "256 + small change"}
        print(json.dumps(blobs))


if __name__ == "__main__":
    main()
