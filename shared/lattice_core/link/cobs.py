"""Consistent Overhead Byte Stuffing: no zero byte inside a frame, so that a zero ends it.

By blocks, never by bytes. The stick does this in C (frame.c); here for CPython and as the second opinion.
A block is a code byte c and c - 1 bytes that are not zero; behind it stands a zero unless c is 255 or
the frame ends there.
"""

from ..compat import const

_FULL = const(254)  # most bytes in one block


def encoded_size(length):
    """Most bytes that `encode` writes for `length` bytes, without a delimiter."""
    return length + length // _FULL + 1


def encode(source, length, target, at):
    """Encodes source[:length] (a bytearray) to `target` (a memoryview) from `at`. Returns the end in `target`."""
    view = memoryview(source)
    start = 0
    while True:
        zero = source.find(b"\0", start, length)
        stop = length if zero < 0 else zero
        while stop - start >= _FULL:
            target[at] = 255
            target[at + 1 : at + 255][:] = view[start : start + _FULL]
            at += 255
            start += _FULL
            if start == length:
                return at
        count = stop - start
        target[at] = count + 1
        if count:
            target[at + 1 : at + 1 + count][:] = view[start:stop]
        at += 1 + count
        if zero < 0:
            return at
        start = zero + 1


def decode(view, start, end):
    """Decodes view[start:end] (no zero in it) in place. Returns the end of the content from `start`, or -1."""
    at = start
    while start < end:
        code = view[start]
        stop = start + code
        if code == 0 or stop > end:
            return -1
        count = code - 1
        if count:
            view[at : at + count][:] = view[start + 1 : stop]
            at += count
        start = stop
        if code != 255 and start < end:
            view[at] = 0
            at += 1
    return at
