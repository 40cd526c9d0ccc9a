"""What of a folder on a disk can be put, in order of names, and why the rest is left out. Never fails for one entry."""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lattice_core.files import tree

from .datadir import is_data_directory, is_seed
from .disks import text_of
from .safe_write import is_temporary


@dataclass
class Walk:
    """`files`: {name in the store: [(place, size), …]}, several places when they differ in the form of accents only.
    `folders`: (name in the store, place). `skipped`: (name, why)."""

    files: dict[str, list[tuple[Path, int]]] = field(default_factory=dict)
    folders: list[tuple[str, Path]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def total(self) -> int:
        return sum(size for places in self.files.values() for _, size in places)


def walk(folder: Path, target: str) -> Walk:
    """Everything below `folder`, whose name in the store is `target`."""
    found = Walk()
    waiting = [(folder, target)]
    while waiting:
        where, path = waiting.pop()
        waiting.extend(_look_into(where, path, found))
    found.files = dict(sorted(found.files.items(), key=lambda item: item[0].split("/")))
    return found


def _look_into(folder: Path, target: str, found: Walk) -> Iterator[tuple[Path, str]]:
    """Notes the files of one folder; yields the folders in it."""
    try:
        items = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError as error:
        found.skipped.append((target or ".", "the folder cannot be read: %s" % error.strerror))
        return
    if not items:
        found.skipped.append((target or ".", "it is an empty folder: only files are put, folders come with them"))
        return
    if target:
        found.folders.append((target, folder))
    for item in items:
        name = unicodedata.normalize("NFC", item.name)
        path = "%s/%s" % (target, name) if target else name
        try:
            status = item.stat(follow_symlinks=False)
            reason = _unstorable(item, path, status)
        except OSError as error:
            found.skipped.append((text_of(path), "it cannot be read: %s" % error.strerror))
            continue
        if reason is not None:
            found.skipped.append((text_of(path), reason))
        elif stat.S_ISDIR(status.st_mode):
            yield Path(item.path), path
        else:
            found.files.setdefault(path, []).append((Path(item.path), status.st_size))


def _unstorable(item: os.DirEntry, path: str, status: os.stat_result) -> str | None:
    """Why something found in a folder is left out, or None."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if stat.S_ISLNK(status.st_mode):
        return "it is a symbolic link"
    if stat.S_ISDIR(status.st_mode):
        if is_data_directory(item.path):
            return "it is the data directory of a node, with its secret identity"
    elif not stat.S_ISREG(status.st_mode):
        return "it is neither a file nor a folder"
    elif is_temporary(item.name):
        return "it is an unfinished file that an interrupted get has left"
    elif is_seed(item.path):
        return "it looks like the secret identity of a node"
    return tree.unsafe(path) or tree.too_long(path)
