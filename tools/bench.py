"""Runs the benchmarks, prints their figures as one table and writes them to build/bench.json.

    python tools/bench.py [NAME…]      NAME: part of a file name in tests/bench

Each tests/bench/bench_*.py is a program that prints JSON objects, one a line: `bench` and any other fields. An object
in the field `aim` says what some of them should be: {"per_second": 1234, "aim": {"per_second": ">= 10000"}}.
"""

import json
import os
import pathlib
import subprocess
import sys

from rich.console import Console
from rich.table import Table

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATHS = ("shared", "host", "tests", "tests/core")


def run(path: pathlib.Path) -> list[dict]:
    """The objects that one benchmark printed; SystemExit with its words when it failed."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(str(ROOT / folder) for folder in PATHS))
    done = subprocess.run([sys.executable, str(path)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{path.name} failed with exit status {done.returncode}.")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def show(rows: list[dict]) -> None:
    table = Table("bench", "what", "figure", "aim")
    for row in rows:
        aims = row.get("aim") or {}
        name = str(row.get("bench", ""))
        for field, value in sorted(row.items(), key=lambda item: not isinstance(item[1], str)):  # words first
            if field not in ("bench", "aim"):
                table.add_row(name, field, str(value), str(aims.get(field, "")))
                name = ""
        table.add_section()
    Console().print(table)


def main(names: list[str]) -> None:
    found = sorted((ROOT / "tests" / "bench").glob("bench_*.py"))
    rows = []
    for path in found:
        if not names or any(name in path.name for name in names):
            print(f"Running {path.name}", flush=True)
            rows += run(path)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
