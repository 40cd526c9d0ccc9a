"""What CPython lacks of MicroPython, so that the core is one text for both."""

from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


# What an object has in some of its states alone begins as this. The table of its states says when it is there, so its
# declared type is that of the thing, and nobody asks at each place.
ABSENT: "Any" = None


def joined(first: memoryview, second: memoryview) -> bytes:
    """Both in one piece, each copied once."""
    try:
        return b"".join((first, second))
    except TypeError:  # MicroPython joins nothing but bytes
        return pack("%ds%ds" % (len(first), len(second)), first, second)
