"""Files between a disk and a store: `put` cuts and stores, `get` assembles and writes.

Names are NFC in the store. What is written to a disk stays below its destination whatever the names say and whatever
symbolic links lie there (`safe_write.py`).
"""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.files import cid as cids
from lattice_core.files import tree
from lattice_core.files.chunks import ChunkListBuilder
from lattice_core.files.entry import INLINE_BYTES, Entry
from lattice_core.files.files import BATCH_ENTRIES, Files
from lattice_core.files.reading import File, Version

from .chunking import cut
from .safe_write import Destination, is_temporary

COMMIT_BYTES = 8 << 20  # blobs of a large file are committed in pieces; its entry comes with the last one

# (bytes done, bytes in all, name of the file under way)
Progress = Callable[[int, int, str], None]


def no_progress(_done: int, _total: int, _name: str) -> None:
    """For callers that show nothing."""


@dataclass
class PutResult:
    """What `put` did. `entries`: (path, cid text) of every file seen; `skipped`: (path, why) of what is no file."""

    written: int = 0
    unchanged: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    entries: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class GetResult:
    """What `get` wrote: (path in the store, path on disk); `problems`: (path, why) of what it could not write."""

    written: list[tuple[str, Path]] = field(default_factory=list)
    conflict_copies: list[tuple[str, Path]] = field(default_factory=list)
    bytes: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


# -- putting -----------------------------------------------------------------------------------------------------


def put(files: Files, source: Path, name: str | None, now_ms: int, progress: Progress = no_progress) -> PutResult:
    """Puts a file, or a folder with everything below it, under `name` (its own name by default).

    Unchanged files write nothing. What of a folder cannot be read or stored is named in `skipped`. Committed when this
    returns; after an error what was committed stays, and blobs that no entry names yet are used by the next attempt.
    """
    source = Path(source)
    own_name = Path(os.path.abspath(source)).name
    target = unicodedata.normalize("NFC", own_name if name is None else name).rstrip("/")
    if target or source.is_file():
        tree.check(target)
    putter = _Putter(files, now_ms, progress)
    try:
        status = source.stat()
        if stat.S_ISREG(status.st_mode):
            putter.put_one(target, source, status.st_size)
        elif stat.S_ISDIR(status.st_mode):
            putter.put_folder(target, source)
        else:
            raise UsageError("%s is neither a file nor a folder" % source)
    except OSError as error:
        raise UsageError("%s cannot be read: %s" % (error.filename or source, error.strerror)) from None
    putter.finish()
    return putter.result


