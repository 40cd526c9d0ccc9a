"""Stores of a node: opening them, making roots and children, finding one by what a user types.

A share is a `core:rootstore` root with data stores as children that inherit its peers. A data store is never a
root: a Rust node would turn it into a root store at its next start and drop its data (docs/architecture.md).
"""

from binascii import hexlify

from ..compat import const
from ..errors import UsageError
from ..files.tree import is_control
from ..files.upkeep import Upkeep
from ..machines import projection, registry, system
from ..model import ops
from ..model.ids import uuid_text as id_text
from ..storage.contract import TABLE_META
from ..text import printable
from ..weaver.weaver import Weaver
from ..wire.messages import CHILD_ACTIVE, CHILD_ARCHIVED, PEER_ACTIVE
from .replication_state import ReplicationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..files.files import Files

ROOT_TYPE = registry.TYPE_ROOT
KV_TYPE = registry.TYPE_KV

NAME_BYTES = const(255)  # of our own stores and peers; foreign names may be longer and are cut where they are shown
SHOWN = const(64)  # characters of such a name in a message
STORES_OPEN = const(16)  # declared children beyond this stay closed: each costs memory (on a stick; see Keeper)

_ID_BYTES = const(16)

RESTORED_RECORD = b"restored"  # the identity is older than the storage: see Keeper.note_restored

# The node's own rows in a store's TABLE_META.
_STORE = b"node/store"  # parent's id (16; zeros for a root) ‖ type: one row, so it is there wholly or not at all
_JOINED_AT = b"node/joined-at"  # the peer at which this share was joined, until it has told us that we are in


class Replica:
    """One open store: `id` (16), `type`, `parent` (id or None), its weaver and what stands on it."""

    def __init__(self, node, store_id, store_type, parent):
        self.id = store_id
        self.type = store_type
        self.parent = parent
        self.store = node.storage.store(store_id)
        projected = projection.Projection(self.store, node.crypto, store_type)
        self.weaver = Weaver(node.storage, self.store, node.crypto, node.identity, projected)
        self.system = system.System(self.store, node.crypto)
        self.holdings = ReplicationState(self.store, node.crypto)
        self.files = _files_of(self, node)
        self.alias = ""  # the name that the parent gives it

    @property
    def is_known(self):
        """False for a store that is only carried: its type is unknown here."""
        return registry.is_known(self.type)

    @property
    def view(self):
        """What reads and writes the store, by its type (`machines.registry`)."""
        return registry.kind_of(self.type).view(self)

    @property
    def kv(self):
        """Its rows as those of a key-value store, whatever its type; a log is not written in this way."""
        from ..machines.kv_view import KvView  # here: few commands need it

        return KvView(self)

    def view_as(self, store_type):
        """The view of a store that has this type; UsageError when it has another."""
        if self.type != store_type:
            raise UsageError(
                "%s is no %s store: its type is %s"
                % (self.label(), registry.short_name(store_type), printable(self.type, SHOWN)),
                "wrong_type",
            )
        return self.view

    @property
    def name(self):
        """The store's own name, else the one that its parent knows it by; "" when it has none."""
        return self.system.name() or self.alias

    def label(self, digits=8):
        """Name and the beginning of the id, as messages show a store."""
        short = id_text(self.id)[:digits]
        return "%s (%s)" % (printable(self.name, SHOWN), short) if self.name else short


def _files_of(handle, node) -> "Files":
    """A stick keeps the books of files; it writes none."""
    if TYPE_CHECKING or node.keep_unreferenced_ms:
        from ..files.files import Files  # here: no stick writes files

        return Files(handle, node)
    return Upkeep(handle, node)


def is_made(node, store_id):
    """True when the storage holds the store and this node has finished making room for it."""
    return store_id in node.storage.store_ids() and node.storage.store(store_id).row(TABLE_META, _STORE) is not None


def bound_to(node, store_id):
    """The id of the root through which a store that `is_made` came here, and with which it stays; None for a root."""
    parent = node.storage.store(store_id).row(TABLE_META, _STORE)[:_ID_BYTES]
    return None if parent == bytes(_ID_BYTES) else parent


def unmake(handle):
    """Takes back that room was made for a store in which nothing is: it can be made again."""
    handle.store.put_row(TABLE_META, _STORE, None)


def open_store(node, store_id, now_ms, commit=None):
    """Opens a store that `is_made`. `commit`: see `Weaver.start`."""
    row = node.storage.store(store_id).row(TABLE_META, _STORE)
    parent = row[:_ID_BYTES]
    handle = Replica(node, store_id, str(row[_ID_BYTES:], "utf-8"), None if parent == bytes(_ID_BYTES) else parent)
    if getattr(node.storage, "salvaged", False):
        _work_out_anew(node, handle)
    handle.weaver.start(now_ms, commit)
    return handle


def _work_out_anew(node, handle):
    """The log has lost records, of rows too: everything that follows from the others is made again."""
    for _ in handle.weaver.project_again(True):
        node.storage.commit()
    handle.files.contents.doubt()
    node.storage.commit()


