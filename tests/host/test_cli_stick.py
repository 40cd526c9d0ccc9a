"""Commands with a stick: setup, sync, join, owners, and who is refused. The stick runs in a thread (fake_stick.py)."""

import json
import os
import pathlib
import re
import threading

import pytest

from host.cli_support import CommandLine
from host.fake_stick import FakeStick
from lattice_core.files.budget import ROOM_KEPT_BYTES
from lattice_host.cli.output import size_text


@pytest.fixture
def laptop(tmp_path):
    host = CommandLine(tmp_path / "laptop")
    host.run("store", "create", "diary")
    host.run("kv", "put", "a", "1")
    return host


@pytest.fixture
def stick(tmp_path, laptop):
    with FakeStick(tmp_path) as plugged:
        laptop.run("stick", "setup", plugged.port, "--name", "carrier")
        yield plugged


def join(laptop, stick, folder, name="desktop"):
    token = laptop.json("invite")["token"]
    laptop.run("sync", stick.port)
    host = CommandLine(folder / name, name)
    joined = host.json("join", token, "--via", stick.port)
    assert [store["name"] for store in joined["stores"]] == ["diary"]
    return host


def test_status_before_and_after_setup(laptop, tmp_path):
    with FakeStick(tmp_path) as fresh:
        assert laptop.json("stick", "status", fresh.port) == {"version": "9.9.9", "state": "fresh"}
        assert "firmware 9.9.9, fresh; `stick setup PORT`" in laptop.run("stick", "status", fresh.port)
        assert "fresh: `stick setup %s`" % fresh.port in laptop.fails("sync", fresh.port)
        made = laptop.json("stick", "setup", fresh.port, "--store", "diary", "--name", "carrier")
        laptop.run("sync", fresh.port)
        shown = laptop.json("stick", "status", fresh.port)
        assert set(shown) >= {"id", "owner", "version", "stores", "flash", "state", "safe_to_unplug"}
        assert shown["id"] == made["id"]
        assert shown["owner"] == laptop.json("status")["id"]
        assert shown["flash"]["total"] == shown["flash"]["used"] + shown["flash"]["free"]
        assert [store["name"] for store in shown["stores"]] == ["", "diary"]
        assert shown["safe_to_unplug"] is True
        assert "safe to unplug" in laptop.run("stick", "status", fresh.port)
        assert "yours already" in laptop.fails("stick", "setup", fresh.port)


