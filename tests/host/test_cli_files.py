"""`file …`: what a user sees of files. The transfer itself is tested in test_host_files.py."""

import os

import pytest

from host.cli_support import Host


@pytest.fixture
def laptop(tmp_path):
    host = Host(tmp_path / "laptop")
    host.run("store", "create", "notes")
    return host


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "small").write_bytes(b"a small file")
    (folder / "sub" / "Zürich.bin").write_bytes(os.urandom(200_000))
    (folder / "sub" / "Zürich.bin").chmod(0o640)
    return folder


def paths(host):
    return [row["path"] for row in host.json("file", "list")["files"]]


def test_put_list_get(laptop, source, tmp_path):
    done = laptop.json("file", "put", source)
    assert (done["written"], done["unchanged"]) == (3, 0) and done["bytes"] == 200_012
    rows = {row["path"]: row for row in laptop.json("file", "list")["files"]}
    assert sorted(rows) == ["source/empty", "source/small", "source/sub/Zürich.bin"]
    large = rows["source/sub/Zürich.bin"]
    assert set(large) >= {"path", "size", "mode", "modified_at", "cid", "conflicts", "held"}
    assert (large["size"], large["mode"], large["held"], large["conflicts"]) == (200_000, 0o640, True, [])
    got = laptop.json("file", "get", "source", tmp_path / "out")
    assert len(got["written"]) == 3 and got["problems"] == []
    for path in ("empty", "small", "sub/Zürich.bin"):
        assert (tmp_path / "out" / path).read_bytes() == (source / path).read_bytes()


def test_an_unchanged_put_writes_nothing(laptop, source):
    laptop.run("file", "put", source)
    before = laptop.json("store", "status", "--store", "notes")["stores"][0]["intentions"]
    again = laptop.json("file", "put", source)
    assert (again["written"], again["unchanged"], again["stored_bytes"]) == (0, 3, 0)
    assert laptop.json("store", "status", "--store", "notes")["stores"][0]["intentions"] == before


def test_one_file_under_another_name(laptop, source, tmp_path):
    laptop.run("file", "put", source / "small", "--as", "letters/first.txt")
    assert paths(laptop) == ["letters/first.txt"]
    laptop.run("file", "get", "letters/first.txt", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"a small file"


def test_rm_mv_undo(laptop, source):
    laptop.run("file", "put", source)
    assert laptop.json("file", "rm", "source/small") == {"removed": ["source/small"]}
    assert "source/small" not in paths(laptop)
    assert laptop.json("file", "undo", "source/small") == {"restored": ["source/small"]}
    moved = laptop.json("file", "mv", "source/sub", "elsewhere")["moved"]
    assert moved == [{"from": "source/sub/Zürich.bin", "to": "elsewhere/Zürich.bin"}]
    assert "elsewhere/Zürich.bin" in paths(laptop)
    laptop.run("file", "rm", "source")
    assert paths(laptop) == ["elsewhere/Zürich.bin"]
    laptop.run("file", "undo", "source")
    assert "source/empty" in paths(laptop)


def test_undo_of_an_overwrite(laptop, tmp_path):
    note = tmp_path / "note"
    for text in ("first", "second"):
        note.write_text(text)
        laptop.run("file", "put", note)
    laptop.run("file", "undo", "note")
    laptop.run("file", "get", "note", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "first"


def test_errors_name_the_file(laptop, tmp_path):
    assert "absent" in laptop.fails("file", "put", tmp_path / "absent")
    assert "absent" in laptop.fails("file", "get", "absent", tmp_path / "out")
    assert "absent" in laptop.fails("file", "rm", "absent")
    assert "absent" in laptop.fails("file", "undo", "absent")
    (tmp_path / "file").write_text("x")
    assert ".." in laptop.fails("file", "put", tmp_path / "file", "--as", "../outside")


def test_a_row_that_is_no_file(laptop):
    laptop.run("kv", "put", "fs/odd", "\x08 not a directory entry")
    row = laptop.json("file", "list")["files"][0]
    assert row["path"] == "odd" and row["problem"].startswith("not a file")
    assert "not a file" in laptop.run("file", "list")
