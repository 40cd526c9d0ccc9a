"""What work costs the boards' chip: instructions on QEMU's Cortex-M33, and the milliseconds that they stand for.

    .venv/bin/python tools/chip_figures.py [--write]

Builds what it needs, runs tests/bench/chip_costs.py on the machine and a host against a stick on it, and prints each
figure beside the one of docs/footprint.md; what has grown by more than 5 % is marked. `--write` writes the page anew.

One factor for all: an instruction takes 1.8 cycles of 150 MHz, which is what code of this kind took in a cycle model
of the chip. The flash's time is not in it.
"""

import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import build_qemu
import run_qemu

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("shared", "host", "tests", "tests/bench")]

PAGE = ROOT / "docs" / "footprint.md"
BEGIN, END = "<!-- counts -->", "<!-- end of counts -->"
CYCLES_AN_INSTRUCTION = 1.8
CYCLES_A_MS = 150_000
GROWTH = 1.05
COSTS = "tests/bench/chip_costs.py"
HISTORIES = (1000, 5000)
INGESTED = 400
CONTENT_BYTES = 100 << 10
HEAP = re.compile(r"When a fresh chip has started, [\d,]+ bytes of it are free\.")
SETTLED_S = 3  # without another collection: it has started


def ms(instructions: int) -> float:
    """What the page says beside a count."""
    return instructions * CYCLES_AN_INSTRUCTION / CYCLES_A_MS


def costs(
    *words: object, chip: "pathlib.Path | None" = None, files: "tuple[pathlib.Path, ...]" = ()
) -> "dict[str, int]":
    """{row: instructions} of one run on the machine."""
    done = run_qemu.run(COSTS, *words, count=True, chip=chip, files=files)
    if done.returncode:
        sys.exit(done.stdout)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["row"]: row["instructions"] for row in found}


def with_history(folder: pathlib.Path, count: int) -> "tuple[pathlib.Path, pathlib.Path]":
    """(an image of a chip that holds so many intentions, their messages), made by the emulated stick."""
    import bench_stick  # pyright: ignore[reportMissingImports]

    history, image = folder / f"history{count}", folder / f"chip{count}"
    bench_stick.write_history(history, count)
    image.write_bytes(b"\xff" * bench_stick.CHIP_BYTES)
    bench_stick.on_stick("ingest", image, history)
    return image, history


def quick() -> "dict[str, int]":
    """Those that need no history: half a minute."""
    return costs("crypto") | costs("link") | costs("boot")


def measure() -> "dict[str, int]":
    """All of them."""
    figures = quick()
    subprocess.run([sys.executable, ROOT / "tools" / "build_emulator.py"], check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for count in HISTORIES:
            image, _ = with_history(folder, count)
            figures |= costs("boot", chip=image)
        _, history = with_history(folder, INGESTED)
        figures |= costs("ingest", f"/rom/{history.name}", files=(history,))
        return figures | with_host(folder)


def with_host(folder: pathlib.Path) -> "dict[str, int]":
    """What a host's commands cost the stick. How the bytes arrive differs from run to run, and so do these a little."""
    from e2e.world import Computer, EmulatedStick

    build_qemu.provide("stick")
    laptop = Computer(folder / "laptop", "laptop")
    laptop.run("store", "create", "notes")
    content = folder / "content"
    content.write_bytes(random.Random(1).randbytes(CONTENT_BYTES))
    with EmulatedStick(folder / "stick.img", options=["--qemu", "--count"]) as stick:
        shared = run_qemu.Shared(stick.image)

        def cost(*words: str) -> int:
            before = shared.told()["instructions"]
            laptop.run(*words)
            return shared.told()["instructions"] - before

        setup = cost("stick", "setup", stick.port, "--store", "notes")
        laptop.run("sync", stick.port)
        status = cost("stick", "status", stick.port)
        nothing = cost("sync", stick.port)
        laptop.run("file", "put", str(content), "--store", "notes")
        content_in = cost("sync", stick.port) - nothing
    return {
        "`stick setup`": setup,
        "`stick status`": status,
        "`sync` with nothing to do": nothing,
        "100 KiB of a file to the stick, beyond that": content_in,
    }


def heap_free() -> int:
    """Bytes of the boards' heap that are free when a stick with a fresh chip has started."""
    machine = build_qemu.provide("stick")
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "shared"
        shared = run_qemu.Shared(path)
        shared.prepare(new_chip=True, ask_heap=True, seed=b"\x2a" * 32)
        running = subprocess.Popen(run_qemu.command(machine, path, "null", "null", True), stdin=subprocess.DEVNULL)
        try:
            found, since = 0, time.monotonic()
            while time.monotonic() - since < SETTLED_S or not found:
                time.sleep(0.1)
                if shared.told()["heap_free"] != found:
                    found, since = shared.told()["heap_free"], time.monotonic()
            return found
        finally:
            running.kill()
            running.wait()


def written() -> "dict[str, int]":
    """The rows as the page has them."""
    table = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    return {row[0]: int(row[1].replace(",", "")) for row in cells}


def grown(figures: "dict[str, int]") -> "list[str]":
    """A line for each figure that is more than 5 % above the page's."""
    before = written()
    return [
        f"{row}: {before[row]:,} → {count:,} instructions ({count / before[row] - 1:+.0%})"
        for row, count in figures.items()
        if row in before and count > GROWTH * before[row]
    ]


def show(figures: "dict[str, int]") -> None:
    before = written()
    for row, count in figures.items():
        beside = f"{count / before[row] - 1:+7.1%}" if row in before else "    new"
        print(f"{row:45}{count:14,}{ms(count):10.2f} ms  {beside}")
    for line in grown(figures):
        print("Grown:", line)


def write_page(figures: "dict[str, int]", free: int) -> None:
    table = ["| what | instructions | ms |", "|---|--:|--:|"]
    table += [f"| {row} | {count:,} | {ms(count):,.2f} |" for row, count in figures.items()]
    page = HEAP.sub(f"When a fresh chip has started, {free:,} bytes of it are free.", PAGE.read_text())
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(table) + f"\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="write docs/footprint.md anew")
    options = parser.parse_args()
    build_qemu.provide("tests")
    now = measure()
    show(now)
    free = heap_free()
    print(f"Heap free when a fresh chip has started: {free:,} bytes of {build_qemu.HEAP_BYTES:,}")
    if options.write:
        write_page(now, free)
