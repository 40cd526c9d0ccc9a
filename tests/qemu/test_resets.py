"""The machine itself: what outlives a reset, the watchdog, and the rules of its flash."""

from qemu import machine

NOT_NOR_STATUS = 76


def test_a_reset_keeps_flash_and_last_words_and_the_watchdog_bites():
    lines = machine.run("tests/qemu/reset_case.py").splitlines()
    assert lines == ["start 0 0 False False", "start 1 60 False False", "start 2 0 True True", "alive"]


def test_a_program_that_sets_a_bit_ends_the_machine():
    result = machine.run_qemu.run("tests/qemu/reset_case.py", "breach")
    assert result.returncode == NOT_NOR_STATUS
    assert result.stdout.splitlines() == ["cleared", "no NOR flash can do this: a program that sets bits"]
