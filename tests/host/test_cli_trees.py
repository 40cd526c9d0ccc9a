"""`store create --parent` and `--strategy`, `store tree`, `name`, `archive`, and invites to a single store."""

import pytest

from host.cli_support import CommandLine


@pytest.fixture
def laptop(tmp_path):
    line = CommandLine(tmp_path / "laptop")
    line.run("store", "create", "notes")
    return line


def made(line, name, parent, *more):
    return line.json("store", "create", name, "--parent", parent, *more)


def test_stores_below_stores(laptop):
    top = made(laptop, "top", "notes")
    low = made(laptop, "low", top["id"], "--type", "log")
    assert (top["strategy"], low["strategy"], low["parent"]) == ("inherited", "inherited", top["id"])
    rows = laptop.json("store", "tree")["stores"]
    assert [(row["name"], row["depth"], row["strategy"]) for row in rows] == [
        ("", 0, "root"),
        ("notes", 1, "inherited"),
        ("top", 2, "inherited"),
        ("low", 3, "inherited"),
    ]
    assert [row["rust"] is None for row in rows] == [True, True, False, False]
    assert "a root declares" in rows[2]["rust"]
    assert [row["name"] for row in laptop.json("store", "tree", "top")["stores"]] == ["top", "low"]
    assert [row["name"] for row in laptop.json("store", "list")["stores"]] == ["", "notes", "top", "low"]
    assert [row["name"] for row in laptop.json("status")["shares"][0]["stores"]] == ["", "notes", "top", "low"]
    shown = laptop.run("store", "tree")
    assert "      low" in shown
    assert "not at Rust nodes" in shown
    assert "a root declares" in shown
    laptop.run("log", "append", "x", "--store", "low")


def test_a_name_and_an_archive(laptop):
    made(laptop, "low", made(laptop, "top", "notes")["id"])
    named = laptop.json("store", "name", "top", "upper")
    assert (named["was"], named["name"]) == ("top", "upper")
    assert "called top" in laptop.run("store", "name", "upper", "top")
    assert "notes" in laptop.fails("store", "name", "top", "notes")
    data = laptop.json("store", "archive", "top")
    assert [row["name"] for row in data["closed"]] == ["top", "low"]
    rows = laptop.json("store", "tree")["stores"]
    assert sorted((row["name"], row["state"]) for row in rows)[1:] == [("notes", "open"), ("top", "archived")]
    assert "archived" in laptop.run("store", "tree")
    assert "share" in laptop.fails("store", "archive", rows[0]["id"])
    assert "no store" in laptop.fails("store", "archive", "low")
    made(laptop, "top", "notes")
    assert "2 stores are closed" in laptop.run("store", "archive", made(laptop, "x", "top")["parent"])


def test_members_of_its_own(laptop):
    closed = made(laptop, "closed", "notes", "--strategy", "independent")
    assert closed["strategy"] == "independent"
    frozen = made(laptop, "frozen", "notes", "--strategy", "snapshot")
    assert [row["name"] for row in frozen["members"]] == ["laptop"]
    token = laptop.json("invite", "--store", "closed", "--label", "guest")
    assert token["store"] == closed["id"]
    assert token["share"] == closed["root"]
    assert laptop.json("invite", "list")["invites"][0]["store"] == closed["id"]
    assert len(laptop.json("invite", "list", "--store", "closed")["invites"]) == 1
    assert laptop.json("invite", "list", "--store", "notes")["invites"] == []
    assert closed["root"] in laptop.fails("invite", "--store", "notes")
    assert "nobody is invited" in laptop.fails("invite", "--store", "frozen")
    assert "for the store" not in laptop.run("invite")
    laptop.run("invite", "revoke", token["id"], "--store", "closed")
    assert "invite" in laptop.fails("peer", "admit", "laptop", "--store", "notes")
    assert "invite" in laptop.fails("peer", "admit", "laptop", "--store", "frozen")
    assert "no member" in laptop.fails("peer", "admit", "nobody", "--store", "closed")
    assert laptop.json("peer", "admit", "laptop", "--store", "closed")["written"] is False
    assert "already" in laptop.run("peer", "admit", "laptop", "--store", "closed")
    assert [row["store"] for row in laptop.json("peer", "list", "--store", "closed")["peers"]] == [closed["id"]]
    assert [row["store"] for row in laptop.json("peer", "list", "--store", "notes")["peers"]] == [None]
    assert "one of" in laptop.fails("store", "create", "x", "--strategy", "all")
    assert "copied: laptop" in laptop.run("store", "create", "y", "--strategy", "snapshot")
    assert "Nobody else is in it yet" in laptop.run("store", "create", "z", "--strategy", "independent")
    rows = {row["name"]: row for row in laptop.json("store", "tree")["stores"]}
    assert rows["frozen"]["strategy"] == "snapshot"
    assert "of its own" in rows["z"]["rust"]
