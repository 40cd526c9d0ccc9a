"""What else must hold before a change lands: lint and types are clean, and the demo tells its story. Run by .ci/run."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def make(target):
    result = subprocess.run(["make", target], cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_lint_and_types_are_clean():
    make("lint")


def test_demo_carries_files_byte_for_byte():
    output = make("demo")
    left = re.search(r"^left +sha256 ([0-9a-f]{64})$", output, re.M)
    arrived = re.search(r"^arrived sha256 ([0-9a-f]{64})$", output, re.M)
    assert left and arrived and left.group(1) == arrived.group(1), output
