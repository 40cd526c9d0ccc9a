"""A fork cuts others apart: the commands say on both sides who waits for whose other history, with how much."""

import json
import shutil

import pytest

from host.cli_support import CommandLine
from host.fake_stick import FakeStick


@pytest.fixture
def stick(tmp_path):
    with FakeStick(tmp_path) as made:
        yield made


def test_the_waiting_are_named_on_both_sides(stick, tmp_path):
    with FakeStick(tmp_path, name="second") as second:
        forker = CommandLine(tmp_path / "forker", "forker")
        forker.run("store", "create", "notes")
        for place in (stick, second):
            forker.run("stick", "setup", place.port)
        honest = CommandLine(tmp_path / "honest", "honest")
        token = forker.json("invite")["token"]
        for place in (stick, second, stick):
            forker.run("sync", place.port)
        honest.run("join", token, "--via", stick.port)
        for host, place in ((forker, stick), (forker, second), (honest, second)):
            host.run("sync", place.port)
        shutil.copytree(forker.folder, tmp_path / "copy")
        copy = CommandLine.__new__(CommandLine)
        copy.folder = tmp_path / "copy"
        copy.run("kv", "put", "k", "one")
        copy.run("sync", second.port)
        forker.run("kv", "put", "k", "other")
        forker.run("sync", stick.port)
        honest.run("sync", second.port)
        honest.run("kv", "put", "k", "built on one")
        honest.run("kv", "put", "more", "x")
        # The first stick has the other history: what the honest one writes waits there.
        result = honest.attempt("sync", stick.port, "--json")
        assert result.exit_code == 3
        data = json.loads(result.stdout)
        (waiting,) = data["waiting"]
        assert (waiting["author_name"], waiting["here"], waiting["intentions"]) == ("honest", False, 2)
        assert [fork["author_name"] for fork in data["forks"]] == ["forker"]
        assert waiting["bytes"] > 200
        words = "2 writes of honest (%d B) cannot be taken in on the other side: what they build on is the other"
        assert words % waiting["bytes"] + " history of forker" in result.stderr
        shown = honest.json("stick", "status", stick.port)["stores"]
        assert [(row["waiting"], row["waiting_bytes"]) for row in shown if row["name"] == "notes"] == [
            (2, waiting["bytes"])
        ]
        # And at whoever syncs with that stick, the forker itself too.
        result = forker.attempt("sync", stick.port, "--json")
        assert result.exit_code == 3
        assert "cannot be taken in here" in result.stderr
        state = forker.json("store", "status", "notes")["stores"][0]
        assert [(row["author_name"], row["intentions"]) for row in state["waiting"]] == [("honest", 2)]
        assert "2 writes of honest" in forker.run("store", "status", "notes")
        assert "2 writes of honest" in forker.run("status")
        assert "FORK by forker" in honest.run("store", "status", "notes")
