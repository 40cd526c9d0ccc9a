"""Commands do not open the database: only the service does (host/lattice_host/service/local.py)."""

import ast
import pathlib

HOST = pathlib.Path(__file__).resolve().parents[2] / "host" / "lattice_host"
OPENING = {"storage", "lock", "SqliteStorage", "DirectoryLock"}


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


def test_the_service_knows_no_command():
    modules = sorted((HOST / "service").glob("*.py"))
    assert modules
    assert [path.name for path in modules if {"cli", "typer"} & set(imported(path))] == []
