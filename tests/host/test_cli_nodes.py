"""Which node a command means: none is made by mistake, and one on a disk that cannot be written is read."""

import os
import shutil
import subprocess
import sys

import pytest

from host.cli_commands import CommandRun, leaves, words_for
from host.cli_support import CommandLine
from lattice_core.errors import StorageError
from lattice_host.lock import DirectoryLock
from lattice_host.storage import SqliteStorage
from lattice_host.storage.database import Database

MAKERS = (("init",), ("join",), ("store", "create"))
VALUES = {"PORT": "/dev/null", "PATH": "/dev/null", "FILE": "/dev/null", "DEST": "/dev/null/x"}


@pytest.mark.parametrize(("words", "command"), leaves(), ids=[" ".join(words) for words, _ in leaves()])
def test_only_what_makes_a_node_makes_one(tmp_path, words, command):
    folder = tmp_path / "mistyped"
    run = CommandRun(folder, [*words, *words_for(command, VALUES)])
    if words in MAKERS:
        return
    assert run.status == 1, run.err
    assert b"no node in %s" % os.fsencode(folder) in run.err, run.err
    assert not folder.exists()


def test_an_empty_name_of_the_data_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (("status",), ("init",), ("store", "create", "x")):
        run = CommandRun("", words)
        assert run.status == 2
        assert b"--data is empty" in run.err
    monkeypatch.setenv("LATTICE_DATA", "")
    done = subprocess.run([sys.executable, "-m", "lattice_host", "init"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"LATTICE_DATA is empty" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_home_that_nobody_has(tmp_path):
    run = CommandRun("~nobody-of-this-name/x", ["status"])
    assert run.status == 2
    assert b"~nobody-of-this-name" in run.err


# -- disks that cannot be written ----------------------------------------------------------------------------------

READING = (
    ("status",), ("store", "list"), ("store", "status"), ("store", "verify"), ("kv", "get", "k"), ("kv", "list"),
    ("kv", "inspect", "k"), ("file", "list"), ("file", "get", "f", "{out}"), ("invite", "list"), ("peer", "list"),
    ("init",),
)  # fmt: skip
WRITING = (
    ("kv", "put", "a", "b"), ("kv", "delete", "k"), ("store", "create", "x"), ("invite",), ("init", "--name", "b"),
)  # fmt: skip


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_reading_works_on_a_disk_that_takes_no_byte(tmp_path, state):
    """In a mount namespace of its own, where the system permits that."""
    if shutil.which("unshare") is None or subprocess.call(["unshare", "--map-root-user", "--mount", "true"]):
        pytest.skip("no mount namespaces here")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", sys.executable, __file__, str(tmp_path), state],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _on_a_small_disk(tmp_path, state):
    disk = os.path.join(tmp_path, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=50m", "tmpfs", disk], check=True)
    folder = os.path.join(disk, "node")
    host = CommandLine(folder, "a")
    host.run("store", "create", "notes")
    host.run("kv", "put", "k", "v")
    with open(os.path.join(tmp_path, "f"), "wb") as file:
        file.write(os.urandom(100_000))
    host.run("file", "put", os.path.join(tmp_path, "f"))
    if state == "full":
        try:
            with open(os.path.join(disk, "fill"), "wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        except OSError:
            pass
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for words in READING:
        run = CommandRun(folder, [word.format(out=os.path.join(tmp_path, "out")) for word in words])
        assert run.status == 0, (words, run.err)
        assert run.out, (words, run.err)
        assert not run.err, (words, run.err)
    for words in WRITING:
        run = CommandRun(folder, words)
        assert run.status == 1, (words, run.err)
        assert len(run.err.splitlines()) == 1, (words, run.err)
        assert _says_why(state, run.err), (words, run.err)
    # The same after a crash in the middle of a write: what was committed is in the log only.
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    if state == "full":
        os.unlink(os.path.join(disk, "fill"))
    subprocess.run([sys.executable, "-c", CRASH % os.path.join(folder, "node.db")], check=False)
    assert os.path.getsize(os.path.join(folder, "node.db-wal"))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    run = CommandRun(folder, ["kv", "get", "k"], scratch=tmp_path)
    assert run.out == b"v", run.err
    assert run.status == 0, run.err


def _says_why(state, words):
    return b"read-only" in words or (state == "full" and b"no room on the disk of" in words)


CRASH = """
import os, signal
from lattice_host.storage import SqliteStorage
storage = SqliteStorage(%r)
storage.put_record(b"left", b"behind")
storage.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_crash_left_in_the_log_is_read(tmp_path):
    path = tmp_path / "node.db"
    subprocess.run([sys.executable, "-c", CRASH % str(path)], check=False)
    before = {item.name: item.read_bytes() for item in tmp_path.iterdir()}
    assert before["node.db-wal"]
    storage = SqliteStorage(path, read_only=True)
    assert storage.record(b"left") == b"behind"
    with pytest.raises(StorageError, match="read-only"):
        storage.put_record(b"name", b"value")
    storage.close()
    assert {item.name: item.read_bytes() for item in tmp_path.iterdir()} == before


def test_a_database_that_is_only_read_gets_no_log(tmp_path):
    path = str(tmp_path / "node?#%.db")
    Database(path).close()
    database = Database(path, read_only=True)
    assert database.one("SELECT 1") == (1,)
    assert [item.name for item in tmp_path.iterdir()] == ["node?#%.db"]
    database.close()


def test_a_lock_holds_where_nothing_can_be_written(tmp_path, monkeypatch):
    real = os.open

    def read_only(path, flags, *rest, **settings):
        if flags & (os.O_RDWR | os.O_CREAT):
            raise OSError(30, "Read-only file system")
        return real(path, flags, *rest, **settings)

    monkeypatch.setattr("lattice_host.lock.os.open", read_only)
    for name in ("absent", "there"):
        path = tmp_path / name / "lock"
        path.parent.mkdir()
        if name == "there":
            path.write_bytes(b"")
        lock = DirectoryLock(path)
        with pytest.raises(StorageError, match="another process"):
            DirectoryLock(path)
        lock.release()
        DirectoryLock(path).release()


if __name__ == "__main__":
    _on_a_small_disk(sys.argv[1], sys.argv[2])
