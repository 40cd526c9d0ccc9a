"""The backend that opens the data directory itself, for each operation anew."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from .backend import Result, Stream
from .groups import Operation
from .local import held, open_node


class InProcess:
    """Operations on the node of the data directory `path`. `notify` takes sentences for people."""

    def __init__(self, path: Path, notify: Callable[[str], None]) -> None:
        self._path = path
        self._notify = notify

    def call(self, name: str, /, **arguments: Any) -> Result:
        stream = self.stream(name, **arguments)
        while True:
            try:
                next(stream)
            except StopIteration as end:
                return end.value

    def stream(self, name: str, /, **arguments: Any) -> Stream:
        operation = Operation(name)
        operation.check(arguments)
        if operation.opens:
            with held(self._path) as directory:
                return (yield from _events(operation.run_in(directory, self._notify, arguments)))
        with open_node(self._path, self._notify, make=operation.makes, reads=operation.reads) as on:
            return (yield from _events(operation.run(on, arguments)))


def _events(found: Result | Stream) -> Stream:
    return (yield from found) if isinstance(found, Generator) else found
