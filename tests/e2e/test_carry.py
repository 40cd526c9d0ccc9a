"""The main job, with real processes: files go laptop → stick → a second node that has never met the laptop."""

import time

import pytest

from e2e.files_for_test import contents, make_tree
from e2e.world import Computer, EmulatedStick

KIB = 1024
MIB = 1024 * KIB
LARGEST_CHUNK_BYTES = 64 * KIB
PAGE_BYTES = 256  # of the flash
WRITTEN_WITHIN_S = 120


@pytest.fixture
def laptop(tmp_path):
    host = Computer(tmp_path / "laptop", "laptop")
    host.run("store", "create", "notes")
    return host


@pytest.fixture
def plug(tmp_path):
    """plug(size) gives a plugged-in stick on a fresh image; all are pulled at the end."""
    sticks = []

    def make(size="4M", name="stick", options=()):
        stick = EmulatedStick(tmp_path / (name + ".img"), size, options)
        sticks.append(stick)
        return stick.plug()

    yield make
    for stick in sticks:
        stick.pull()


def set_up(laptop, stick):
    laptop.run("stick", "setup", stick.port, "--store", "notes", "--name", "carrier")


def join_at(stick, token, folder, name="desktop"):
    host = Computer(folder / name, name)
    host.run("join", token, "--via", stick.port)
    host.run("sync", stick.port)
    return host


