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
    add = parts.append
    for run in bytes(memoryview(source)[:length]).split(b"\0"):
        size = len(run)
        full = 0
        while size >= _FULL:
            add(b"\xff")
            add(run[full : full + _FULL])
            full += _FULL
            size -= _FULL
        add(_CODES[size : size + 1])
        add(run[full:] if full else run)
    if full and not size:
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
    add = parts.append
    at = 0
    while at < size:
        code = encoded[at]
        stop = at + code
        if code == 0 or stop > size:
            return -1
        add(encoded[at + 1 : stop])
        if code != 255 and stop < size:
            add(b"\0")
        at = stop
    plain = b"".join(parts)
    end = start + len(plain)
    view[start:end] = plain
    return end
