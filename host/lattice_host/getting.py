"""Files from a store onto a disk: `get` assembles and writes, and replaces only what is the store's own.

What is written stays below its destination whatever the names say and whatever symbolic links lie there
(`safe_write.py`). What it wrote is remembered (`places.py`), so that the next `get` knows its own files.
"""

import errno
import os
import stat
import unicodedata
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from lattice_core.errors import ProtocolError, StorageError, UsageError
from lattice_core.files import cid as cids
from lattice_core.files import tree
from lattice_core.files.entry import Entry
from lattice_core.files.files import Files
from lattice_core.files.reading import File, Version

from . import copies
from .disks import fold
from .places import Known, Places, stamp_of
from .safe_write import Destination, Standing

# (bytes done, bytes in all, name of the file under way): what a long function yields with every step, and may be closed
T = TypeVar("T")
Steps = Generator[tuple[int, int, str], None, T]
Progress = Callable[[int, int, str], None]

_NOTED_AT_ONCE = 64  # places remembered in one commit
_READ_BYTES = 1 << 20
_FOREIGN = "other content stands there that was not put from here or got to here; `--force` replaces it"


def no_progress(_done: int, _total: int, _name: str) -> None:
    """For callers that show nothing."""


def run_to_end(steps: Steps[T], progress: Progress) -> T:
    """The result of a long function."""
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            progress(*step)


@dataclass
class GetResult:
    """What `get` did: (path in the store, path on disk) of what it wrote; `unchanged`: how many files stood there as
    they are; `problems`: (path, why) of what it could not write; `notes`: what the disk cannot keep; `remembered`: the
    next get will know these files as its own."""

    written: list[tuple[str, Path]] = field(default_factory=list)
    conflict_copies: list[tuple[str, Path]] = field(default_factory=list)
    unchanged: int = 0
    bytes: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remembered: bool = True


def get(
    files: Files,
    name: str,
    destination: Path,
    progress: Progress = no_progress,
    places: Places | None = None,
    force: bool = False,
) -> GetResult:
    """`getting` to its end."""
    return run_to_end(getting(files, name, destination, places, force), progress)


def getting(
    files: Files, name: str, destination: Path, places: Places | None = None, force: bool = False
) -> Steps[GetResult]:
    """Writes the file or folder `name` into the folder `destination` under its own name, or as `destination` when there
    is no such folder yet. With an empty name everything goes into it.

    Each file appears whole or not at all. What stands there is replaced when it was put from there or got to there and
    not changed since, or with `force`. Conflict copies are written beside the winner. For a single file a problem is a
    UsageError; of a folder everything that can be written is, and `problems` has the rest.
    """
    name = unicodedata.normalize("NFC", name).strip("/")
    destination = Path(destination)
    root, top = (destination, "") if not name else _root(destination, name)
    copy = copies.find(files, name) if name else None
    if copy is not None:
        getter = _Getter(files, root, copy.entry.size, places, force)
        with getter.remembering():
            reason = yield from getter.write_copy_alone(copy, top)
        return getter.finish(name, [] if reason is None else [(name, reason)])
    own = files.get(name) if name else None
    found = list(files.list(name))
    is_folder = bool(found)
    if own is not None:
        found.insert(0, own)
    if not found:
        raise UsageError(
            "there is no file called %s; `file list` shows what there is" % tree.shown(name), "unknown_file"
        )
    getter = _Getter(files, root, _sum(found), places, force)
    if is_folder and top:
        getter.check_folder(top)
    folders = copies.folders_of(found)
    problems = []
    with getter.remembering():
        for file in found:
            below = top + file.path[len(name) :] if name else file.path
            reason = yield from getter.write(file, below, file.path in folders)
            if reason:
                problems.append((file.path, reason))
    return getter.finish("" if is_folder else name, problems)


def _sum(found: list[File]) -> int:
    return sum(file.entry.size for file in found if file.entry is not None)


