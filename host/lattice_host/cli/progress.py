"""Progress on stderr, on a terminal only: a bar with rate and time left."""

import sys

from lattice_core.text import printable


class ProgressLine:
    """`show(done, total, name)` in bytes. Nothing is drawn when stderr is no terminal."""

    def __init__(self):
        self._progress = None
        if sys.stderr.isatty():
            self._progress = _bar()
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


def _bar():
    from rich import progress  # here: it is large, and only a terminal needs it
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
