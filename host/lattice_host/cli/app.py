"""The root of the command line: global options, the nouns, and how errors leave it."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from lattice_core.errors import LatticeError

from ..process import collect_rarely
from . import files, identity, invite, join, kv, peer, stick, store, sync
from .endings import FAILED, INTERRUPTED, status_of
from .output import warn


class Group(TyperGroup):
    """Errors become one line on stderr and an exit status (endings.py), also under a test runner."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except LatticeError as error:
            warn(str(error))
            raise typer.Exit(status_of(error)) from None
        except BrokenPipeError:
            sys.stderr.close()  # who reads our output has ended; nothing is wrong
        except OSError as error:
            warn(_os_error_text(error))
        except KeyboardInterrupt:
            warn("interrupted; what was acknowledged is safe, run it again to go on")
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(FAILED)


def _os_error_text(error):
    name = error.filename
    return "%s: %s" % (name, error.strerror) if name is not None else str(error)


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A Lattice node: files and values that travel on a stick, without a network.",
)


@app.callback()
def options(
    ctx: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Data directory of the node (or LATTICE_DATA).")
    ] = None,
) -> None:
    ctx.obj = data


app.command("init")(identity.init)
app.command("status")(identity.status)
app.add_typer(store.app, name="store")
app.add_typer(kv.app, name="kv")
app.add_typer(files.app, name="file")
app.add_typer(invite.app, name="invite")
app.command("join")(join.join)
app.add_typer(stick.app, name="stick")
app.command("sync")(sync.sync)
app.add_typer(peer.app, name="peer")


def main() -> None:
    collect_rarely()
    app()
