"""Invites, tokens, QR codes, members and owners as people meet them on the command line."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time

import pyte
import pytest
import zxingcpp

from host.cli_support import CommandLine
from host.fake_stick import FakeStick
from lattice_core.model import ops
from lattice_core.model.token import Token, parse
from lattice_core.wire.messages import PEER_ACTIVE
from lattice_host import crypto
from lattice_host.cli import qr
from lattice_host.clock import now_ms
from lattice_host.storage import SqliteStorage

COLUMNS, LINES = 80, 60
HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


@pytest.fixture
def laptop(tmp_path):
    host = CommandLine(tmp_path / "laptop")
    host.run("store", "create", "diary")
    return host


@pytest.fixture
def stick(tmp_path, laptop):
    with FakeStick(tmp_path) as plugged:
        laptop.run("stick", "setup", plugged.port, "--name", "carrier")
        yield plugged


def at_node(host, change):
    """Runs `change(node, root)` on a host's node, as its own writes."""
    from lattice_core.model.identity import Identity
    from lattice_core.node.node import Node

    storage = SqliteStorage(host.folder / "node.db")
    node = Node(storage, crypto, Identity(crypto, (host.folder / "identity.key").read_bytes()))
    node.open(now_ms())
    result = change(node, node.tree.roots()[0])
    node.journal.commit(now_ms())
    storage.close()
    return result


# -- the code on a terminal -------------------------------------------------------------------------------------------


def on_screen(text):
    """A terminal of 80 columns after this was written to it."""
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.Stream(screen).feed(text)
    return screen


def picture(screen, fore, back):
    """What the terminal looks like, dark 0 and light 255, when its own two colours are these."""
    shades = {"000000": 0, "ffffff": 255}
    rows = []
    for y in range(LINES):
        for half in (0, 1):
            row = b""
            for x in range(COLUMNS):
                cell = screen.buffer[y][x]
                lit = HALVES.get(cell.data, (1, 1))[half]
                shade = shades.get(cell.fg, fore) if lit else shades.get(cell.bg, back)
                row += bytes((shade,)) * 6
            rows += [row] * 6
    return memoryview(b"".join(rows)).cast("B", shape=[len(rows), len(rows[0])])


def decoded(screen):
    """What a reader sees on a dark terminal and on a light one. One that takes inverted codes is told not to."""
    texts = []
    for fore, back in ((255, 0), (0, 255)):
        found = zxingcpp.read_barcodes(picture(screen, fore, back), try_invert=False)
        texts.append([code.text for code in found])
    return texts


def test_every_token_fits_80_columns_dark_on_light():
    for listed, expires in ((0, (0,)), (1, (2**35,)), (3, (0,)), (6, (0, 2**35))):
        for expires_s in expires:
            keys = [os.urandom(32) for _ in range(listed)]
            token = Token(os.urandom(16), os.urandom(32), os.urandom(32), keys, expires_s).encode(crypto)
            assert qr.columns(token) <= COLUMNS
            screen = on_screen("".join(line + "\r\n" for line in qr.lines(token)))
            assert decoded(screen) == [[token], [token]], listed


def test_the_code_on_a_real_terminal(laptop):
    text = on_terminal(laptop, COLUMNS, "invite")
    screen = on_screen(text)
    token = text.split()[0]
    assert decoded(screen) == [[token], [token]]
    assert parse(crypto, token)
    # Where it does not fit it would wrap into nothing.
    assert "columns" in on_terminal(laptop, 40, "invite")
    assert "▀" not in on_terminal(laptop, 40, "invite")


