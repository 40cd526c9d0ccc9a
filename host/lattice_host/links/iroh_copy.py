"""iroh 1.2.0 copies what it sends byte by byte in Python: 10 s of CPU for 64 MiB. This puts one memmove in its place.

Only in the version that was measured, and only when a buffer written this way reads the same.
"""

import ctypes
from importlib.metadata import version

from iroh import iroh_ffi

_VERSION = "1.2.0"
_PROBE = bytes(range(256))


def _write(self, value):
    """Takes the place of a builder's method."""
    count = len(value)
    if count:
        with self._reserve(count):
            address = ctypes.cast(self.rbuf.data, ctypes.c_void_p).value or 0
            ctypes.memmove(address + self.rbuf.len, bytes(value), count)


def _written(builder):
    """What a builder makes of the probe, written in two parts."""
    builder.write(_PROBE[:100])
    builder.write(_PROBE[100:])
    buffer = builder.finalize()
    data = ctypes.string_at(buffer.data, buffer.len)
    buffer.free()
    return data


def install():
    """True when the quick copy is in place."""
    if version("iroh") != _VERSION:
        return False
    builder = iroh_ffi._UniffiRustBufferBuilder
    original = builder.write
    builder.write = _write
    if _written(builder()) != _PROBE:
        builder.write = original
        return False
    return True
