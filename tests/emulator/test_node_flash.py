"""The node's and the files' tests on flash, and reading from flash, on the stick's interpreter."""

import pytest

from emulator import interpreter


@pytest.mark.parametrize(("name", "heaps"), [("node_case", 16), ("seek_case", 1)])
def test_case(name, heaps, tmp_path):
    case = interpreter.ROOT / "tests" / "emulator" / (name + ".py")
    result = interpreter.run("tests/core/run.py", case, heaps=heaps, IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]