def on_terminal(host, columns, *words):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "lattice_host", "--data", str(host.folder), *words]
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        data = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            data += piece
        assert process.wait() == 0, data
    os.close(master)
    return data.decode()


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_comes_as_a_mail_breaks_it_from_a_file_or_from_stdin(laptop, stick, tmp_path):
    token = laptop.json("invite")["token"]
    broken = "  %s\r\n" % "\n\t ".join(token[at : at + 30] for at in range(0, len(token), 30))
    file = written(tmp_path / "token.txt", "\ufeff" + broken)
    for words, stdin in ([broken], None), ([token[:50], token[50:]], None), ([file], None), (["-"], broken):
        result = laptop.attempt("join", *words, "--via", "/dev/null", stdin=stdin)
        assert "made here" in result.stderr, words  # it was understood
    quoted = "> " + broken.replace("\n", "\n> > ")
    for words, stdin in (([quoted], None), ([written(tmp_path / "quoted.txt", quoted)], None), (["-"], quoted)):
        assert "made here" in laptop.attempt("join", *words, "--via", "/dev/null", stdin=stdin).stderr, words
    assert "is no file" in laptop.fails("join", str(tmp_path), "--via", "/dev/null")
    assert "there is no file /no/such/file" in laptop.fails("join", "/no/such/file", "--via", "/dev/null")
    assert "there is no file" in laptop.fails("join", "token.text", "--via", "/dev/null")
    assert "join` is empty" in laptop.wrong("join", "", "--via", "/dev/null")
    laptop.run("sync", stick.port)
    guest = CommandLine(tmp_path / "guest", "guest")
    guest.run("join", "-", "--via", stick.port, stdin=broken)
    assert "diary" in guest.run("store", "list")


def test_a_join_that_reached_nobody_leaves_no_node(laptop, tmp_path):
    token = laptop.json("invite")["token"]
    guest = CommandLine.__new__(CommandLine)
    guest.folder = tmp_path / "data" / "guest"
    for port in ("/dev/null", tmp_path / "ttyACM9"):
        guest.fails("join", token, "--via", port)
        assert "no node in" in guest.fails("status")
    (guest.folder / "mine.txt").write_text("kept")
    guest.fails("join", token, "--via", "/dev/null")
    assert sorted(path.name for path in guest.folder.iterdir()) == ["lock", "mine.txt"]
    there = CommandLine(tmp_path / "there", "there")
    before = there.json("status")["id"]
    there.fails("join", token, "--via", "/dev/null")
    assert there.json("status")["id"] == before


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_invites_say_who_when_for_whom_and_until_when(laptop):
    before_ms = int(time.time() * 1000)
    made = laptop.json("invite", "--label", "for Anna", "--expires", "12h")
    assert before_ms + 12 * 3600000 - 1000 <= made["expires_ms"] <= before_ms + 12 * 3600000 + 60000
    assert parse(crypto, made["token"]).expires_s * 1000 == made["expires_ms"]
    (row,) = laptop.json("invite", "list")["invites"]
    assert (row["label"], row["expires_ms"], row["redeemable"]) == ("for Anna", made["expires_ms"], True)
    assert before_ms <= row["made_ms"]
    assert [maker["name"] for maker in row["invited_by"]] == ["laptop"]
    assert "for Anna" in laptop.run("invite", "list")
    assert "laptop" in laptop.run("invite", "list")
    assert "Rust" in on_terminal(laptop, COLUMNS, "invite", "--expires", "2w")
    for wrong in ("12", "soon", "2020-01-01", "-3h", "-1d", "0m", "0h", "0d", "00w", ""):
        assert laptop.attempt("invite", "--expires", wrong).exit_code == 2, wrong
    laptop.run("invite", "revoke", made["id"])
    assert "already" in laptop.run("invite", "revoke", made["id"])


def test_an_expired_invite_is_refused_and_revoked(laptop, monkeypatch):
    made = laptop.json("invite", "--expires", "1m")
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)
    guest = CommandLine(laptop.folder.parent / "guest", "guest")
    assert "expired" in guest.fails("join", made["token"], "--via", "/dev/null")
    (row,) = laptop.json("invite", "list")["invites"]
    assert row["redeemable"] is False
    assert " expired " in laptop.run("invite", "list")
    laptop.run("invite")
    statuses = {row["id"]: row["status"] for row in laptop.json("invite", "list")["invites"]}
    assert statuses[made["id"]] == "revoked"


