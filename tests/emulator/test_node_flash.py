"""The node's and the files' tests on flash, on the stick's interpreter."""

from emulator import interpreter


def test_node_and_files_on_flash(tmp_path):
    case = interpreter.ROOT / "tests" / "emulator" / "node_case.py"
    result = interpreter.run("tests/core/run.py", case, heaps=16, IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]
