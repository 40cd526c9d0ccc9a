"""The table of error codes (docs/errors.md) names every code that is raised, and no other."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
ROOMS = ("shared/lattice_core", "host/lattice_host", "firmware")
_BASE = "LatticeError"
_ROW = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)


def _trees():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def _error_classes(trees):
    """name -> ClassDef of every error of the product."""
    defined = {
        node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases
    }
    found = {_BASE: defined[_BASE]}
    while True:
        more = {
            name: node
            for name, node in defined.items()
            if name not in found and any(isinstance(base, ast.Name) and base.id in found for base in node.bases)
        }
        if not more:
            return found
        found.update(more)


def _code_of(node):
    """The class's own code, None where it has that of its base."""
    for part in node.body:
        if isinstance(part, ast.Assign) and [target.id for target in part.targets if isinstance(target, ast.Name)] == [
            "code"
        ]:
            assert isinstance(part.value, ast.Constant)
            return part.value.value
    return None


def _given(tree, classes):
    """The codes at the raise sites."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func) == "complaints.fail" and isinstance(node.args[-1], ast.Constant):
            yield node.args[-1].value
        if not isinstance(node.func, ast.Name) or node.func.id not in classes:
            continue
        if any(isinstance(part, ast.FunctionDef) for part in classes[node.func.id].body) and node.func.id != _BASE:
            continue  # it has arguments of its own
        words = [*node.args[1:2], *[word.value for word in node.keywords if word.arg == "code"]]
        for word in words:
            for part in ast.walk(word):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def _raised():
    trees = list(_trees())
    classes = _error_classes(trees)
    codes = {_code_of(node) for node in classes.values()} - {None}
    for tree in trees:
        codes.update(_given(tree, classes))
    return codes


def _documented():
    return _ROW.findall((ROOT / "docs/errors.md").read_text(encoding="utf-8"))


def test_every_code_that_is_raised_is_in_the_table():
    assert sorted(_raised() - set(_documented())) == []


def test_every_code_in_the_table_is_raised():
    assert sorted(set(_documented()) - _raised()) == []


def test_a_code_stands_in_the_table_once_and_in_order():
    assert _documented() == sorted(set(_documented()))


def test_a_code_is_a_short_word():
    wrong = [code for code in _raised() if not re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", code)]
    assert wrong == []
