"""The arrows of docs/architecture.md: which room may import which. The page prints the table of this file."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANYWHERE = {"compat", "errors", "limits", "seams", "text"}  # modules of lattice_core that every room may use
# room of lattice_core: the rooms that it may import when it runs
CORE = {
    "wire": (),
    "storage": (),
    "link": (),
    "model": ("wire",),
    "weaver": ("model", "storage"),
    "machines": ("wire", "model", "storage"),
    "files": ("wire", "model", "storage", "machines"),
    "node": ("wire", "model", "storage", "weaver", "machines", "files"),
    "sync": ("wire", "model", "storage", "weaver", "files", "node"),
    "api": ("wire", "model", "storage", "machines", "files", "node"),
    "testing": ("storage", "weaver"),
}
# room of lattice_core: who else may import it. Nothing else of the core is seen by the log engine.
ENGINE = ("model", "storage")


def imports(path):
    """The dotted names that a module imports when it runs; what only a type checker reads does not count."""
    package = list(path.relative_to(ROOT).parts[:-1])
    package = package[1:] if package[0] in ("shared", "host") else package
    tree = ast.parse(path.read_text())
    unread = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            unread.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            yield from (".".join([*base, name.name]) for name in node.names)


def sources(folder):
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


def rooms(path, package="lattice_core"):
    """The rooms and modules of the core that a module imports."""
    names = [name.split(".") for name in imports(path)]
    return {name[1] for name in names if name[0] == package and len(name) > 1}


def outside(folder, allowed):
    """["module → room"] that the table does not allow."""
    found = []
    for path in sources(folder):
        found += ["%s → %s" % (path.relative_to(ROOT), room) for room in sorted(rooms(path) - set(allowed) - ANYWHERE)]
    return found


def test_the_core_is_all_in_the_table():
    core = ROOT / "shared" / "lattice_core"
    assert {path.parent.relative_to(core).parts[0] for path in core.glob("*/**/*.py")} == set(CORE)
    assert {path.stem for path in core.glob("*.py")} - {"__init__"} <= ANYWHERE | {"endpoint"}


def test_rooms_of_the_core_import_what_the_table_allows():
    for room, allowed in CORE.items():
        assert outside("shared/lattice_core/" + room, (room, *allowed)) == []


def test_the_two_halves_of_sync_do_not_know_each_other():
    """`nano` and `common` run on a stick, `reference` never does."""
    halves = {"common": ("reference",), "nano": ("reference",), "reference": ("nano",)}
    for half, others in halves.items():
        for path in sources("shared/lattice_core/sync/" + half):
            found = [
                name for name in imports(path) if name.split(".")[:3] in [["lattice_core", "sync", o] for o in others]
            ]
            assert found == [], path


def test_the_log_engine_sees_the_storage_contract_only():
    assert outside("shared/lattice_flash", ENGINE) == []


def test_the_core_knows_neither_host_nor_firmware():
    for path in sources("shared"):
        found = [name for name in imports(path) if name.split(".")[0] in ("lattice_host", "firmware")]
        assert found == [], path


def test_the_host_knows_neither_firmware_nor_log_engine():
    for path in sources("host"):
        found = [name for name in imports(path) if name.split(".")[0] in ("lattice_flash", "firmware")]
        assert found == [], path


def test_the_firmware_knows_no_host():
    for path in sources("firmware"):
        assert [name for name in imports(path) if name.split(".")[0] == "lattice_host"] == [], path


def test_the_page_prints_the_table():
    page = (ROOT / "docs" / "architecture.md").read_text()
    for line in table():
        assert line in page, line


def table():
    yield "lattice_flash → %s" % " ".join(ENGINE)
    for room, allowed in CORE.items():
        yield "%-13s → %s" % (room, " ".join(allowed) or "(nothing)")
