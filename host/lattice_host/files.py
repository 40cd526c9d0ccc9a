"""Files from a disk into a store: `put` cuts and stores, and decides by what it remembers of a place (`places.py`)
whether the disk or the store has the newer version. The way back is `getting.py`.

Names are NFC in the store.
"""

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files import tree
from lattice_core.files.chunks import ChunkListBuilder
from lattice_core.files.entry import INLINE_BYTES, Entry
from lattice_core.files.files import BATCH_ENTRIES, Files
from lattice_core.files.reading import File

from . import copies
from .chunking import cut
from .datadir import belongs_to_node, is_data_directory, is_seed
from .disks import fold, keeps_modes, open_regular
from .getting import GetResult, Progress, Steps, content_of, get, getting, no_progress, run_to_end
from .places import Known, Places, stamp_of
from .walking import walk

__all__ = ["GetResult", "PutResult", "content_of", "get", "getting", "no_progress", "put", "putting", "putting_stream"]

COMMIT_BYTES = 8 << 20  # blobs of a large file are committed in pieces; its entry comes with the last one
_ATTEMPTS = 2  # at a file that changes while it is read
_OUR_MODE = 0o666
_SEED_BYTES = 32

_NEWER = "the store has a newer version, and it was not changed here since"
_OLDER = "the store had this version before, and has a newer one"
_REMOVED = "it was removed in the store, and not changed here since"
_BOTH = "a folder has this name in the store, too: it keeps it, `file list` shows what the file is called on a disk"
_OLD_TIME = "its time is before 1970, which the store cannot hold: it has 1970-01-01 there"


@dataclass
class PutResult:
    """What `put` did. `entries`: (path, cid text) of every file that was looked at and taken in; `skipped`: (path, why)
    of what was left out; `newer`: (path, why) of what the store has a newer version of, so nothing was written;
    `conflicts`: names of which several versions stand now; `removed`: files whose name is a folder's on this disk now,
    or the reverse; `notes`: (path, what could not be kept). `stored_bytes`: those of `bytes` that were not here."""

    written: int = 0
    unchanged: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    entries: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    newer: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def put(
    files: Files,
    source: Path,
    name: str | None,
    now_ms: int,
    progress: Progress = no_progress,
    places: Places | None = None,
    force: bool = False,
) -> PutResult:
    """`putting` to its end."""
    return run_to_end(putting(files, source, name, now_ms, places, force), progress)


def putting(
    files: Files,
    source: Path,
    name: str | None,
    now_ms: int,
    places: Places | None = None,
    force: bool = False,
) -> Steps[PutResult]:
    """Puts a file, or a folder with everything below it, under `name` (its own name by default).

    Unchanged files write nothing; what somebody else has changed since the disk's version was got is never overwritten
    (docs/files.md, "Two places"), but with `force`. What of a folder cannot be read or stored is named in `skipped`.
    Committed when this returns; after an error, or when it is closed, what was committed stays, and blobs that no entry
    names yet are used by the next attempt.
    """
    source = Path(source)
    own_name = Path(os.path.abspath(source)).name
    target = unicodedata.normalize("NFC", own_name if name is None else name).rstrip("/")
    if target or source.is_file():
        tree.check(target)
    putter = _Putter(files, now_ms, Places() if places is None else places, force)
    if name is not None and target:
        putter.within = target + "/"
    try:
        status = source.stat()
        if stat.S_ISREG(status.st_mode):
            yield from putter.put_single(target, Path(os.path.realpath(source)), status.st_size)
        elif stat.S_ISDIR(status.st_mode):
            yield from putter.put_folder(target, Path(os.path.realpath(source)))
        else:
            raise UsageError("%s is neither a file nor a folder" % source, "unknown_file")
    except OSError as error:
        raise UsageError("%s cannot be read: %s" % (error.filename or source, error.strerror), "no_access") from None
    putter.finish()
    return putter.result


