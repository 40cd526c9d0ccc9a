"""Group `file`: files of a store, and the places on this computer's disk where they were put from and got to."""

import os
import unicodedata
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files.files import Files
from lattice_core.files.tree import shown

from .. import copies
from .. import files as transfer
from ..getting import Steps
from ..places import Places
from .backend import Event, Result, Stream, progress
from .host_service import HostService

T = TypeVar("T")


class FileService(HostService):
    READS = ("list", "read")

    def put(self, path: str, name: str | None = None, force: bool = False, store: str | None = None) -> Stream:
        """Puts a file or folder of this computer's disk into a store, as `name`. What has not changed writes nothing;
        what is newer in the store stays, but with `force`. Yields progress in bytes."""
        steps = transfer.putting(self._files(store), Path(path), name, self.now_ms(), Places(self.on.storage), force)
        return _put_result((yield from _events(steps)))

    def put_stream(self, descriptor: int, name: str, store: str | None = None) -> Stream:
        """Puts what an open file of this process gives, to its end, as `name`: it replaces what stands. As `put`."""
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            steps = transfer.putting_stream(self._files(store), stream, name, self.now_ms())
            return _put_result((yield from _events(steps)))

    def get(self, name: str, destination: str, force: bool = False, store: str | None = None) -> Stream:
        """Writes a file or folder to this computer's disk, each file whole or not at all. Yields progress in bytes."""
        steps = transfer.getting(self._files(store), name, Path(destination), Places(self.on.storage), force)
        result = yield from _events(steps)
        return {
            "written": [{"path": path, "file": str(where)} for path, where in result.written],
            "conflict_copies": [{"path": path, "file": str(where)} for path, where in result.conflict_copies],
            "unchanged": result.unchanged,
            "bytes": result.bytes,
            "problems": _reasons(result.problems),
            "notes": result.notes,
            "remembered": result.remembered,
        }

    def read(self, name: str, store: str | None = None) -> Stream:
        """Yields the content of one file as {"event": "content", "data_hex"} in pieces: {`conflict_copies`: [name]}."""
        pieces, beside = transfer.content_of(self._files(store), name)
        for piece in pieces:
            yield {"event": "content", "data_hex": bytes(piece).hex()}
        return {"conflict_copies": beside}

    def list(self, name: str = "", store: str | None = None) -> Result:
        """{`files`: [...]}: a file, or what is below a folder, with size and time, what conflicts, and who holds it."""
        files = self._files(store)
        found = _named(files, _clean(name))
        folders = copies.folders_of(found)
        return {"files": [_row(files, file, file.path in folders) for file in found]}

    def remove(self, name: str, store: str | None = None) -> Result:
        """Removes a file, or all files of a folder: {`removed`: [path]}."""
        removed = copies.remove(self._files(store), _one(name), self.now_ms())
        self._commit()
        return {"removed": removed}

    def move(self, name: str, new_name: str, store: str | None = None) -> Result:
        """Gives a file or folder another name: {`moved`: [{`from`, `to`}]}."""
        moved = copies.move(self._files(store), _one(name), _one(new_name), self.now_ms())
        self._commit()
        return {"moved": [{"from": old, "to": new} for old, new in moved]}

    def undo(self, name: str, store: str | None = None) -> Result:
        """Brings back what the last removal or overwrite hid: {`restored`: [path]}."""
        restored = copies.undo(self._files(store), _one(name), self.now_ms())
        self._commit()
        return {"restored": restored}

    def _files(self, store: str | None) -> Files:
        return self._store(store).files


def _events(steps: Steps[T]) -> Generator[Event, None, T]:
    """The steps as events; the result."""
    while True:
        try:
            done, total, name = next(steps)
        except StopIteration as end:
            return end.value
        yield progress(done, total, name)


def _put_result(result: transfer.PutResult) -> Result:
    return {
        "written": result.written,
        "unchanged": result.unchanged,
        "bytes": result.bytes,
        "stored_bytes": result.stored_bytes,
        "files": [{"path": where, "cid": cid} for where, cid in result.entries],
        "skipped": _reasons(result.skipped),
        "newer": _reasons(result.newer),
        "conflicts": result.conflicts,
        "removed": result.removed,
        "notes": _reasons(result.notes),
    }


def _reasons(pairs):
    return [{"path": where, "reason": reason} for where, reason in pairs]


def _named(files, name):
    """The files below a folder, the file of a name, or the one that a conflict copy belongs to."""
    found = list(files.list(name))
    if name:
        copy = copies.find(files, name)
        own = files.get(name) if copy is None else copy.file
        if own is not None:
            found.insert(0, own)
        if not found:
            raise UsageError(
                "there is no file or folder called %s; `file list` shows what there is" % shown(name), "unknown_file"
            )
    return found


def _clean(name):
    return unicodedata.normalize("NFC", name).strip("/")


def _one(name):
    """What a change is about. The whole store is nothing that one slip of the hand may remove."""
    cleaned = _clean(name)
    if not cleaned:
        raise UsageError("%s is the whole store: name a file or a folder of it" % shown(name), "usage")
    return cleaned


def _row(files, file, is_folder):
    row = {"path": file.path, "size": None, "mode": None, "modified_at": None, "cid": None}
    if file.entry is not None:
        row.update(_content(file.entry))
    row["conflicts"] = [_conflict(files, file, version) for version in file.conflicts]
    row["held"] = files.held(file)
    row["problem"] = file.problem
    row["removed"] = file.removed
    row["written_as"] = file.conflict_path(file.version) if is_folder and file.entry is not None else None
    row["holders"] = [] if row["held"] or file.entry is None else _holders(files, file, file.version)
    return row


def _content(entry):
    return {
        "size": entry.size,
        "mode": entry.mode,
        "modified_at": entry.modified_at,
        "cid": cids.text(entry.cid),
    }


def _conflict(files, file, version):
    row = {"path": file.conflict_path(version), "author": version.author.hex(), "wall_ms": version.wall_ms}
    row.update(_content(version.entry))
    row["author_name"] = files.members.peer_name(version.author)
    row["held"] = files.contents.complete(version.entry)
    return row


def _holders(files, file, version):
    return [
        {"id": key.hex(), "name": files.members.peer_name(key), "how": how} for key, how in files.holders(file, version)
    ]
