"""The service layer: operations by name, plain values in and out, streams that can be cancelled."""

import inspect
import json
import pathlib
import re

import pytest

from host.cli_support import CommandLine
from lattice_core.errors import UsageError
from lattice_host.service import groups
from lattice_host.service.in_process import InProcess


@pytest.fixture
def backend(tmp_path):
    line = CommandLine(tmp_path / "a")
    line.run("store", "create", "notes")
    return InProcess(tmp_path / "a", lambda text: None)


def error_of(backend, name, **arguments):
    with pytest.raises(UsageError) as found:
        backend.call(name, **arguments)
    return found.value


def test_bytes_go_as_text_or_as_hex(backend):
    backend.call("kv.put", key="a", value_hex="ff00")
    backend.call("kv.put", key_hex="fe", value="text")
    assert backend.call("kv.get", key="a")["value_hex"] == "ff00"
    assert backend.call("kv.get", key_hex="fe")["value"] == "text"
    assert [row.get("key", row.get("key_hex")) for row in backend.call("kv.list")["keys"]] == ["a", "fe"]


def test_what_is_given_twice_or_not_at_all_or_is_no_hex_is_refused(backend):
    assert error_of(backend, "kv.get", key="a", key_hex="61").code == "bad_value"
    assert error_of(backend, "kv.get").code == "bad_value"
    assert error_of(backend, "kv.get", key_hex="6").code == "bad_value"


@pytest.mark.parametrize("name", ["kv", "kv.", "kv.none", "kv._store", "kv.node", "kv.__init__", "nothing.get", ""])
def test_a_name_that_is_no_operation_is_wrong_usage(backend, name):
    assert error_of(backend, name).code == "usage"


def test_arguments_that_an_operation_does_not_have_are_wrong_usage(backend):
    assert error_of(backend, "kv.get", key="a", colour="red").code == "usage"


def test_errors_carry_codes(backend):
    assert error_of(backend, "kv.get", key="a").code == "unknown_key"
    assert error_of(backend, "kv.get", key="a", store="other").code == "unknown_store"


def test_a_limited_list_says_that_there_is_more(backend):
    for key in "abc":
        backend.call("kv.put", key=key, value=key)
    first = backend.call("kv.list", limit=2)
    assert [row["key"] for row in first["keys"]] == ["a", "b"]
    assert first["more"] is True
    rest = backend.call("kv.list", after="b", limit=2)
    assert [row["key"] for row in rest["keys"]] == ["c"]
    assert rest["more"] is False


@pytest.mark.parametrize("group", sorted(groups.GROUPS))
def test_a_group_names_its_own_methods(group):
    kind = groups.GROUPS[group]
    methods = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
    assert methods
    assert {*getattr(kind, "READS", ()), *getattr(kind, "MAKES", ())} <= methods


def test_defaults_of_arguments_are_plain(backend):
    for group, kind in groups.GROUPS.items():
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                given = [parameter.default for parameter in list(inspect.signature(method).parameters.values())[1:]]
                defaults = [default for default in given if default is not inspect.Parameter.empty]
                assert json.loads(json.dumps(defaults)) == defaults, (group, name)


def operations():
    return {
        "%s.%s" % (group, name)
        for group, kind in groups.GROUPS.items()
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_every_operation_is_documented_and_no_other():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    table = text[text.index("## Operations") : text.index("## Ports")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([a-z_]+\.[a-z_]+)`", " ".join(rows))) == operations()


@pytest.mark.parametrize(
    ("words", "operation"),
    [
        (("init",), ("node.init", {})),
        (("status",), ("node.status", {})),
        (("store", "list"), ("store.list", {})),
        (("store", "status", "notes"), ("store.status", {"store": "notes"})),
        (("store", "tree"), ("store.tree", {})),
        (("store", "verify"), ("store.verify", {})),
        (("kv", "get", "a"), ("kv.get", {"key": "a"})),
        (("kv", "inspect", "a"), ("kv.inspect", {"key": "a"})),
        (("kv", "list"), ("kv.list", {})),
        (("log", "read"), ("log.read", {})),
        (("log", "tail"), ("log.tail", {})),
        (("file", "list"), ("file.list", {"store": "notes"})),
        (("invite", "list"), ("invite.list", {})),
        (("peer", "list"), ("peer.list", {})),
        (("app", "list"), ("app.list", {})),
        (("bundle", "list"), ("bundle.list", {})),
    ],
)
def test_what_a_command_prints_is_what_its_operation_returned(tmp_path, words, operation):
    name, arguments = operation
    line = CommandLine(tmp_path / "a")
    for made in (("notes",), ("diary", "--type", "log")):
        line.run("store", "create", *made)
    (tmp_path / "file").write_bytes(b"content")
    line.run("file", "put", tmp_path / "file", "--store", "notes")
    line.run("kv", "put", "a", "1", "--store", "notes")
    line.run("log", "append", "entry")
    line.run("invite", "--label", "guest")
    given = ["--store", "notes"] if words[0] in ("kv", "file") else []
    returned = InProcess(tmp_path / "a", lambda text: None).call(
        name, **({"store": "notes"} if words[0] == "kv" else {}), **arguments
    )
    assert line.json(*words, *given) == returned


def test_a_long_operation_says_how_far_it_is_and_can_be_closed(tmp_path):
    line = CommandLine(tmp_path / "a")
    line.run("store", "create", "notes")
    (tmp_path / "folder").mkdir()
    for name in "abc":
        (tmp_path / "folder" / name).write_bytes(name.encode() * 5000)
    node = InProcess(tmp_path / "a", lambda text: None)
    work = node.stream("file.put", path=str(tmp_path / "folder"))
    first = next(work)
    assert (first["event"], first["total"]) == ("progress", 15000)
    work.close()
    assert node.call("file.list")["files"] == []
    assert node.call("file.put", path=str(tmp_path / "folder"))["written"] == 3
    reading = node.stream("file.get", name="folder", destination=str(tmp_path / "out"))
    next(reading)
    reading.close()
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".") and path.parent != tmp_path / "a"] == []
