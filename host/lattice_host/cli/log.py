"""`log append`, `read`, `tail`, `follow`."""

import json as json_module
import time
from typing import Annotated

import typer

from lattice_core.api.log import READ_ENTRIES, TAIL_ENTRIES
from lattice_core.api.plain import bytes_fields

from ..clock import now_ms
from . import values
from .arguments import Hex, Json, Store, noun
from .context import backend
from .endings import INTERRUPTED, WrongUsage
from .output import count_text, emit, say, size_text, time_text

app = noun("Log stores: entries in the order of their time, which nobody changes.")

_POLL_S = 0.5
_AN_ENTRY = "an entry of a log"
_WHEN_HELP = "90m, 12h, 7d or 2w ago, or a local date as 2026-12-24 or 2026-12-24T18:00."

From = Annotated[
    str | None, typer.Option("--from", metavar="WHEN", help="Entries from this moment on: %s" % _WHEN_HELP)
]
To = Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Entries before this moment; as --from.")]


def _span(from_when, to_when):
    """The arguments of an operation for --from and --to."""
    span = {}
    for option, name, text in (("--from", "from_ms", from_when), ("--to", "to_ms", to_when)):
        if text is not None:
            when_s = values.moment_s(text, now_ms() // 1000, -1)
            if when_s is None or when_s < 0:
                raise WrongUsage("%s takes %s" % (option, _WHEN_HELP.rstrip(".")))
            span[name] = when_s * 1000
    return span


@app.command()
def append(
    ctx: typer.Context,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Text, `@FILE` for a file's bytes, `@-` for stdin.")],
    store: Store = None,
    is_hex: Hex = False,
    json: Json = False,
) -> None:
    """Append an entry."""
    content = values.content(value, is_hex, _AN_ENTRY)
    data = backend(ctx).call("log.append", store=store, **bytes_fields("value", content))
    emit(json, data, lambda done: say("appended: %s, at %s" % (size_text(len(content)), time_text(done["wall_ms"]))))


@app.command()
def read(
    ctx: typer.Context,
    from_when: From = None,
    to_when: To = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="HASH", help="Begin behind the entry with this hash.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = READ_ENTRIES,
    store: Store = None,
    json: Json = False,
) -> None:
    """Entries in the order of their time."""
    data = backend(ctx).call("log.read", store=store, after=after, limit=limit, **_span(from_when, to_when))
    emit(json, data, _show_read)


def _show_read(data):
    _show_entries(data["entries"], "no entries")
    if data["more"]:
        shown = count_text(len(data["entries"]), "entry", "entries")
        say("more: %s shown, go on with --after %s" % (shown, data["entries"][-1]["hash"]))


@app.command()
def tail(
    ctx: typer.Context,
    from_when: From = None,
    to_when: To = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = TAIL_ENTRIES,
    store: Store = None,
    json: Json = False,
) -> None:
    """The last entries, in the order of their time."""
    data = backend(ctx).call("log.tail", store=store, limit=limit, **_span(from_when, to_when))
    emit(json, data, _show_tail)


def _show_tail(data):
    _show_entries(data["entries"], "no entries")
    if data["more"]:
        say("not all of them were shown: together they are too large")


@app.command()
def follow(
    ctx: typer.Context,
    from_when: From = None,
    to_when: To = None,
    cursor: Annotated[
        int | None,
        typer.Option("--cursor", min=0, help="Begin there: 0 is the beginning, the end if left out."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="End after so many; else Ctrl-C ends.")] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Entries as they arrive here, whoever wrote them, until Ctrl-C. With --json each answer is a line."""
    asked = backend(ctx)
    span = _span(from_when, to_when)
    left = limit
    try:
        while left is None or left > 0:
            count = READ_ENTRIES if left is None else min(left, READ_ENTRIES)
            data = asked.call("log.follow", store=store, cursor=cursor, limit=count, **span)
            is_news = bool(data["entries"]) or cursor is None
            cursor = data["cursor"]
            if left is not None:
                left -= len(data["entries"])
            if json and is_news:
                print(json_module.dumps(data), flush=True)
            elif not json:
                _show_entries(data["entries"], None)
            if not data["more"] and left != 0:
                time.sleep(_POLL_S)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _show_entries(entries, empty):
    for entry in entries:
        say("%s  %s  %s" % (time_text(entry["wall_ms"]), entry["author_name"] or entry["author"][:8], _text(entry)))
    if not entries and empty is not None:
        say(empty)


def _text(entry):
    if "problem" in entry:
        return "CANNOT BE READ: %s" % entry["problem"]
    return entry["value"] if "value" in entry else "0x" + entry["value_hex"]
