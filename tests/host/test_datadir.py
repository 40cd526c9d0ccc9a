"""The data directory: identity written once and privately, configuration, errors in words."""

import os
import stat

import pytest

from host.cli_support import CommandLine
from lattice_core.errors import StorageError
from lattice_host import datadir
from lattice_host.datadir import DataDir, chosen_path, write_atomically
from lattice_host.storage import SqliteStorage


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_option_comes_before_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(datadir.ENVIRONMENT, str(tmp_path / "environment"))
    assert chosen_path(tmp_path / "option") == tmp_path / "option"
    assert chosen_path() == tmp_path / "environment"
    monkeypatch.delenv(datadir.ENVIRONMENT)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert chosen_path() == tmp_path / "xdg" / "lattice-nano"


def test_the_identity_is_drawn_once_and_is_private(tmp_path):
    seed = DataDir(tmp_path / "node").seed()
    assert len(seed) == 32
    assert DataDir(tmp_path / "node").seed() == seed
    assert (tmp_path / "node" / "identity.key").read_bytes() == seed
    assert mode(tmp_path / "node" / "identity.key") == 0o600
    assert mode(tmp_path / "node") == 0o700
    assert DataDir(tmp_path / "other").seed() != seed


def test_a_damaged_identity_is_never_replaced(tmp_path):
    directory = DataDir(tmp_path / "node")
    directory.seed()
    (tmp_path / "node" / "identity.key").write_bytes(b"short")
    with pytest.raises(StorageError, match="backup"):
        directory.seed()
    assert (tmp_path / "node" / "identity.key").read_bytes() == b"short"


def test_a_lost_identity_beside_data_is_not_made_anew(tmp_path):
    directory = DataDir(tmp_path / "node")
    directory.database.write_bytes(b"data")
    with pytest.raises(StorageError, match="missing"):
        directory.seed()


def test_configuration(tmp_path):
    directory = DataDir(tmp_path / "node")
    assert directory.config() == {"sticks": {}}
    assert directory.known_ports() == []
    directory.remember_stick("aa" * 32, name="carrier", port="/dev/ttyACM0")
    directory.remember_stick("aa" * 32, port="/dev/ttyACM1")
    stick = DataDir(tmp_path / "node").config()["sticks"]["aa" * 32]
    assert stick == {"name": "carrier", "port": "/dev/ttyACM1"}
    assert directory.known_ports() == ["/dev/ttyACM1"]
    directory.forget_stick("aa" * 32)
    directory.forget_stick("bb" * 32)
    assert directory.known_ports() == []
    directory.save_config({"sticks": {}})


_DEEP = b"[" * 100000
DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"3",
    b'"x"',
    b"\xff\xfe",
    b"\0" * 100,
    _DEEP,
    b'{"sticks": 3}',
    b'{"sticks": {"aa": 3}}',
]
DAMAGED += [b'{"sticks": {"zz": {"port": 3, "name": []}}}', b'{"sticks": {"": {"port": "\\u0000", "name": "\\ud800"}}}']


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: repr(data[:40]))
def test_where_sticks_were_seen_is_nothing_that_a_command_ends_with(tmp_path, data):
    directory = DataDir(tmp_path / "node")
    (tmp_path / "node" / "config.json").write_bytes(data)
    assert directory.known_ports() == []
    directory.forget_stick("aa" * 32)
    directory.remember_stick("aa" * 32, name="carrier", port="/dev/ttyACM0")
    assert directory.known_ports() == ["/dev/ttyACM0"]
    laptop = CommandLine(tmp_path / "laptop")
    (laptop.folder / "config.json").write_bytes(data)
    laptop.run("status")
    assert "there is no port" in laptop.fails("sync", "/dev/absent")
    assert "no stick found" in laptop.fails("sync", "auto")


def test_a_config_that_cannot_be_opened(tmp_path):
    directory = DataDir(tmp_path / "node")
    (tmp_path / "node" / "config.json").mkdir()
    assert directory.config() == {"sticks": {}}
    with pytest.raises(StorageError, match="cannot be written"):
        directory.remember_stick("aa" * 32, port="/dev/ttyACM0")


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fails(source, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be created"):
        DataDir(tmp_path / "file" / "node")


def test_a_directory_that_was_there_is_closed_to_others(tmp_path):
    folder = tmp_path / "node"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    directory = DataDir(folder)
    assert mode(folder) == 0o700
    directory.seed()
    (folder / "node.db").touch(0o644)
    (folder / "node.db").chmod(0o644)
    folder.chmod(0o755)
    storage = SqliteStorage(DataDir(folder).database)
    storage.put_record(b"name", b"value")
    storage.commit()
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "identity.key": 0o600,
        "node.db": 0o600,
        "node.db-wal": 0o600,
        "node.db-shm": 0o600,
    }
    storage.close()


def test_a_new_database_is_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        storage = SqliteStorage(tmp_path / "node.db")
        storage.put_record(b"name", b"value")
        storage.commit()
    finally:
        os.umask(before)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    storage.close()


def test_a_folder_with_other_things_in_it_keeps_its_mode(tmp_path):
    (tmp_path / "letter.txt").write_text("not ours")
    tmp_path.chmod(0o755)
    DataDir(tmp_path)
    assert mode(tmp_path) == 0o755
