"""The slice that boards freeze (boards/core.py) holds what the firmware can reach, and nothing else.

What a module imports inside a function and marks with a comment that begins with "here: no stick" is not reached.
"""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STARTS = ("firmware.main", "firmware.ports.rp2")
OURS = ("lattice_core", "lattice_flash", "firmware")
UNREAD = ("TYPE_CHECKING", "__name__ == '__main__'")
CUT = "# here: no stick"


def assigned(path, wanted):
    """The value of a name that a manifest assigns."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == wanted:
            return ast.literal_eval(node.value)
    raise AssertionError(wanted)


def source(module):
    """The file of one of our modules, None of any other name."""
    words = module.split(".")
    for base in (ROOT / "shared", ROOT):
        for path in (base.joinpath(*words, "__init__.py"), base.joinpath(*words).with_suffix(".py")):
            if path.exists():
                return path
    return None


def named_in(path, name):
    """The dotted names that a module imports when it runs on a stick, and those that the registry of types holds."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    text = path.read_text()
    lines, tree, unread = text.splitlines(), ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in UNREAD:
            unread.update(id(inner) for statement in node.body for inner in ast.walk(statement))
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)) and CUT in lines[node.lineno - 1]:
            assert node.col_offset > 0, "%s:%d: only an import inside a function can be cut" % (path, node.lineno)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            yield ".".join(base)
            yield from (".".join([*base, one.name]) for one in node.names)
        elif isinstance(node, ast.Constant) and name.endswith(".registry") and isinstance(node.value, str):
            yield "lattice_core.machines." + node.value


def reached():
    """{file: module} of what importing the firmware can bring."""
    found, waiting = {}, list(STARTS)
    while waiting:
        name = waiting.pop()
        path = source(name) if name.split(".")[0] in OURS else None
        if path is not None and path not in found:
            found[path] = name
            waiting += [name.rsplit(".", 1)[0]] if "." in name else []
            waiting += named_in(path, name)
    return found


@pytest.mark.parametrize(("package", "listed"), [("lattice_core", "HOST_ONLY"), ("lattice_flash", "FLASH_HOST_ONLY")])
def test_a_slice_holds_what_is_reached_and_nothing_else(package, listed):
    folder = ROOT / "shared" / package
    host_only = assigned(ROOT / "boards" / "core.py", listed)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
    assert [one for one in host_only if not any(name.startswith(one) for name in names)] == [], "names that are gone"
    frozen = {name for name in names if not name.startswith(host_only)}
    wanted = {path.relative_to(folder).as_posix() for path in reached() if folder in path.parents}
    assert (sorted(wanted - frozen), sorted(frozen - wanted)) == ([], [])


def test_the_board_freezes_the_firmware_that_is_reached_and_nothing_else():
    folder = ROOT / "firmware"
    files = assigned(ROOT / "boards" / "rp2350" / "common" / "frozen.py", "FIRMWARE")
    assert set(files) == {path.relative_to(folder).as_posix() for path in reached() if folder in path.parents}
