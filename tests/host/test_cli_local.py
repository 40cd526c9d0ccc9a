"""Commands that need no stick: identity, stores, values, invites, members."""

import json
import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from host.cli_support import CommandLine
from lattice_host.lock import DirectoryLock


@pytest.fixture
def laptop(tmp_path):
    host = CommandLine(tmp_path / "laptop")
    host.run("store", "create", "notes")
    return host


def test_init_and_status(tmp_path):
    host = CommandLine(tmp_path / "node", "anna")
    made = host.json("init")
    assert len(made["id"]) == 64
    assert made["name"] == "anna"
    key = tmp_path / "node" / "identity.key"
    assert len(key.read_bytes()) == 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert host.json("init", "--name", "berta") == {**made, "name": "berta"}
    shown = host.json("status")
    assert (shown["id"], shown["name"], shown["shares"]) == (made["id"], "berta", [])
    assert "no share yet" in host.run("status")


def test_the_first_store_makes_the_identity(tmp_path):
    host = CommandLine.__new__(CommandLine)
    host.folder = tmp_path / "fresh"
    host.run("store", "create", "notes")
    assert (tmp_path / "fresh" / "identity.key").exists()
    assert host.json("status")["name"]


def test_the_data_directory_from_the_environment(tmp_path):
    result = CommandLine(tmp_path / "a").process("status", "--json")
    assert json.loads(result.stdout)["data"] == str(tmp_path / "a")


def test_create_and_list_stores(laptop):
    made = laptop.json("store", "create", "diary")
    listed = laptop.json("store", "list")["stores"]
    assert [row["name"] for row in listed] == ["", "notes", "diary"]
    root, notes, diary = listed
    assert root["type"] == "core:rootstore"
    assert root["parent"] is None
    assert diary["id"] == made["id"]
    assert diary["parent"] == root["id"] == made["root"]
    assert notes["type"] == diary["type"] == "core:kvstore"
    assert "notes" in laptop.run("store", "list")


def test_store_errors_list_what_there_is(laptop):
    laptop.run("store", "create", "diary")
    assert "notes" in laptop.fails("kv", "list")
    assert "which store" in laptop.fails("kv", "list")
    assert "notes" in laptop.fails("kv", "list", "--store", "absent")
    assert "core:kvstore" in laptop.fails("store", "create", "x", "--type", "core:nonsense")
    notes = laptop.json("store", "list")["stores"][1]
    assert laptop.json("kv", "list", "--store", notes["id"][:8])["keys"] == []


def test_store_status_and_verify(laptop):
    laptop.run("kv", "put", "a", "b")
    status = laptop.json("store", "status", "--store", "notes")["stores"][0]
    assert status["intentions"] == 3
    assert status["floating"] == 0
    assert len(status["state_hash"]) == 64
    report = laptop.json("store", "verify")
    assert report["clean"]
    assert len(report["stores"]) == 2
    assert "good" in laptop.run("store", "verify", "--store", "notes")
    assert laptop.json("store", "status", "notes") == laptop.json("store", "status", "--store", "notes")
    assert [report["name"] for report in laptop.json("store", "verify", "notes")["stores"]] == ["notes"]
    assert "two stores" in laptop.fails("store", "verify", "notes", "--store", "other", status=2)


def test_a_store_name_is_taken_once(laptop):
    made = laptop.json("store", "list")["stores"][1]
    words = laptop.fails("store", "create", "notes")
    assert made["id"] in words
    assert "notes-2" in words
    assert len(laptop.json("store", "list")["stores"]) == 2


