"""A number that a peer can push against stands in lattice_core/limits.py, where all of them are read together."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ROOT / "shared" / "lattice_core"
ROOMS = ("wire", "link", "sync")  # what reads the bytes of others
# Parts of a format and no limits of their own: fields, heads, a kind of field, what a packet or a frame holds.
SHAPES = {"ID_BYTES", "TAG_BYTES", "ITEM_HEAD_BYTES", "PART_HEAD_BYTES", "BYTES", "MESSAGE_BYTES", "ROOM_BYTES"}
SHAPES |= {"_TEXT_PIECE_BYTES", "_HELD_BYTES", "HEADER_BYTES"}  # read at a time, held at a time, a head
ENDS = {"reset", "close", "fault", "abort", "stop"}  # what ends a stream or a connection
ORDER = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


def refuses(body):
    """Whether the statements raise or end a stream."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Raise):
                return "UsageError" not in ast.dump(node)  # that is ours
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENDS:
                return True
    return False


def pushed_against(tree):
    """[(line, name)]: constants that decide, by "more" or "less", whether a peer is refused."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.If, ast.While)) or not refuses(node.body):
            continue
        for compare in ast.walk(node.test):
            if isinstance(compare, ast.Compare) and any(isinstance(kind, ORDER) for kind in compare.ops):
                names = [part.id for part in ast.walk(compare) if isinstance(part, ast.Name)]
                found += [(node.lineno, name) for name in names if name.isupper()]
    return found


def from_limits(tree):
    modules = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "limits"]
    return {name.name for node in modules for name in node.names}


def elsewhere(source):
    """["line name"] of the limits of a module that it has not from limits.py."""
    tree = ast.parse(source)
    known = from_limits(tree) | SHAPES
    return ["%d %s" % (line, name) for line, name in pushed_against(tree) if name not in known]


def test_limits_on_peers_come_from_the_list():
    found = []
    for room in ROOMS:
        paths = sorted((CORE / room).rglob("*.py"))
        assert paths, room
        found += ["%s:%s" % (path.relative_to(CORE), what) for path in paths for what in elsewhere(path.read_text())]
    assert found == []


CODE = """
from ..%s import MOST
def f(n):
    if n > MOST:
        %s
"""


@pytest.mark.parametrize("refusal", ["raise ProtocolError('no')", "stream.reset()"])
def test_a_limit_of_its_own_is_found(refusal):
    assert elsewhere(CODE % ("errors", refusal)) == ["4 MOST"]
    assert elsewhere(CODE % ("limits", refusal)) == []
