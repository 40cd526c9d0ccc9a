"""The C module, its stub and its twin on CPython name the same functions."""

import ast

from emulator import interpreter
from lattice_core import seams
from lattice_host import crypto

STUB = interpreter.ROOT / "firmware" / "cmodules" / "lattice_native" / "lattice_native.pyi"
SEAMS = interpreter.ROOT / "shared" / "lattice_core" / "seams.py"
LIST_NAMES = "import lattice_native; print(*[n for n in dir(lattice_native) if n[0] != '_'])"


def functions(tree):
    return {node.name: [a.arg for a in node.args.args] for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def seam():
    """{name: parameters} of the protocol that the core expects."""
    for node in ast.walk(ast.parse(SEAMS.read_text())):
        if isinstance(node, ast.ClassDef) and node.name == "Crypto":
            return {name: parameters[1:] for name, parameters in functions(node).items()}
    raise AssertionError("no class Crypto in %s" % seams.__file__)


def test_stub_names_what_the_module_has():
    result = interpreter.run("-c", LIST_NAMES)
    tree = ast.parse(STUB.read_text())
    top = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert sorted(result.stdout.split()) == sorted(top)


def test_stub_is_the_seam():
    stub = functions(ast.parse(STUB.read_text()))
    assert {name: stub.get(name) for name in seam()} == seam()


def test_twin_has_all_of_the_seam():
    assert [name for name in seam() if not callable(getattr(crypto, name, None))] == []