# -- members ----------------------------------------------------------------------------------------------------------


def test_a_join_repeated_goes_on_and_a_revoked_node_comes_back(laptop, stick, tmp_path):
    token = laptop.json("invite")["token"]
    laptop.run("sync", stick.port)
    guest = CommandLine(tmp_path / "guest", "guest")
    guest.run("join", token, "--via", stick.port)
    assert guest.json("join", token, "--via", stick.port)["complete"]
    laptop.run("sync", stick.port)
    done = laptop.run("peer", "revoke", "guest")
    assert "guest" in done
    assert "revoked" in done
    again = laptop.run("peer", "revoke", "guest")
    assert "already" in again
    laptop.run("sync", stick.port)
    assert "ask for a new one" in guest.fails("join", token, "--via", stick.port)
    assert "revoked" in guest.fails("sync", stick.port)
    fresh = laptop.json("invite")["token"]
    laptop.run("sync", stick.port)
    assert guest.json("join", fresh, "--via", stick.port)["complete"]
    laptop.run("sync", stick.port)
    assert {row["name"]: row["status"] for row in laptop.json("peer", "list")["peers"]}["guest"] == "active"


def test_who_vouched_for_whom_is_said(laptop):
    keys = [bytes([number]) * 32 for number in (0xA1, 0xB2, 0xC3)]
    for key, name in zip(keys, ("anna", "bob", "bob"), strict=True):
        at_node(laptop, lambda node, root, key=key, name=name: node.members.admit(root, key, name, now_ms()))
    words = laptop.fails("peer", "revoke", "bob")
    assert "b2b2b2b2" in words
    assert "c3c3c3c3" in words
    assert "anna" in laptop.run("peer", "revoke", "a1a1a1a1")

    def lift(node, root):
        """A write by somebody else that a node of the reference would go by."""
        from lattice_core.model import intention as intentions
        from lattice_core.model.identity import Identity

        stranger = Identity(crypto, b"\x77" * 32)
        operation = ops.system(ops.peer_status(keys[0], PEER_ACTIVE))
        item = intentions.create(crypto, stranger, 2**45, 0, root.id, bytes(32), [], operation)
        root.weaver.ingest(item, now_ms())

    at_node(laptop, lift)
    row = {row["name"]: row for row in laptop.json("peer", "list")["peers"]}["anna"]
    assert row["status"] == "revoked"
    assert row["disputed"]
    assert "Rust" in laptop.run("peer", "list")
    assert "anna" in laptop.run("status")
    assert "Rust" in laptop.run("peer", "revoke", "anna")
    assert not {row["name"]: row for row in laptop.json("peer", "list")["peers"]}["anna"]["disputed"]


def test_what_a_rust_node_stops_at_is_said(laptop):
    def spoil(node, root):
        root.weaver.submit(b"\x5a\x02\x0a\x01", [], now_ms())
        root.write_system([ops.child_add(bytes(16), "x", "")], now_ms())

    at_node(laptop, spoil)
    shown = laptop.run("status")
    assert "1 write by laptop cannot be applied" in shown
    assert "Rust" in shown


# -- sticks -----------------------------------------------------------------------------------------------------------


def test_owners_in_words(laptop, stick):
    shown = laptop.json("stick", "status", stick.port)
    assert "cannot own itself" in laptop.fails("stick", "owner", "add", stick.port, shown["id"])
    assert "cannot own itself" in laptop.fails("stick", "owner", "transfer", stick.port, "carrier")
    assert "stays one" in laptop.run("stick", "owner", "transfer", stick.port, "laptop")
    assert "has not heard" in laptop.run("stick", "owner", "add", stick.port, "12" * 32)
    owners = laptop.json("stick", "status", stick.port)["owners"]
    assert [owner["id"] for owner in owners] == [laptop.json("status")["id"], "12" * 32]
