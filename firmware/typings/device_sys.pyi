"""MicroPython's `sys`, as far as the firmware uses it."""

from typing import NoReturn

argv: list[str]

def exit(status: int = ...) -> NoReturn: ...
def print_exception(error: BaseException) -> None: ...
