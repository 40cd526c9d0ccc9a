"""Runs the benchmarks here and in another revision, in turns, and prints the ratios of processor time.

    python tools/bench_against.py REV [NAME…] [--runs N]     NAME: part of a file name in tests/bench

The other revision is built in a git worktree below build/against, which stays there for the next time. Its program is
measured by the benchmarks of this one, so both do the same work; one that does not run there is said so. A ratio is
ours divided by theirs, each the median of the runs: for each program as a whole, everything it starts and waits for
included, and for each figure of processor time that it prints. Exit status 1 when one is over the limit.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.table import Table

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATHS = ("shared", "host", "tests", "tests/core")
RUNS = 7
LIMIT = 1.1
LEAST_S = 0.05  # less than this says nothing: a program's start takes as long


def build(revision: str) -> pathlib.Path:
    """The worktree of a revision, built, with the benchmarks of this checkout."""
    name = subprocess.run(
        ["git", "rev-parse", "--verify", revision + "^{commit}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if name.returncode != 0:
        sys.exit(f"No revision {revision} here.")
    commit = name.stdout.strip()
    tree = ROOT / "build" / "against" / commit[:12]
    subprocess.run(["git", "worktree", "prune"], cwd=ROOT, check=True)
    if not (tree / "Makefile").exists():
        tree.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), commit], cwd=ROOT, check=True)
    subprocess.run(["make", "venv-dev", "emulator"], cwd=tree, check=True)
    shutil.copytree(ROOT / "tests" / "bench", tree / "tests" / "bench", dirs_exist_ok=True)
    return tree


def run(tree: pathlib.Path, name: str) -> dict[str, float] | None:
    """{figure: processor time} of one program in a tree; None when it fails there."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(str(tree / folder) for folder in PATHS))
    with tempfile.TemporaryFile("w+") as printed:
        command = [str(tree / ".venv" / "bin" / "python"), str(tree / "tests" / "bench" / name)]
        process = subprocess.Popen(command, cwd=tree, env=environment, stdout=printed, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            return None
        printed.seek(0)
        lines = [line for line in printed if line.startswith("{")]
    found = {"whole program": usage.ru_utime + usage.ru_stime}
    for line in lines:
        row = json.loads(line)
        words = ", ".join(value for value in row.values() if isinstance(value, str))
        for key, value in flat(row):
            if "cpu" in key and "raw" not in key:
                figure = f"{words}: {key}"
                if figure in found:
                    sys.exit(f"{name} prints two figures by the name {figure!r}: one of them would be lost.")
                found[figure] = value
    return found


def flat(row: dict, prefix: str = ""):
    """(name, number) of a row's numbers, those of dicts in it too."""
    for key, value in row.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key} ")
        elif isinstance(value, int | float):
            yield prefix + key, value


def compare(name: str, theirs: pathlib.Path, runs: int) -> list[tuple[str, float, float]] | None:
    """(figure, median there, median here) of one program."""
    found: dict[pathlib.Path, list[dict[str, float]]] = {theirs: [], ROOT: []}
    for number in range(runs):
        print(f"{name}: run {number + 1} of {runs}", flush=True)
        for tree in (theirs, ROOT) if number % 2 else (ROOT, theirs):
            figures = run(tree, name)
            if figures is None:
                return None
            found[tree].append(figures)
    return [
        (
            figure,
            statistics.median([each[figure] for each in found[theirs]]),
            statistics.median([each[figure] for each in found[ROOT]]),
        )
        for figure in found[ROOT][0]
        if all(figure in each for tree in found for each in found[tree])
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("revision")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    theirs = build(options.revision)
    table = Table("bench", "processor time", options.revision, "here", "ratio")
    slower = 0
    ratios = {}
    for path in sorted((ROOT / "tests" / "bench").glob("bench_*.py")):
        if options.names and not any(name in path.name for name in options.names):
            continue
        figures = compare(path.name, theirs, options.runs)
        title = path.name
        for figure, before, now in figures or []:
            if figure == "whole program" and before < LEAST_S:
                continue
            ratio = now / before if before else 1.0
            slower += ratio > LIMIT
            ratios[f"{path.name} {figure}"] = round(ratio, 3)
            mark = " slower" if ratio > LIMIT else ""
            table.add_row(title, figure, f"{before:.3f}", f"{now:.3f}", f"{ratio:.2f}{mark}")
            title = ""
        if figures is None:
            table.add_row(title, "does not run in one of the two", "", "", "")
        table.add_section()
    (ROOT / "build" / "bench-against.json").write_text(json.dumps(ratios, indent=1) + "\n")
    Console(width=120).print(table)
    print(f"Medians of {options.runs} runs in turns; slower is more than {LIMIT} x.")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
