"""The button while the firmware runs, on the stick's interpreter."""

from emulator import interpreter


def test_the_button(tmp_path):
    case = interpreter.ROOT / "tests" / "emulator" / "button_case.py"
    result = interpreter.run("tests/core/run.py", case, IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert ", 0 failed" in result.stdout.splitlines()[-1]
