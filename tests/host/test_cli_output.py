"""How commands end and what they print: exit statuses, and text of others that no terminal obeys."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from host.cli_commands import CommandRun, copied, leaves, words_for
from host.cli_support import CommandLine
from lattice_core.errors import ProtocolError, Refused, StorageError, UsageError
from lattice_core.files import cid as cids
from lattice_core.files import tree
from lattice_core.files.entry import Entry
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.text import is_hidden
from lattice_host import crypto, datadir
from lattice_host.cli import app, output
from lattice_host.cli.app import Group
from lattice_host.cli.endings import PartlyDone, WrongUsage
from lattice_host.storage import SqliteStorage

NASTY = "a\n\r\t\x1b[2J\x85\x9b\u200b\u2028\u2029\u202e\u2066\ufeff\U000e0001\udce9z"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PartlyDone("two of three"), 3),
        (WrongUsage("no hex"), 2),
        (UsageError("no such file"), 1),
        (Refused("no"), 1),
        (ProtocolError("broken"), 1),
        (StorageError("disk"), 1),
        (FileNotFoundError(2, "No such file or directory", "x"), 1),
        (KeyboardInterrupt(), 130),
        (None, 0),
    ],
)
def test_an_error_ends_with_its_status_and_one_sentence(error, status):
    trial = typer.Typer(cls=Group)

    @trial.command()
    def one():
        if error is not None:
            raise error

    trial.command("two")(one)
    result = CliRunner().invoke(trial, ["one"])
    assert result.exit_code == status
    assert len(result.stderr.splitlines()) == (status != 0)
    assert not result.stdout


def test_a_mistyped_verb_version_and_short_help(tmp_path):
    host = CommandLine(tmp_path / "node")
    words = host.wrong("kv", "lst")
    assert "Did you mean 'list'? `" in words
    assert "?." not in words
    assert host.run("--version").startswith("lattice-host")
    for words in (("-h",), ("kv", "-h"), ("kv", "put", "-h")):
        assert "Usage" in host.run(*words)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_no_time_at_all_is_wrong_usage(tmp_path, seconds):
    assert "more than 0" in CommandLine(tmp_path / "node").wrong("sync", "/dev/null", "--timeout", seconds)


@pytest.mark.parametrize("words", [("kv", "get"), ("nonsense",), ("sync", "x", "--timeout", "soon"), ("--nonsense",)])
def test_a_wrong_command_line_is_status_2(words):
    assert CliRunner().invoke(app, list(words)).exit_code == 2


def test_json_shows_nothing_hidden_and_loads_back():
    shown = output.json_text({NASTY: [NASTY, {"漢字": "Grüße"}]})
    assert json.loads(shown) == {NASTY: [NASTY, {"漢字": "Grüße"}]}
    assert "漢字" in shown
    assert "Grüße" in shown
    assert not [character for character in shown if character in NASTY[1:-1] and character not in "\n[2J"]
    assert next(line.strip() for line in shown.splitlines()) == "{"
    assert len(shown.splitlines()) == 8


def test_messages_and_tables_are_lines(capsys):
    output.say("name %s" % NASTY)
    output.warn(NASTY)
    output.table(("name", "x"), [(NASTY, 1)], "none")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert len(shown.err.splitlines()) == 1
    assert "\\u202e" in shown.out
    assert "\\u202e" in shown.err


def test_a_value_keeps_its_lines(capsys):
    output.say_text("one\ntwo\tthree\x1b[2J")
    assert capsys.readouterr().out == "one\ntwo\tthree\\x1b[2J\n"


# -- names of others, through every command ---------------------------------------------------------------------------

EVIL = "evil\x1b[2J\x07\x85\x9b1m\u200b\u2028\u202e\u2066\ufeff\U000e0001`id`'\"%s\n"


@pytest.fixture(scope="module")
def infested(tmp_path_factory):
    """A node whose share, store, members, sticks, keys and files were named by somebody evil."""
    folder = tmp_path_factory.mktemp("infested")
    laptop = CommandLine(folder / "node", "laptop")
    laptop.run("store", "create", "notes")
    laptop.run("invite")
    directory = datadir.DataDir(folder / "node")
    storage = SqliteStorage(directory.database)
    node = Node(storage, crypto, Identity(crypto, directory.seed()))
    now = 1_800_000_000_000
    node.open(now)
    root, notes = node.tree.roots()[0], node.tree.find("notes")
    stick = b"s" * 32
    node.members.admit(root, stick, "carrier", now)
    node.members.note_stick(root, stick)
    system = [ops.peer_name(stick, EVIL), ops.peer_name(node.identity.public, EVIL), ops.store_name(EVIL)]
    root.write_system(system, now + 1)
    notes.write_system([ops.store_name("notes" + EVIL)], now + 2)
    entry = Entry(EVIL, 0o644, cids.make(cids.RAW, crypto.blake3_digest(b"x")), now, 1, b"x")
    for path in ("dir/" + EVIL, "plain"):
        notes.kv.put(tree.KEY_PREFIX + path.encode(), entry.encode(), now + 3)
    notes.kv.put(EVIL.encode(), EVIL.encode(), now + 4)
    notes.kv.put(b"\xff\x1b[2J", b"\xff\x1b[2J", now + 5)
    notes.kv.put(b"z", EVIL.encode(), now + 6)
    node.journal.commit(now + 7)
    storage.close()
    directory.remember_stick(stick.hex(), name=EVIL, port="/dev/" + EVIL)
    return folder


VALUES = {"PORT": "auto", "KEY": EVIL, "NAME": EVIL, "MEMBER": EVIL, "PATH": "/dev/null", "ID": EVIL, "name": EVIL}


@pytest.mark.parametrize(("words", "command"), leaves(), ids=[" ".join(words) for words, _ in leaves()])
def test_names_of_others_never_control_a_terminal(infested, words, command):
    has_json = any("--json" in parameter.opts for parameter in command.params)
    for as_json in (False, True) if has_json else (False,):
        for terminal in (False, True):
            data = copied(infested / "node", infested / "copy")
            given = words_for(command, {**VALUES, "DEST": str(infested / "out")}) + ["--json"] * as_json
            run = CommandRun(data, [*words, *given], terminal=terminal)
            for shown in (run.out, run.err):
                text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()) if terminal else shown.decode()  # bold headers
                if words == ("kv", "get") and not as_json and not terminal:
                    continue  # a value goes into a pipe as it is
                assert not [one for one in text if one not in "\n" and is_hidden(ord(one))], ascii(text)
            if as_json and run.out:
                json.loads(run.out)
