"""A copied data directory that wrote: it learns of it, says so everywhere, and goes on under a new identity."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from host.cli_support import CommandLine
from host.fake_stick import FakeStick
from lattice_host import rekey as steps

BIG = bytes(range(256)) * 300


@pytest.fixture
def stick(tmp_path):
    with FakeStick(tmp_path) as made:
        yield made


@pytest.fixture
def original(stick, tmp_path):
    """Has written since its directory was copied, and the stick holds that."""
    host = CommandLine(tmp_path / "original", "original")
    host.run("store", "create", "notes")
    host.run("kv", "put", "common", "1")
    host.run("kv", "put", "doomed", "1")
    host.run("kv", "put", "edited", "1")
    host.run("stick", "setup", stick.port, "--name", "blue")
    host.run("sync", stick.port)
    shutil.copytree(host.folder, tmp_path / "copy")
    host.run("kv", "put", "from-original", "1")
    host.run("kv", "put", "common", "original")
    host.run("sync", stick.port)
    return host


def copied(tmp_path, name="copy"):
    """The copy, with writes of its own that nobody else has."""
    host = CommandLine.__new__(CommandLine)
    host.folder = tmp_path / name
    (tmp_path / "big.bin").write_bytes(BIG)
    host.run("file", "put", tmp_path / "big.bin")
    host.run("kv", "put", "from-copy", "mine")
    host.run("kv", "put", "edited", "copy")
    host.run("kv", "put", "common", "copy")
    host.run("kv", "delete", "doomed")
    return host


def invite(original, stick):
    token = original.json("invite")["token"]
    original.run("sync", stick.port)
    return token


def forked(tmp_path, stick):
    copy = copied(tmp_path)
    result = copy.attempt("sync", stick.port, "--json")
    assert result.exit_code == 3
    assert not json.loads(result.stdout)["complete"]
    return copy, result


def check_carried(copy, original, stick, tmp_path):
    """Both hold what either has written, conflicts where both have."""
    copy.attempt("sync", stick.port)
    for host in (original, copy):
        assert host.json("sync", stick.port)["complete"]
        assert host.run("kv", "get", "from-copy") == "mine"
        assert host.run("kv", "get", "from-original") == "1"
        assert host.run("kv", "get", "edited") == "copy"
        assert not host.json("kv", "inspect", "edited")["conflicted"]
        assert host.attempt("kv", "get", "doomed").exit_code == 1
        both = host.json("kv", "inspect", "common")
        assert sorted(head["value"] for head in both["heads"]) == ["copy", "original"]
        host.run("file", "get", "big.bin", tmp_path / "out.bin", "--force")
        assert (tmp_path / "out.bin").read_bytes() == BIG
        assert len(host.json("kv", "inspect", "from-copy")["heads"]) == 1
    assert copy.json("status")["read_only"] is None
    assert copy.json("store", "verify")["clean"]
    copy.run("kv", "put", "again", "1")


def test_the_copy_says_everywhere_that_it_may_write_no_more(original, stick, tmp_path):
    copy, result = forked(tmp_path, stick)
    assert "original has written two different histories" in result.stderr
    assert "not known to be held" in result.stderr
    for words in (result.stderr, copy.run("status"), copy.run("store", "status"), copy.fails("kv", "put", "k", "v")):
        assert "node rekey --invite TOKEN" in words
    for words in (("file", "put", tmp_path / "big.bin", "--as", "x"), ("invite",), ("store", "create", "more")):
        assert "node rekey" in copy.fails(*words)
    assert copy.run("kv", "get", "from-copy") == "mine"
    assert original.json("status")["read_only"] is None
    original.run("kv", "put", "goes", "on")


def test_a_new_identity_loses_nothing(original, stick, tmp_path):
    copy, _ = forked(tmp_path, stick)
    old = copy.json("status")["id"]
    result = copy.attempt("node", "rekey", "--invite", invite(original, stick), "--via", stick.port, "--json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    assert data["old"] == old != data["id"] == copy.json("status")["id"]
    assert data["complete"]
    assert data["conflicts"] == ["common"]
    assert data["pending"] == data["sticks"] == []
    assert data["unreadable"] == 0
    assert data["written"] == 5
    assert data["id"] in copy.json("stick", "status", stick.port)["owners"][1]["id"]
    check_carried(copy, original, stick, tmp_path)
    # The old data is a data directory like any other, and the command that revokes the old identity is one that works.
    aside = CommandLine.__new__(CommandLine)
    aside.folder = data["aside"]
    assert aside.run("kv", "get", "from-copy") == "mine"
    assert aside.json("status")["read_only"]
    (revoke,) = data["commands"]
    words = revoke.split()
    assert words[:3] == ["lattice-host", "--data", str(copy.folder)]
    assert old in words
    copy.run(*words[3:])
    assert [row["status"] for row in copy.json("peer", "list")["peers"] if row["id"] == old] == ["revoked"]
    assert copy.json("file", "put", tmp_path / "big.bin")["unchanged"] == 1  # places on disks are remembered as before


def test_what_stands_in_the_way_is_said_before_anything_changes(original, stick, tmp_path):
    copy, _ = forked(tmp_path, stick)
    assert "needs an invite" in copy.fails("node", "rekey", "--via", stick.port)
    assert "no token" in copy.fails("node", "rekey", "--invite", "nonsense", "--via", stick.port, status=1)
    other = CommandLine(tmp_path / "other", "other")
    other.run("store", "create", "elsewhere")
    foreign = other.json("invite")["token"]
    assert "this node is not in" in copy.fails("node", "rekey", "--invite", foreign, "--via", stick.port)
    assert not (copy.folder / steps.JOURNAL).exists()
    token = original.json("invite")["token"]  # the stick has not heard of it
    before = copy.json("status")["id"]
    assert "not known here" in copy.fails("node", "rekey", "--invite", token, "--via", stick.port)
    assert copy.json("status")["id"] == before
    assert copy.run("kv", "get", "from-copy") == "mine"
    for port in (stick.port, "/dev/null"):
        copy.fails("node", "rekey", "--invite", token, "--via", port)
        assert not (copy.folder / steps.JOURNAL).exists()
        assert not (copy.folder / "rekey").exists()
        assert copy.json("status")["rekey"] is None
    original.run("sync", stick.port)
    copy.run("node", "rekey", "--invite", token, "--via", stick.port)
    check_carried(copy, original, stick, tmp_path)


def test_a_healthy_node_keeps_its_identity(original, stick):
    assert "nothing is wrong" in original.fails("node", "rekey", "--via", stick.port)
    assert "nothing is wrong" in original.fails("node", "rekey", "--invite", invite(original, stick))
    assert "nothing is to be taken back" in original.fails("node", "rekey", "--abandon")
    assert not (original.folder / steps.JOURNAL).exists()


def test_what_was_begun_is_taken_back_until_it_has_joined(original, stick, tmp_path, monkeypatch):
    copy, _ = forked(tmp_path, stick)
    before, token = copy.json("status")["id"], invite(original, stick)

    def killed_at(last):
        def reached(step):
            if step == last:
                raise Killed

        monkeypatch.setattr(steps, "reached", reached)
        with pytest.raises(Killed):
            copy.attempt("node", "rekey", "--invite", token, "--via", stick.port)
        monkeypatch.undo()

    for step in ("journal", "identity"):
        killed_at(step)
        shown = re.findall(r"`lattice-host --data (.*?) (node rekey .*?)`", copy.run("status"))
        assert [words for _, words in shown] == ["node rekey --abandon", "node rekey --invite TOKEN"]
        copy.run(*shown[0][1].split())
        assert copy.json("status")["rekey"] is None
        assert not (copy.folder / "rekey").exists()
    killed_at("identity")
    killed_at("joined")
    assert "joined already" in copy.fails("node", "rekey", "--abandon")
    ((folder, words),) = re.findall(r"`lattice-host --data (.*?) (node rekey)`", copy.run("status"))
    assert folder == str(copy.folder)
    copy.run(*words.split(), "--via", stick.port)
    assert copy.json("status")["id"] != before
    check_carried(copy, original, stick, tmp_path)


class Killed(BaseException):
    """Ends the command as a kill does: nothing of it runs any more but what closes its files."""


@pytest.mark.parametrize("first", ["journal", "identity"])  # what is begun is not begun again
def test_interrupted_at_any_step_it_goes_on(original, stick, tmp_path, monkeypatch, first):
    """The command is killed behind its first step, then behind the next that it comes to, and so on to the end."""
    copy, _ = forked(tmp_path, stick)
    token = invite(original, stick)
    passed = [] if first == "journal" else ["journal"]

    def reached(step):
        if step not in passed:
            passed.append(step)
            raise Killed

    monkeypatch.setattr(steps, "reached", reached)
    for _ in range(40):
        try:
            result = copy.attempt("node", "rekey", "--invite", token, "--via", stick.port)
            break
        except Killed:
            if passed[-1].startswith(("moved", "swapping", "config", "stage")):
                continue  # every other command goes on with it, too: below
            assert copy.run("kv", "get", "from-copy") == "mine", "in between there is always one whole node"
            if passed[-1] == "joined":
                assert "not finished" in copy.run("status")
    assert {"journal", first, "joined", "carried", "owned", "sent", "swapping", "swapped", "done"} <= set(passed)
    assert "moved node.db" in passed
    assert "moved identity.key" in passed
    assert result.exit_code in (0, 1)  # 1: it was done already when it was killed last
    check_carried(copy, original, stick, tmp_path)


def test_a_swap_that_was_cut_is_finished_by_any_command(original, stick, tmp_path, monkeypatch):
    copy, _ = forked(tmp_path, stick)
    old = copy.json("status")["id"]
    left = ["moved node.db"]

    def reached(step):
        if step in left:
            left.remove(step)
            raise Killed

    monkeypatch.setattr(steps, "reached", reached)
    with pytest.raises(Killed):
        copy.attempt("node", "rekey", "--invite", invite(original, stick), "--via", stick.port)
    assert copy.json("status")["id"] != old
    check_carried(copy, original, stick, tmp_path)


_KILLING = """
import os, sys
from lattice_host import rekey
from lattice_host.cli import main
last = sys.argv[1]
rekey.reached = lambda step: step == last and os._exit(9)
sys.argv = ["lattice-host", *sys.argv[2:]]
main()
"""


def test_a_process_that_is_killed(original, stick, tmp_path):
    copy, _ = forked(tmp_path, stick)
    words = ["--data", str(copy.folder), "node", "rekey", "--invite", invite(original, stick), "--via", stick.port]
    line = [sys.executable, "-c", _KILLING, "carried", *words]
    killed = subprocess.run(line, capture_output=True, timeout=60, check=False)
    assert killed.returncode == 9, killed.stderr
    copy.attempt("node", "rekey", "--invite", words[5], "--via", stick.port)
    check_carried(copy, original, stick, tmp_path)


def test_a_store_that_only_the_copy_has_is_made_anew(original, stick, tmp_path):
    copied(tmp_path)
    copy = CommandLine.__new__(CommandLine)
    copy.folder = tmp_path / "copy"
    token = invite(original, stick)  # what both write into the share differs, too
    copy.run("store", "create", "mine")
    copy.run("kv", "put", "k", "v", "--store", "mine")
    copy.run("store", "create", "below", "--parent", "mine")
    copy.run("kv", "put", "k", "low", "--store", "below")
    copy.run("store", "create", "secret", "--strategy", "independent")
    copy.run("kv", "put", "k", "hidden", "--store", "secret")
    copy.attempt("sync", stick.port)
    copy.run("node", "rekey", "--invite", token, "--via", stick.port)
    assert copy.run("kv", "get", "k", "--store", "mine") == "v"
    copy.run("sync", stick.port)
    original.run("sync", stick.port)
    assert original.run("kv", "get", "k", "--store", "mine") == "v"
    for host in (copy, original):
        rows = {row["name"]: row for row in host.json("store", "tree")["stores"]}
        assert rows["below"]["parent"] == rows["mine"]["id"]
        assert rows["secret"]["strategy"] == "independent"
        assert host.run("kv", "get", "k", "--store", "below") == "low"
    # Nobody else was in it, and nobody else is.
    assert copy.run("kv", "get", "k", "--store", "secret") == "hidden"
    assert original.attempt("kv", "get", "k", "--store", "secret").exit_code == 1


def test_a_node_in_two_shares_takes_one_invite_after_the_other(original, stick, tmp_path):
    with FakeStick(tmp_path, name="second") as second:
        friend = CommandLine(tmp_path / "friend", "friend")
        friend.run("store", "create", "theirs")
        friend.run("stick", "setup", second.port)
        token = friend.json("invite")["token"]
        friend.run("sync", second.port)
        copy = copied(tmp_path)
        copy.run("join", token, "--via", second.port)
        copy.run("kv", "put", "k", "from-copy", "--store", "theirs")
        copy.attempt("sync", stick.port)
        result = copy.attempt("node", "rekey", "--invite", invite(original, stick), "--via", stick.port, "--json")
        assert result.exit_code == 3
        data = json.loads(result.stdout)
        assert len(data["pending"]) == 1
        assert len(data["shares"]) == 1
        assert "another share" in result.stderr
        assert data["aside"] in copy.run("status")
        check_carried(copy, original, stick, tmp_path)
        token = friend.json("invite")["token"]
        friend.run("sync", second.port)
        result = copy.attempt("node", "rekey", "--invite", token, "--via", second.port, "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["pending"] == []
        assert copy.json("status")["rekey"] is None
        friend.run("sync", second.port)
        assert friend.run("kv", "get", "k", "--store", "theirs") == "from-copy"


def test_what_was_written_while_a_new_identity_is_not_in_its_place_is_refused(original, stick, tmp_path, monkeypatch):
    """Also where nothing is forked and it is asked for: a key that may be in other hands."""
    host = CommandLine(tmp_path / "other", "other")
    host.run("join", invite(original, stick), "--via", stick.port)
    host.run("kv", "put", "unsent", "1")
    token = invite(original, stick)

    def reached(step):
        if step == "owned":
            raise Killed

    monkeypatch.setattr(steps, "reached", reached)
    with pytest.raises(Killed):
        host.attempt("node", "rekey", "--invite", token, "--via", stick.port, "--force")
    assert "given up" in host.fails("kv", "put", "late", "1")
    assert host.run("kv", "get", "unsent") == "1"
    monkeypatch.undo()
    host.run("node", "rekey", "--via", stick.port)
    assert host.run("kv", "get", "unsent") == "1"
    host.run("kv", "put", "late", "1")
    host.run("sync", stick.port)
    assert original.json("sync", stick.port)["complete"]
    assert original.run("kv", "get", "unsent") == "1"


NO_JOURNAL = [
    b"",
    b'{"step": "don',
    b"[]",
    b"null",
    b"3",
    b"{}",
    b'{"step": "done", "old": "", "aside": "old-12345678"}',
]
NO_JOURNAL += [
    b"\xff",
    b"[" * 100000,
    b'{"step": "swapping", "old": "", "aside": "../x"}',
    b'{"step": "swapped", "aside": 3}',
]


@pytest.mark.parametrize("data", NO_JOURNAL, ids=lambda data: repr(data[:30]))
def test_a_damaged_journal_where_nothing_is_on_its_way_holds_nothing(tmp_path, data):
    host = CommandLine(tmp_path / "one")
    host.run("store", "create", "notes")
    (host.folder / steps.JOURNAL).write_bytes(data)
    host.run("kv", "put", "k", "v")
    assert host.json("status")["rekey"] is None
    assert "needs an invite" in host.fails("node", "rekey")


def test_a_journal_is_gone_when_it_is_done(original, stick, tmp_path):
    copy, _ = forked(tmp_path, stick)
    copy.run("node", "rekey", "--invite", invite(original, stick), "--via", stick.port)
    assert not (copy.folder / steps.JOURNAL).exists()


def cut_at(step, copy, original, stick, monkeypatch):
    """`node rekey` is killed behind a step; the token."""

    def reached(now):
        if now == step:
            raise Killed

    token = invite(original, stick)
    with monkeypatch.context() as patched:
        patched.setattr(steps, "reached", reached)
        with pytest.raises(Killed):
            copy.attempt("node", "rekey", "--invite", token, "--via", stick.port)
    return token


@pytest.mark.parametrize("step", ["identity", "carried", "swapping"])
def test_a_damaged_journal_before_the_old_identity_goes(original, stick, tmp_path, monkeypatch, step):
    """The words name what to delete; then it is begun again."""
    copy, _ = forked(tmp_path, stick)
    cut_at(step, copy, original, stick, monkeypatch)
    (copy.folder / steps.JOURNAL).write_bytes(b"{")
    words = copy.fails("kv", "get", "from-copy")
    assert "The old identity is whole" in words
    assert str(copy.folder / "rekey") in words
    (copy.folder / steps.JOURNAL).unlink()
    shutil.rmtree(copy.folder / "rekey")
    assert copy.run("kv", "get", "from-copy") == "mine"
    copy.attempt("node", "rekey", "--invite", invite(original, stick), "--via", stick.port)
    check_carried(copy, original, stick, tmp_path)


@pytest.mark.parametrize("step", ["moved node.db", "moved identity.key", "stage gone"])
def test_a_damaged_journal_in_the_middle_of_the_swap(original, stick, tmp_path, monkeypatch, step):
    """The words hold what to write into it; behind the swap it is found out without them."""
    copy, _ = forked(tmp_path, stick)
    token = cut_at(step, copy, original, stick, monkeypatch)
    (copy.folder / steps.JOURNAL).write_bytes(b'{"step": "swa')
    if step != "stage gone":
        words = copy.fails("status")
        (copy.folder / steps.JOURNAL).write_text(words[words.index('{"step": "swapping"') :])
    assert "still to be brought over" in copy.json("status")["rekey"]
    copy.attempt("node", "rekey", "--invite", token, "--via", stick.port)
    assert copy.json("status")["rekey"] is None
    check_carried(copy, original, stick, tmp_path)


def test_repeated_when_it_was_done_it_gives_nothing_up(original, stick, tmp_path):
    copy, _ = forked(tmp_path, stick)
    token = invite(original, stick)
    copy.run("node", "rekey", "--invite", token, "--via", stick.port)
    new = copy.json("status")["id"]
    assert "joined with this invite" in copy.fails("node", "rekey", "--invite", token, "--via", stick.port)
    copy.run("sync", stick.port)
    original.run("sync", stick.port)
    assert "used up" in original.fails("node", "rekey", "--invite", token, "--via", stick.port)
    for host in (copy, original):
        assert host.json("status")["rekey"] is None
        assert not (host.folder / steps.JOURNAL).exists()
    assert copy.json("status")["id"] == new
    check_carried(copy, original, stick, tmp_path)


def test_what_is_taken_back_was_not_the_one_before(tmp_path):
    """Stores of a first old identity are still to be brought over when a second change is begun and taken back."""
    first = {"step": steps.SWAPPED, "old": "aa", "aside": "old-aaaaaaaa", "joined": True}
    (tmp_path / steps.JOURNAL).write_text(json.dumps(first))
    journal = steps.Rekey(tmp_path)
    journal.begin("bb" * 32)
    assert steps.Rekey(tmp_path).step == steps.BEGUN
    assert not steps.Rekey(tmp_path).joined
    steps.Rekey(tmp_path).abandon()
    assert json.loads((tmp_path / steps.JOURNAL).read_text()) == first
    assert not journal.stage.exists()