class _Putter:
    """Puts files one after the other, entries in batches, and counts."""

    def __init__(self, files: Files, now_ms: int, progress: Progress):
        self.files = files
        self.node = files.node
        self.crypto = files.node.crypto
        self.now_ms = now_ms
        self.progress = progress
        self.result = PutResult()
        self.done = 0
        self.total = 0
        self._batch: list[tuple[str, Entry]] = []

    def put_one(self, path: str, where: Path, size: int) -> None:
        """OSError when the file cannot be read."""
        self.total = max(self.total, self.done + size)
        self._batch.append((path, self._store_content(path, where)))
        self.done += size
        self.progress(self.done, self.total, path)
        if len(self._batch) == BATCH_ENTRIES:
            self._put_entries()

    def put_folder(self, target: str, folder: Path) -> None:
        found = list(_walk(folder, target, self.result.skipped))
        self.total = sum(size for _, _, size in found)
        seen = set()
        for path, where, size in found:
            if path in seen:
                self.result.skipped.append((path, "another file has the same name but for the form of its accents"))
                continue
            seen.add(path)
            try:
                self.put_one(path, where, size)
            except OSError as error:
                self.result.skipped.append((path, "it cannot be read: %s" % error.strerror))

    def finish(self) -> None:
        self._put_entries()
        self.files.collect(self.now_ms)
        self.node.commit(self.now_ms)

    def _put_entries(self) -> None:
        written = self.files.put_entries(self._batch, self.now_ms)
        self.node.commit(self.now_ms)
        self.result.written += written
        self.result.unchanged += len(self._batch) - written
        self.result.entries += [(path, cids.text(new.cid)) for path, new in self._batch]
        self._batch = []

    def _store_content(self, path: str, where: Path) -> Entry:
        """Stores the blobs of one file and returns its entry. Reads the file once."""
        with where.open("rb") as stream:
            status = os.fstat(stream.fileno())
            hasher = self.crypto.blake3()
            builder = ChunkListBuilder(self.crypto)
            size = 0
            inline: bytes | None = b""
            for chunk in cut(stream):
                hasher.update(chunk)
                size += len(chunk)
                digest = self.crypto.blake3_digest(chunk)
                # So short a chunk is all there is: only the last one may be shorter than FastCDC's minimum.
                inline = chunk if size <= INLINE_BYTES else None
                if inline is None:
                    self._store(digest, chunk)
                for list_digest, data in builder.add(digest, len(chunk)):
                    self._store(list_digest, data)
                self.progress(self.done + size, self.total, path)
            cid, lists = builder.finish(hasher.digest())
            for list_digest, data in lists:
                self._store(list_digest, data)
        self.result.bytes += size
        mode = stat.S_IMODE(status.st_mode) & 0o777
        return Entry(path.split("/")[-1], mode, cid, max(status.st_mtime_ns // 1_000_000, 0), size, inline)

    def _store(self, digest: bytes, data: bytes) -> None:
        if not self.files.contents.has(digest):
            self.files.store.put_blob(digest, data)
            self.result.stored_bytes += len(data)
            if self.node.storage.pending() >= COMMIT_BYTES:
                self.node.commit()


def _walk(folder: Path, target: str, skipped: list[tuple[str, str]]) -> Iterator[tuple[str, Path, int]]:
    """(path in the store, path on disk, size) of the files below a folder, in order of their names."""
    try:
        items = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError as error:
        skipped.append((target or ".", "the folder cannot be read: %s" % error.strerror))
        return
    for item in items:
        name = unicodedata.normalize("NFC", item.name)
        path = "%s/%s" % (target, name) if target else name
        reason = _unstorable(item, path)
        if reason:
            skipped.append((path.encode(errors="replace").decode(), reason))
        elif item.is_dir(follow_symlinks=False):
            yield from _walk(Path(item.path), path, skipped)
        else:
            yield path, Path(item.path), item.stat(follow_symlinks=False).st_size


def _unstorable(item: os.DirEntry, path: str) -> str | None:
    """Why something found in a folder is left out, or None."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if item.is_symlink():
        return "it is a symbolic link"
    if not item.is_file() and not item.is_dir():
        return "it is neither a file nor a folder"
    if is_temporary(item.name) and item.is_file():
        return "it is an unfinished file that an interrupted get has left"
    return tree.unsafe(path) or tree.too_long(path)


# -- getting -----------------------------------------------------------------------------------------------------


def get(files: Files, name: str, destination: Path, progress: Progress = no_progress) -> GetResult:
    """Writes the file `name` to `destination` (into it, when that is a folder), or the folder `name` below it.

    Each file appears whole or not at all. Conflict copies are written beside the winner. For a single file any
    problem is a UsageError; of a folder everything that can be written is, and `problems` has the rest.
    """
    name = unicodedata.normalize("NFC", name).strip("/")
    file = files.get(name) if name else None
    if file is not None:
        return _get_one(files, file, Path(destination), progress)
    found = list(files.list(name))
    if not found:
        raise UsageError("there is no file called %s; `file list` shows what there is" % tree.shown(name))
    total = sum(file.entry.size for file in found if file.entry is not None)
    getter = _Getter(files, Destination(Path(destination)), total, progress)
    for file in found:
        reason = getter.write(file, file.path[len(name) + 1 :] if name else file.path)
        if reason:
            getter.result.problems.append((file.path, reason))
    getter.folder.sync()
    return getter.result


def _get_one(files: Files, file: File, destination: Path, progress: Progress) -> GetResult:
    if destination.is_dir():
        folder, below = destination, file.path.split("/")[-1]
    else:
        folder, below = destination.parent, destination.name
    getter = _Getter(files, Destination(folder), file.entry.size if file.entry else 0, progress)
    reason = getter.write(file, below)
    if reason:
        raise UsageError("%s: %s" % (tree.shown(file.path), reason))
    getter.folder.sync()
    return getter.result


class _Getter:
    """Writes files into one destination and counts."""

    def __init__(self, files: Files, folder: Destination, total: int, progress: Progress):
        self.files = files
        self.folder = folder
        self.total = total
        self.progress = progress
        self.done = 0
        self.result = GetResult()

    def write(self, file: File, below: str) -> str | None:
        """Writes the versions of one name at `below`. Returns why something of it was not written, or None."""
        reason = file.problem
        if reason is None and not file.removed:
            reason = self._write_version(file, file.version, below, self.result.written)
        for version in file.conflicts:
            beside = tree.conflict_path(below, version.author, version.wall_ms, version.hash)
            failed = self._write_version(file, version, beside, self.result.conflict_copies)
            reason = reason or (failed and "%s: %s" % (tree.shown(beside), failed))
        return reason

    def _write_version(self, file: File, version: Version, below: str, written: list[tuple[str, Path]]) -> str | None:
        entry = version.entry
        if entry is None:
            return version.problem
        reason = tree.unsafe(below)
        if reason:
            return "it is not written to a disk: %s" % reason
        if not self.files.contents.complete(entry):
            return not_held_text(self.files, file, version)
        try:
            where = self.folder.write(below, self._pieces(entry, below), entry.mode & 0o777, entry.modified_at)
        except OSError as error:
            return error.strerror or str(error)
        except (ProtocolError, UsageError) as error:  # UsageError: a part that was there when it was looked for is not
            return str(error)
        written.append((file.path, where))
        self.result.bytes += entry.size
        return None

    def _pieces(self, entry: Entry, below: str) -> Iterator[bytes]:
        for piece in self.files.read(entry):
            self.done += len(piece)
            self.progress(self.done, self.total, below)
            yield piece


def not_held_text(files: Files, file: File, version: Version | None = None) -> str:
    """Says that a content is not here, and who is known to hold it."""
    names = []
    for key, how in files.holders(file, version):
        name = files.node.peer_name(key) or key.hex()[:8]
        names.append(name if how == "acknowledged" else "%s (wrote it)" % name)
    if names:
        return "its content is not here; known to hold it: %s. Sync with one of them" % ", ".join(names)
    return "its content is not here, and nobody is known to hold it"
