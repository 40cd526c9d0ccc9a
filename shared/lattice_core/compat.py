"""What CPython lacks of MicroPython, so that the core is one text for both."""

from struct import pack

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


def joined(first: memoryview, second: memoryview) -> bytes:
    """Both in one piece, each copied once."""
    try:
        return b"".join((first, second))
    except TypeError:  # MicroPython joins nothing but bytes
        return pack("%ds%ds" % (len(first), len(second)), first, second)