@pytest.mark.parametrize("words", [("sync",), ("stick", "status"), ("stick", "setup")])
def test_every_printed_field_is_documented(laptop, stick, words):
    if words[-1] == "setup":
        laptop.run("stick", "forget", "carrier")
    printed = set(laptop.json(*words, stick.port))
    table = (pathlib.Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    (row,) = re.findall(r"^\| `%s PORT[^|]*\|(.*)\|$" % " ".join(words), table, re.M)
    assert printed <= set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", row))))


def test_sync_says_what_moved(laptop, stick):
    done = laptop.json("sync", stick.port)
    assert set(done) >= {"sent", "received", "complete"}
    assert done["complete"] is True
    assert done["sent"]["intentions"] == 9
    assert done["received"]["intentions"] == 0
    assert set(done["sent"]) == {"intentions", "blobs", "bytes"}
    again = laptop.json("sync", stick.port)
    assert again["sent"] == {"intentions": 0, "blobs": 0, "bytes": 0}
    assert "complete with carrier" in laptop.run("sync", stick.port)
    only_here = [store["only_here"] for store in laptop.json("status")["shares"][0]["stores"]]
    assert [part["intentions"] for part in only_here] == [0, 0]


def test_auto_finds_a_stick_seen_before(laptop, stick, monkeypatch):
    monkeypatch.setattr("lattice_host.serial.ports.list_ports.comports", list)
    assert laptop.json("sync", "auto")["port"] == stick.port
    sticks = laptop.json("status")["sticks"]
    assert [(one["name"], one["port"]) for one in sticks] == [("carrier", stick.port)]


def test_an_error_of_auto_names_the_port_and_both_sticks(laptop, stick, tmp_path, monkeypatch):
    monkeypatch.setattr("lattice_host.serial.ports.list_ports.comports", list)
    known = laptop.json("stick", "status", stick.port)["id"]
    laptop.run("sync", "auto")
    stick.pull()
    other = FakeStick(tmp_path)  # at the same port
    with other:
        words = laptop.fails("sync", "auto")
        assert stick.port in words
        assert "last seen there: stick carrier (%s)" % known[:8] in words
    there = other.node().identity.public.hex()
    assert "where stick (%s) is" % there[:8] in words
    os.symlink("/dev/null", stick.port)
    words = laptop.fails("sync", "auto")
    assert "not a serial port" in words
    assert "stick carrier" in words


def test_a_second_node_joins_at_the_stick(laptop, stick, tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(50_000))
    laptop.run("file", "put", tmp_path / "file")
    desktop = join(laptop, stick, tmp_path)
    assert desktop.run("kv", "get", "a") == "1"
    desktop.run("file", "get", "file", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "file").read_bytes()
    desktop.run("kv", "put", "b", "2")
    desktop.run("sync", stick.port)
    laptop.run("sync", stick.port)
    assert laptop.run("kv", "get", "b") == "2"
    names = {row["name"]: row["status"] for row in laptop.json("peer", "list")["peers"]}
    assert names == {"laptop": "active", "carrier": "active", "desktop": "active"}


def test_conflicts_are_shown_with_who_and_what(laptop, stick, tmp_path):
    desktop = join(laptop, stick, tmp_path)
    laptop.run("kv", "put", "colour", "red")
    desktop.run("kv", "put", "colour", "blue")
    for host in (laptop, desktop, laptop):
        host.run("sync", stick.port)
    shown = laptop.json("kv", "get", "colour")
    assert shown["conflicted"] is True
    assert shown["value"] == "blue"
    assert [(one["author_name"], one["value"]) for one in shown["conflicts"]] == [("laptop", "red")]
    assert "kv inspect" in laptop.attempt("kv", "get", "colour").stderr
    text = laptop.run("kv", "inspect", "colour")
    assert "wins" in text
    assert "desktop" in text
    assert "loses" in text
    assert "red" in text
    laptop.run("kv", "put", "colour", "green")
    assert laptop.json("kv", "get", "colour")["conflicted"] is False


def test_a_stranger_learns_version_and_owned(laptop, stick, tmp_path):
    laptop.run("sync", stick.port)
    stranger = CommandLine(tmp_path / "stranger", "stranger")
    assert stranger.json("stick", "status", stick.port) == {"version": "9.9.9", "state": "owned"}
    assert "invite" in stranger.fails("sync", stick.port)
    assert "owned by somebody else" in stranger.fails("stick", "setup", stick.port, "--name", "mine")


def test_used_and_revoked_tokens(laptop, stick, tmp_path):
    used = laptop.json("invite")["token"]
    revoked = laptop.json("invite")
    laptop.run("invite", "revoke", revoked["id"])
    laptop.run("sync", stick.port)
    CommandLine(tmp_path / "first", "first").run("join", used, "--via", stick.port)
    late = CommandLine(tmp_path / "late", "late")
    assert "used already" in late.fails("join", used, "--via", stick.port)
    assert "revoked" in late.fails("join", revoked["token"], "--via", stick.port)
    assert late.json("store", "list")["stores"] == []


def test_the_inviter_is_shown_who_came_in_with_one_invite(laptop, stick, tmp_path):
    with FakeStick(tmp_path, name="second") as second:
        laptop.run("stick", "setup", second.port, "--name", "second")
        token = laptop.json("invite")["token"]
        joined = []
        for name, place in (("guest", stick), ("other", second)):
            laptop.run("sync", place.port)
            joined.append(CommandLine(tmp_path / name, name))
            assert joined[-1].json("join", token, "--via", place.port)["double_claims"] == []
        for name, place in (("guest", stick), ("other", second)):
            joined.pop(0).run("sync", place.port)
        laptop.run("sync", stick.port)
        result = laptop.attempt("sync", second.port, "--json")
        (claim,) = json.loads(result.stdout)["double_claims"]
        ids = {row["name"]: row["id"] for row in laptop.json("peer", "list")["peers"]}
        assert {one["id"] for one in claim["claimed_by"]} == {ids["guest"], ids["other"]}
        for name in ("guest", "other"):
            assert "peer revoke %s --store %s" % (ids[name], claim["share"]) in result.stderr
        laptop.run("peer", "revoke", ids["other"], "--store", claim["share"])
        assert "peer revoke" not in laptop.attempt("sync", second.port).stderr


def test_an_identity_without_its_data_writes_again_after_a_complete_sync(laptop, stick, tmp_path):
    desktop = join(laptop, stick, tmp_path)
    desktop.run("kv", "put", "b", "2")
    desktop.run("sync", stick.port)
    for left in desktop.folder.glob("node.db*"):
        left.unlink()
    first = desktop.attempt("init", "--name", "desktop")
    assert first.exit_code == 0
    assert "older than its data" in first.stderr
    again = CommandLine(desktop.folder, "desktop")
    assert again.attempt("status").stderr == ""
    token = laptop.json("invite")["token"]
    laptop.run("sync", stick.port)
    assert again.json("join", token, "--via", stick.port)["complete"]
    assert again.run("kv", "get", "b") == "2"
    again.run("kv", "put", "c", "3")
    again.run("sync", stick.port)
    assert laptop.json("sync", stick.port)["forks"] == []
    assert laptop.run("kv", "get", "c") == "3"


def test_a_token_is_not_shown_to_a_foreign_stick(laptop, stick, tmp_path):
    token = laptop.json("invite")["token"]
    impostor = CommandLine(tmp_path / "impostor", "impostor")
    impostor.run("store", "create", "bait")
    guest = CommandLine(tmp_path / "guest", "guest")
    with FakeStick(tmp_path, name="other") as other:
        impostor.run("stick", "setup", other.port)
        assert "only at" in guest.fails("join", token, "--via", other.port)


def test_owners(laptop, stick, tmp_path):
    desktop = join(laptop, stick, tmp_path)
    laptop.run("sync", stick.port)
    assert "only an owner" in desktop.fails("stick", "owner", "add", stick.port, "desktop")
    laptop.run("stick", "owner", "add", stick.port, "desktop")
    owners = laptop.json("stick", "status", stick.port)["owners"]
    assert [owner["name"] for owner in owners] == ["laptop", "desktop"]
    desktop.run("stick", "owner", "transfer", stick.port, desktop.json("status")["id"])
    assert "no member" in laptop.fails("stick", "owner", "add", stick.port, "nobody")


def test_forget_revokes_the_stick(laptop, stick, tmp_path):
    laptop.run("sync", stick.port)
    laptop.run("stick", "forget", "carrier")
    assert laptop.json("status")["sticks"] == []
    assert {row["name"]: row["status"] for row in laptop.json("peer", "list")["peers"]}["carrier"] == "revoked"
    assert laptop.attempt("sync", stick.port).exit_code == 1


def test_a_forgotten_stick_is_let_in_again_by_its_owner(laptop, stick, tmp_path):
    desktop = join(laptop, stick, tmp_path)
    laptop.run("sync", stick.port)
    laptop.run("stick", "forget", "carrier")
    words = laptop.fails("sync", stick.port)
    assert "carrier was revoked from share" in words
    assert "`stick setup %s` lets it in again" % stick.port in words
    again = laptop.json("stick", "setup", stick.port, "--name", "other")
    assert again["let_in_again"] is True
    assert again["name"] == "carrier"
    assert laptop.json("sync", stick.port)["complete"]
    assert desktop.json("sync", stick.port)["complete"]
    for host in (laptop, desktop):
        assert {row["name"]: row["status"] for row in host.json("peer", "list")["peers"]}["carrier"] == "active"
    assert [one["name"] for one in laptop.json("status")["sticks"]] == ["carrier"]
    assert "yours already; `sync` is enough" in laptop.fails("stick", "setup", stick.port)


def test_the_way_back_of_a_revoked_node_is_named(laptop, stick, tmp_path):
    desktop = join(laptop, stick, tmp_path)
    laptop.run("sync", stick.port)
    laptop.run("peer", "revoke", "desktop")
    laptop.run("sync", stick.port)
    assert "you were revoked (`join` with a new invite leads back)" in desktop.fails("sync", stick.port)


def test_owners_of_one_name_are_told_apart(laptop, stick, tmp_path):
    for folder in ("one", "two"):
        desktop = join(laptop, stick, tmp_path / folder)
        laptop.run("sync", stick.port)
        laptop.run("stick", "owner", "add", stick.port, desktop.json("status")["id"])
    ids = [owner["id"][:8] for owner in laptop.json("stick", "status", stick.port)["owners"]]
    shown = laptop.run("stick", "status", stick.port)
    assert "owned by laptop, desktop (%s), desktop (%s)" % (ids[1], ids[2]) in shown


def test_what_does_not_fit_is_named(laptop, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "large").write_bytes(os.urandom(3_000_000))
    (source / "small").write_bytes(os.urandom(5_000))
    laptop.run("file", "put", source)
    with FakeStick(tmp_path, capacity=1_000_000) as small:
        laptop.run("stick", "setup", small.port)
        words = laptop.attempt("sync", small.port)
        assert words.exit_code == 3
        assert "no room on stick for source/large (2.9 MiB)" in words.stderr
        assert "source/small" not in words.stderr
        store = words.stderr.partition("`file rm NAME --store ")[2].partition("` makes room")[0]
        assert "left there for files" in words.stderr
        assert "for every member" in words.stderr
        usable = json.loads(laptop.attempt("sync", small.port, "--json").stdout)["room_there"]
        flash = laptop.json("stick", "status", small.port)["flash"]
        assert "%s are left there for files" % size_text(usable) in words.stderr
        assert usable <= 1_000_000 - ROOM_KEPT_BYTES
        assert flash["for_files"] == flash["free"] - ROOM_KEPT_BYTES
        assert "%s of it for files" % size_text(flash["for_files"]) in laptop.run("stick", "status", small.port)
        laptop.run("file", "rm", "source/large", "--store", store)
        assert laptop.json("sync", small.port)["complete"] is True


def test_after_making_room_the_same_sync_succeeds(laptop, tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).write_bytes(os.urandom(500_000))
    laptop.run("file", "put", tmp_path / "old")
    with FakeStick(tmp_path, capacity=1_000_000) as small:
        laptop.run("stick", "setup", small.port, "--name", "kleiner")
        laptop.run("sync", small.port)
        laptop.run("file", "put", tmp_path / "new")
        full = laptop.attempt("sync", small.port)
        assert full.exit_code == 3
        assert "no room on kleiner for new (488.3 KiB)" in full.stderr
        data = json.loads(laptop.attempt("sync", small.port, "--json").stdout)
        (unfit,) = data["unfit"]
        assert (unfit["path"], unfit["size"], unfit["there"]) == ("new", 500_000, True)
        assert 0 < data["room_there"] < 500_000
        assert unfit["store"] in [row["id"] for row in laptop.json("store", "list")["stores"]]
        laptop.run("file", "rm", "old")
        assert laptop.json("sync", small.port)["complete"] is True


def test_a_write_without_room_says_what_waits_behind_it(laptop, tmp_path):
    with FakeStick(tmp_path, capacity=200_000) as small:
        laptop.run("stick", "setup", small.port, "--name", "kleiner")
        laptop.run("sync", small.port)
        (tmp_path / "value").write_bytes(os.urandom(300_000))
        laptop.run("kv", "put", "large", "@%s" % (tmp_path / "value"))
        for number in range(4):
            laptop.run("kv", "put", "k%d" % number, "v")
        full = laptop.attempt("sync", small.port)
        assert full.exit_code == 3
        assert "no room" in full.stderr
        assert "are left" in full.stderr
        assert "make room" in full.stderr
        assert "4 writes of laptop" in full.stderr or "4 more wait behind" in full.stderr


def test_another_stick_is_not_taken_for_the_first(laptop, tmp_path):
    for number in range(60):
        laptop.run("kv", "put", "key-%d" % number, "x" * 900)
    first = FakeStick(tmp_path)
    with first:
        laptop.run("stick", "setup", first.port)
    first.pull_after = 20_000
    first.plug()
    other = FakeStick(tmp_path)

    def swap():
        assert first.pulled.wait(30)
        other.plug()

    helper = threading.Thread(target=swap)
    helper.start()
    words = laptop.fails("sync", first.port)
    helper.join()
    first.pull()
    other.pull()
    assert "another stick" in words
    assert "plug that one in again" in words


def test_ports_are_explained(laptop, tmp_path):
    assert "plugged in" in laptop.fails("sync", tmp_path / "ttyACM9")
    assert "plugged in" in laptop.fails("stick", "status", tmp_path / "ttyACM9")
