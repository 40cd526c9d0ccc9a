#!/usr/bin/env python3
"""A mesh of many nodes in one process, seeded: does every node end with the same state?

    tools/simulate.py [--seed N] [--seeds COUNT] [--nodes N] [--steps N]

Runs COUNT seeds from N on and prints a line for each: what happened and what it cost. A seed that fails is named, fails
again in the same way, and ends the program with status 1.
"""

import argparse
import os
import pathlib
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[1]
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"


def enter_venv() -> None:
    """Goes on under the project's virtual environment, where the host's crypto is installed."""
    if VENV_PYTHON.exists() and pathlib.Path(sys.prefix) != ROOT / ".venv":
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), __file__, *sys.argv[1:]])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many of them (default 1)")
    parser.add_argument("--nodes", type=int, default=20, help="nodes in the mesh (default 20)")
    parser.add_argument("--steps", type=int, default=200, help="random steps when all are in (default 200)")
    arguments = parser.parse_args()
    sys.path[:0] = [str(ROOT / folder) for folder in ("shared", "host", "tests", "tests/core")]
    from sim.mesh import Mesh

    failed = []
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        started = time.monotonic()
        mesh = Mesh(seed, arguments.nodes)
        try:
            mesh.run(arguments.steps)
            end = "same state"
        except Exception:  # noqa: BLE001 - a failing seed is reported, whatever it raises; the others still run
            traceback.print_exc()
            failed.append(seed)
            end = "FAILED"
        shown = ", ".join("%s %d" % (name, count) for name, count in vars(mesh.counts).items())
        print("seed %d: %s; %s; %.1f s" % (seed, end, shown, time.monotonic() - started), flush=True)
    if failed:
        print("failed: %s" % ", ".join("tools/simulate.py --seed %d" % seed for seed in failed))
    return 1 if failed else 0


if __name__ == "__main__":
    enter_venv()
    sys.exit(main())
