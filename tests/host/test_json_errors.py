"""With `--json` a command that fails says why in one object on stderr, whatever is wrong."""

import json
import os

import pytest

from host.cli_commands import CommandRun, leaves, words_for
from host.cli_support import CommandLine
from lattice_host import entry

_JSON = [(path, command) for path, command in leaves() if any("--json" in one.opts for one in command.params)]
_CASES = [pytest.param(path, command, id="-".join(path)) for path, command in _JSON]
_BESIDE = {"KEY": "nothing", "PORT": "/dev/null", "FILE": "/nonexistent/x", "TOKEN": "abc"}


def said(run):
    """The object on stderr."""
    assert run.out == b""
    said = json.loads(run.err)
    assert isinstance(said["error"]["text"], str)
    return said["error"]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    host = CommandLine(tmp_path_factory.mktemp("json") / "node")
    host.run("store", "create", "notes")
    return host


@pytest.mark.parametrize(("path", "command"), _CASES)
def test_where_no_node_is(path, command, tmp_path):
    if path in (("init",), ("store", "create")):
        pytest.skip("it makes the node")
    run = CommandRun(tmp_path / "none", [*path, *words_for(command, _BESIDE), "--json"])
    assert run.status != 0
    assert said(run)["code"] in ("no_node", "bad_token", "usage", "unknown_file", "no_stick", "port", "no_access")


@pytest.mark.parametrize(("path", "command"), _CASES)
def test_an_option_that_is_not_there(path, command, tmp_path):
    run = CommandRun(tmp_path / "none", [*path, "--json", "--nonsense"])
    assert run.status == 2
    assert said(run)["code"] == "usage"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["kv", "get", "nothing"], "unknown_key"),
        (["kv", "get", "nothing", "--store", "nowhere"], "unknown_store"),
        (["kv", "put", "k", "v", "--store", ""], "usage"),
        (["store", "create", "notes"], "exists"),
        (["store", "create", "x" * 300], "bad_name"),
        (["file", "put", "/nonexistent/x"], "no_access"),
        (["file", "rm", "nothing"], "unknown_file"),
        (["join", "abc", "--via", "/dev/null"], "bad_token"),
        (["peer", "revoke", "nobody"], "unknown_member"),
        (["invite", "revoke", "00"], "unknown_invite"),
        (["sync", "/dev/null"], "port"),
    ],
    ids=lambda value: "-".join(value)[:30] if isinstance(value, list) else value,
)
def test_what_is_wrong_has_a_code(node, words, code):
    run = CommandRun(node.folder, [*words, "--json"])
    assert run.status != 0
    assert said(run)["code"] == code


def test_an_error_of_the_program_itself_has_a_code(node, tmp_path):
    def broken():
        entry._run = lambda: 1 // 0

    run = CommandRun(node.folder, ["status", "--json"], prepare=broken, scratch=os.fspath(tmp_path))
    assert run.status == 1
    assert said(run)["code"] == "internal"


def test_without_json_an_error_is_a_line(node):
    run = CommandRun(node.folder, ["kv", "get", "nothing"])
    assert run.err.startswith(b"lattice-host: there is no value for nothing")


def test_a_value_that_is_called_json_is_no_option(node):
    run = CommandRun(node.folder, ["kv", "get", "--", "--json"])
    assert run.err.startswith(b"lattice-host: there is no value for --json")
