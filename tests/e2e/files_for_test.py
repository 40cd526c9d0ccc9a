"""Real files for the end-to-end tests: seeded, of every awkward size and name."""

import pathlib
import random
import sys

NAMES = (
    "empty",
    "one byte",
    "grüße.txt",
    "日本語/ファイル.md",
    "emoji 🚲.txt",
    "deep/er/still/notes.txt",
    "-dash",
    "dots...end",
    "UPPER.TXT",
    "spaces  two.txt",
)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def make_tree(folder, total_bytes, seed):
    """At least 20 files below `folder`, `total_bytes` in all (± 1 %), one of ≥ 1 MiB. Returns the folder."""
    rng = random.Random(seed)
    folder = pathlib.Path(folder)
    sizes = [0, 1] + [rng.randrange(40, 9000) for _ in range(20)]
    names = list(NAMES) + ["folder/file %02d.dat" % index for index in range(len(sizes) - len(NAMES))]
    for name, size in zip(names, sizes, strict=True):
        write(folder / name, rng.randbytes(size))
    left = total_bytes - sum(sizes)
    large = max(1 << 20, left // 2) if left > 1 << 20 else left
    write(folder / "large.bin", rng.randbytes(large))
    index = 0
    left -= large
    while left > 0:
        size = min(left, 300_000)
        write(folder / ("part %02d.bin" % index), rng.randbytes(size))
        left -= size
        index += 1
    return folder


def contents(folder):
    """{relative name: bytes} of all files below `folder`."""
    folder = pathlib.Path(folder)
    files = (item for item in sorted(folder.rglob("*")) if item.is_file())
    return {item.relative_to(folder).as_posix(): item.read_bytes() for item in files}


if __name__ == "__main__":
    make_tree(sys.argv[1], int(sys.argv[2]), 1)
