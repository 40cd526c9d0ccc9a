"""The root of the command line: global options, the nouns, and how errors leave it."""

import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from lattice_core.errors import LatticeError
from lattice_core.text import printable

from .. import complaints
from ..disks import text_of
from ..version import HOST_VERSION
from . import apps, files, identity, invite, join, kv, log, node, peer, stick, store, sync
from .arguments import Noun
from .endings import DONE, FAILED, INTERRUPTED, READER_GONE, WRONG_USAGE, status_of
from .output import say


class Group(TyperGroup):
    """Errors become one line on stderr and an exit status (endings.py), also under a test runner."""

    def invoke(self, ctx):
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # what cannot be written is no success
            return result
        except LatticeError as error:
            complaints.fail(str(error), error.code)
            raise typer.Exit(status_of(error)) from None
        except BrokenPipeError:
            raise typer.Exit(READER_GONE) from None
        except OSError as error:
            complaints.fail(_os_error_text(error), "no_access")
        except UnicodeEncodeError as error:
            complaints.fail("%s is not UTF-8, as names and texts are here" % printable(str(error.object), 64), "usage")
        except KeyboardInterrupt:
            complaints.fail("interrupted; what was acknowledged is safe, run it again to go on", "interrupted")
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(FAILED)

    def main(
        self, args=None, prog_name=None, complete_var=None, standalone_mode=True, windows_expand_args=True, **extra
    ):
        """A wrong command line is one sentence, too."""
        complaints.begin(list(sys.argv[1:] if args is None else args))
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra) or DONE
        except typer.TyperException as error:
            status = _wrong_usage(error)
        except typer.Abort:
            status = FAILED
        complaints.end()
        sys.exit(status)


def _wrong_usage(error):
    command = getattr(error, "ctx", None)
    words = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        words = ""  # a noun without a verb: its help has been shown
    elif command is not None:
        words = words.rstrip(". ")
        words = "%s%s `%s --help` explains it" % (words, "" if words.endswith("?") else ".", command.command_path)
    if words:
        complaints.fail(words, "usage")
    return WRONG_USAGE


def _os_error_text(error):
    what = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return what
    name = text_of(error.filename) if isinstance(error.filename, (str, bytes)) else error.filename
    return "%s: %s" % (name, what)


app = Noun(
    cls=Group,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A Lattice node: files and values that travel on a stick, without a network.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(HOST_VERSION)
        raise typer.Exit(DONE)


@app.callback()
def options(
    ctx: typer.Context,
    data: Annotated[
        str | None, typer.Option("--data", metavar="DIR", help="Data directory of the node (or LATTICE_DATA).")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and end.")
    ] = False,
) -> None:
    ctx.obj = data


app.command("init")(identity.init)
app.command("status")(identity.status)
app.add_typer(store.app, name="store")
app.add_typer(kv.app, name="kv")
app.add_typer(log.app, name="log")
app.add_typer(files.app, name="file")
app.add_typer(invite.app, name="invite")
app.command("join")(join.join)
app.add_typer(stick.app, name="stick")
app.command("sync")(sync.sync)
app.add_typer(peer.app, name="peer")
app.add_typer(apps.app, name="app")
app.add_typer(apps.bundle, name="bundle")
app.add_typer(node.app, name="node")
