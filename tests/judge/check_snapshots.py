"""wire.json: snapshots (tables <-> bytes)."""

from judge.cases import h, outcome, same
from lattice_core.model import snapshot

_NAMES = {"data": snapshot.DATA, "meta": snapshot.META, "system": snapshot.SYSTEM}


def check(section, case, context):
    crypto = context.crypto
    data = h(case["bytes"])
    store_id = h(case["store_id"])
    tables = {_NAMES[name]: [(h(key), h(value)) for key, value in case[name]] for name in _NAMES}
    same("encode", snapshot.encode(crypto, store_id, tables), data)
    restored, error = outcome(snapshot.decode, crypto, store_id, data)
    same("restore_ok", error is None, case["restore_ok"])
    if error is None:
        same("tables", restored, tables)
    damaged = data[:-1] + bytes((data[-1] ^ 1,))
    same("a wrong checksum is refused", outcome(snapshot.decode, crypto, store_id, damaged)[1] is not None, True)
    same("another store is refused", outcome(snapshot.decode, crypto, b"\x03" * 16, data)[1] is not None, True)
