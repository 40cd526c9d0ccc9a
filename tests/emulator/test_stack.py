"""Nesting too deep is an error that a program can catch: the C stack and the stack of calls are bounded."""

import pathlib

from emulator import interpreter


def test_nesting_too_deep_is_an_error():
    result = interpreter.run(pathlib.Path(__file__).with_name("stack_case.py"))
    assert result.returncode == 0, result.stdout + result.stderr
    depths = [int(line.split()[0]) for line in result.stdout.splitlines()]
    assert len(depths) == 3
    assert all(30 <= depth <= 120 for depth in depths), depths  # enough for the firmware, within 12 KiB of C stack
