"""Commands only parse, call and render: the service works on the node (host/lattice_host/service)."""

import ast
import pathlib

HOST = pathlib.Path(__file__).resolve().parents[2] / "host" / "lattice_host"
OPENING = {"storage", "lock", "SqliteStorage", "DirectoryLock"}
BELOW = {"node", "sync", "link", "weaver", "endpoint", "serial", "links", "local", "crypto", "StickPort", "OpenNode"}


def imported(path):
    """Every word of every name that a module imports."""
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, (ast.Import, ast.ImportFrom)):
            yield from (getattr(found, "module", None) or "").split(".")
            for name in found.names:
                yield from name.name.split(".")


def test_no_command_opens_the_database():
    modules = sorted((HOST / "cli").glob("*.py"))
    assert modules
    assert [(path.name, OPENING & set(imported(path))) for path in modules if OPENING & set(imported(path))] == []


def modules_of(path):
    """The modules that a module imports from other rooms, word by word; siblings are no other room."""
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, ast.Import):
            yield from [word for name in found.names for word in name.name.split(".")]
        elif isinstance(found, ast.ImportFrom) and found.level != 1:
            yield from (found.module or "").split(".")
            yield from [name.name for name in found.names]


def test_no_command_works_on_a_node_or_a_peer():
    modules = sorted((HOST / "cli").glob("*.py"))
    assert [(path.name, BELOW & set(modules_of(path))) for path in modules if BELOW & set(modules_of(path))] == []


def test_the_service_knows_no_command():
    modules = sorted((HOST / "service").glob("*.py"))
    assert modules
    assert [path.name for path in modules if {"cli", "typer"} & set(imported(path))] == []
