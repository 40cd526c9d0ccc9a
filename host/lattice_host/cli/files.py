"""`file put`, `get`, `list`, `rm`, `mv`, `undo`."""

import sys
import unicodedata
from pathlib import Path
from typing import Annotated

import typer

from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files.tree import shown

from .. import copies, standard_input
from .. import files as transfer
from ..clock import now_ms
from ..places import Places
from .arguments import Json, Store, noun
from .context import desk
from .endings import PartlyDone, WrongUsage
from .output import count_text, emit, say, size_text, table, time_text, warn
from .progress import ProgressLine

app = noun("Files of a store, whole folders too.")

_STREAM = "-"
_WAS = ("entry was", "entries were")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name in the store, `folder/file`.")]
NameOrAll = Annotated[str, typer.Argument(metavar="NAME", help="Name in the store, `folder/file`; `/` for all of it.")]


@app.command()
def put(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File or folder on this disk; `-` for standard input.")],
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Name in the store.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what stands in the store, newer or not, removed or not.")
    ] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Put a file or folder into the store. What has not changed writes nothing."""
    is_stream = str(path) == _STREAM
    if is_stream and not name:
        raise WrongUsage("standard input has no name: give one with --as NAME")
    given = standard_input.stream() if is_stream else None
    with desk(ctx) as on, ProgressLine() as meter:
        files = on.store(store).files
        if given is not None:
            result = transfer.put_stream(files, given, name or "", now_ms(), meter.show)
        else:
            result = transfer.put(files, path, name, now_ms(), meter.show, Places(on.storage), force)
    data = {
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
    emit(json, data, _show_put)
    for where, reason in result.notes:
        warn("%s: %s" % (where, reason))
    for where, reason in result.skipped:
        warn("%s was left out: %s" % (where, reason))
    if result.skipped:
        raise PartlyDone("%s left out; the rest is in the store" % count_text(len(result.skipped), *_WAS))


def _reasons(pairs):
    return [{"path": where, "reason": reason} for where, reason in pairs]


def _show_put(data):
    say(
        "%s written, %d unchanged, %s (%s of it new)"
        % (
            count_text(data["written"], "file"),
            data["unchanged"],
            size_text(data["bytes"]),
            size_text(data["stored_bytes"]),
        )
    )
    for item in data["newer"]:
        say("  not put: %s: %s (`--force` puts it)" % (item["path"], item["reason"]))
    for path in data["conflicts"]:
        say("  in conflict: %s: others changed it, too; every version stands, see `file list`" % path)
    for path in data["removed"]:
        say("  removed: %s: its name is used differently on this disk now" % path)


@app.command()
def get(
    ctx: typer.Context,
    name: NameOrAll,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="Folder to write into, or the new name; `-` for standard output.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace what stands there, whatever it is.")] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Write a file or folder to this disk, each file whole or not at all."""
    if str(destination) == _STREAM:
        if json:
            raise WrongUsage("the content goes to standard output: --json has no place there")
        _get_stream(ctx, store, name)
        return
    with desk(ctx) as on, ProgressLine() as meter:
        places = Places(on.storage)
        result = transfer.get(on.store(store).files, name, destination, meter.show, places, force)
    data = {
        "written": [{"path": path, "file": str(where)} for path, where in result.written],
        "conflict_copies": [{"path": path, "file": str(where)} for path, where in result.conflict_copies],
        "unchanged": result.unchanged,
        "bytes": result.bytes,
        "problems": _reasons(result.problems),
        "notes": result.notes,
        "remembered": result.remembered,
    }
    done = result.written or result.conflict_copies or result.unchanged
    if done or not result.problems:
        emit(json, data, _show_get)
    for note in result.notes:
        warn(note)
    if result.problems:
        for path, reason in result.problems:
            warn("%s was not written: %s" % (path, reason))
        text = "%s not written" % count_text(len(result.problems), "file was", "files were")
        raise PartlyDone(text) if done else UsageError(text)


