"""Batches of very many operations on the stick's interpreter: they fit into its heap, or fail alone."""

from emulator import interpreter

HERE = interpreter.ROOT / "tests" / "emulator"


def test_large_batches_on_flash(tmp_path):
    result = interpreter.run("tests/core/run.py", HERE / "large_batch_case.py", IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]
