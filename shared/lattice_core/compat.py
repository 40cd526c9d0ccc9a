"""What CPython lacks of MicroPython, so that the core is one text for both."""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value
