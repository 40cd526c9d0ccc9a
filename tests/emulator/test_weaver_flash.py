"""The properties of weaver and tables over random histories, on flash and on the stick's interpreter."""

from emulator import interpreter

HERE = interpreter.ROOT / "tests" / "emulator"


def test_weaver_on_flash(tmp_path):
    result = interpreter.run("tests/core/run.py", HERE / "weaver_case.py", IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]
