"""Names and types of stores: what may be chosen, and which one is meant by what a user types.

A share is a `core:rootstore` root with data stores below it. A data store is never made as a root: a Rust node would
turn it into a root store at its next start and drop its data (docs/architecture.md).
"""

from binascii import hexlify

from ..compat import const
from ..errors import UsageError
from ..files.tree import is_control
from ..machines import registry
from ..model.ids import uuid_text as id_text
from ..text import printable
from .replica import SHOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..seams import Crypto
    from .replica import Replica

ROOT_TYPE = registry.TYPE_ROOT
INHERITED = "inherited"  # whose members a store has
INDEPENDENT = "independent"
SNAPSHOT = "snapshot"
STRATEGIES = (INHERITED, INDEPENDENT, SNAPSHOT)
KV_TYPE = registry.TYPE_KV

NAME_BYTES = const(255)  # of our own stores and peers; foreign names may be longer and are cut where they are shown
DEPTH = const(32)  # levels of stores: what lies deeper stays closed
STORES_OPEN = const(16)  # on a stick at a time, each costs memory: whoever has rested longest gives way
STORES_KEPT = const(80)  # on a stick; what is declared beyond this stays closed

_ID_DIGITS = const(32)


def has_marked_id(store_id: bytes) -> bool:
    """True for the id of a store that has a list of its own, whatever is written in it (`own_list`)."""
    return store_id[6] >> 4 == 8 and store_id[8] >> 6 == 2


def new_id(crypto: "Crypto") -> bytes:
    """A random UUID (version 4), 16 bytes."""
    raw = bytearray(crypto.random(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def check_name(name: str, what: str) -> str:
    """An own name within limits and without control characters; returns it."""
    if len(name.encode()) > NAME_BYTES:
        raise UsageError("the name of a %s has at most %d bytes" % (what, NAME_BYTES), "bad_name")
    for character in name:
        if is_control(ord(character)):
            raise UsageError("the name of a %s holds a control character" % what, "bad_name")
    if name and not name.strip():
        raise UsageError("the name of a %s is blank" % what, "bad_name")
    from . import selecting  # here: no stick needs it

    return selecting.check_name(name, what)


def check_label(label: str) -> str:
    """A text of ours about something of ours, within limits; returns it."""
    if len(label.encode()) > NAME_BYTES:
        raise UsageError("a label has at most %d bytes" % NAME_BYTES, "bad_name")
    return label


def find(replicas: "Sequence[Replica]", selector: str) -> "Replica":
    """The store that a name or the beginning of an id means. UsageError lists what there is."""

    def items():
        for replica in replicas:
            yield str(hexlify(replica.id), "ascii"), replica.name, replica

    from . import selecting  # here: no stick needs it

    found = selecting.matching(selector, items, _ID_DIGITS)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError("%s could be any of: %s" % (printable(selector, SHOWN), labels(found)), "ambiguous")
    if not replicas:
        raise UsageError("there is no store here yet: make one with `store create`, or `join` a share", "no_store")
    raise UsageError(
        "no store is called %s; there are: %s" % (printable(selector, SHOWN), labels(replicas)), "unknown_store"
    )


def labels(replicas: "Iterable[Replica]") -> str:
    from . import selecting  # here: no stick needs it

    digits = selecting.digits_apart([id_text(replica.id) for replica in replicas])
    return selecting.listed([replica.label(digits) for replica in replicas])
