"""Who is handed what: the node's parts get what they need, and never the node."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]

BELOW_SYNC = ("wire", "storage", "link", "model", "weaver", "machines", "files", "node")


def sources(folder):
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


def functions(path):
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, (ast.FunctionDef, ast.Lambda)):
            yield found


def names(path):
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, ast.Name):
            yield found.id
        elif isinstance(found, ast.Attribute):
            yield found.attr
        elif isinstance(found, ast.arg):
            yield found.arg


def test_no_function_takes_the_node_first():
    found = []
    for room in BELOW_SYNC:
        for path in sources("shared/lattice_core/" + room):
            for function in functions(path):
                first = [arg.arg for arg in function.args.args if arg.arg != "self"][:1]
                if first == ["node"]:
                    found.append("%s:%d" % (path.name, function.lineno))
    assert found == []


def test_files_do_not_hold_the_node():
    assert [path.name for path in sources("shared/lattice_core/files") if "node" in names(path)] == []


def test_only_the_journal_commits():
    """The storage's transaction is committed in one place, and at a start, store by store (docs/architecture.md)."""
    found = []
    for room in ("files", "machines", "node", "sync", "api", "weaver"):
        for path in sources("shared/lattice_core/" + room):
            for call in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(call, ast.Attribute)
                    and call.attr == "commit"
                    and ast.unparse(call.value).endswith("storage")
                ):
                    found.append(path.name)
    assert sorted(set(found)) == ["device.py", "journal.py", "tree.py"]
