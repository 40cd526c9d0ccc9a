"""Options that several commands share."""

from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from lattice_core.text import printable

from .endings import WrongUsage

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="S", help="Store: name or beginning of its id; the only one if left out."),
]
StoreArgument = Annotated[
    str | None, typer.Argument(metavar="[S]", help="Store: name or beginning of its id; all of them if left out.")
]
Hex = Annotated[bool, typer.Option("--hex", help="Keys and values are given in hex.")]
PortArgument = Annotated[str, typer.Argument(metavar="PORT", help="Serial port of the stick, or `auto` to find it.")]


def _some_time(seconds: float) -> float:
    if not seconds > 0:
        raise WrongUsage("--timeout takes more than 0 seconds; Ctrl-C ends a command at any time")
    return seconds


Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        callback=_some_time,
        help="How long to wait for a stick that says nothing or was pulled; for its first answer at most 12.",
    ),
]

WAIT_FOR_STICK_S = 120.0


def either(argument, option):
    """The store that was named behind the command or with --store."""
    if argument is not None and option is not None and argument != option:
        raise WrongUsage("two stores were named, %s and %s: give one" % (argument, option))
    return option if argument is None else argument


class Checked:
    """What is given as text is UTF-8 (the shell passes any bytes) and not empty: that is a script's variable which was
    not set, and would else mean "the only one" or "this folder". Only keys and values are bytes, and may be none."""

    def invoke(self, ctx):
        for name, value in ctx.params.items():
            if not isinstance(value, str):
                continue
            if name not in BYTES and not is_utf8(value):
                shown = name.upper(), printable(value, 64)
                raise WrongUsage("%s is not UTF-8, as names and texts are here: %s" % shown)
            source = ctx.get_parameter_source(name)
            if not value and name not in MAY_BE_EMPTY and source is not None and source.name == "COMMANDLINE":
                raise WrongUsage("%s of `%s` is empty" % (name.upper(), ctx.command_path))
        return super().invoke(ctx)  # type: ignore[misc] - of the class beside it


class Command(Checked, TyperCommand):
    def parse_args(self, ctx, args):
        if "" in args and not any(parameter.name in MAY_BE_EMPTY for parameter in self.params):
            raise WrongUsage("an argument of `%s` is empty" % ctx.command_path)
        return super().parse_args(ctx, args)


class NounGroup(Checked, TyperGroup):
    pass


BYTES = ("key", "value", "prefix", "after")  # arguments whose bytes are taken as they are
MAY_BE_EMPTY = BYTES


def is_utf8(text):
    """False for an argument or a name on disk whose bytes are none."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class Noun(typer.Typer):
    """A group of commands about one thing."""

    def __init__(self, **settings):
        settings.setdefault("cls", NounGroup)
        super().__init__(**settings)

    def command(self, name=None, **settings):
        settings.setdefault("cls", Command)
        return super().command(name, **settings)


def noun(help_text):
    return Noun(no_args_is_help=True, help=help_text)
