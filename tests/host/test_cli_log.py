"""`log`, `app` and `bundle`: entries by time and as they arrive, by way of a stick; apps and their zip files."""

import datetime
import io
import json
import zipfile

import pytest

from host.cli_support import CommandLine
from host.fake_stick import FakeStick

MANIFEST = "[app]\nid = 'notes-app'\nname = 'Notes'\nversion = '1.2'\n"


@pytest.fixture
def laptop(tmp_path):
    host = CommandLine(tmp_path / "laptop")
    host.run("store", "create", "diary", "--type", "log")
    return host


def values(answer):
    return [entry.get("value", entry.get("value_hex")) for entry in answer["entries"]]


def append(host, *texts):
    for text in texts:
        host.run("log", "append", text)


def test_entries_stand_in_the_order_of_their_time(laptop, tmp_path):
    written = laptop.json("log", "append", "first")
    laptop.run("log", "append", "ff00", "--hex")
    (tmp_path / "entry").write_text("from a file")
    append(laptop, "@%s" % (tmp_path / "entry"))
    laptop.run("log", "append", "@-", stdin="from standard input")
    found = laptop.json("log", "read")
    assert values(found) == ["first", "ff00", "from a file", "from standard input"]
    assert found["entries"][0]["hash"] == written["hash"]
    assert found["entries"][0]["author_name"] == "laptop"
    assert found["more"] is False
    assert values(laptop.json("log", "tail", "--limit", "2")) == ["from a file", "from standard input"]
    assert "  laptop  0xff00" in laptop.run("log", "read")
    assert "an empty entry" in laptop.fails("log", "append", "")


def test_a_limited_read_goes_on(laptop):
    append(laptop, "a", "b", "c")
    first = laptop.json("log", "read", "--limit", "2")
    assert (values(first), first["more"]) == (["a", "b"], True)
    rest = laptop.json("log", "read", "--after", first["entries"][-1]["hash"])
    assert (values(rest), rest["more"]) == (["c"], False)
    said = laptop.run("log", "read", "--limit", "2")
    assert "more: 2 entries shown, go on with --after %s" % first["entries"][-1]["hash"] in said
    assert "no entry has the hash" in laptop.fails("log", "read", "--after", "00" * 32)


def test_a_span_of_time(laptop):
    append(laptop, "now")
    tomorrow = (datetime.date.today() + datetime.timedelta(days=1)).isoformat()
    for verb in ("read", "tail"):
        assert values(laptop.json("log", verb, "--from", "1h")) == ["now"]
        assert values(laptop.json("log", verb, "--to", "1h")) == []
        assert values(laptop.json("log", verb, "--from", tomorrow)) == []
        assert values(laptop.json("log", verb, "--from", "2020-01-01T18:00", "--to", tomorrow)) == ["now"]
    assert "no entries" in laptop.run("log", "tail", "--to", "1h")
    assert "--from takes 90m" in laptop.fails("log", "read", "--from", "soon", status=2)


def test_who_follows_gets_what_arrives(laptop):
    append(laptop, "a", "b", "c")
    lines = laptop.run("log", "follow", "--cursor", "0", "--limit", "3", "--json").splitlines()
    answers = [json.loads(line) for line in lines]
    assert [value for answer in answers for value in values(answer)] == ["a", "b", "c"]
    cursor = answers[-1]["cursor"]
    append(laptop, "d")
    assert "  laptop  d" in laptop.run("log", "follow", "--cursor", cursor, "--limit", "1")
    assert "begin again" in laptop.fails("log", "follow", "--cursor", cursor + 100)


def test_a_stick_carries_a_log(laptop, tmp_path):
    append(laptop, "written before", "on the way")
    with FakeStick(tmp_path) as stick:
        laptop.run("stick", "setup", stick.port, "--name", "carrier")
        token = laptop.json("invite")["token"]
        laptop.run("sync", stick.port)
        desktop = CommandLine(tmp_path / "desktop", "desktop")
        assert [store["type"] for store in desktop.json("join", token, "--via", stick.port)["stores"]] == [
            "core:logstore"
        ]
        append(desktop, "an answer")
        desktop.run("sync", stick.port)
        laptop.run("sync", stick.port)
        (log,) = [store for store in laptop.json("stick", "status", stick.port)["stores"] if store["name"]]
        here = laptop.json("store", "status", "diary")["stores"][0]
        assert (log["type"], log["intentions"]) == ("core:logstore", here["intentions"])
    for host in (laptop, desktop):
        assert values(host.json("log", "read")) == ["written before", "on the way", "an answer"]
        assert host.json("store", "verify")["clean"] is True
    hashes = [host.json("store", "status", "diary")["stores"][0]["state_hash"] for host in (laptop, desktop)]
    assert hashes[0] == hashes[1]


def test_a_log_takes_no_keys(laptop):
    assert "this is a log" in laptop.fails("kv", "put", "a", "1")
    laptop.run("store", "create", "notes")
    assert values(laptop.json("log", "read")) == []
    laptop.fails("log", "read", "--store", "notes")


# -- apps -------------------------------------------------------------------------------------------------------------


def zipped(path, manifest=MANIFEST):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("manifest.toml", manifest)
        archive.writestr("index.html", "<p>")
    path.write_bytes(made.getvalue())
    return path


def test_an_app_and_its_bundle(laptop, tmp_path):
    made = laptop.json("bundle", "upload", zipped(tmp_path / "notes.zip"))
    assert made["app_id"] == "notes-app"
    assert made["manifest"]["app"]["version"] == "1.2"
    registered = laptop.json("app", "register", "notes", "notes-app")
    assert laptop.json("app", "list")["apps"] == [
        {
            "subdomain": "notes",
            "app_id": "notes-app",
            "store": registered["store"],
            "store_name": "diary",
            "share": made["share"],
            "bundle": True,
        }
    ]
    assert [row["app_id"] for row in laptop.json("bundle", "list")["bundles"]] == ["notes-app"]
    assert "notes-app" in laptop.run("app", "list")
    assert "Notes" in laptop.run("bundle", "list")
    assert "the bundle of notes-app is removed" in laptop.run("bundle", "remove", "notes-app")
    assert "no bundle here" in laptop.run("app", "list")
    assert laptop.json("app", "remove", "notes")["app_id"] == "notes-app"
    assert "no apps" in laptop.run("app", "list")
    assert "no bundles" in laptop.run("bundle", "list")


def test_what_is_no_bundle_is_refused(laptop, tmp_path):
    good = zipped(tmp_path / "good.zip")
    assert "not of other" in laptop.fails("bundle", "upload", good, "--app", "other")
    assert "names no app" in laptop.fails("bundle", "upload", zipped(tmp_path / "bad.zip", "[app]\n"))
    (tmp_path / "none.zip").write_bytes(good.read_bytes()[:40])
    assert "no zip file" in laptop.fails("bundle", "upload", tmp_path / "none.zip")
    assert "cannot be read" in laptop.fails("bundle", "upload", tmp_path / "nothing.zip")
    assert laptop.json("bundle", "list")["bundles"] == []
    assert "1 to 63 small letters" in laptop.fails("app", "register", "Notes", "notes-app")
    assert "there is no app under notes" in laptop.fails("app", "remove", "notes")
    assert "there is no bundle of notes-app" in laptop.fails("bundle", "remove", "notes-app")