def content_of(files: Files, name: str) -> tuple[Iterator[bytes], list[str]]:
    """(content in pieces, names of conflict copies) of one file, for a stream. UsageError when it is no file, or not
    here; the last piece is followed by an error when the content was not what it claims to be."""
    name = unicodedata.normalize("NFC", name).strip("/")
    copy = copies.find(files, name)
    if copy is not None:
        if not files.contents.complete(copy.entry):
            raise UsageError("%s: its content is not here" % tree.shown(name), "not_held")
        return files.read(copy.entry), []
    file = files.get(name) if name else None
    if file is None:
        raise UsageError(
            "there is no file called %s; only a single file can be written to a stream" % tree.shown(name),
            "unknown_file",
        )
    if file.entry is None:
        raise UsageError("%s: %s" % (tree.shown(name), file.problem or "it was removed"))
    if not files.contents.complete(file.entry):
        raise UsageError("%s: %s" % (tree.shown(name), not_held_text(files, file)))
    return files.read(file.entry), [file.conflict_path(version) for version in file.conflicts]


def _root(destination: Path, name: str) -> tuple[Path, str]:
    """(folder to write into, first part of the names below it)"""
    if destination.is_dir():
        return destination, name.split("/")[-1]
    return destination.parent, destination.name


class _Getter:
    """Writes files into one destination, remembers them, and counts."""

    def __init__(self, files: Files, root: Path, total: int, places: Places | None, force: bool):
        self.files = files
        self.folder = Destination(root)
        self.total = total
        self.places = Places() if places is None else places
        self.force = force
        self.done = 0
        self.result = GetResult()
        self._noted: list[tuple[str, str, Known]] = []  # (path below, name in the store, what to remember)

    # -- one name -------------------------------------------------------------------------------------------------

    def write(self, file: File, below: str, is_folder: bool) -> Steps[str | None]:
        """Writes the versions of one name at `below`. Returns why something of it was not written, or None.
        `is_folder`: the name is a folder's, too; then this is a copy beside it."""
        reason = file.problem
        seen = [version.hash for version in file.versions if version.deleted]
        notes = []
        if reason is None and not file.removed:
            if is_folder:
                beside = tree.conflict_path(below, file.version.author, file.version.wall_ms, file.version.hash)
                notes.append((beside, file.version, True))
                reason = yield from self._write_copy(file, file.version, beside, seen)
            else:
                notes.append((below, file.version, False))
                reason = yield from self.write_version(file.path, file.entry, file.version, below, self.result.written)
                if reason is None:
                    seen += _equal(file, file.version)
        for version in file.conflicts:
            beside = tree.conflict_path(below, version.author, version.wall_ms, version.hash)
            notes.append((beside, version, True))
            failed = yield from self._write_copy(file, version, beside, seen)
            reason = reason or failed
        for where, version, is_copy in notes:
            if version.hash in seen:
                self._note(where, file.path, version.entry, seen, is_copy)
        return reason

    def _write_copy(self, file: File, version: Version, beside: str, seen: list[bytes]) -> Steps[str | None]:
        failed = yield from self.write_version(file.path, version.entry, version, beside, self.result.conflict_copies)
        if failed is None:
            seen += _equal(file, version)
            return None
        return "%s: %s" % (tree.shown(beside), failed)

    def write_version(
        self, path: str, entry: Entry | None, version: Version | None, below: str, written: list[tuple[str, Path]]
    ) -> Steps[str | None]:
        """Writes one content. Returns why not, or None."""
        if entry is None:
            return "it has no content"
        reason = tree.unsafe(path) and tree.unsafe(below)
        if reason:
            return "it is not written to a disk: %s" % reason
        if not self.files.contents.complete(entry):
            file = self.files.get(path)
            return "its content is not here" if file is None else not_held_text(self.files, file, version)
        try:
            over, is_same = self._what_stands(path, entry, below)
            if is_same:
                yield from self._keep(path, entry, below)
                return None
            status = None if over is None else over.status
            pieces = self.files.read(entry)
            with closing(self.folder.writing(below, pieces, entry.mode, entry.modified_at, entry.size, status)) as work:
                where = yield from self._counted(work, below)
        except OSError as error:
            return error.strerror or str(error)
        except (ProtocolError, UsageError) as error:  # UsageError: a part that was there when it was looked for is not
            return str(error)
        written.append((path, where))
        self.result.bytes += entry.size
        return None

    # -- what stands there ----------------------------------------------------------------------------------------

    def check_folder(self, top: str) -> None:
        """UsageError when a file stands where the folder that was asked for must be, and it is not ours."""
        standing = self.folder.standing(top)
        if standing is not None and standing.is_file() and not self.force and not self._is_ours(top):
            raise UsageError("%s is a file: name a folder to write into" % self.folder.place(top), "exists")

    def _what_stands(self, path: str, entry: Entry, below: str) -> tuple[Standing | None, bool]:
        """(what may be replaced, whether it has the content already); None when the place is free. OSError, in words,
        when it must stay."""
        self._clear_way(below)
        self.folder.check(below)
        standing = self.folder.standing(below)
        if standing is not None and standing.is_folder():
            self._clear_folder(below)
            standing = None
        if standing is None:
            return None, False
        if not standing.is_file():
            if self.force:
                return standing, False
            raise OSError(errno.EEXIST, "something that is no file stands there; `--force` replaces it")
        content = self._content(below)
        if content == whole_hash(self.files, entry):
            return standing, True
        for name, known in self._known(below).items():
            if known.content == content and (name == path or self.files.get(name) is None):
                return standing, False
        if self.force:
            return standing, False
        raise OSError(errno.EEXIST, _FOREIGN)

    def _known(self, below: str) -> dict[str, Known]:
        return self.places.at(self.folder.place(below), self.files.store_id)

    def _content(self, below: str) -> bytes | None:
        """The BLAKE3 of a file on the disk; None when it is none."""
        hasher = self.files.crypto.blake3()
        try:
            with self.folder.open(below) as stream:
                while piece := stream.read(_READ_BYTES):
                    hasher.update(piece)
        except FileNotFoundError:
            return None
        return hasher.digest()

    def _is_ours(self, below: str) -> bool:
        """True for a file that was put from here or got to here, and is as it was then: its content is in the store."""
        standing = self.folder.standing(below)
        if standing is None or not standing.is_file():
            return False
        known = self._known(below)
        return bool(known) and self._content(below) in [one.content for one in known.values()]

    def _clear_way(self, below: str) -> None:
        """A file that stands where a folder must be goes when it is ours; a folder of the same name is newer."""
        names = below.split("/")
        for depth in range(1, len(names)):
            above = "/".join(names[:depth])
            standing = self.folder.standing(above)
            if standing is not None and standing.is_file() and (self.force or self._is_ours(above)):
                self.places.forget(self.folder.place(above), self.files.store_id)
                self.folder.remove(above)

    def _clear_folder(self, below: str) -> None:
        """A folder that stands where a file must be goes when all that is in it is ours. OSError when it must stay."""
        there = self.folder.place(below)
        inside, folders = [], [below]
        for where, subfolders, names in os.walk(there):
            relative = below + "/" + Path(where).relative_to(there).as_posix() if Path(where) != there else below
            inside += ["%s/%s" % (relative, name) for name in names]
            folders += ["%s/%s" % (relative, name) for name in subfolders]
        foreign = [path for path in inside if not self._is_ours(path)]
        if foreign:
            raise OSError(errno.EISDIR, "a folder stands there, with files that were not put from here or got to here")
        for path in inside:
            self.places.forget(self.folder.place(path), self.files.store_id)
            self.folder.remove(path)
        for path in sorted(folders, key=len, reverse=True):
            self.folder.remove(path)

    def _keep(self, path: str, entry: Entry, below: str) -> Steps[None]:
        """The content stands there already."""
        self.result.unchanged += 1
        self.done += entry.size
        yield self.done, self.total, below
        self.folder.keep(below)
        known = self._known(below).get(path)
        standing = self.folder.standing(below)
        if known is not None and standing is not None and stat.S_IMODE(standing.status.st_mode) == known.mode:
            self.folder.set_mode(below, entry.mode)

    # -- remembering ----------------------------------------------------------------------------------------------

    def _note(self, below: str, path: str, entry: Entry | None, seen: list[bytes], is_copy: bool) -> None:
        if entry is None:
            return
        known = Known(tuple(seen), entry.cid, whole_hash(self.files, entry), 0, "", is_copy)
        self._noted.append((below, path, known))
        if len(self._noted) % _NOTED_AT_ONCE == 0:
            self._remember({})

    def write_copy_alone(self, copy: copies.Copy, below: str) -> Steps[str | None]:
        """A conflict copy that was asked for by its name. Whoever has it has seen that version only."""
        written = self.result.conflict_copies
        failed = yield from self.write_version(copy.path, copy.entry, copy.version, below, written)
        if failed is None and copy.file is not None and copy.version is not None:
            self._note(below, copy.path, copy.entry, _equal(copy.file, copy.version), True)
        return failed

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """What was written is remembered, also when it is interrupted."""
        try:
            yield
        except BaseException:
            self._remember({})
            raise

    def _remember(self, renamed: dict[str, str]) -> None:
        """What the disk calls otherwise is remembered by the disk's name, once that is known. A memory that cannot be
        written is no failure of what was written to the disk."""
        noted, self._noted = self._noted, []
        try:
            for below, path, known in noted:
                called = renamed.get(below, below)
                standing = self.folder.standing(called)
                if standing is None:
                    self._noted.append((below, path, known))
                    continue
                mode = stat.S_IMODE(standing.status.st_mode) & 0o777
                known = replace(known, mode=mode, stamp=stamp_of(standing.status))
                where = self.folder.place(called)
                for other in self.places.at(where, self.files.store_id).copy():
                    if other != path and fold(other) == fold(path):  # one name to this disk, and now it is this one
                        self.places.forget(where, self.files.store_id, other)
                self.places.note(where, self.files.store_id, path, known)
            self.files.journal.commit()
        except StorageError:
            self.files.journal.rollback()
            self.result.remembered = False

    def _say(self, text: str) -> None:
        if text not in self.result.notes:
            self.result.notes.append(text)

    def finish(self, single: str, problems: list[tuple[str, str]]) -> GetResult:
        """`single`: the one file that was asked for; a problem with it is an error when nothing was written."""
        renamed = {}
        try:
            renamed = self.folder.sync()
        except OSError as error:
            problems = [*problems, (single, "the disk failed: %s" % error.strerror)]
        self.result.problems += problems
        self._remember(renamed)
        for below, called in renamed.items():
            self._say("%s is called %s on this disk" % (tree.shown(below), tree.shown(called)))
        self.result.notes += self.folder.wishes
        done = self.result.written or self.result.conflict_copies or self.result.unchanged
        if single and problems and not done:
            raise UsageError("%s: %s" % (tree.shown(single), problems[0][1]))
        return self.result

    def _counted(self, work: Generator[int, None, Path], below: str) -> Steps[Path]:
        """Counts what is written."""
        while True:
            try:
                self.done += next(work)
            except StopIteration as end:
                return end.value
            yield self.done, self.total, below


def _equal(file: File, version: Version) -> list[bytes]:
    """The writes that gave the same content as this version."""
    cid = None if version.entry is None else version.entry.cid
    return [other.hash for other in file.versions if other.entry is not None and other.entry.cid == cid]


def whole_hash(files: Files, entry: Entry) -> bytes:
    """The BLAKE3 of a content as the entry, or its list, names it."""
    return entry.digest if entry.codec == cids.RAW else files.content_hash(entry)


def not_held_text(files: Files, file: File, version: Version | None = None) -> str:
    """Says that a content is not here, and who is known to hold it."""
    names = []
    for key, how in files.holders(file, version):
        name = files.members.peer_name(key) or key.hex()[:8]
        names.append(name if how == "acknowledged" else "%s (wrote it)" % name)
    if names:
        return "its content is not here; known to hold it: %s. Sync with one of them" % ", ".join(names)
    return "its content is not here, and nobody is known to hold it"
