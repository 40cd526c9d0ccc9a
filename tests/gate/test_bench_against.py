"""tools/bench_against.py loses no figure that a benchmark prints."""

import importlib.util
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CROSSED = [
    {"bench": "link, there", "aim": {"x": ">= 1"}, "cpu_us": {"host": 1, "stick": 2}, "raw_cpu_us": 9},
    {"bench": "link, back", "way": "slow", "cpu_us": {"host": 3, "stick": 4}, "kib": 5},
]


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("bench_against", ROOT / "tools" / "bench_against.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tree(folder, rows):
    """A checkout with one benchmark, which prints these rows."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "tests" / "bench").mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tests" / "bench" / "bench_x.py").write_text("print(%r, end='')" % lines)
    return folder


def test_figures_of_two_rows_stand_side_by_side(tool, tmp_path):
    found = tool.run(tree(tmp_path, CROSSED), "bench_x.py")
    assert found.pop("whole program") > 0
    assert found == {
        "link, there: cpu_us host": 1,
        "link, there: cpu_us stick": 2,
        "link, back, slow: cpu_us host": 3,
        "link, back, slow: cpu_us stick": 4,
    }


def test_two_figures_of_one_name_are_refused(tool, tmp_path):
    with pytest.raises(SystemExit, match="two figures"):
        tool.run(tree(tmp_path, [CROSSED[0], CROSSED[0]]), "bench_x.py")
