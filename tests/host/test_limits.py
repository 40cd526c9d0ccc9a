"""docs/limits.md tells the numbers that the code has, and leaves out none of the file that is made of them."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = {
    "lattice_core": ROOT / "shared",
    "lattice_flash": ROOT / "shared",
    "lattice_host": ROOT / "host",
    "firmware": ROOT,
}
ROW = re.compile(r"^\|(?P<what>[^|]*)\|(?P<number>[^|]*)\| `(?P<file>[^`]*)` `(?P<name>[^`]*)` \|$")


def constants(path):
    """{name: number} of the module's assignments, without running it."""
    found = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            code = compile(ast.Expression(node.value), str(path), "eval")
            try:
                found[node.targets[0].id] = eval(code, {"const": lambda value: value, "__builtins__": {}}, found)
            except (NameError, TypeError, AttributeError, KeyError):
                continue
    return found


def written(name, value):
    """Every way in which the page may write a number."""
    ways = {f"{int(value) if value == int(value) else value:,}"}
    if "BYTES" in name:
        ways |= {"%g %s" % (value / size, unit) for unit, size in (("KiB", 1024), ("MiB", 1048576))}
    if name.endswith("_MS"):
        units = (("ms", 1), ("s", 1000), ("h", 3600000), ("days", 86400000))
        ways |= {"%g %s" % (value / size, unit) for unit, size in units}
    if name.endswith("_S"):
        ways.add("%g s" % value)
    return ways


def rows():
    lines = (ROOT / "docs" / "limits.md").read_text("utf-8").splitlines()
    found = [ROW.match(line) for line in lines if line.startswith("|") and "`" in line]
    assert None not in found, [line for line in lines if line.startswith("|") and "`" in line and not ROW.match(line)]
    return [match.groupdict() for match in found if match is not None]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["file"] + ":" + row["name"])
def test_the_page_tells_the_number_of_the_code(row):
    value = constants(FOLDERS[row["file"].split("/")[0]] / row["file"])[row["name"]]
    ways = [re.escape(way) for way in written(row["name"], value)]
    assert re.search(r"(?<![\d,.])(%s)(?![\d,.\w])" % "|".join(ways), row["number"]), (row, value)


def test_every_limit_of_the_list_is_on_the_page():
    listed = {row["name"] for row in rows() if row["file"] == "lattice_core/limits.py"}
    assert listed == set(constants(ROOT / "shared" / "lattice_core" / "limits.py"))