def putting_stream(files: Files, stream: BufferedReader, name: str, now_ms: int) -> Steps[PutResult]:
    """Puts what a stream gives, to its end, under `name`. It comes from no place on a disk: it replaces what stands."""
    target = tree.check(unicodedata.normalize("NFC", name))
    putter = _Putter(files, now_ms, Places(), True)
    copy = copies.find(files, target)
    path = target if copy is None else copy.path
    if files.get(path) is None:
        copies.check_free(files, path, "NAME")
    umask = os.umask(0)
    os.umask(umask)
    new, _ = yield from putter.store_content(path, stream)
    putter.count(new)
    entry = Entry(path.split("/")[-1], _OUR_MODE & ~umask, new.cid, now_ms, new.size, new.inline)
    standing = files.get(path)
    if standing is not None and standing.entry is not None:
        entry.mode = standing.entry.mode  # only its content is new
    putter.write(_Found(path, None, entry, b"", 0, ""), None)
    putter.finish()
    return putter.result


@dataclass
class _Found:
    """A file that was read: `where` on the disk (None: a stream), its entry, and what is remembered of it."""

    path: str
    where: Path | None
    entry: Entry
    content: bytes
    mode: int
    stamp: str

    def modified_ns(self) -> int:
        return int(self.stamp.split()[1])


def _keep_nothing(_digest: bytes, _data: bytes) -> None:
    """For content that is only looked at."""


class _Unsteady(Exception):
    """A file changed while it was read."""


