"""The flash storage on the stick's interpreter: suite, indexes, room that comes back; the chip, the boot."""

import subprocess
import sys

import pytest

from emulator import interpreter

HERE = interpreter.ROOT / "tests" / "emulator"
CASES = ["nor_case", "boot_case", "session_ends_case", "heap_case", "failing_case", "flash_storage_case", "limits_case"]
CASES += ["index_case", "housekeeping_case"]
CASES_WITH_ROOM = ["damage_case", "salvage_case", "flips_case", "folders_case", "moving_case"]
CASES_WITH_ROOM += ["flash_memory_case", "flash_nonces_case"]


def _passed(result):
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", CASES)
def test_case(name, tmp_path):
    result = interpreter.run("tests/core/run.py", HERE / (name + ".py"), IMAGES=str(tmp_path))
    _passed(result)


@pytest.mark.parametrize("name", CASES_WITH_ROOM)
def test_case_with_room(name, tmp_path):
    """A laptop is in the same process, or files are left to the collector: more heap than the stick has."""
    result = interpreter.run("tests/core/run.py", HERE / (name + ".py"), timeout_s=3600, heaps=8, IMAGES=str(tmp_path))
    print(result.stdout[-6000:])
    _passed(result)


def test_two_transports(tmp_path):
    """Two computers are in the same process. What is added to the stick's heap (236 KB) is what they take: the test's
    modules hold 92 KB, the two nodes 56 KB, their links 26 KB, sessions, streams and files that are sent the rest."""
    result = interpreter.run("tests/core/run.py", HERE / "two_transports_case.py", heaps=1.5, IMAGES=str(tmp_path))
    _passed(result)


@pytest.mark.parametrize("name", ["flash_memory_case", "flash_nonces_case"])
def test_case_on_cpython(name):
    words = [sys.executable, interpreter.ROOT / "tests/core/run.py", HERE / (name + ".py")]
    result = subprocess.run(words, cwd=interpreter.ROOT, capture_output=True, text=True, timeout=300)
    _passed(result)
