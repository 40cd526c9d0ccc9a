"""`file …`: what a user sees of files. The transfer itself is tested in test_host_files.py."""

import json
import os

import pytest

from host.cli_support import CommandLine


@pytest.fixture
def laptop(tmp_path):
    host = CommandLine(tmp_path / "laptop")
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
    assert (done["written"], done["unchanged"]) == (3, 0)
    assert done["bytes"] == 200_012
    rows = {row["path"]: row for row in laptop.json("file", "list")["files"]}
    assert sorted(rows) == ["source/empty", "source/small", "source/sub/Zürich.bin"]
    large = rows["source/sub/Zürich.bin"]
    assert set(large) >= {"path", "size", "mode", "modified_at", "cid", "conflicts", "held"}
    assert (large["size"], large["mode"], large["held"], large["conflicts"]) == (200_000, 0o640, True, [])
    got = laptop.json("file", "get", "source", tmp_path / "out")
    assert len(got["written"]) == 3
    assert got["problems"] == []
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
    assert row["path"] == "odd"
    assert row["problem"].startswith("not a file")
    assert "not a file" in laptop.run("file", "list")


def test_what_was_left_out_is_named_and_the_status_says_so(laptop, source):
    (source / "link").symlink_to("small")
    (source / "hollow").mkdir()
    result = laptop.attempt("file", "put", source, "--json")
    assert result.exit_code == 3
    assert sorted(row["path"] for row in json.loads(result.stdout)["skipped"]) == ["source/hollow", "source/link"]
    assert "source/link was left out: it is a symbolic link" in result.stderr
    assert paths(laptop) == ["source/empty", "source/small", "source/sub/Zürich.bin"]


def test_a_get_into_a_folder_makes_the_name_in_it(laptop, source, tmp_path):
    laptop.run("file", "put", source)
    (tmp_path / "into").mkdir()
    laptop.run("file", "get", "source", tmp_path / "into")
    laptop.run("file", "get", "source/sub", tmp_path / "into")
    laptop.run("file", "get", "source/small", tmp_path / "into")
    found = {item.relative_to(tmp_path / "into").as_posix() for item in (tmp_path / "into").rglob("*")}
    assert found >= {"source/small", "source/sub/Zürich.bin", "sub/Zürich.bin", "small"}


def test_a_get_replaces_only_what_nobody_changed(laptop, source, tmp_path):
    out = tmp_path / "out"
    laptop.run("file", "put", source)
    laptop.run("file", "get", "source", out)
    (source / "small").write_text("a new version")
    (source / "empty").write_text("a new version, too")
    laptop.run("file", "put", source)
    (out / "empty").write_text("changed here")
    result = laptop.attempt("file", "get", "source", out.parent / "out" / "..", "--json")
    assert result.exit_code == 0  # another folder: out/../source, which is what was put
    result = laptop.attempt("file", "get", "source/small", out / "small", "--json")
    assert result.exit_code == 0
    assert (out / "small").read_text() == "a new version"
    refused = laptop.fails("file", "get", "source/empty", out / "empty")
    assert "--force" in refused
    assert (out / "empty").read_text() == "changed here"
    laptop.run("file", "get", "source/empty", out / "empty", "--force")
    assert (out / "empty").read_text() == "a new version, too"


def test_a_get_that_leaves_something_says_so(laptop, source, tmp_path):
    laptop.run("file", "put", source)
    (tmp_path / "source").rename(tmp_path / "elsewhere")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "small").write_text("mine")
    result = laptop.attempt("file", "get", "source", tmp_path, "--json")
    assert result.exit_code == 3
    assert [row["path"] for row in json.loads(result.stdout)["problems"]] == ["source/small"]
    assert "source/small was not written" in result.stderr
    assert (tmp_path / "source" / "small").read_text() == "mine"


def test_the_memory_outlives_the_command(laptop, source, tmp_path):
    laptop.run("file", "put", source)
    laptop.run("file", "rm", "source/small")
    again = laptop.json("file", "put", source)
    assert again["written"] == 0
    assert [row["path"] for row in again["newer"]] == ["source/small"]
    assert "removed" in laptop.run("file", "put", source)
    assert laptop.json("file", "put", source, "--force")["written"] == 1


def test_standard_streams(laptop, tmp_path):
    laptop.run("file", "put", "-", "--as", "notes/a", stdin="one\n")
    assert laptop.run("file", "get", "notes/a", "-") == "one\n"
    large = "line\n" * 20_000
    laptop.run("file", "put", "-", "--as", "notes/a", stdin=large)
    assert laptop.run("file", "get", "notes/a", "-") == large
    assert laptop.json("file", "list", "notes/a")["files"][0]["size"] == len(large)
    assert "--as" in laptop.fails("file", "put", "-", status=2)
    assert "--json" in laptop.fails("file", "get", "notes/a", "-", "--json", status=2)
    assert "single file" in laptop.fails("file", "get", "notes", "-")


