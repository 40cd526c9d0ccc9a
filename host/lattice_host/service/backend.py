"""What a command line, a daemon or a page calls: operations by name, with values that JSON has.

An operation is called `group.method` (`kv.get`). Bytes go as text under `name`, or as hex under `name_hex`. An error is
a LatticeError with a `code` (docs/errors.md). Sentences for people that stand beside a result go to the `notify` of the
backend. `in_process.InProcess` opens the data directory itself; a backend that asks a daemon over a socket has the same
two methods.

How to add a group or an operation:

1. What needs no computer: a class in `shared/lattice_core/api/GROUP.py` that is a `Service` (api/kv.py is an example).
   Each public method is an operation: keyword arguments with plain values in, a dict out, committed when it returns. A
   default for every argument that may be left out. What needs the data directory or a port: a `HostService` beside
   this file (sticks.py); what opens the node itself: a `DirectoryService` (identities.py).
2. `READS` names the methods that write nothing, `MAKES` those that make a node where there is none.
3. A long operation is a generator function: it yields events (`progress` below, or `{"event": NAME, ...}`) and returns
   its dict. It may be closed at any `yield`: what is committed by then stays, all else is dropped.
4. Add the class to `GROUPS` in service/groups.py. That is all: the backend finds it there.
5. A command (`cli/`) parses its arguments, calls `backend(ctx).call("group.method", ...)` and renders the dict with
   `emit`; a long operation it runs with `connect.run`. It opens nothing itself (tests/gate/test_service.py asks).
6. Document the JSON in docs/commands.md, and a new code in docs/errors.md.
"""

from collections.abc import Generator
from typing import Any, Protocol

Event = dict[str, Any]
Result = dict[str, Any]
Stream = Generator[Event, None, Result]


class Backend(Protocol):
    def call(self, name: str, /, **arguments: Any) -> Result:
        """Runs an operation to its end. Of a long one the events are dropped."""
        ...

    def stream(self, name: str, /, **arguments: Any) -> Stream:
        """A long operation: yields its events and returns its result. `close()` cancels it: what is committed stays."""
        ...


def progress(done: int, total: int, name: str) -> Event:
    """The event of a step: `done` of `total` (0: not known), at the thing called `name`."""
    return {"event": "progress", "done": done, "total": total, "name": name}
