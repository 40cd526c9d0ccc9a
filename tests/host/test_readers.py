"""Whoever only reads does not wait for a sync, and sees what is committed."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from host.cli_support import CommandLine
from host.fake_stick import FakeStick
from lattice_core.errors import StorageError
from lattice_host.lock import DirectoryLock
from lattice_host.service.local import open_node
from lattice_host.storage import SqliteStorage
from lattice_host.storage.database import Database

AT_ONCE_S = 8  # on a busy machine; the sync takes longer than all commands together


@pytest.fixture
def laptop(tmp_path):
    host = CommandLine(tmp_path / "laptop")
    host.run("store", "create", "diary")
    host.run("kv", "put", "a", "1")
    return host


@contextlib.contextmanager
def syncing(host, port):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    words = [sys.executable, "-m", "lattice_host", "--data", str(host.folder), "sync", port]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_process_reads_while_a_sync_runs(laptop, tmp_path):
    content = os.urandom(400000)
    (tmp_path / "big").write_bytes(content)
    laptop.run("file", "put", tmp_path / "big")
    with FakeStick(tmp_path) as stick:
        laptop.run("stick", "setup", stick.port)
        stick.pause_s = 0.15
        with syncing(laptop, stick.port) as process:
            until = time.monotonic() + 30
            busy = laptop.json("status")["busy"]
            while (busy is None or not (busy["sync"] or {}).get("total_bytes")) and time.monotonic() < until:
                busy = laptop.json("status")["busy"]
            assert busy["by"] == "process %d (lattice-host sync)" % process.pid
            assert busy["sync"]["port"] == stick.port
            assert busy["sync"]["total_bytes"] > 0
            for words in (("kv", "get", "a"), ("kv", "list"), ("file", "list"), ("store", "list"), ("peer", "list")):
                started = time.monotonic()
                laptop.run(*words)
                assert time.monotonic() - started < AT_ONCE_S, words
            assert laptop.run("kv", "get", "a").strip() == "1"
            assert [row["path"] for row in laptop.json("file", "list")["files"]] == ["big"]
            assert "in use by process %d" % process.pid in laptop.run("status")
            assert "in use by process %d (lattice-host sync)" % process.pid in laptop.fails("kv", "put", "a", "2")
            assert process.poll() is None, "the sync was too short to tell"
            stick.pause_s = 0.0
            assert process.wait(60) == 0
        assert laptop.json("status")["busy"] is None
        laptop.run("kv", "put", "a", "2")
    assert not (laptop.folder / "activity.json").exists()


def test_a_reader_sees_what_was_committed_when_it_began(laptop):
    with open_node(laptop.folder, pytest.fail, reads=True) as on:
        assert on.reads
        laptop.run("kv", "put", "a", "2")
        laptop.run("kv", "put", "b", "2")
        store = on.store("diary")
        body = store.kv.get(b"a").value()
        assert body.read(0, body.size) == b"1"
        assert store.kv.get(b"b") is None
        with pytest.raises(StorageError):
            store.kv.put(b"c", b"3", 1 << 41)
    assert laptop.run("kv", "get", "a").strip() == "2"
    assert "c" not in [row["key"] for row in laptop.json("kv", "list")["keys"]]


def test_a_reader_leaves_the_file_as_it_is_while_a_writer_is_killed(laptop):
    storage = SqliteStorage(laptop.folder / "node.db")
    storage.put_record(b"half", b"done")
    assert laptop.run("kv", "get", "a").strip() == "1"
    storage.close()
    assert laptop.run("kv", "get", "a").strip() == "1"


def test_what_a_reader_has_to_write_first_waits_for_the_writer(laptop):
    with contextlib.closing(sqlite3.connect(laptop.folder / "node.db")) as connection:
        connection.execute("UPDATE author SET length = length + 2")
        connection.commit()
    lock = DirectoryLock(laptop.folder / "lock")
    try:
        assert "in use by process %d" % os.getpid() in laptop.fails("kv", "get", "a")
    finally:
        lock.release()
    assert laptop.run("kv", "get", "a").strip() == "1"


def test_without_shared_memory_the_file_is_of_one_process(laptop, monkeypatch):
    """As on a network's disk."""
    path = laptop.folder / "node.db"
    monkeypatch.setattr(Database, "_may_be_shared", lambda database: False)
    laptop.run("kv", "put", "a", "2")
    assert laptop.run("kv", "get", "a").strip() == "2"
    storage = SqliteStorage(path)
    with pytest.raises(StorageError, match="in use"):
        SqliteStorage(path, beside_writer=True)
    storage.close()
