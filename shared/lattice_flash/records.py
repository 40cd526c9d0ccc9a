"""What each kind of record does: one table, for the replay and for compaction.

kind → (apply, is_live, carry). `apply(storage, address, payload, batch)` changes the indexes for a record that stands
in the log, new or moved. `is_live(storage, address, payload, oldest)`: a record of a segment that goes away is still
needed; `oldest`: no segment was written before that one. `carry(storage, payload)` gives the payload to write again.

Marks (COMMIT, ABORT, SEGMENT, SECTION) change no index and are never needed again. Kinds 13 to 18 are spoken for by
what will let history go; a kind that is not in the table was written by a newer version, and nothing may be changed
then.
"""

from lattice_core.errors import StorageError

from . import layout


def newer(what):
    """The error for what this version cannot read."""
    return StorageError(
        "the flash was written by a newer version (%s): update the firmware, nothing was changed" % what
    )


def actions(kind):
    """(apply, is_live, carry) of a kind of records. StorageError when a newer version has written it."""
    found = _TABLE.get(kind)
    if found is None:
        raise newer("record kind %d" % kind)
    return found


def _nothing(storage, address, payload, batch):
    pass


def _never(storage, address, payload, oldest):
    return False


def _always(storage, address, payload, oldest):
    return True


def _as_it_is(storage, payload):
    return payload


def _apply_store(storage, address, payload, batch):
    storage.apply_store(payload[0], bytes(payload[1:17]))


def _apply_intention(storage, address, payload, batch):
    storage.numbered(payload[0]).apply_intention(address, payload)


def _intention_is_live(storage, address, payload, oldest):
    hash = bytes(payload[layout.HASH_AT : layout.SIGNATURE_AT])
    return storage.numbered(payload[0]).address_of(hash) == address


def _carry_intention(storage, payload):
    if not storage.numbered(payload[0]).floats_again(payload):
        return payload
    payload = bytearray(payload)
    layout.put_u32(payload, layout.SEQUENCE_AT, 0)
    return payload


def _apply_drop(storage, address, payload, batch):
    storage.numbered(payload[0]).apply_dropped(bytes(payload[1:]))


def _drop_is_live(storage, address, payload, oldest):
    return not oldest and not storage.numbered(payload[0]).has(bytes(payload[1:]))


def _apply_row(storage, address, payload, batch):
    found = storage.row_index.find(bytes(payload[1 : 3 + payload[0]]))
    storage.numbered(payload[1]).tables.apply_row(found, address)


def _row_is_live(storage, address, payload, oldest):
    page, index, found = storage.row_index.find(bytes(payload[1 : 3 + payload[0]]))
    return found and storage.row_index.address(page, index) == address


def _apply_unrow(storage, address, payload, batch):
    found = storage.row_index.find(bytes(payload[1 : 3 + payload[0]]))
    if found[2]:
        storage.numbered(payload[1]).tables.apply_unrow(found)


def _unrow_is_live(storage, address, payload, oldest):
    """An older row of its key may still lie about."""
    return not oldest and not storage.row_index.find(bytes(payload[1 : 3 + payload[0]]))[2]


def _apply_blob(storage, address, payload, batch):
    storage.numbered(payload[0]).contents.apply_blob(address, bytes(payload[layout.BLOB_HASH_AT :]))


def _blob_is_live(storage, address, payload, oldest):
    index = storage.numbered(payload[0]).contents.find(bytes(payload[layout.BLOB_HASH_AT :]))
    return index >= 0 and storage.blob_index.address(index) == address


def _apply_unblob(storage, address, payload, batch):
    storage.numbered(payload[0]).contents.apply_unblobbed(bytes(payload[1:]))


def _unblob_is_live(storage, address, payload, oldest):
    return not oldest and not storage.numbered(payload[0]).has_blob(bytes(payload[1:]))


def _apply_record(storage, address, payload, batch):
    end = 2 + payload[1]
    storage.apply_record(bytes(payload[2:end]), bytes(payload[end:]) if payload[0] else None, batch)


_MARK = (_nothing, _never, _as_it_is)
_TABLE = {
    layout.STORE: (_apply_store, _always, _as_it_is),
    layout.INTENTION: (_apply_intention, _intention_is_live, _carry_intention),
    layout.DROP: (_apply_drop, _drop_is_live, _as_it_is),
    layout.ROW: (_apply_row, _row_is_live, _as_it_is),
    layout.UNROW: (_apply_unrow, _unrow_is_live, _as_it_is),
    layout.BLOB: (_apply_blob, _blob_is_live, _as_it_is),
    layout.UNBLOB: (_apply_unblob, _unblob_is_live, _as_it_is),
    layout.RECORD: (_apply_record, _never, _as_it_is),
    layout.COMMIT: _MARK,
    layout.ABORT: _MARK,
    layout.SEGMENT: _MARK,
    layout.SECTION: _MARK,
}
