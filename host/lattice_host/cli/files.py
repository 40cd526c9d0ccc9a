"""`file put`, `get`, `list`, `rm`, `mv`, `undo`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lattice_core.errors import UsageError

from .. import standard_input
from .arguments import Json, Store, noun
from .connect import run
from .context import backend
from .endings import PartlyDone, WrongUsage
from .output import count_text, emit, say, size_text, table, time_text, warn

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
    if is_stream:
        with standard_input.descriptor() as given:
            data = run(ctx, "file.put_stream", descriptor=given, name=name, store=store)
    else:
        data = run(ctx, "file.put", path=str(path), name=name, force=force, store=store)
    emit(json, data, _show_put)
    for item in data["notes"]:
        warn("%s: %s" % (item["path"], item["reason"]))
    for item in data["skipped"]:
        warn("%s was left out: %s" % (item["path"], item["reason"]))
    if data["skipped"]:
        raise PartlyDone("%s left out; the rest is in the store" % count_text(len(data["skipped"]), *_WAS))


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
    data = run(ctx, "file.get", name=name, destination=str(destination), force=force, store=store)
    problems = data["problems"]
    done = data["written"] or data["conflict_copies"] or data["unchanged"]
    if done or not problems:
        emit(json, data, _show_get)
    for note in data["notes"]:
        warn(note)
    if problems:
        for item in problems:
            warn("%s was not written: %s" % (item["path"], item["reason"]))
        text = "%s not written" % count_text(len(problems), "file was", "files were")
        raise PartlyDone(text) if done else UsageError(text)


def _get_stream(ctx, store, name):
    def write(event):
        sys.stdout.buffer.write(bytes.fromhex(event["data_hex"]))

    data = run(ctx, "file.read", write, name=name, store=store)
    sys.stdout.buffer.flush()
    for path in data["conflict_copies"]:
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
    emit(json, backend(ctx).call("file.list", name=folder, store=store), _show_list)


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
    data = backend(ctx).call("file.remove", name=name, store=store)
    emit(json, data, lambda done: say("%s removed" % count_text(len(done["removed"]), "file")))


@app.command("mv")
def move(
    ctx: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="New name in the store.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Give a file or folder another name. No content moves."""
    data = backend(ctx).call("file.move", name=name, new_name=new_name, store=store)
    emit(json, data, lambda done: say("%s moved" % count_text(len(done["moved"]), "file")))


@app.command()
def undo(ctx: typer.Context, name: Name, store: Store = None, json: Json = False) -> None:
    """Bring back what the last rm or overwrite of a file or folder hid."""
    data = backend(ctx).call("file.undo", name=name, store=store)
    emit(json, data, lambda done: say("%s brought back" % count_text(len(done["restored"]), "file")))
