"""Where the operations of a command run: on the node of the data directory that its command line names."""

import shlex

from lattice_core.errors import UsageError

from ..datadir import chosen_path
from ..service.backend import Backend
from ..service.in_process import InProcess
from .endings import WrongUsage
from .output import warn


def _chosen(ctx):
    try:
        return chosen_path(ctx.obj)
    except UsageError as error:
        raise WrongUsage(str(error)) from None


def own_command(ctx):
    """The beginning of a command for this node, as a shell takes it."""
    return "lattice-host" if ctx.obj is None else "lattice-host --data %s" % shlex.quote(str(ctx.obj))


def backend(ctx) -> Backend:
    """Where the operations of a command run: on the node of `--data`."""
    return InProcess(_chosen(ctx), warn)
