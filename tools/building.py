"""What the builds share: hashes of inputs, one log per build, one build at a time, mpy-cross."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
MPY_CROSS = ROOT / "build" / "mpy-cross"
SOURCE_SUFFIXES = {".py", ".c", ".h", ".mk", ".cmake", ".csv", ".ld"}


def hash_of(inputs: "Iterable[str]", *words: str) -> str:
    """The SHA-256 of files and folders of the checkout, by name and content, and of `words`."""
    digest = hashlib.sha256("\0".join(words).encode())
    for name in inputs:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in SOURCE_SUFFIXES)
        for file in found:
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@contextlib.contextmanager
def only_one(folder: pathlib.Path) -> "Iterator[None]":
    """Holds a lock, so that a second build waits for the first."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Log:
    """Commands whose words go to one file; when one fails, the end of that file is shown and the build is over."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)

    def run(self, *command: object, environment: "dict[str, str] | None" = None) -> None:
        variables = dict(os.environ, **(environment or {}))
        words = [str(word) for word in command]
        with open(self.path, "ab") as log:
            done = subprocess.run(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=variables)
        if done.returncode != 0:
            lines = self.path.read_text(errors="replace").splitlines()
            print(*(line[:200] for line in lines[-30:]), sep="\n")
            sys.exit(f"The build failed; all of its output: {self.path}")

    def make(self, folder: pathlib.Path, *settings: str, environment: "dict[str, str] | None" = None) -> None:
        self.run("make", f"-j{os.cpu_count() or 1}", "-C", folder, *settings, environment=environment)


def mpy_cross(micropython: pathlib.Path, log: Log) -> pathlib.Path:
    """MicroPython's compiler for frozen modules, built once per checkout."""
    with only_one(MPY_CROSS):
        log.make(micropython / "mpy-cross", f"BUILD={MPY_CROSS}")
    return MPY_CROSS / "mpy-cross"
