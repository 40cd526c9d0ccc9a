"""tools/bench_against.py loses no figure that a benchmark prints."""

import json
import sys

import pytest

from tool_module import tool

CROSSED = [
    {"bench": "link, there", "aim": {"x": ">= 1"}, "cpu_us": {"host": 1, "stick": 2}, "raw_cpu_us": 9},
    {"bench": "link, back", "way": "slow", "cpu_us": {"host": 3, "stick": 4}, "kib": 5},
]


def tree(folder, rows):
    """A checkout with one benchmark, which prints these rows."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "tests" / "bench").mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tests" / "bench" / "bench_x.py").write_text("print(%r, end='')" % lines)
    return folder


def test_figures_of_two_rows_stand_side_by_side(tmp_path):
    found = tool("bench_against").run(tree(tmp_path, CROSSED), "bench_x.py")
    assert found.pop("whole program") > 0
    assert found == {
        "link, there: cpu_us host": 1,
        "link, there: cpu_us stick": 2,
        "link, back, slow: cpu_us host": 3,
        "link, back, slow: cpu_us stick": 4,
    }


def test_two_figures_of_one_name_are_refused(tmp_path):
    with pytest.raises(SystemExit, match="two figures"):
        tool("bench_against").run(tree(tmp_path, [CROSSED[0], CROSSED[0]]), "bench_x.py")
