"""How commands end and what they print: exit statuses, and text of others that no terminal obeys."""

import json

import pytest
import typer
from typer.testing import CliRunner

from lattice_core.errors import ProtocolError, Refused, StorageError, UsageError
from lattice_host.cli import app, output
from lattice_host.cli.app import Group
from lattice_host.cli.endings import PartlyDone, WrongUsage

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
    assert len(result.stderr.splitlines()) == (status != 0) and not result.stdout


@pytest.mark.parametrize("words", [("kv", "get"), ("nonsense",), ("sync", "x", "--timeout", "soon"), ("--nonsense",)])
def test_a_wrong_command_line_is_status_2(words):
    assert CliRunner().invoke(app, list(words)).exit_code == 2


def test_json_shows_nothing_hidden_and_loads_back():
    shown = output.json_text({NASTY: [NASTY, {"漢字": "Grüße"}]})
    assert json.loads(shown) == {NASTY: [NASTY, {"漢字": "Grüße"}]}
    assert "漢字" in shown and "Grüße" in shown
    assert not [character for character in shown if character in NASTY[1:-1] and character not in "\n[2J"]
    assert [line.strip() for line in shown.splitlines()][0] == "{" and len(shown.splitlines()) == 8


def test_messages_and_tables_are_lines(capsys):
    output.say("name %s" % NASTY)
    output.warn(NASTY)
    output.table(("name", "x"), [(NASTY, 1)], "none")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3 and len(shown.err.splitlines()) == 1
    assert "\\u202e" in shown.out and "\\u202e" in shown.err


def test_a_value_keeps_its_lines(capsys):
    output.say_text("one\ntwo\tthree\x1b[2J")
    assert capsys.readouterr().out == "one\ntwo\tthree\\x1b[2J\n"
