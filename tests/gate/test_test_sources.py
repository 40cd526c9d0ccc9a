"""How tests are built: none takes a name from another test, and no class name stands for two things."""

import ast
import pathlib

TESTS = pathlib.Path(__file__).resolve().parents[1]


def sources():
    return [(path, ast.parse(path.read_text())) for path in sorted(TESTS.rglob("*.py"))]


def is_test(module):
    """True for a module that holds tests itself: `test_x` for pytest, `x_case` for the stick's interpreter."""
    last = module.rsplit(".", 1)[-1]
    return last.startswith("test_") or last.endswith("_case")


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from ("%s.%s" % (node.module, name.name) for name in node.names if "." not in (node.module or "."))
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_no_test_imports_a_test():
    known = {path.stem for path, _ in sources() if is_test(path.stem)}
    for path, tree in sources():
        taken = sorted(name for name in imported(tree) if name.rsplit(".", 1)[-1] in known)
        assert not taken, "%s imports %s: what tests share is in a support module" % (path.relative_to(TESTS), taken)


def test_no_class_name_exists_twice():
    found = {}
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).add(str(path.relative_to(TESTS)))
    assert {name: sorted(paths) for name, paths in found.items() if len(paths) > 1} == {}
