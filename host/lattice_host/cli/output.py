"""What commands print: JSON for programs, tables for people, errors on stderr, sizes and times as people read them."""

import datetime
import json
import sys

_UNITS = ("KiB", "MiB", "GiB", "TiB")


def emit(as_json, data, render):
    """Prints `data` as one JSON document, or lets `render(data)` print it for people."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        render(data)


def say(text):
    """One line for people."""
    print(printable(text))


def warn(text):
    print("lattice-host: %s" % printable(text), file=sys.stderr)


def table(columns, rows, empty):
    """A table, or the line `empty` when there are no rows."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    if not cells:
        say(empty)
    elif sys.stdout.isatty():
        _draw(columns, cells)
    else:
        _print_columns([list(columns), *cells])


def _cell(value):
    """One line: line breaks and tabs become visible, too."""
    return printable(str(value)).replace("\n", "\\n").replace("\t", "\\t")


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
    Console(file=sys.stdout, highlight=False).print(grid)


def _print_columns(rows):
    """Into a pipe or file every row is one line, however long."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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
