"""What commands print: JSON for programs, tables for people, errors on stderr, sizes and times as people read them."""

import datetime
import io
import json
import re
import sys

from lattice_core.errors import StorageError
from lattice_core.text import HIDDEN, printable

from ..complaints import warn as warn

_UNITS = ("KiB", "MiB", "GiB", "TiB")
_RANGES = ("%s-%s" % (chr(HIDDEN[at]), chr(HIDDEN[at + 1])) for at in range(0, len(HIDDEN), 2))
_ESCAPED_IN_JSON = re.compile("(?!\n)[%s]" % "".join(_RANGES))  # a line break can only be one of the layout


def emit(as_json, data, render):
    """Prints `data` as one JSON document, or lets `render(data)` print it for people."""
    if as_json:
        _line(json_text(data), sys.stdout)
    else:
        render(data)


def json_text(data):
    """JSON that a terminal can show: what is hidden in a string is escaped, and loads back as it was."""
    text = _ESCAPED_IN_JSON.sub(_json_escape, json.dumps(data, ensure_ascii=False, indent=2))
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(data, indent=2)  # into a stream that is narrower
    return text


def _json_escape(found):
    return json.dumps(found.group())[1:-1]


def say(text):
    """One line for people."""
    _line(printable(text), sys.stdout)


def _line(text, stream):
    try:
        print(text, file=stream)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError("what was printed could not be written (%s)" % error.strerror) from error


def table(columns, rows, empty):
    """A table, or the line `empty` when there are no rows."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    if not cells:
        say(empty)
    elif sys.stdout.isatty():
        _draw(columns, cells)
    else:
        _print_columns([list(columns), *cells])


def _draw(columns, rows):
    """On a terminal long cells are folded into their column."""
    from rich import table as tables  # here: it is large, and pipes do without it
    from rich.console import Console
    from rich.markup import escape

    grid = tables.Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*[escape(cell) for cell in row])
    drawn = io.StringIO()
    Console(file=drawn, highlight=False, width=Console(file=sys.stdout).width, force_terminal=True).print(grid)
    _line(drawn.getvalue().rstrip("\n"), sys.stdout)


def _print_columns(rows):
    """Into a pipe or file every row is one line, however long."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        _line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), sys.stdout)


def size_text(count):
    if count < 1024:
        return "%d B" % count
    value = float(count)
    for unit in _UNITS:
        value /= 1024
        if value < 1024 or unit == _UNITS[-1]:
            return "%.1f %s" % (value, unit)
    raise AssertionError("unreachable: the last unit takes everything")


def count_text(count, noun, plural=None):
    return "%d %s" % (count, noun if count == 1 else plural or noun + "s")


def time_text(wall_ms):
    """Local time of a stamp; stamps that no calendar holds are shown as they are."""
    try:
        moment = datetime.datetime.fromtimestamp(wall_ms / 1000)
    except (OverflowError, OSError, ValueError):
        return "%d ms" % wall_ms
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def duration_text(seconds):
    if seconds < 1:
        return "%d ms" % (seconds * 1000)
    if seconds < 60:
        return "%.1f s" % seconds
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return "%d min %02d s" % (minutes, seconds)
    return "%d h %02d min" % divmod(minutes, 60)


def bytes_in(row, name):
    """The bytes that a row gives as `name`, or as `name_hex`."""
    return row[name].encode() if name in row else bytes.fromhex(row[name + "_hex"])


def say_text(text):
    """Text of several lines, as a value may be: line breaks and tabs are kept, nothing else that moves the cursor."""
    _line("\n".join("\t".join(printable(cell) for cell in line.split("\t")) for line in text.split("\n")), sys.stdout)
