"""The node of a data directory: directory, lock, storage and node are opened in order, and closed whatever happens.

Nothing else opens the database. `notify` is handed in: it takes a sentence for people that stands beside the result.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from lattice_core.api.service import chosen_store
from lattice_core.errors import LatticeError, ProtocolError, StorageError
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.node.selecting import looks_like_id
from lattice_core.node.stores import id_text

from .. import clock, crypto
from ..clock import now_ms
from ..datadir import DataDir
from ..lock import DirectoryLock
from ..mending import mend
from ..rekey import JOURNAL, finish_swap
from ..storage import SqliteStorage, may_write
from ..storage.store import SqliteStore

_LOCK_WAIT_S = 2.0
_STORES_KEPT = 1024  # all of them open: a computer has the memory


_RESTORED = (
    "the identity in %s is older than its data: what it joins stays read-only until a sync was complete. After a loss "
    "a new identity is safer (an empty data directory, and a new invite)"
)


def _own_name():
    """A node that nobody named is called as its computer. Some of those are called by numbers, as containers are."""
    name = socket.gethostname()
    return "host-" + name if looks_like_id(name) else name or "host"


class OpenNode:
    """A node that is open, with its data directory and storage. `unused`: nothing was done yet, so a new node goes
    again when the operation fails now."""

    def __init__(self, directory: DataDir, storage: SqliteStorage, node: Node, notify: Callable[[str], None]) -> None:
        self.directory = directory
        self.storage = storage
        self.node = node
        self.notify = notify
        self._clock_checked = False
        self.unused = False
        self.reads = storage.database.read_only

    def commit(self):
        self.node.journal.commit(now_ms())

    def check_clock(self):
        """Says once when the clock cannot be right: something was written, or a stick is told the time."""
        if not self._clock_checked:
            self._clock_checked = True
            for words in clock.problems(self.node, self.storage, now_ms()):
                self.notify(words)

    def store(self, selector):
        """The store of `--store`; without it the only data store there is."""
        return chosen_store(self.node, selector)


@contextmanager
def open_node(
    path: Path, notify: Callable[[str], None], name: str | None = None, make: bool = False, reads: bool = False
) -> Iterator[OpenNode]:
    """The node of the data directory `path`. With `make` it is made (as `name`) where there is none. What was not
    committed is dropped. On a disk that cannot be written, what needs no writing works.

    `reads`: nothing is to be written. The node is opened beside a process that writes, with what that had committed,
    unless opening finds something that has to be written first."""
    on = _beside_writer(path, notify) if reads else None
    if on is None:
        with _open_to_write(path, notify, name, make) as on:
            yield on
        return
    try:
        yield on
    finally:
        suspects = [
            (handle.id, list(handle.store.suspects), list(handle.store.suspect_rows))
            for handle in on.node.tree.replicas
        ]
        on.storage.close()
        if any(hashes or rows for _, hashes, rows in suspects):
            _note_found(path, notify, suspects)


def _beside_writer(path, notify):
    """The node as an OpenNode that reads only; None where opening has to write, or finds something that is wrong."""
    if (path / JOURNAL).exists():
        return None
    directory = DataDir(path, make=False)
    if not directory.database.exists():
        return None
    identity = Identity(crypto, directory.seed())
    try:
        storage = SqliteStorage(directory.database, own=identity.public, beside_writer=True)
    except StorageError:
        return None
    try:
        stores = [storage.store(store_id) for store_id in storage.store_ids()]
        if storage.own == identity.public and not any(store.ends_differ for store in stores):
            node = _open_node(storage, identity)
            wrong = any(store.suspects or store.suspect_rows for store in stores)
            if node.name and not (node.tree.damaged or wrong or storage.pending()):
                return OpenNode(directory, storage, node, notify)
    except (StorageError, ProtocolError):
        pass
    storage.close()
    return None


def _note_found(path, notify, suspects):
    """What a reader has found damaged is put right, or wanted from the next peer, unless somebody writes just now: it
    is found again."""
    try:
        with held(path, wait_s=0) as directory, opened(directory, notify) as on:
            for store_id, hashes, rows in suspects:
                handle = on.node.tree.get(store_id)
                if handle is not None:
                    store = cast(SqliteStore, handle.store)  # the storage of this host notes them
                    store.suspects.extend(hashes)
                    store.suspect_rows.extend(rows)
    except LatticeError:
        return


@contextmanager
def _open_to_write(path, notify, name, make):
    with held(path, make) as directory, _opened_or_taken_back(directory, notify) as on:
        node = on.node
        if not node.name:
            if not directory.identity_is_new:
                node.tree.note_restored()
                notify(_RESTORED % directory.path)
            node.rename(name or _own_name(), now_ms())
        for store_id, words in node.tree.damaged:
            notify("store %s stays closed: %s" % (id_text(store_id), words))
        written = _own_writes(node)
        yield on
        if _own_writes(node) > written:
            on.check_clock()


@contextmanager
def _opened_or_taken_back(directory, notify):
    """As `opened`; a node that was made here and came to nothing is none."""
    on = None
    try:
        with opened(directory, notify) as on:
            yield on
    except BaseException:
        if on is not None and on.unused:
            directory.take_back()
        raise


def _own_writes(node):
    """How many writes of this node there are, as a number to compare."""
    own = node.identity.public
    return sum(handle.store.chain(own)[0] for handle in node.tree.replicas)


@contextmanager
def held(path: Path, make: bool = False, wait_s: float = _LOCK_WAIT_S) -> Iterator[DataDir]:
    """The data directory `path`, for this process alone. A new identity that was to come in its place is put
    there first."""
    if (path / JOURNAL).exists():
        lock = DirectoryLock(path / "lock", _LOCK_WAIT_S)
        try:
            finish_swap(path)
        finally:
            lock.release()
    directory = DataDir(path, make)
    lock = DirectoryLock(directory.lock, wait_s)
    try:
        yield directory
    finally:
        lock.release()


@contextmanager
def opened(directory: DataDir, notify: Callable[[str], None]) -> Iterator[OpenNode]:
    """The node of a data directory that is held."""
    identity = Identity(crypto, directory.seed())
    storage = SqliteStorage(directory.database, read_only=not may_write(directory.database), own=identity.public)
    try:
        node = _open_node(storage, identity)
        if [store_id for store_id, _ in list(node.tree.damaged) if mend(node, store_id)]:
            node = _open_node(storage, identity)
        _say_mended(storage, notify)
        try:
            yield OpenNode(directory, storage, node, notify)
        finally:
            _note_suspects(node)
            _say_mended(storage, notify)
    finally:
        storage.close()


def _open_node(storage, identity):
    node = Node(storage, cast(Any, crypto), identity)
    node.tree.limit = _STORES_KEPT
    node.tree.open_limit = None
    node.open(now_ms())
    return node


def _say_mended(storage, notify):
    for words in storage.mended:
        notify("node.db was damaged: %s. Its disk or memory may be failing: `store verify` reads all of it" % words)
    storage.mended = []


def _note_suspects(node):
    """What a command has found damaged while it read is wanted from the next peer. The rest is dropped."""
    found = [(handle, list(handle.store.suspects)) for handle in node.tree.replicas if handle.store.suspects]
    if found:
        node.journal.rollback()
        for handle, hashes in found:
            node.note_damage(handle, hashes, [])
    rows = [handle.id for handle in node.tree.replicas if handle.store.suspect_rows]
    if rows:
        node.journal.rollback()
        for store_id in rows:
            mend(node, store_id)
