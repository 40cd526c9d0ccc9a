"""Consistent Overhead Byte Stuffing: no zero byte inside a frame, so that a zero ends it.

By blocks, never by bytes. The stick does this in C (frame.c); here for CPython and as the second opinion.
A block is a code byte c and c - 1 bytes that are not zero; behind it stands a zero unless c is 255 or
the frame ends there.
"""

from ..compat import const

_FULL = const(254)  # most bytes in one block
_CODES = bytes(range(1, _FULL + 1))  # before a block of so many bytes; as 254 objects 9 KB of the stick's heap


def encoded_size(length):
    """Most bytes that `encode` writes for `length` bytes, without a delimiter."""
    return length + length // _FULL + 1


def encode(source, length, target, at):
    """Encodes source[:length] to `target` (a memoryview) from `at`. Returns the end in `target`."""
    parts = []
    for run in bytes(memoryview(source)[:length]).split(b"\0"):
        full = len(run) // _FULL * _FULL
        for start in range(0, full, _FULL):
            parts.append(b"\xff")
            parts.append(run[start : start + _FULL])
        if full:
            run = run[full:]
        parts.append(_CODES[len(run) : len(run) + 1])
        parts.append(run)
    if full and not run:
        del parts[-2:]  # a full block at the end says by itself that no zero follows
    encoded = b"".join(parts)
    end = at + len(encoded)
    target[at:end] = encoded
    return end


def decode(view, start, end):
    """Decodes view[start:end] (no zero in it) in place. Returns the end of the content from `start`, or -1."""
    encoded = bytes(view[start:end])
    size = len(encoded)
    parts = []
    at = 0
    while at < size:
        code = encoded[at]
        stop = at + code
        if code == 0 or stop > size:
            return -1
        parts.append(encoded[at + 1 : stop])
        at = stop
        if code != 255 and at < size:
            parts.append(b"\0")
    plain = b"".join(parts)
    end = start + len(plain)
    view[start:end] = plain
    return end
