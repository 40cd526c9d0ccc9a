"""Conflict copies by their names: `a (conflict 20270115-080000 1a2b3c4d-5e6f7081).txt` means a version of `a.txt`.

The names are made by `lattice_core.files.tree.conflict_path`; here they are read again, so that every command takes
what `file list` shows. A name that is a file and a folder at once is the folder's; the file is a copy beside it, too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.files import entry as entries
from lattice_core.files import history, tree
from lattice_core.files.entry import Entry
from lattice_core.files.files import Files
from lattice_core.files.reading import File, Version
from lattice_core.machines import kvtable

_MARK = re.compile(r" \(conflict (?:[0-9]{8}-[0-9]{6}|[0-9]+ms) ([0-9a-f]{8})-([0-9a-f]{8})\)(?=(?:\.[^./]*)?$)")


@dataclass
class Copy:
    """`path`: the name that it is a version of. `version`: where it stands, None when it is settled, so history."""

    path: str
    file: File | None
    version: Version | None
    entry: Entry


def is_copy_name(path: str) -> bool:
    """True when a name has the form of a conflict copy's."""
    return _MARK.search(path) is not None


def find(files: Files, path: str) -> Copy | None:
    """The version that a conflict copy's name means; None when it means none, or when a file has that very name."""
    if not is_copy_name(path) or files.get(path) is not None:
        return None
    for file in _candidates(files, path):
        for version in file.versions:
            if version.entry is not None and _name_of(file.path, version) == path:
                return Copy(file.path, file, version, version.entry)
    return _settled(files, path)


def _name_of(path: str, version: Version) -> str:
    return tree.conflict_path(path, version.author, version.wall_ms, version.hash)


def _candidates(files: Files, path: str) -> Iterator[File]:
    """The files that a copy of this name may belong to: one as a rule, several when the name was cut for its length."""
    base = _MARK.sub("", path)
    file = files.get(base)
    if file is not None:
        yield file
    if len(path.split("/")[-1].encode()) > tree.NAME_BYTES - 4:
        stem = path[: _start(path)]
        for file in files.list(path.rpartition("/")[0]):
            if file.path.startswith(stem) and file.path != base:
                yield file


def _start(path: str) -> int:
    found = _MARK.search(path)
    return len(path) if found is None else found.start()


def _settled(files: Files, path: str) -> Copy | None:
    """A version that stands no more, from the history of its name."""
    found = _MARK.search(path)
    base = _MARK.sub("", path)
    if found is None or tree.unsafe(base) or tree.too_long(base):
        return None
    for hash, entry in versions_of(files, base):
        if hash[:4].hex() == found[2] and entry is not None:
            return Copy(base, files.get(base), None, entry)
    return None


def versions_of(files: Files, path: str) -> Iterator[tuple[bytes, Entry | None]]:
    """(hash, entry or None) of the versions that a name has had, the newest first: as many as somebody asks for."""
    row = files.kv.inspect(tree.key_of(path))
    waiting = [] if row is None else [head.hash for head in row.heads()]
    seen = set(waiting)
    while waiting:
        hash = waiting.pop(0)
        intention = files.store.get(hash)
        if intention is None:
            continue
        written, value = history.value_written(files.store, files.crypto, intention, tree.key_of(path))
        if not written:
            continue
        try:
            yield hash, None if value is None else entries.parse(value)
        except ProtocolError:
            pass  # what is no file has been no version
        for dep in intention.deps():
            if dep not in seen:
                seen.add(dep)
                waiting.append(dep)


def holds_something(file: File) -> bool:
    """True when a disk would get something of this name."""
    return file.entry is not None or bool(file.conflicts)


def folders_of(found: list[File]) -> set[str]:
    """The names that a disk needs as folders for these files."""
    folders = set()
    for file in found:
        if holds_something(file) and not tree.unsafe(file.path):
            at = file.path.rfind("/")
            while at > 0 and file.path[:at] not in folders:
                folders.add(file.path[:at])
                at = file.path.rfind("/", 0, at)
    return folders


# -- commands ----------------------------------------------------------------------------------------------------


def remove(files: Files, path: str, now_ms: int) -> list[str]:
    """`Files.remove` that knows copies: of one, only that version goes."""
    copy = find(files, path)
    if copy is None or copy.file is None or copy.version is None:
        return files.remove(path, now_ms)
    _keep_winner(files, copy, [], now_ms)
    return [path]


def move(files: Files, source: str, target: str, now_ms: int) -> list[tuple[str, str]]:
    """`Files.move` that knows copies: of one, that version becomes a file of its own."""
    copy = find(files, source)
    if copy is not None or files.get(source) is not None:
        check_free(files, target, source if copy is None else copy.path)
    if copy is None or copy.file is None or copy.version is None:
        return files.move(source, target, now_ms)
    tree.check(target)
    if files.get(target) is not None and target != copy.path:
        raise UsageError("%s is there already" % tree.shown(target), "exists")
    moved = Entry(target.split("/")[-1], *_rest(copy.entry))
    if target == copy.path:  # it takes the name, and that ends the conflict
        files.write([(target, moved, _heads(files, target))], now_ms)
    else:
        _keep_winner(files, copy, [(tree.key_of(target), moved.encode())], now_ms)
    return [(source, target)]


def check_free(files: Files, target: str, source: str) -> None:
    """UsageError when a file of this name would share it with a folder, or lie in a folder that is a file."""
    if any(holds_something(below) for below in files.list(target)):
        name = source.split("/")[-1]
        raise UsageError(
            "%s is a folder; %s is free" % (tree.shown(target), tree.shown("%s/%s" % (target, name))), "exists"
        )
    for above in above_of(target):
        file = files.get(above)
        if above != source and file is not None and file.entry is not None:
            raise UsageError("%s is a file: nothing can lie in it" % tree.shown(above), "exists")


def above_of(path: str) -> list[str]:
    """The folders that a name lies in."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def undo(files: Files, path: str, now_ms: int) -> list[str]:
    """`Files.undo` that knows copies: one that stands, or was removed or settled, takes the name."""
    copy = find(files, path)
    if copy is None:
        return files.undo(path, now_ms)
    restored = Entry(copy.path.split("/")[-1], *_rest(copy.entry))
    if files.stands(copy.path, restored):
        raise UsageError(
            "%s has that content already: there is nothing to bring back" % tree.shown(copy.path), "exists"
        )
    files.write([(copy.path, restored, _heads(files, copy.path))], now_ms)
    return [copy.path]


def _rest(entry: Entry) -> tuple:
    return entry.mode, entry.cid, entry.modified_at, entry.size, entry.inline


def _heads(files: Files, path: str) -> list[bytes]:
    return files.kv.deps_for([tree.key_of(path)])


def _keep_winner(files: Files, copy: Copy, more: list[tuple[bytes, bytes]], now_ms: int) -> None:
    """Writes the winner again as the successor of itself and of one losing version: other versions stay beside it."""
    assert copy.file is not None
    assert copy.version is not None
    winner = copy.file.version
    gone = [other.hash for other in copy.file.versions if other.entry is not None and other.entry.cid == copy.entry.cid]
    body = None if copy.version is winner else kvtable.value_of(files.store, winner.head)  # None: a folder has the name
    value = None if body is None else body.read(0, body.size)
    deps = gone if winner.hash in gone else [winner.hash, *gone]
    files.kv.batch([*more, (copy.file.key, value)], now_ms, deps)