def test_an_unknown_name_in_a_list_is_an_error(laptop, source):
    laptop.run("file", "put", source)
    assert "nothing-like-it" in laptop.fails("file", "list", "nothing-like-it")
    assert [row["path"] for row in laptop.json("file", "list", "source/small")["files"]] == ["source/small"]


def test_a_name_that_is_a_file_and_a_folder_is_listed_as_it_is_written(laptop, tmp_path):
    (tmp_path / "x").write_text("a file")
    laptop.run("file", "put", tmp_path / "x", "--as", "d/thing")
    laptop.run("file", "put", tmp_path / "x", "--as", "d/thing/in")
    rows = {row["path"]: row["written_as"] for row in laptop.json("file", "list")["files"]}
    assert rows["d/thing/in"] is None
    assert rows["d/thing"].startswith("d/thing (conflict")
    laptop.run("file", "get", "d", tmp_path / "out")
    assert (tmp_path / "out" / rows["d/thing"][2:]).read_text() == "a file"
    assert laptop.run("file", "get", rows["d/thing"], "-") == "a file"
    laptop.run("file", "rm", rows["d/thing"])
    assert paths(laptop) == ["d/thing/in"]


def test_nothing_is_got_into_a_data_directory_nor_below_one(laptop, source, tmp_path):
    laptop.run("file", "put", source)
    desktop = CommandLine(tmp_path / "desktop", "desktop")
    before = sorted(desktop.folder.rglob("*"))
    (tmp_path / "link").symlink_to(desktop.folder)
    for where in (desktop.folder, desktop.folder / "sub", desktop.folder / "sub" / "deep", tmp_path / "link" / "x"):
        for name in ("source/small", "source"):
            words = laptop.fails("file", "get", name, where)
            assert "data directory of a node" in words, words
            assert "--force" not in words, words
    words = laptop.fails("file", "get", "source/small", desktop.folder / "config.json")
    assert "data directory of a node" in words
    assert "--force" not in words
    assert sorted(desktop.folder.rglob("*")) == before
    # One that lies below the destination.
    (tmp_path / "out" / "source").mkdir(parents=True)
    inner = CommandLine(tmp_path / "out" / "source" / "sub", "inner")
    (inner.folder / "sub").mkdir()
    before = sorted(inner.folder.rglob("*"))
    result = laptop.attempt("file", "get", "source", tmp_path / "out", "--force")
    assert result.exit_code in (0, 3)
    assert sorted(inner.folder.rglob("*")) == before


def test_what_is_new_is_never_more_than_there_is(laptop, tmp_path):
    (tmp_path / "small").write_bytes(b"0123456789")
    (tmp_path / "large").write_bytes(os.urandom(300_000))
    for name, size in (("small", 10), ("large", 300_000)):
        data = laptop.json("file", "put", tmp_path / name)
        assert (data["bytes"], data["stored_bytes"]) == (size, size)
        data = laptop.json("file", "put", tmp_path / name)
        assert (data["bytes"], data["stored_bytes"]) == (size, 0)
    data = json.loads(laptop.run("file", "put", "-", "--as", "s", "--json", stdin="abc"))
    assert (data["bytes"], data["stored_bytes"]) == (3, 3)


def test_the_whole_store_is_got_and_listed_and_never_removed_by_a_slip(laptop, source, tmp_path):
    laptop.run("file", "put", source)
    laptop.run("file", "get", "/", tmp_path / "all")
    assert (tmp_path / "all" / "source" / "small").exists()
    assert laptop.json("file", "list", "/") == laptop.json("file", "list")
    for words in (["rm", "/"], ["mv", "/", "x"], ["mv", "source", "/"], ["undo", "//"]):
        assert "whole store" in laptop.fails("file", *words, status=2)
    assert laptop.json("file", "list")["files"]


def test_standard_input_takes_no_name_that_is_a_folder(laptop, source):
    laptop.run("file", "put", source)
    result = laptop.attempt("file", "put", "-", "--as", "source", stdin="x")
    assert result.exit_code == 1
    assert "is a folder" in result.stderr
    result = laptop.attempt("file", "put", "-", "--as", "source/small/x", stdin="x")
    assert result.exit_code == 1
    assert "is a file" in result.stderr


def test_names_that_are_not_utf8_are_told_apart(laptop, tmp_path):
    folder = os.fsencode(tmp_path / "odd")
    os.mkdir(folder)
    for name in (b"caf\xe9", b"caf\xe8", b"ok"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"x")
    result = laptop.attempt("file", "put", tmp_path / "odd")
    assert result.exit_code == 3
    assert "odd/caf\\xe9" in result.stderr
    assert "odd/caf\\xe8" in result.stderr
