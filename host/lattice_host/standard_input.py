"""What is given as content: standard input and files that were named for it, bounded and never taken for granted."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import cast

from lattice_core.errors import UsageError


def stream() -> BufferedReader:
    """Standard input as bytes. UsageError when it was closed: nothing is not what somebody wanted to write."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError(
            "standard input is closed: nothing was read; give it a file or a pipe (</dev/null for nothing)",
            "no_input",
        )
    return cast(BufferedReader, sys.stdin.buffer)


@contextmanager
def descriptor() -> Iterator[int]:
    """Standard input as an open file; what is none is copied into one."""
    given = stream()
    try:
        number = given.fileno()
    except OSError:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(given, copy)
            copy.seek(0)
            yield copy.fileno()
        return
    yield number


def read(limit, what):
    """Standard input to its end. UsageError when it is longer than `limit`, or cannot be read."""
    return bounded(stream(), limit, what, "standard input")


def read_file(path, limit, what):
    """A file to its end. UsageError when it is longer than `limit`, or cannot be read."""
    try:
        file = open(path, "rb")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    with file:
        return bounded(file, limit, what, path)


def bounded(file, limit, what, name):
    try:
        data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None
    if len(data) > limit:
        raise UsageError("%s has more than %d bytes, which is the most for %s" % (name, limit, what), "too_large")
    return data


def _unreadable(name, error):
    return UsageError("%s cannot be read: %s" % (name, getattr(error, "strerror", None) or error), "no_access")
