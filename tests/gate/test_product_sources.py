"""One word, one meaning (docs/glossary.md): no class name exists twice in core, log engine, host and firmware."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED_STILL = {"Refused", "Peer", "Entry", "Stream", "Report", "Damaged"}  # names that wait for a better one


def test_no_class_name_exists_twice():
    found = {}
    for folder in ("shared", "host", "firmware"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, set()).add(str(path.relative_to(ROOT)))
    twice = {name: sorted(paths) for name, paths in found.items() if len(paths) > 1 and name not in SHARED_STILL}
    assert twice == {}
