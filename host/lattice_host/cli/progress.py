"""Progress on stderr, on a terminal only: a bar with rate and time left."""

import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from .output import printable


class Meter:
    """`show(done, total, name)` in bytes. Nothing is drawn when stderr is no terminal."""

    def __init__(self):
        self._progress = None
        if sys.stderr.isatty():
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                transient=True,
            )
            self._task = self._progress.add_task("", total=None)

    def __enter__(self):
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *exception):
        if self._progress is not None:
            self._progress.stop()

    def show(self, done, total, name):
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total or None, description=printable(name)[-40:])
