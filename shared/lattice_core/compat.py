"""What CPython lacks of MicroPython, so that the core is one text for both."""

try:
    from micropython import const  # type: ignore[import-not-found]
except ImportError:

    def const(value):
        return value
