"""Every file of tests/core once more, on the stick's own interpreter with the stick's heap: a process for each."""

import pytest

from emulator import interpreter

CORE = interpreter.ROOT / "tests" / "core"


@pytest.mark.parametrize("name", sorted(path.name for path in CORE.glob("test_*.py")))
def test_core_file(name):
    result = interpreter.run(CORE / "run.py", CORE / name)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]
