"""The storage suite on SQLite, and what only SQLite has: damaged files, versions, ranges of hashes."""

import atexit
import shutil
import sqlite3
import tempfile

import pytest

from lattice_core.errors import StorageError
from lattice_core.storage.contract import ZERO
from lattice_host.storage import SqliteStorage, schema
from support import Rng, storage_suite

_FOLDER = tempfile.mkdtemp(prefix="lattice-storage-")
atexit.register(shutil.rmtree, _FOLDER, True)
_LIMIT_BYTES = 6 * 1024 * 1024
_made = []


def make():
    storage = SqliteStorage("%s/%d.db" % (_FOLDER, len(_made)), _LIMIT_BYTES)
    _made.append(storage)
    return storage


def reopen(storage):
    storage.close()
    return SqliteStorage(storage.path, _LIMIT_BYTES)


storage_suite.install(globals(), make, reopen, True)


def witnessed(storage, count, seed=1):
    """`count` intentions of a few authors, witnessed; their hashes."""
    store = storage.store(storage_suite.STORE)
    hashes = []
    for author in range(1, 5):
        for item in storage_suite.chain(storage_suite.author_key(author * 7 + seed), count // 4):
            store.put(item)
            store.witness(item.hash, 1, storage_suite.head(len(hashes)))
            hashes.append(item.hash)
            if len(hashes) % 97 == 0:
                storage.commit()
    return hashes


def expected_summary(hashes, start, end):
    inside = [hash for hash in hashes if start <= hash and (end is None or hash < end)]
    total = 0
    for hash in inside:
        total ^= int.from_bytes(hash, "big")
    return len(inside), total.to_bytes(32, "big")


def check_ranges(store, hashes, rng):
    for _ in range(60):
        start, end = rng.bytes(32), rng.bytes(32)
        if rng.below(3) == 0:
            start = rng.choice(hashes)
        if rng.below(3) == 0:
            end = start[: 1 + rng.below(3)] + b"\xff" * 29
        assert store.range_summary(start, end) == expected_summary(hashes, start, end)
        inside = sorted(hash for hash in hashes if start <= hash < end)
        assert store.range_hashes(start, end, 10) == inside[:10]
    assert store.range_summary(ZERO, None) == expected_summary(hashes, ZERO, None)
    assert store.range_hashes(ZERO, None, 1 << 30) == sorted(hashes)


def test_range_summaries_equal_a_scan():
    storage = make()
    hashes = witnessed(storage, 2000)
    check_ranges(storage.store(storage_suite.STORE), hashes, Rng(4))
    storage.commit()
    storage = reopen(storage)
    check_ranges(storage.store(storage_suite.STORE), hashes, Rng(5))
    storage.check()


def test_range_summaries_follow_a_rollback():
    storage = make()
    hashes = witnessed(storage, 400)
    storage.commit()
    more = witnessed(storage, 80, seed=2)
    assert storage.store(storage_suite.STORE).range_summary(ZERO, None)[0] == len(hashes) + len(more)
    storage.rollback()
    kept = storage.store(storage_suite.STORE).range_hashes(ZERO, None, 1 << 30)
    assert set(hashes) <= set(kept)
    assert storage.store(storage_suite.STORE).range_summary(ZERO, None) == expected_summary(kept, ZERO, None)
    storage.check()


def test_empty_ranges():
    store = make().store(storage_suite.STORE)
    assert store.range_summary(ZERO, None) == (0, ZERO)
    assert store.range_summary(b"\x02" * 32, b"\x01" * 32) == (0, ZERO)
    assert store.range_hashes(ZERO, b"\xff" * 32, 5) == []


def test_range_summary_reads_few_rows():
    """O(log n): the statements it takes hardly grow when the set grows sixteenfold."""
    few, many = (statements_of_a_summary(count) for count in (600, 9600))
    assert many <= few + 8


def statements_of_a_summary(count):
    storage = make()
    witnessed(storage, count)
    storage.commit()
    rows = [0]
    store = storage.store(storage_suite.STORE)
    original = storage.database.all

    def counted(statement, values=()):
        found = original(statement, values)
        rows[0] += 1
        assert len(found) <= 256
        return found

    storage.database.all = counted
    store.range_summary(b"\x37" * 32, b"\xa9" * 32)
    return rows[0]


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "node.db"
    path.write_bytes(b"this is a letter to my aunt" * 1000)
    with pytest.raises(StorageError, match="damaged"):
        SqliteStorage(path)


def test_another_programs_database(tmp_path):
    path = tmp_path / "node.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE letters (t TEXT)")
    other.close()
    with pytest.raises(StorageError, match="not a Lattice database"):
        SqliteStorage(path)


def test_a_newer_format(tmp_path):
    path = tmp_path / "node.db"
    SqliteStorage(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = %d" % (schema.VERSION + 1))
    newer.close()
    with pytest.raises(StorageError, match="update lattice-host"):
        SqliteStorage(path)


def test_damage_is_reported_in_words(tmp_path):
    path = tmp_path / "node.db"
    storage = SqliteStorage(path)
    witnessed(storage, 800)
    storage.commit()
    storage.close()
    data = bytearray(path.read_bytes())
    assert len(data) > 12 * schema.PAGE_BYTES
    for page in range(4, len(data) // schema.PAGE_BYTES):
        data[page * schema.PAGE_BYTES : page * schema.PAGE_BYTES + 200] = b"\xa5" * 200
    path.write_bytes(data)
    # The identity without its data could fork its own chain: the advice is a new one.
    with pytest.raises(StorageError, match=r"damaged .*; move the whole data directory away, identity\.key too"):
        SqliteStorage(path).check()


def test_missing_intentions_are_reported_in_words(tmp_path):
    path = tmp_path / "node.db"
    storage = SqliteStorage(path)
    witnessed(storage, 40)
    storage.commit()
    storage.close()
    database = sqlite3.connect(path)
    database.execute("DELETE FROM intention WHERE sequence BETWEEN 5 AND 50")
    database.commit()
    database.close()
    store = SqliteStorage(path).store(storage_suite.STORE)
    for read in (
        lambda: store.witness_at(5),
        lambda: store.head_at(40),
        lambda: store.chain_at(storage_suite.author_key(8), 6),
        lambda: list(store.witness_log()),
    ):
        with pytest.raises(StorageError, match="damaged"):
            read()


def test_a_second_process_is_refused(tmp_path):
    storage = SqliteStorage(tmp_path / "node.db")
    storage.store(storage_suite.STORE)
    storage.commit()
    storage.put_record(b"name", b"value")
    with pytest.raises(StorageError, match="in use"):
        SqliteStorage(tmp_path / "node.db").put_record(b"name", b"other")


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(StorageError, match="may not be written"):
        SqliteStorage(tmp_path / "absent" / "node.db")
