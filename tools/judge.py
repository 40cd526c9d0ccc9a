#!/usr/bin/env python3
"""Runs vector files against the core: tools/judge.py [--on cpython|emulator] FILE…

The files have the schema of tests/vectors/README.md. Prints the first ten failures; the last line is
"N passed, M failed" and the exit status is 1 when something failed.
"""

import argparse
import importlib
import importlib.util
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"


def enter_venv() -> None:
    """Goes on under the project's virtual environment, where the host's crypto is installed."""
    if VENV_PYTHON.exists() and pathlib.Path(sys.prefix) != ROOT / ".venv":
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), __file__, *sys.argv[1:]])


def main() -> int:
    parser = argparse.ArgumentParser(description="Run vector files against the core.")
    parser.add_argument("--on", choices=("cpython", "emulator"), default="cpython", help="the interpreter that decides")
    parser.add_argument("files", nargs="+", metavar="FILE", help="vector files (tests/vectors/README.md)")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    run = importlib.import_module("judge.run")  # tests/judge, not this file

    if arguments.on == "cpython":
        if importlib.util.find_spec("nacl") is None or importlib.util.find_spec("blake3") is None:
            print("The host's crypto is not installed: run `make venv` once, or use --on emulator.", file=sys.stderr)
            return 2
        return run.main(arguments.files, run.cpython())
    built = subprocess.run([sys.executable, str(ROOT / "tools" / "build_emulator.py")], stdout=sys.stderr)
    if built.returncode:
        print("the stick's interpreter could not be built: see build/emulator/build.log", file=sys.stderr)
        return 1
    return run.main(arguments.files, run.emulator())


if __name__ == "__main__":
    enter_venv()
    sys.exit(main())
