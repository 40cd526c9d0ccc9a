"""What the process that holds a data directory is doing, for those who read beside it: a small file that it replaces as
it goes on. Only while the lock is held does the file say anything."""

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from lattice_core.errors import StorageError

from ..datadir import ACTIVITY, LOCK, read_json
from ..lock import holder_of

_EVERY_S = 0.25


class Activity:
    """Told by the holder of the lock. A disk that does not take it costs nothing but the news."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ACTIVITY
        self._next_s = 0.0

    def show(self, port: str, done_bytes: int, total_bytes: int) -> None:
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        new = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps({"port": port, "done_bytes": done_bytes, "total_bytes": total_bytes}))
            os.replace(new, self._path)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def running(folder: Path) -> dict[str, Any] | None:
    """{"by": who holds the data directory, "sync": {port, done_bytes, total_bytes} or None}; None when nobody does."""
    holder = holder_of(folder / LOCK)
    if holder is None:
        return None
    try:
        told = read_json(folder / ACTIVITY)
        sync = {"port": str(told["port"]), **{name: int(told[name]) for name in ("done_bytes", "total_bytes")}}
    except (StorageError, KeyError, TypeError, ValueError):
        sync = None
    return {"by": holder, "sync": sync}
