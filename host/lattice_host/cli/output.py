"""What commands print: JSON for programs, tables for people, errors on stderr, sizes and times as people read them."""

import datetime
import json
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPE_COLUMNS = 1000
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def console():
    """Made for each use: tests exchange sys.stdout. Into a pipe or file lines are as long as they are."""
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    return Console(file=sys.stdout, highlight=False, soft_wrap=True, width=width)


def emit(as_json, data, render):
    """Prints `data` as one JSON document, or lets `render(data)` print it for people."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        render(data)


def say(text):
    """One line for people; what comes from stores is never taken for markup."""
    console().print(printable(text), markup=False)


def warn(text):
    print("lattice-host: %s" % printable(text), file=sys.stderr)


def table(columns, rows, empty):
    """A table, or the line `empty` when there are no rows."""
    if not rows:
        say(empty)
        return
    grid = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*[escape(printable(str(cell))) for cell in row])
    console().print(grid)


def printable(text):
    """Text of others on a terminal: control characters (escape sequences!) become visible."""
    return "".join(
        character if character in "\n\t" or not _is_control(character) else "\\x%02x" % ord(character)
        for character in text
    )


def _is_control(character):
    code = ord(character)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069


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


def bytes_fields(name, data):
    """{name: text} when the bytes are UTF-8, else {name_hex: hex}: JSON has no bytes."""
    try:
        return {name: data.decode("utf-8")}
    except UnicodeDecodeError:
        return {name + "_hex": data.hex()}


def bytes_text(data):
    """Bytes for people: text when they are UTF-8, else hex."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "0x" + data.hex()