class _Putter:
    """Puts files one after the other, entries in batches, and counts."""

    def __init__(self, files: Files, now_ms: int, places: Places, force: bool):
        self.files = files
        self.journal = files.journal
        self.crypto = files.crypto
        self.now_ms = now_ms
        self.places = places
        self.force = force
        self.result = PutResult()
        self.done = 0
        self.total = 0
        self.within = ""  # where all names lie that are written, when it was said: it is meant as it is spelled
        self._batch: list[tuple[_Found, list[bytes] | None]] = []
        self._fresh = 0  # bytes of the file under way that were not here

    # -- what is put ----------------------------------------------------------------------------------------------

    def put_single(self, target: str, where: Path, size: int) -> Steps[None]:
        """A file that was named itself. OSError when it cannot be read."""
        if belongs_to_node(where) or is_seed(where):
            raise UsageError("%s is, or belongs to, the secret identity of a node: it is never put" % where, "secret")
        settled = self._version_of(target, where) if copies.is_copy_name(target) else None
        try:
            found = yield from self._read(target if settled is None else settled, where, size)
        except _Unsteady as unsteady:
            raise UsageError("%s: %s" % (where, unsteady)) from None
        if settled is None:
            self._decide(found, single=True)
            self._replace_folder(target, where)
            if any(copies.holds_something(file) for file in self.files.list(target)):
                self.result.notes.append((target, _BOTH))
            for above in copies.above_of(target):
                file = self.files.get(above)
                if file is not None and file.entry is not None:
                    self.result.notes.append((above, _BOTH))
        else:  # writing one of the versions back is how a conflict is settled
            self._choose_mode(found, self.files.get(settled), None)
            self.write(found, None)

    def _version_of(self, name: str, where: Path) -> str | None:
        """The name that a conflict copy is a version of; None when somebody has called a file so."""
        copy = copies.find(self.files, name)
        if copy is not None:
            return copy.path
        if self.files.get(name) is not None:
            return None
        for path, known in self.places.at(where, self.files.store_id).items():
            if known.copy:
                return path
        raise UsageError(
            "%s is called like a conflict copy, and the store knows no such version: give it another name with --as, "
            "its own one to settle the conflict" % tree.shown(name),
            "bad_name",
        )

    def put_folder(self, target: str, folder: Path) -> Steps[None]:
        if is_data_directory(folder):
            raise UsageError("%s is the data directory of a node: it is never put" % folder, "secret")
        found = walk(folder, target)
        self.result.skipped += found.skipped
        self.total = found.total()
        for path, places in found.files.items():
            if copies.is_copy_name(path) and (yield from self._is_copy(path, places[0][0])):
                continue
            yield from self._put_twins(self._name_for(path, places[0][0]), places)
        for path, where in found.folders:
            self._replace_file(path, where)

    def _put_twins(self, path: str, places: list[tuple[Path, int]]) -> Steps[None]:
        """One name of the store, and where it lies: twice when two names differ in the form of their accents."""
        read = []
        for where, size in places:
            try:
                read.append((yield from self._read(path, where, size)))
            except (OSError, _Unsteady) as error:
                reason = "it cannot be read: %s" % error.strerror if isinstance(error, OSError) else str(error)
                self.result.skipped.append((path, reason))
        if not read:
            return
        changed = [found for found in read if self._is_changed(found)] if len(read) > 1 else read
        # What changed is put, the newest of it, but not over a newer one that is in the store already.
        chosen = max(read, key=lambda found: (found.modified_ns(), found in changed)) if changed else read[0]
        self._decide(chosen)
        self._replace_folder(path, places[0][0])
        for found in changed:
            if found is not chosen and found.entry.cid != chosen.entry.cid:
                reason = "another file has the same name but for the form of its accents, and is newer"
                self.result.skipped.append((path, reason))

    def _is_changed(self, found: _Found) -> bool:
        known = self._known(found)
        if known is not None:
            return known.cid != found.entry.cid
        return not any(entry is not None and entry.cid == found.entry.cid for _, entry in self._history(found.path))

    def _name_for(self, path: str, where: Path) -> str:
        """The name in the store of a file that its disk calls differently than the `get` that wrote it."""
        known = self.places.at(where, self.files.store_id)
        alike = [
            name for name in known if fold(name) == fold(path) and not known[name].copy and name.startswith(self.within)
        ]
        return alike[0] if len(alike) == 1 and path not in known else path

    def _is_copy(self, path: str, where: Path) -> Steps[bool]:
        """True when a file of a folder is a conflict copy: it is no file of its own. Named when it was changed."""
        copy = copies.find(self.files, path)
        known = [known for known in self.places.at(where, self.files.store_id).values() if known.copy]
        if copy is None and self.files.get(path) is not None:
            return False  # a file that somebody has called so
        try:
            with open_regular(where) as stream:
                bounded = _Bounded(stream, os.fstat(stream.fileno()).st_size)
                cid = (yield from self.read_content(path, bounded))[0].cid
        except OSError as error:
            self.result.skipped.append((path, "it cannot be read: %s" % error.strerror))
            return True
        if cid not in [one.cid for one in known] and (copy is None or copy.entry.cid != cid):
            reason = "it is called like a conflict copy; `file put` of it alone makes it the version that stays"
            self.result.skipped.append((path, reason))
        return True

    def finish(self) -> None:
        self._put_entries()
        self.files.index.collect(self.now_ms)
        self.journal.commit(self.now_ms)

    # -- what is newer --------------------------------------------------------------------------------------------

    def _decide(self, found: _Found, single: bool = False) -> None:
        """Whether a file that was read is written, and as the successor of what."""
        file = self.files.get(found.path)
        known = self._known(found)
        self._choose_mode(found, file, known)
        heads = self._heads(found.path) if file is None else [version.hash for version in file.versions]
        standing = set(heads)
        seen = known is not None and set(known.heads) == standing
        if file is not None and not file.conflicts and file.entry is not None and file.entry.same_file(found.entry):
            self._stands(found, heads)
        elif self.force:
            self.write(found, None)
        elif file is not None and file.entry is not None and file.entry.cid == found.entry.cid:
            if file.conflicts and not (single and (known is None or seen)):
                self._leave(found, known, file)
            else:
                self.write(found, None)
        elif file is not None and any(version.entry.cid == found.entry.cid for version in file.conflicts):
            if single if known is None else seen and known.cid != found.entry.cid:
                self.write(found, None)
            else:
                self._leave(found, known, file)
        elif known is None:
            self._decide_unknown(found, file, standing, single)
        elif known.cid == found.entry.cid:
            if file is None and single and self._removed_here(found.path):
                self.write(found, None)
            else:
                self.result.newer.append((found.path, _REMOVED if file is None else _NEWER))
        elif seen or (file is not None and not file.conflicts and self._has(file, known.cid)):
            self.write(found, None)
        else:
            self.write(found, self._still_here(known))

    def _still_here(self, known: Known) -> list[bytes]:
        """The remembered versions that this store has: it may have been joined anew."""
        return [head for head in known.heads if self.files.store.witness_sequence(head)]

    def _decide_unknown(self, found: _Found, file: File | None, standing: set[bytes], single: bool) -> None:
        """Nothing is remembered of the place: the history of the name tells an old copy from a new file."""
        if not standing:
            self.write(found, None)
            return
        had = any(entry is not None and entry.cid == found.entry.cid for _, entry in self._history(found.path))
        if had and not (file is None and single):
            self.result.newer.append((found.path, _REMOVED if file is None else _OLDER))
        elif file is None or all(version.author == self.files.members.own for version in file.versions):
            self.write(found, None)
        else:
            self.write(found, [])

    def _has(self, file: File, cid: bytes) -> bool:
        return file.entry is not None and file.entry.cid == cid

    def _removed_here(self, path: str) -> bool:
        row = self.files.kv.inspect(tree.key_of(path))
        return row is not None and all(head.author == self.files.members.own for head in row.heads())

    def _heads(self, path: str) -> list[bytes]:
        row = self.files.kv.inspect(tree.key_of(path))
        return [] if row is None else [head.hash for head in row.heads()]

    def _history(self, path: str) -> Iterator[tuple[bytes, Entry | None]]:
        return copies.versions_of(self.files, path)

    def _known(self, found: _Found) -> Known | None:
        if found.where is None:
            return None
        return self.places.known(found.where, self.files.store_id, found.path)

    def _choose_mode(self, found: _Found, file: File | None, known: Known | None) -> None:
        """The entry's mode is the store's unless somebody changed it on a disk that can keep it."""
        if file is None or file.entry is None or found.where is None:
            return
        changed = known.mode != found.mode if known is not None else keeps_modes(found.where)
        if not changed:
            found.entry.mode = file.entry.mode

    def _stands(self, found: _Found, heads: list[bytes]) -> None:
        """Exactly this file is what the store has."""
        if found.entry.inline is None:
            self.files.contents.mark_complete(found.entry)
        self.result.unchanged += 1
        self.result.entries.append((found.path, cids.text(found.entry.cid)))
        self._note(found, heads)

    def _leave(self, found: _Found, known: Known | None, file: File) -> None:
        """Nothing is written: what lies on the disk is one of the versions in conflict."""
        self.result.unchanged += 1
        self.result.conflicts.append(found.path)
        self.result.entries.append((found.path, cids.text(found.entry.cid)))
        if known is None or known.cid != found.entry.cid:
            same = [
                version.hash
                for version in file.versions
                if version.entry is not None and version.entry.cid == found.entry.cid
            ]
            self._note(found, same)

    # -- a file that became a folder, a folder that became a file -------------------------------------------------

    def _replace_file(self, path: str, where: Path) -> None:
        """The folder `where` stands in the place of a file that was put from here, or got to here: that file goes."""
        file = self.files.get(path)
        if file is not None and file.entry is not None and not self._remove_replaced(path, where):
            self.result.notes.append((path, _BOTH))

    def _replace_folder(self, path: str, where: Path) -> None:
        """The file `where` stands in the place of a folder: what was put from it, or got to it, goes."""
        below = [file.path for file in self.files.list(path) if file.entry is not None]
        for name in below:
            self._remove_replaced(name, where / name[len(path) + 1 :])

    def _remove_replaced(self, path: str, where: Path) -> bool:
        known = self.places.known(where, self.files.store_id, path)
        deps = [] if known is None or known.copy else self._still_here(known)
        if not deps:
            return False
        self._put_entries()
        self.files.write([(path, None, deps)], self.now_ms)
        self.places.forget(where, self.files.store_id)
        self.result.removed.append(path)
        return True

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, found: _Found, deps: list[bytes] | None) -> None:
        """`deps`: the versions that it replaces, None for all."""
        self._batch.append((found, deps))
        if len(self._batch) == BATCH_ENTRIES:
            self._put_entries()

    def _put_entries(self) -> None:
        batch, self._batch = self._batch, []
        hashes = self.files.write(
            [(found.path, found.entry) if deps is None else (found.path, found.entry, deps) for found, deps in batch],
            self.now_ms,
        )
        for (found, deps), hash in zip(batch, hashes, strict=True):
            self.result.written += hash is not None
            if hash is not None and found.entry.inline is not None:
                self.result.stored_bytes += found.entry.size  # it is in the entry
            self.result.unchanged += hash is None
            self.result.entries.append((found.path, cids.text(found.entry.cid)))
            if deps is not None:
                self.result.conflicts.append(found.path)
            self._note(found, self._heads(found.path) if hash is None else [hash])
        self.journal.commit(self.now_ms)

    def _note(self, found: _Found, heads: list[bytes]) -> None:
        if found.where is not None:
            known = Known(tuple(heads), found.entry.cid, found.content, found.mode, found.stamp)
            self.places.note(found.where, self.files.store_id, found.path, known)

    # -- reading --------------------------------------------------------------------------------------------------

    def _read(self, path: str, where: Path, size: int) -> Steps[_Found]:
        """Stores the content of one file. OSError when it cannot be read, _Unsteady when it does not keep still."""
        self.total = max(self.total, self.done + size)
        self._fresh = 0
        for _ in range(_ATTEMPTS - 1):
            try:
                found = yield from self._read_once(path, where)
                break
            except _Unsteady:
                continue
        else:
            found = yield from self._read_once(path, where)
        self.count(found.entry)
        self.done += size
        yield self.done, self.total, path
        return found

    def count(self, new: Entry) -> None:
        """What was read to its end counts; what is in the entry is new only when that is written."""
        self.result.bytes += new.size
        self.result.stored_bytes += min(self._fresh, new.size)

    def _read_once(self, path: str, where: Path) -> Steps[_Found]:
        with open_regular(where) as stream:
            status = os.fstat(stream.fileno())
            new, content = yield from self.store_content(path, _Bounded(stream, status.st_size))
            after = os.fstat(stream.fileno())
            if _times(after) != _times(status) or new.size != status.st_size or stream.read(1):
                raise _Unsteady("it changed while it was read: put it again when nothing writes to it")
        if new.inline is not None and self._is_our_secret(new.inline):
            raise OSError(errno.EPERM, "it is the secret identity of this node")
        modified_at = status.st_mtime_ns // 1_000_000
        if modified_at < 0:
            self.result.notes.append((path, _OLD_TIME))
        mode = stat.S_IMODE(status.st_mode) & 0o777
        entry = Entry(path.split("/")[-1], mode, new.cid, max(modified_at, 0), new.size, new.inline)
        return _Found(path, where, entry, content, mode, stamp_of(status))

    def _is_our_secret(self, content: bytes) -> bool:
        return len(content) == _SEED_BYTES and self.crypto.ed25519_public(content) == self.files.members.own

    def store_content(self, path: str, stream) -> Steps[tuple[Entry, bytes]]:
        """Stores the blobs of what a stream gives, read once: an entry without name and time, the BLAKE3 of it all."""
        return self.read_content(path, stream, self._store_chunk, self._store)

    def read_content(
        self, path: str, stream, store=_keep_nothing, store_list=_keep_nothing
    ) -> Steps[tuple[Entry, bytes]]:
        """The same; without `store` nothing is stored."""
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
                store(digest, chunk)
            for list_digest, data in builder.add(digest, len(chunk)):
                store_list(list_digest, data)
            yield self.done + size, max(self.total, self.done + size), path
        content = hasher.digest()
        cid, lists = builder.finish(content)
        for list_digest, data in lists:
            store_list(list_digest, data)
        return Entry("", 0, cid, 0, size, inline), content

    def _store_chunk(self, digest: bytes, data: bytes) -> None:
        if self._store(digest, data):
            self._fresh += len(data)

    def _store(self, digest: bytes, data: bytes) -> bool:
        if self.files.contents.has(digest):
            return False
        self.files.store.put_blob(digest, data)
        if self.files.storage.pending() >= COMMIT_BYTES:
            self.journal.commit()
        return True


def _times(status: os.stat_result) -> tuple[int, int, int]:
    """What is another one when a file was written to, also by somebody who sets its time back."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class _Bounded:
    """A file up to the size that it had when it was opened: one that grows all the time ends, too."""

    def __init__(self, stream: BufferedReader, size: int):
        self.name = stream.name
        self._stream = stream
        self._left = size

    def readinto(self, into: memoryview) -> int:
        count = self._stream.readinto(memoryview(into)[: self._left])
        self._left -= count
        return count
