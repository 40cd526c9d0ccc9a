"""The tests' machine on QEMU, and which share of the tests a run takes: all of them with LATTICE_CAMPAIGN set."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))  # for these only: a module in there has the name of a folder here

import build_qemu  # noqa: E402 (needs the path above)
import chip_figures  # noqa: E402, F401 (taken from here)
import run_qemu  # noqa: E402

sys.path.remove(str(ROOT / "tools"))

WHOLE = bool(os.environ.get("LATTICE_CAMPAIGN"))
campaign = pytest.mark.skipif(not WHOLE, reason="a part of make campaign-qemu")


def run(*words, heaps=1, timeout_s=3600):
    """What a script prints on the machine. It must end well."""
    result = run_qemu.run(*words, heaps=heaps, timeout_s=timeout_s)
    assert result.returncode == 0, result.stdout[-6000:]
    return result.stdout


def run_tests(path, heaps=1):
    """The tests of one file, which must all pass."""
    output = run("tests/core/run.py", path, heaps=heaps)
    assert ", 0 failed" in output.splitlines()[-1], output[-6000:]


def build_stick():
    """The firmware of the emulated stick, built where need be."""
    build_qemu.provide("stick")
