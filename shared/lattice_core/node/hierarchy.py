"""Declared children: opened when the root declares them, closed when it archives them; who inherits whose peers.

Direct children of a root only, as in the reference. On discovery nothing is written into the child: its creator has
written its genesis, and that it inherits follows from its declaration until its own strategy arrives.
"""

from ..compat import const
from ..errors import ProtocolError, StorageError, StorageFull
from ..wire.messages import CHILD_ARCHIVED
from . import stores

_HEIGHT = const(8)  # of the way up to the store that holds the peer list


def open_declared(node, root, now_ms):
    """Opens what `root` declares and is not open, closes what it archives. Returns True when anything changed."""
    changed = False
    for child in root.system.children():
        handle = node.get(child.id)
        if child.status == CHILD_ARCHIVED:
            if handle is not None and handle.parent == root.id:
                node.close_store(handle)
                changed = True
        elif handle is not None:
            if handle.parent == root.id:
                handle.alias = child.name
        elif child.type and child.id != root.id:
            changed = _open_child(node, root, child, now_ms) or changed
    return changed


def closed(node):
    """What roots declare and this node has not open: a list of (id, root's id, name, why, in words)."""
    found = []
    for root in node.roots():
        for child in root.system.children():
            if child.status != CHILD_ARCHIVED and child.type and child.id != root.id and node.get(child.id) is None:
                found.append((child.id, root.id, child.name, _why_closed(node, child.id)))
    return found


def _why_closed(node, store_id):
    for damaged, words in node.damaged:
        if damaged == store_id:
            return words
    if len(node.stores) >= node.stores_open:
        return "this node keeps at most %d stores open" % node.stores_open
    return "there was no room to open it"


def _open_child(node, root, child, now_ms):
    if len(node.stores) >= node.stores_open or node.is_damaged(child.id):
        return False
    try:
        if stores.is_made(node, child.id):
            handle = stores.open_store(node, child.id, now_ms)  # archived before, or of a share that is not open
        else:
            handle = stores.add_store(node, child.id, child.type, root.id, now_ms)
    except StorageFull:
        return False  # the declaration stands all the same; it is tried again at the next start
    except (StorageError, ProtocolError) as error:
        node.spoil()  # opening it may have changed it
        node.damaged.append((child.id, str(error)))
        return False
    handle.alias = child.name
    node.add_handle(handle)
    return True


def archived(node, handle):
    """True when the parent of a stored child does not want it open."""
    parent = node.get(handle.parent)
    if parent is None:
        return False
    for child in parent.system.children():
        if child.id == handle.id:
            return child.status == CHILD_ARCHIVED
    return False


def peer_list(node, handle):
    """The handle whose system table says who may do what in `handle`: itself, or the store it inherits from."""
    for _ in range(_HEIGHT):
        if handle.parent is None or handle.system.strategy() not in (None, "inherited"):
            return handle
        parent = node.get(handle.parent)
        if parent is None:
            return handle
        handle = parent
    return handle


def root_of(node, handle):
    """The root above a store; the store itself when its parent is not open."""
    for _ in range(_HEIGHT):
        parent = None if handle.parent is None else node.get(handle.parent)
        if parent is None:
            return handle
        handle = parent
    return handle
