"""Declared children: opened when the root declares them, closed when it archives them; who inherits whose peers.

Direct children of a root only, as in the reference. On discovery nothing is written into the child: its creator has
written its genesis, and that it inherits follows from its declaration until its own strategy arrives.
"""

from ..compat import const
from ..errors import ProtocolError, StorageError, StorageFull
from ..wire.messages import CHILD_ARCHIVED
from . import stores

_HEIGHT = const(8)  # of the way up to the store that holds the peer list


def open_declared(node, root, now_ms, named=None):
    """Opens what `root` declares and is not open, closes what it archives. Returns True when anything changed.

    `named`: the ids of the children that may have changed, None for all."""
    changed = freed = False
    shares = _Shares(node, root)
    for child in root.system.children() if named is None else _children(root, named):
        handle = node.get(child.id)
        if _is_claimed_twice(node, root, child.id):
            continue  # whatever this share says of it
        if child.status == CHILD_ARCHIVED:
            if handle is not None:
                node.close_store(handle)
                changed = freed = True
        elif handle is not None:
            handle.alias = child.name
        elif child.type and child.id != root.id:
            changed = _open_child(node, root, child, now_ms, shares) or changed
    if freed and named is not None:
        for other in node.roots():
            open_declared(node, other, now_ms)  # there is room now for others
    return changed


def _children(root, named):
    for store_id in named:
        child = root.system.child(store_id)
        if child is not None:
            yield child


def _is_claimed_twice(node, root, store_id):
    """True for a store that came here through something else than this root: it stays with that."""
    if store_id == root.id:
        return False
    handle = node.get(store_id)
    if handle is not None:
        return handle.parent != root.id
    return stores.is_made(node, store_id) and stores.bound_to(node, store_id) != root.id


def claims(node):
    """Iterates over (id, root's id, name, id of the root that it stays with, or its own) of the stores that one share
    declares and another one had brought here before."""
    for root in node.roots():
        for child in root.system.children():
            if child.status != CHILD_ARCHIVED and child.type and _is_claimed_twice(node, root, child.id):
                yield child.id, root.id, child.name, stores.bound_to(node, child.id) or child.id


def closed(node):
    """Iterates over what roots declare and this node has not open: (id, root's id, name, why, in words)."""
    for root in node.roots():
        for child in root.system.children():
            if _is_closed(node, root, child):
                yield child.id, root.id, child.name, _why_closed(node, child.id)


def closed_child(node, store_id):
    """As `closed`, of one store; None when nothing declares it or it is open."""
    for root in node.roots():
        child = root.system.child(store_id)
        if child is not None and _is_closed(node, root, child):
            return child.id, root.id, child.name, _why_closed(node, child.id)
    return None


def _is_closed(node, root, child):
    if child.status == CHILD_ARCHIVED or not child.type or child.id == root.id:
        return False
    return node.get(child.id) is None and not _is_claimed_twice(node, root, child.id)


def _why_closed(node, store_id):
    for damaged, words in node.damaged:
        if damaged == store_id:
            return words
    if len(node.stores) >= node.stores_open:
        return "this node keeps at most %d stores open" % node.stores_open
    return "there was no room to open it"


class _Shares:
    """How the open stores of a share are shared among those who declared them: whoever declares hundreds does not keep
    out what others make. Counted when it is first asked."""

    def __init__(self, node, root):
        self.node = node
        self.root = root
        self._open = None  # {who declared: [handles]}

    def make_room(self, store_id):
        """Closes an empty store of whoever has most of them, for one of somebody who has fewer. True when it did."""
        if self._open is None:
            self._open = {}
            for handle in self.node.children(self.root):
                self._open.setdefault(self.root.system.declared_by(handle.id), []).append(handle)
        maker = self.root.system.declared_by(store_id)
        most = max(self._open, key=self._count) if self._open else maker
        if self._count(most) <= self._count(maker) + 1:
            return False
        for handle in self._open[most]:
            if not handle.store.count:
                self._open[most].remove(handle)
                self.node.close_store(handle)
                stores.unmake(handle)
                return True
        return False

    def _count(self, maker):
        return len(self._open.get(maker, ()))

    def opened(self, handle):
        if self._open is not None:
            self._open.setdefault(self.root.system.declared_by(handle.id), []).append(handle)


def _open_child(node, root, child, now_ms, shares):
    if node.is_damaged(child.id):
        return False
    if len(node.stores) >= node.stores_open and not shares.make_room(child.id):
        return False
    try:
        need_store = getattr(node.storage, "need_store", None)
        if need_store is not None:
            need_store()
        if stores.is_made(node, child.id):
            handle = stores.open_store(node, child.id, now_ms)  # archived before, or of a share that is not open
        else:
            handle = stores.add_store(node, child.id, child.type, root.id, now_ms)
    except StorageFull:
        node.note_no_room()  # the declaration stands all the same
        return False
    except (StorageError, ProtocolError) as error:
        node.journal.spoil()  # opening it may have changed it
        node.damaged.append((child.id, str(error)))
        return False
    handle.alias = child.name
    node.add_handle(handle)
    shares.opened(handle)
    return True


def archived(node, handle):
    """True when the parent of a stored child does not want it open."""
    parent = node.get(handle.parent)
    if parent is None:
        return False
    child = parent.system.child(handle.id)
    return child is not None and child.status == CHILD_ARCHIVED


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
