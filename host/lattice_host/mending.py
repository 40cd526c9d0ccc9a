"""What follows from the log is worked out from it anew where it is damaged (docs/storage.md): the columns beside the
bodies, the tables of the state."""

from lattice_core.errors import ProtocolError, StorageError
from lattice_core.machines.projection import Projection
from lattice_core.storage.contract import TABLE_BLOBS, TABLE_DATA, TABLE_HEADS, TABLE_META, TABLE_SYSTEM
from lattice_core.weaver.weaver import Weaver

_TABLES = (TABLE_DATA, TABLE_SYSTEM, TABLE_HEADS)
_STORE = b"node/store"  # parent's id (16) ‖ who declared it (32) ‖ type, see lattice_core.node.tree
_DERIVED = (b"skipped/", b"checkpoint", b"state")  # rows of TABLE_META that the log gives again
_ANEW = "rows of the state were damaged: they were worked out anew from the log"


def mend(node, store_id) -> bool:
    """Puts right what can be in a store that was found damaged, in a transaction of its own: nothing may be open. True
    when something was; the node is then opened again. StorageError never leaves it."""
    storage = node.storage
    if storage.database.read_only:
        return False
    store = storage.store(store_id)
    done = False
    try:
        done = store.mend_columns(only_when_damaged=True)
        if store.damaged_rows():
            done = _project_anew(node, store) or done
        storage.commit()
        store.suspect_rows.clear()
    except (StorageError, ProtocolError):
        storage.rollback()
    return done


def _weaver_of(node, store, row):
    projection = Projection(store, node.crypto, str(row[48:], "utf-8"))
    return Weaver(node.storage, store, node.crypto, node.identity, projection)


def _project_anew(node, store) -> bool:
    """False where a body of the log is damaged: less than there was would come of it."""
    made = store.row(TABLE_META, _STORE)
    if made is None or not _is_whole(store):
        return False
    damaged = store.damaged_rows()
    for table, key in damaged:
        if table in (*_TABLES, TABLE_BLOBS) or (table == TABLE_META and key.startswith(_DERIVED)):
            store.put_row(table, key, None)
    for _ in _weaver_of(node, store, made).project_again(True):
        pass
    node.storage.note_mended(_ANEW)
    return True


def _is_whole(store) -> bool:
    try:
        return all(store.get(hash) is not None for _, hash, _, _ in store.witness_log())
    except StorageError:
        return False


def compare(node, handle) -> str | None:
    """Works the state out anew and compares. None when it was good, else what was wrong; it is mended then. Nothing may
    be open. StorageError when the medium fails."""
    storage, weaver = node.storage, handle.weaver
    if storage.database.read_only or not _is_whole(handle.store):
        return None
    try:
        before = weaver.state_hash()
        for _ in weaver.project_again(True):
            pass
        if weaver.state_hash() != before:
            storage.commit()
            return "the state was not what its log says: it was worked out anew and is good now"
        node.journal.rollback()
    except (StorageError, ProtocolError):
        node.journal.rollback()
        raise
    return None
