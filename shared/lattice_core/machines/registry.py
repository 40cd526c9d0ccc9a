"""The types of stores that a node knows. A type is one file of this folder, with a `KIND`, and one line of the table.

A store of any other type is carried: its intentions are stored, witnessed and sent on, its system table works, its
payloads wait until a later version knows the type.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ..storage.contract import Store
    from ..weaver.weaver import Weaver
    from .change import Change

    class Machine(Protocol):
        """Applies the payloads of one store."""

        def apply(self, change: Change, start: int, end: int) -> None:
            """Applies the payload at [start, end) of the ops. ProtocolError before anything was written."""
            ...

    class Viewable(Protocol):
        """What a view needs of an open store."""

        store: Store
        weaver: Weaver


TYPE_KV = "core:kvstore"
TYPE_LOG = "core:logstore"
TYPE_ROOT = "core:rootstore"

# type → module of this folder, imported when the first store of the type is opened
_MODULES = {
    TYPE_KV: "kv",
    TYPE_LOG: "log",
    TYPE_ROOT: "root",
}


class Kind:
    """What a type of store brings.

    `machine()` makes its machine, None for a type that is only carried. `view(replica)` makes what reads and writes an
    open store. `estimate(change, start, end, enough)` gives about how many bytes of rows a payload makes, counted up to
    `enough`; None where the size of the ops has to do.
    """

    def __init__(
        self,
        machine: "Callable[[], Machine] | None",
        view: "Callable[[Viewable], Any]",
        estimate: "Callable[[Change, int, int, int], int] | None",
    ):
        self.machine = machine
        self.view = view
        self.estimate = estimate


class CarriedView:
    """The view of a store of unknown type: nothing in it can be read or written here."""

    def __init__(self, replica: "Viewable"):
        self.count = replica.store.count


_CARRIED = Kind(None, CarriedView, None)


def is_known(store_type: str) -> bool:
    """True when stores of this type can be read here; others are carried."""
    return store_type in _MODULES


def short_name(store_type: str) -> str:
    """The name of a type as people type and read it: "kv" of `core:kvstore`. That of an unknown type is its own."""
    return _MODULES.get(store_type, store_type)


def type_named(name: str) -> str:
    """The type of a short name. Any other text is taken for a type."""
    for store_type, short in _MODULES.items():
        if short == name:
            return store_type
    return name


def data_types() -> "list[str]":
    """The types that a data store can have."""
    return [store_type for store_type in sorted(_MODULES) if store_type != TYPE_ROOT]


def kind_of(store_type: str) -> Kind:
    """The kind of a type, that of carried stores for an unknown one."""
    name = _MODULES.get(store_type)
    if name is None:
        return _CARRIED
    return __import__("%s.%s" % (__name__.rsplit(".", 1)[0], name), None, None, ("KIND",)).KIND