def test_verify_finds_damage(laptop):
    laptop.run("kv", "put", "key", "a value that will be changed")
    database = sqlite3.connect(laptop.folder / "node.db")
    changed = database.execute(
        "UPDATE intention SET body = CAST(replace(CAST(body AS TEXT), 'changed', 'CHANGED') AS BLOB) "
        "WHERE instr(body, CAST('changed' AS BLOB)) > 0"
    ).rowcount
    assert changed == 1
    database.commit()
    database.close()
    result = laptop.attempt("store", "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["clean"] is False


def test_a_damaged_store_does_not_close_the_others(laptop):
    laptop.run("store", "create", "diary")
    laptop.run("kv", "put", "a", "b", "--store", "notes")
    notes = laptop.json("store", "list")["stores"][1]["id"]
    database = sqlite3.connect(laptop.folder / "node.db")
    the_store = "store = (SELECT n FROM store WHERE id = ?)"
    database.execute(
        "DELETE FROM intention WHERE n = (SELECT max(n) FROM intention WHERE %s)" % the_store,
        (bytes.fromhex(notes.replace("-", "")),),
    )
    database.commit()
    database.close()
    laptop.run("kv", "put", "c", "d", "--store", "diary")
    status = laptop.attempt("status", "--json")
    assert [row["id"] for row in json.loads(status.stdout)["damaged"]] == [notes]
    assert "stays closed" in status.stderr
    assert notes in status.stderr
    verified = laptop.attempt("store", "verify", "--json")
    assert verified.exit_code == 1
    assert json.loads(verified.stdout)["clean"] is False


def test_put_get_delete(laptop):
    laptop.run("kv", "put", "colour", "blue")
    assert laptop.run("kv", "get", "colour") == "blue"
    assert laptop.json("kv", "get", "colour") == {
        "key": "colour",
        "value": "blue",
        "conflicted": False,
        "conflicts": [],
    }
    laptop.run("kv", "put", "colour", "green")
    heads = laptop.json("kv", "inspect", "colour")["heads"]
    assert len(heads) == 1
    assert heads[0]["value"] == "green"
    assert heads[0]["author_name"] == "laptop"
    laptop.run("kv", "delete", "colour")
    assert "no value" in laptop.fails("kv", "get", "colour")
    assert "no value" in laptop.fails("kv", "delete", "colour")
    assert laptop.json("kv", "inspect", "colour")["heads"][0]["deleted"] is True
    assert "nobody" in laptop.fails("kv", "inspect", "never")


def test_bytes_are_safe(laptop, tmp_path):
    every = bytes(range(256))
    (tmp_path / "value").write_bytes(every)
    laptop.run("kv", "put", "bytes", "@%s" % (tmp_path / "value"))
    assert laptop.json("kv", "get", "bytes")["value_hex"] == every.hex()
    assert laptop.process("kv", "get", "bytes").stdout == every
    laptop.run("kv", "put", "ff00", "00ff", "--hex")
    assert laptop.json("kv", "get", "ff00", "--hex") == {
        "key_hex": "ff00",
        "value_hex": "00ff",
        "conflicted": False,
        "conflicts": [],
    }
    assert laptop.process("kv", "put", b"raw-\xff", "v").returncode == 0
    assert laptop.json("kv", "get", b"raw-\xff".hex(), "--hex")["value"] == "v"
    laptop.run("kv", "put", "piped", "@-", stdin=b"from \x00 stdin")
    assert laptop.json("kv", "get", "piped")["value"] == "from \x00 stdin"
    assert "hex" in laptop.fails("kv", "put", "xyz", "00", "--hex", status=2)
    assert "absent" in laptop.fails("kv", "put", "k", "@%s/absent" % tmp_path)


def test_list_by_prefix_with_paging(laptop):
    for key in ("b1", "a1", "b3", "b2", "c1"):
        laptop.run("kv", "put", key, "value of " + key)
    page = laptop.json("kv", "list", "b", "--limit", "2")
    assert [row["key"] for row in page["keys"]] == ["b1", "b2"]
    assert page["more"] is True
    rest = laptop.json("kv", "list", "b", "--after", "b2")
    assert [row["key"] for row in rest["keys"]] == ["b3"]
    assert rest["more"] is False
    assert laptop.json("kv", "list")["keys"][0]["value"] == "value of a1"
    assert "--after b2" in laptop.run("kv", "list", "b", "--limit", "2")


def test_control_characters_do_not_reach_the_terminal(laptop):
    laptop.run("kv", "put", "evil\x1b[2J", "\x1b]0;title\x07")
    laptop.run("kv", "put", "lines", "one\ntwo\tthree")
    shown = laptop.run("kv", "list")
    assert "\x1b" not in shown
    assert "\\x1b" in shown
    assert "one\\ntwo\\tthree" in shown


def test_invites(laptop):
    assert "inherits" in laptop.fails("invite", "--store", "notes")
    root = next(row["id"] for row in laptop.json("store", "list")["stores"] if row["parent"] is None)
    made = laptop.json("invite", "--store", root)
    assert set(made) >= {"token", "id"}
    assert laptop.run("invite").strip().isalnum()
    listed = laptop.json("invite", "list")["invites"]
    assert len(listed) == 2
    assert {row["status"] for row in listed} == {"valid"}
    assert made["id"] in [row["id"] for row in listed]
    laptop.run("invite", "revoke", made["id"][:16])
    statuses = {row["id"]: row["status"] for row in laptop.json("invite", "list")["invites"]}
    assert statuses[made["id"]] == "revoked"
    assert "valid" in statuses.values()
    assert "no invite" in laptop.fails("invite", "revoke", "ffffffffffff")
    token = laptop.json("invite")["token"]
    assert "already" in laptop.fails("join", token, "--via", "/dev/null")


def test_a_share_is_needed_for_an_invite(tmp_path):
    assert "store create" in CommandLine(tmp_path / "empty").fails("invite")


def test_members(laptop):
    members = laptop.json("peer", "list")["peers"]
    assert [(row["name"], row["status"], row["self"]) for row in members] == [("laptop", "active", True)]
    assert "cannot revoke itself" in laptop.fails("peer", "revoke", "laptop")
    assert "no member" in laptop.fails("peer", "revoke", "f" * 64)


def test_bad_tokens(laptop):
    token = laptop.json("invite")["token"]
    other = CommandLine(laptop.folder.parent / "other", "other")
    changed = token[:20] + ("2" if token[20] != "2" else "3") + token[21:]
    for text in (changed, "nonsense", " ", token[:-5]):
        assert "no token" in other.fails("join", text, "--via", "/dev/null")


def test_a_second_process_is_told_who_holds_the_node(laptop):
    lock = DirectoryLock(laptop.folder / "lock")
    try:
        assert "in use by process %d" % os.getpid() in laptop.fails("kv", "put", "k", "v")
    finally:
        lock.release()
    laptop.run("status")


def test_errors_of_processes(laptop, tmp_path):
    result = laptop.process("kv", "get", "absent")
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.startswith(b"lattice-host: ")
    assert b"Traceback" not in result.stderr
    assert laptop.process("nonsense").returncode == 2
    (laptop.folder / "node.db").write_bytes(b"garbage" * 1000)
    damaged = laptop.process("status")
    assert damaged.returncode == 1
    assert b"damaged" in damaged.stderr


def test_output_goes_into_a_closed_pipe(laptop):
    for number in range(30):
        laptop.run("kv", "put", "key-%d" % number, "x" * 50)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    words = [sys.executable, "-m", "lattice_host", "--data", str(laptop.folder), "kv", "list"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.wait()


def test_what_only_this_node_holds(laptop, tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(5000))
    laptop.run("file", "put", tmp_path / "file")
    laptop.run("kv", "put", "k", "v")
    store = laptop.json("status")["shares"][0]["stores"][1]["only_here"]
    assert store["files"] == ["file"]
    assert store["keys"] == [{"key": "k"}]
    assert store["intentions"] == 4
    assert "only here" in laptop.run("status")


def test_what_is_empty_means_nothing(laptop, tmp_path, monkeypatch):
    """A script's variable that was not set: never "the only store", "this folder" or a name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    before = laptop.json("status")
    for words in (
        ("store", "create", ""), ("store", "create", "x", "--type", ""), ("store", "create", "x", "--parent", ""),
        ("store", "status", ""), ("init", "--name", ""), ("init", "--name="), ("file", "put", ""),
        ("file", "get", "", "out"), ("file", "get", "x", ""),
        ("file", "put", "file", "--as", ""), ("file", "put", "file", "--store", ""),
        ("kv", "list", "--store", ""), ("kv", "get", "k", "--store="), ("sync", ""), ("peer", "revoke", ""),
        ("stick", "setup", "", "--name", "x"), ("invite", "--store", ""), ("file", "list", ""),
    ):  # fmt: skip
        assert "is empty" in laptop.fails(*words, status=2), words
    for words in (("store", "create", "  "), ("init", "--name", "\u3000 ")):
        assert "is blank" in laptop.fails(*words), words
    laptop.run("kv", "put", "k", "")
    assert laptop.json("kv", "get", "k")["value"] == ""
    assert laptop.json("kv", "list", "")["keys"]
    after = laptop.json("status")
    assert after["name"] == before["name"]
    assert len(after["shares"][0]["stores"]) == 2
