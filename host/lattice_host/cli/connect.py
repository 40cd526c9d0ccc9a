"""Running a long operation: its progress on a terminal, and that a stick was pulled."""

import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

from ..service.backend import Event, Result
from .context import backend
from .output import warn
from .progress import ProgressLine


def _nothing(event: Event) -> None:
    """For operations that yield no other events."""


def run(ctx, operation: str, other: Callable[[Event], None] = _nothing, /, **arguments: Any) -> Result:
    """The result of a long operation. `other` is called with the events that are not shown here."""
    with ProgressLine() as meter, closing(backend(ctx).stream(operation, **arguments)) as work:
        while True:
            try:
                event = next(work)
            except StopIteration as end:
                return end.value
            if event["event"] == "progress":
                meter.show(event["done"], event["total"], event["name"])
            elif event["event"] == "pulled" and sys.stderr.isatty():
                warn("%s was pulled; plug it in again to go on (Ctrl-C ends)" % event["port"])
            else:
                other(event)