def remake_root(node, store_id):
    """The row that says what a store is was lost, and no other store declares it: it is the share's root."""
    node.storage.store(store_id).put_row(TABLE_META, _STORE, bytes(_ID_BYTES) + ROOT_TYPE.encode())


def add_store(node, store_id, store_type, parent, now_ms, joined_at=None):
    """Makes room for a store that exists elsewhere (nothing is written into its log) and opens it."""
    handle = _make_store(node, store_id, store_type, parent, now_ms, joined_at)
    if node.storage.record(RESTORED_RECORD) is not None:
        handle.weaver.doubt_own_chain(True)
    return handle


def _make_store(node, store_id, store_type, parent, now_ms, joined_at=None):
    store = node.storage.store(store_id)
    if joined_at is not None:
        store.put_row(TABLE_META, _JOINED_AT, joined_at)
    store.put_row(TABLE_META, _STORE, (parent or bytes(_ID_BYTES)) + store_type.encode())
    return open_store(node, store_id, now_ms)


def joined_at(handle):
    """The peer at which the share was joined, while it is trusted for that alone; else None."""
    return handle.store.row(TABLE_META, _JOINED_AT)


def note_joined_at(handle, peer_key):
    handle.store.put_row(TABLE_META, _JOINED_AT, peer_key)


def forget_joined_at(handle):
    if joined_at(handle) is not None:
        handle.store.put_row(TABLE_META, _JOINED_AT, None)


def write_system(handle, operations, now_ms):
    """One intention with these system operations, its deps chosen as the reference chooses them."""
    deps = handle.system.deps_for(operations)
    return handle.weaver.submit(ops.system_batch(operations), deps, now_ms)


def create_root(node, name, now_ms):
    """A new share: the intentions are those of the reference, in its order."""
    handle = _make_store(node, new_id(node.crypto), ROOT_TYPE, None, now_ms)
    _write_genesis(node, handle, now_ms)
    naming = [ops.store_name(name)] if name else []
    write_system(handle, naming + [ops.strategy_independent()], now_ms)
    if node.name:
        write_system(handle, [ops.peer_name(node.identity.public, node.name)], now_ms)
    write_system(handle, [ops.peer_status(node.identity.public, PEER_ACTIVE)], now_ms)
    return handle


def create_child(node, parent, name, store_type, now_ms):
    """A new store under `parent`, which declares it."""
    handle = _make_store(node, new_id(node.crypto), store_type, parent.id, now_ms)
    handle.alias = name
    _write_genesis(node, handle, now_ms)
    naming = [ops.store_name(name)] if name else []
    write_system(handle, naming + [ops.strategy_inherited()], now_ms)
    declaration = [ops.child_add(handle.id, name, store_type), ops.child_status(handle.id, CHILD_ACTIVE)]
    write_system(parent, declaration, now_ms)
    return handle


def _write_genesis(node, handle, now_ms):
    nonce = int.from_bytes(node.crypto.random(4), "little")
    handle.weaver.submit(ops.genesis(handle.type, nonce), [], now_ms)


def new_id(crypto):
    """A random UUID (version 4), 16 bytes."""
    raw = bytearray(crypto.random(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def check_name(name, what):
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


def check_label(label):
    """A text of ours about something of ours, within limits; returns it."""
    if len(label.encode()) > NAME_BYTES:
        raise UsageError("a label has at most %d bytes" % NAME_BYTES, "bad_name")
    return label


def check_unused(parent, name):
    """UsageError when the share declares a store of this name already: a second one could not be named any more."""
    used = _declared(parent, name)
    if not name or used is None:
        return
    number = 2
    while _declared(parent, "%s-%d" % (name, number)) is not None:
        number += 1
    raise UsageError(
        "this share has a store called %s already (%s); use that one, or another name, as %s-%d"
        % (printable(name, SHOWN), id_text(used), printable(name, SHOWN), number),
        "exists",
    )


def _declared(parent, name):
    """The id of the store that a share declares under this name, or None."""
    for child in parent.system.children():
        if child.name == name and child.status != CHILD_ARCHIVED:
            return child.id
    return None


def find(handles, selector):
    """The handle that a name or the beginning of an id means. UsageError lists what there is."""

    def items():
        for handle in handles:
            yield str(hexlify(handle.id), "ascii"), handle.name, handle

    from . import selecting  # here: no stick needs it

    found = selecting.matching(selector, items, 2 * _ID_BYTES)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError("%s could be any of: %s" % (printable(selector, SHOWN), labels(found)), "ambiguous")
    if not handles:
        raise UsageError("there is no store here yet: make one with `store create`, or `join` a share", "no_store")
    raise UsageError(
        "no store is called %s; there are: %s" % (printable(selector, SHOWN), labels(handles)), "unknown_store"
    )


def labels(handles):
    from . import selecting  # here: no stick needs it

    digits = selecting.digits_apart([id_text(handle.id) for handle in handles])
    return selecting.listed([handle.label(digits) for handle in handles])
