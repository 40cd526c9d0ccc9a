"""A wrong bit in a row of node.db costs no command: it is put right from what it follows from, and that is said."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from host.cli_support import CommandLine

STORE = "store = (SELECT max(n) FROM store)"
LAST = STORE + " AND sequence = (SELECT max(sequence) FROM intention WHERE " + STORE + ")"
BEFORE = STORE + " AND sequence = 2"
FILE = STORE + " AND kind = 100 AND key = CAST('fs/x' AS BLOB)"


def flipped(value):
    return value ^ 2 if isinstance(value, int) else value[:3] + bytes((value[3] ^ 1,)) + value[4:]


def flipped_first(value):
    return bytes((value[0] ^ 1,)) + value[1:]


def many_wrong(value):
    return bytes(255 - byte for byte in value)


def damage(path, table, column, where, change=flipped):
    with closing(sqlite3.connect(path)) as connection:
        (value,) = connection.execute("SELECT %s FROM %s WHERE %s" % (column, table, where)).fetchone()
        done = connection.execute("UPDATE %s SET %s = ? WHERE %s" % (table, column, where), (change(value),))
        assert done.rowcount == 1
        connection.commit()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    host = CommandLine(folder / "a")
    host.run("store", "create", "notes")
    host.run("kv", "put", "k", "v")
    for name in "xy":
        (folder / name).write_text(name)
        host.run("file", "put", folder / name)
    return folder / "a"


def copy_of(good, folder):
    shutil.copytree(good, folder)
    host = CommandLine.__new__(CommandLine)
    host.folder = folder
    return host


def works(host):
    assert host.run("file", "get", "x", "-") == "x"
    assert host.run("kv", "get", "k").strip() == "v"
    assert [row["path"] for row in host.json("file", "list")["files"]] == ["x", "y"]


DAMAGE = [
    ("intention", "wall_ms", LAST),
    ("intention", "wall_ms", BEFORE),
    ("intention", "author", LAST),
    ("intention", "head", BEFORE),
    ("intention", "hash", BEFORE),
    ("intention", "position", BEFORE),
    ("author", "tip", STORE),
    ("author", "length", STORE),
    ("author", "newest", STORE),
    ("author", "key", STORE),
    ("store", "count", "n = (SELECT max(n) FROM store)"),
    ("store", "head", "n = (SELECT max(n) FROM store)"),
    ("state", "value", FILE),
    ("state", "value", FILE, flipped_first),
    ("state", "value", STORE + " AND kind = 109 AND key = CAST('node/store' AS BLOB)"),
]


@pytest.mark.parametrize("what", DAMAGE, ids=lambda what: "-".join(what[:2]))
def test_a_wrong_bit_in_a_row_is_put_right_by_the_command_that_meets_it(good, tmp_path, what):
    host = copy_of(good, tmp_path / "a")
    damage(host.folder / "node.db", *what)
    works(host)
    host.attempt("store", "verify")
    assert host.json("store", "verify")["clean"]
    works(host)


@pytest.mark.parametrize("what", DAMAGE, ids=lambda what: "-".join(what[:2]))
def test_verify_finds_it_says_so_and_leaves_it_good(good, tmp_path, what):
    host = copy_of(good, tmp_path / "a")
    damage(host.folder / "node.db", *what)
    found = host.attempt("store", "verify")
    assert "damage" in found.stderr
    assert "store verify" in found.stderr
    assert host.json("store", "verify")["clean"]
    works(host)


def test_a_row_that_is_wrong_all_over_is_worked_out_from_the_log(good, tmp_path):
    host = copy_of(good, tmp_path / "a")
    damage(host.folder / "node.db", "state", "value", FILE, many_wrong)
    assert "worked out" in host.fails("file", "get", "x", "-")
    works(host)
    assert host.json("store", "verify")["clean"]


def test_verify_finds_a_row_that_is_gone(good, tmp_path):
    host = copy_of(good, tmp_path / "a")
    with closing(sqlite3.connect(host.folder / "node.db")) as connection:
        assert connection.execute("DELETE FROM state WHERE " + FILE).rowcount == 1
        connection.commit()
    assert host.attempt("store", "verify").exit_code == 1
    works(host)
    assert host.json("store", "verify")["clean"]


def test_the_end_of_a_log_that_is_missing_is_never_taken_for_its_end(good, tmp_path):
    host = copy_of(good, tmp_path / "a")
    with closing(sqlite3.connect(host.folder / "node.db")) as connection:
        assert connection.execute("DELETE FROM intention WHERE " + LAST).rowcount == 1
        connection.commit()
    assert "stays closed" in host.attempt("status").stderr
    assert host.attempt("store", "verify").exit_code == 1
