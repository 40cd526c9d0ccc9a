"""What takes how much room: the frozen modules by room, the image of a board by part, its fixed memory.

python3 tools/footprint.py     builds what docs/footprint.md tells of and writes its table anew
"""

import json
import pathlib
import re
import subprocess
import sys
from collections import Counter
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "footprint.md"
BOARDS = ("pico2",)
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
NAMES = "names"  # interned texts and the tables that find a module: they belong to no room
_ROOMS = "api|files|link|machines|model|node|storage|sync|testing|weaver|wire"
_ROOM = re.compile(
    rf"^(?:fun_data|proto_fun|children|const_obj|const_qstr_table_data|frozen_module)\w*?_(lattice_core_(?:{_ROOMS})|"
    r"lattice_core|lattice_flash|firmware)_"
)
# The first that a path in the linker's map matches
_PARTS = (
    ("frozen Python", r"frozen_content"),
    ("C module lattice_native", r"cmodules/lattice_native/"),
    ("board", r"boards/rp2350/"),
    ("MicroPython: py", r"/py/"),
    ("MicroPython: extmod", r"/extmod/"),
    ("MicroPython: littlefs", r"/lib/littlefs/"),
    ("MicroPython: rest", r"/micropython-[^/]*/"),
    ("TinyUSB", r"/tinyusb-[^/]*/"),
    ("Pico SDK", r"/pico-sdk-[^/]*/"),
    ("newlib, libgcc", r"/lib[a-z_]+\.a\("),
)
_SECTION = re.compile(r"^ (\.[\w.$+-]+|\*fill\*)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (\S.*))?$")
_FLASH = range(0x10000000, 0x11000000)
_MEMORY = 0x20000000


def _output(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def frozen(content: pathlib.Path, nm: str, size: str) -> "dict[str, int]":
    """{room: bytes} of the object file with the frozen modules."""
    rooms: Counter[str] = Counter()
    for line in _output(nm, "-S", content).splitlines():
        words = line.split()
        found = _ROOM.match(words[3]) if len(words) == 4 else None
        if found:
            rooms[found.group(1).replace("lattice_core_", "", 1)] += int(words[1], 16)
    text, data = (int(word) for word in _output(size, content).splitlines()[1].split()[:2])
    rooms[NAMES] = text + data - sum(rooms.values())
    return dict(sorted(rooms.items()))


def sentence(sizes: "dict[str, int]") -> str:
    """The sizes in one line."""
    return f"{sum(sizes.values()):,} bytes: " + ", ".join(f"{room} {count:,}" for room, count in sizes.items())


def _parts(linked: str) -> "dict[str, int]":
    """{part: bytes} of what lies in flash, by the linker's map. What it fills up belongs to nobody."""
    counts: Counter[str] = Counter()
    lines = linked[linked.index("Linker script and memory map") :].replace("\n                ", " ").splitlines()
    for line in lines:
        found = _SECTION.match(line)
        if found and found.group(4) and int(found.group(2), 16) in _FLASH:
            path = found.group(4)
            part = next((name for name, pattern in _PARTS if re.search(pattern, path)), "rest")
            counts[part] += int(found.group(3), 16)
    return {name: counts[name] for name in (*(name for name, _ in _PARTS), "rest") if counts[name]}


def of_board(out: pathlib.Path, objects: pathlib.Path) -> "dict[str, Any]":
    """What `docs/footprint.md` says of a board that was just built."""
    linked = (out / "firmware.map").read_text()
    found = {name: int(value, 16) for value, name in re.findall(r"(0x[0-9a-f]+) +(__GcHeap\w+) = ", linked)}
    (content,) = objects.rglob("frozen_content.c.o")
    return {
        "image": (objects / "firmware.bin").stat().st_size,
        "memory": found["__GcHeapStart"] - _MEMORY,
        "heap": found["__GcHeapEnd"] - found["__GcHeapStart"],
        "frozen": frozen(content, "arm-none-eabi-nm", "arm-none-eabi-size"),
        "parts": _parts(linked),
    }


def sizes_of(board: str) -> "dict[str, Any]":
    """Those of the last build of a board."""
    return json.loads((ROOT / "build" / "firmware" / board / "sizes.json").read_text())


def rows(sizes: "dict[str, dict[str, Any]]") -> "dict[str, list[int]]":
    """{row of the page: a figure for each board}."""
    found: dict[str, list[int]] = {}
    for label, key in (("image", "image"), ("fixed memory", "memory"), ("heap", "heap")):
        found[label] = [one[key] for one in sizes.values()]
    for title, key in (("frozen: ", "frozen"), ("in flash: ", "parts")):
        for name in next(iter(sizes.values()))[key]:
            found[title + name] = [one[key].get(name, 0) for one in sizes.values()]
    return found


def written() -> "dict[str, list[int]]":
    """The rows as the page has them."""
    table = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    return {row[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in cells}


def write_page() -> None:
    """Writes the table anew, from the last builds."""
    table = ["| bytes | " + " | ".join(f"`{board}`" for board in BOARDS) + " |", "|---|" + "--:|" * len(BOARDS)]
    for name, figures in rows({board: sizes_of(board) for board in BOARDS}).items():
        table.append(f"| {name} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(table) + f"\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    for board in BOARDS:
        subprocess.run([sys.executable, ROOT / "tools" / "build_firmware.py", board], check=True)
    write_page()