def _get_stream(ctx, store, name):
    with desk(ctx, reads=True) as on:
        pieces, beside = transfer.content_of(on.store(store).files, name)
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    for path in beside:
        warn("there is a conflict copy: %s" % path)


def _show_get(data):
    say(
        "%s written, %d unchanged, %s"
        % (count_text(len(data["written"]), "file"), data["unchanged"], size_text(data["bytes"]))
    )
    for copy in data["conflict_copies"]:
        say("  conflict copy: %s" % copy["file"])
    if not data["remembered"]:
        say("  the data directory takes no note of it: a later get will ask for --force to replace these files")


@app.command("list")
def list_files(
    ctx: typer.Context,
    folder: Annotated[
        str, typer.Argument(metavar="[NAME]", help="This file, or what is below this folder; `/`: all.")
    ] = "",
    store: Store = None,
    json: Json = False,
) -> None:
    """Files with size and time, what conflicts, and whose content is not here."""
    with desk(ctx, reads=True) as on:
        files = on.store(store).files
        found = _named(files, _clean(folder))
        folders = copies.folders_of(found)
        data = {"files": [_row(files, file, file.path in folders) for file in found]}
    emit(json, data, _show_list)


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
        raise WrongUsage("%s is the whole store: name a file or a folder of it" % shown(name))
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
    row["author_name"] = files.node.peer_name(version.author)
    row["held"] = files.contents.complete(version.entry)
    return row


def _holders(files, file, version):
    return [
        {"id": key.hex(), "name": files.node.peer_name(key), "how": how} for key, how in files.holders(file, version)
    ]


def _show_list(data):
    rows = []
    for row in data["files"]:
        size = "" if row["size"] is None else size_text(row["size"])
        time = "" if row["modified_at"] is None else time_text(row["modified_at"])
        rows.append((row["path"], size, time, _notes(row)))
        rows += [
            (copy["path"], size_text(copy["size"]), time_text(copy["modified_at"]), "conflict copy, by %s" % _who(copy))
            for copy in row["conflicts"]
        ]
    table(("name", "size", "modified", ""), rows, "no files: `file put PATH` brings some")


def _who(copy):
    return copy["author_name"] or copy["author"][:8]


def _notes(row):
    if row["problem"]:
        return row["problem"]
    if row["removed"]:
        return "removed, but edited elsewhere at the same time"
    if row["written_as"]:
        return "a folder has this name, too: `get` writes the file as %s" % row["written_as"]
    if row["held"]:
        return ""
    names = [holder["name"] or holder["id"][:8] for holder in row["holders"]]
    return "content not here; known to hold it: %s" % (", ".join(names) or "nobody")


@app.command("rm")
def remove(ctx: typer.Context, name: Name, store: Store = None, json: Json = False) -> None:
    """Remove a file, or all files of a folder. `undo` brings them back."""
    with desk(ctx) as on:
        removed = copies.remove(on.store(store).files, _one(name), now_ms())
        on.commit()
    emit(json, {"removed": removed}, lambda data: say("%s removed" % count_text(len(data["removed"]), "file")))


@app.command("mv")
def move(
    ctx: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="New name in the store.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Give a file or folder another name. No content moves."""
    with desk(ctx) as on:
        moved = copies.move(on.store(store).files, _one(name), _one(new_name), now_ms())
        on.commit()
    data = {"moved": [{"from": old, "to": new} for old, new in moved]}
    emit(json, data, lambda done: say("%s moved" % count_text(len(done["moved"]), "file")))


@app.command()
def undo(ctx: typer.Context, name: Name, store: Store = None, json: Json = False) -> None:
    """Bring back what the last rm or overwrite of a file or folder hid."""
    with desk(ctx) as on:
        restored = copies.undo(on.store(store).files, _one(name), now_ms())
        on.commit()
    emit(json, {"restored": restored}, lambda data: say("%s brought back" % count_text(len(data["restored"]), "file")))
