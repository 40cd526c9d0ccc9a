"""`kv put`, `get`, `delete`, `list`, `inspect`. Keys and values are bytes: text is UTF-8, anything else goes as hex."""

import shlex
import sys
from typing import Annotated

import typer

from lattice_core.api.plain import bytes_fields, bytes_text
from lattice_core.text import printable

from . import values
from .arguments import Hex, Json, Store, noun
from .context import backend
from .output import bytes_in, count_text, emit, say, say_text, size_text, table, time_text, warn

app = noun("Keys and values of a store.")

Key = Annotated[str, typer.Argument(metavar="KEY")]
_A_VALUE = "a value (`file put` takes any length)"


@app.command()
def put(
    ctx: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Text, `@FILE` for a file's bytes, `@-` for stdin.")],
    store: Store = None,
    is_hex: Hex = False,
    json: Json = False,
) -> None:
    """Write a value."""
    content = values.content(value, is_hex, _A_VALUE)
    data = backend(ctx).call(
        "kv.put", store=store, **values.fields("key", key, is_hex), **bytes_fields("value", content)
    )
    emit(json, data, lambda done: say("written: %s" % size_text(len(content))))


@app.command()
def delete(ctx: typer.Context, key: Key, store: Store = None, is_hex: Hex = False, json: Json = False) -> None:
    """Delete a key."""
    data = backend(ctx).call("kv.delete", store=store, **values.fields("key", key, is_hex))
    emit(json, data, lambda done: say("deleted"))


@app.command()
def get(ctx: typer.Context, key: Key, store: Store = None, is_hex: Hex = False, json: Json = False) -> None:
    """Print a value. Into a pipe or file it goes byte for byte."""
    data = backend(ctx).call("kv.get", store=store, **values.fields("key", key, is_hex))
    emit(json, data, lambda shown: _show_value(shown, bytes_in(shown, "value")))


def _show_value(data, value):
    if sys.stdout.isatty():
        say_text(bytes_text(value))
    else:
        sys.stdout.flush()
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:
            print(bytes_text(value), end="")
        else:
            binary.write(value)
            binary.flush()
    if data["conflicted"]:
        warn("written at the same time elsewhere too; `kv inspect` shows who and when. Writing again settles it")


@app.command()
def inspect(ctx: typer.Context, key: Key, store: Store = None, is_hex: Hex = False, json: Json = False) -> None:
    """Show every write of a key that stands: who, when and what. The first one wins."""
    data = backend(ctx).call("kv.inspect", store=store, **values.fields("key", key, is_hex))
    emit(json, data, _show_heads)


def _show_heads(data):
    if data["conflicted"]:
        say("CONFLICT: %d writes stand, made without knowing of each other" % len(data["heads"]))
    for number, head in enumerate(data["heads"]):
        who = head["author_name"] or head["author"][:8]
        what = "deleted" if head["deleted"] else _value_text(head)
        say("%s  %s  by %s: %s" % ("wins " if number == 0 else "loses", time_text(head["wall_ms"]), who, what))


def _value_text(row):
    return row["value"] if "value" in row else "0x" + row["value_hex"]


@app.command("list")
def list_keys(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only keys that start with it.")] = "",
    after: Annotated[str | None, typer.Option("--after", metavar="KEY", help="Begin behind this key.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 1000,
    store: Store = None,
    is_hex: Hex = False,
    json: Json = False,
) -> None:
    """Keys in order, with the beginning of their values."""
    arguments = {
        **values.fields("prefix", prefix, is_hex),
        **({} if after is None else values.fields("after", after, is_hex)),
    }
    data = backend(ctx).call("kv.list", store=store, limit=limit, **arguments)
    emit(json, data, _show_list)


def _show_list(data):
    rows = []
    for row in data["keys"]:
        key = row["key"] if "key" in row else "0x" + row["key_hex"]
        notes = "CONFLICT, see `kv inspect`" if row["conflicted"] else ""
        rows.append((key, _start_text(row), size_text(row["size"]), time_text(row["wall_ms"]), notes))
    table(("key", "value", "size", "written", ""), rows, "no keys")
    if data["more"]:
        say("more: %s shown, go on with %s" % (count_text(len(rows), "key"), _after(data["keys"][-1])))


def _after(row):
    """The option that goes on behind a key, as it can be pasted into a shell: the key may be anybody's."""
    if "key" not in row:
        return "--hex --after %s" % row["key_hex"]
    if printable(row["key"]) != row["key"]:
        return "--hex --after %s" % row["key"].encode().hex()
    return "--after %s" % shlex.quote(row["key"])


def _start_text(row):
    for name, form in (("value", "%s"), ("value_hex", "0x%s"), ("value_start", "%s…"), ("value_start_hex", "0x%s…")):
        if name in row:
            return form % row[name]
    return ""