@pytest.mark.parametrize(("size", "total"), [("4M", 3 * MIB // 2), ("16M", 5 * MIB)])
def test_files_arrive_byte_for_byte(laptop, plug, tmp_path, size, total):
    source = make_tree(tmp_path / "source", total, seed=total)
    laptop.run("file", "put", source, "--store", "notes")
    stick = plug(size)
    set_up(laptop, stick)
    token = laptop.json("invite")["token"]
    summary = laptop.json("sync", stick.port)
    assert summary["complete"] is True
    assert summary["sent"]["bytes"] >= total
    stick.pull()
    stick.plug()
    desktop = join_at(stick, token, tmp_path)
    desktop.run("file", "get", "source", tmp_path / "out", "--store", "notes")
    arrived = contents(tmp_path / "out")
    arrived = {name.removeprefix("source/"): data for name, data in arrived.items()}
    sent = contents(source)
    assert len(sent) >= 20
    assert arrived == sent
    for host in (laptop, desktop):
        assert host.json("store", "verify")["clean"] is True


def test_what_does_not_fit_is_named_and_the_rest_arrives(laptop, plug, tmp_path):
    source = make_tree(tmp_path / "source", 5 * MIB, seed=5)
    laptop.run("file", "put", source, "--store", "notes")
    stick = plug("4M")
    set_up(laptop, stick)
    token = laptop.json("invite")["token"]
    result = laptop.attempt("sync", stick.port, "--json")
    assert result.returncode != 0, "a sync that left something behind is not complete"
    assert "source/" in result.stderr, result.stderr
    assert "MiB" in result.stderr, result.stderr
    status = laptop.json("stick", "status", stick.port)
    assert status["flash"]["used"] <= status["flash"]["total"]
    laptop.run("kv", "put", "after", "full", "--store", "notes")
    desktop = Computer(tmp_path / "desktop", "desktop")
    joined = desktop.attempt("join", token, "--via", stick.port)
    assert joined.returncode != 0, "what it lists is not all here"
    assert "not on the other side either" in joined.stderr, "what it lists is not all here"
    desktop.attempt("sync", stick.port)
    listed = {row["path"]: row["held"] for row in desktop.json("file", "list", "--store", "notes")["files"]}
    sent = contents(source)
    assert set(listed) == {"source/" + name for name in sent}
    assert any(listed.values())
    assert not all(listed.values())
    for name, data in sent.items():
        path = "source/" + name
        if listed[path]:
            desktop.run("file", "get", path, tmp_path / "one", "--store", "notes")
            assert (tmp_path / "one").read_bytes() == data
            (tmp_path / "one").unlink()
    missing = next(path for path in listed if not listed[path])
    refused = desktop.attempt("file", "get", missing, tmp_path / "none", "--store", "notes")
    assert refused.returncode != 0, "it says who is known to hold it"
    assert "laptop" in refused.stderr, "it says who is known to hold it"
    assert laptop.json("store", "verify")["clean"] is True


def wait_until_written(stick, before, count):
    """Until the stick has written that many bytes of its flash since `before` (its image then)."""
    deadline = time.monotonic() + WRITTEN_WITHIN_S
    while time.monotonic() < deadline:
        now = stick.image.read_bytes()
        pages = sum(now[at : at + PAGE_BYTES] != before[at : at + PAGE_BYTES] for at in range(0, len(now), PAGE_BYTES))
        if pages * PAGE_BYTES >= count:
            return
        time.sleep(0.02)
    raise AssertionError("the stick has written less than %d bytes within %d s" % (count, WRITTEN_WITHIN_S))


@pytest.mark.parametrize("written", [32 * KIB, 512 * KIB], ids=["begun", "under way"])
def test_a_pulled_plug_resumes_with_at_most_one_chunk_sent_twice(laptop, plug, tmp_path, written):
    source = make_tree(tmp_path / "source", 3 * MIB // 2, seed=9)
    laptop.run("file", "put", source, "--store", "notes")
    stick = plug()
    set_up(laptop, stick)
    baseline = EmulatedStick(tmp_path / "baseline.img").plug()
    try:
        other = Computer(tmp_path / "other", "other")
        other.run("store", "create", "notes")
        other.run("file", "put", source, "--store", "notes")
        set_up(other, baseline)
        uncut = other.json("sync", baseline.port)["sent"]
    finally:
        baseline.pull()
    before = stick.image.read_bytes()
    syncing = laptop.start("sync", stick.port, "--json")
    wait_until_written(stick, before, written)
    assert syncing.poll() is None, "the sync was over before the plug was pulled"
    stick.pull()
    time.sleep(0.3)
    stick.plug()
    output, errors = syncing.communicate(timeout=300)
    assert syncing.returncode == 0, errors
    import json

    sent = json.loads(output)["sent"]
    assert sent["blobs"] <= uncut["blobs"] + 1
    assert sent["bytes"] <= uncut["bytes"] + LARGEST_CHUNK_BYTES + 16 * KIB
    assert laptop.json("store", "verify")["clean"] is True
    status = laptop.json("stick", "status", stick.port)
    assert status["safe_to_unplug"] is True


def test_writes_travel_both_ways(laptop, plug, tmp_path):
    stick = plug()
    set_up(laptop, stick)
    token = laptop.json("invite")["token"]
    laptop.run("kv", "put", "greeting", "hello", "--store", "notes")
    laptop.run("sync", stick.port)
    desktop = join_at(stick, token, tmp_path)
    assert desktop.json("kv", "get", "greeting", "--store", "notes")["value"] == "hello"
    desktop.run("kv", "put", "answer", "good day", "--store", "notes")
    desktop.run("sync", stick.port)
    laptop.run("sync", stick.port)
    assert laptop.json("kv", "get", "answer", "--store", "notes")["value"] == "good day"


def test_a_rust_sized_intention_travels(laptop, plug, tmp_path):
    stick = plug()
    set_up(laptop, stick)
    token = laptop.json("invite")["token"]
    value = tmp_path / "value"
    value.write_bytes(bytes(range(256)) * 4094)  # just under the 1 MiB that `ops` may have
    laptop.run("kv", "put", "huge", "@" + str(value), "--store", "notes")
    laptop.run("sync", stick.port)
    stick.pull()
    stick.plug()
    desktop = join_at(stick, token, tmp_path)
    shown = desktop.json("kv", "get", "huge", "--store", "notes")
    assert bytes.fromhex(shown["value_hex"]) == value.read_bytes()
