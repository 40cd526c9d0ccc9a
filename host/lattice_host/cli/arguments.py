"""Options that several commands share."""

from typing import Annotated

import typer

from .endings import WrongUsage

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="S", help="Store: name or beginning of its id; the only one if left out."),
]
StoreArgument = Annotated[
    str | None, typer.Argument(metavar="[S]", help="Store: name or beginning of its id; all of them if left out.")
]
PortArgument = Annotated[str, typer.Argument(metavar="PORT", help="Serial port of the stick, or `auto` to find it.")]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait for a stick that was pulled."),
]

WAIT_FOR_STICK_S = 120.0


def either(argument, option):
    """The store that was named behind the command or with --store."""
    if argument is not None and option is not None and argument != option:
        raise WrongUsage("two stores were named, %s and %s: give one" % (argument, option))
    return option if argument is None else argument


def noun(help_text):
    """A group of commands about one thing."""
    return typer.Typer(no_args_is_help=True, help=help_text)
