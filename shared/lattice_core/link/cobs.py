"""Consistent Overhead Byte Stuffing: no zero byte inside a frame, so that a zero ends it.

By blocks, never by bytes. The stick does this in C (frame.c); here for CPython and as the second opinion.
A block is a code byte c and c - 1 bytes that are not zero; behind it stands a zero unless c is 255 or
the frame ends there.
"""

from ..compat import const

_FULL = const(254)  # most bytes in one block
# Before a block of so many bytes. A literal stays in the stick's flash; as 254 objects they were 9 KB of its heap.
_CODES = (
    b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"
    b"\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32"
    b"\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b"
    b"\x4c\x4d\x4e\x4f\x50\x51\x52\x53\x54\x55\x56\x57\x58\x59\x5a\x5b\x5c\x5d\x5e\x5f\x60\x61\x62\x63\x64"
    b"\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f\x70\x71\x72\x73\x74\x75\x76\x77\x78\x79\x7a\x7b\x7c\x7d"
    b"\x7e\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96"
    b"\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf"
    b"\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8"
    b"\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0\xe1"
    b"\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa"
    b"\xfb\xfc\xfd\xfe"
)


def encoded_size(length):
    """Most bytes that `encode` writes for `length` bytes, without a delimiter."""
    return length + length // _FULL + 1


def encode(source, length, target, at):
    """Encodes source[:length] to `target` (a memoryview) from `at`. Returns the end in `target`."""
    parts = []
    add = parts.append
    full = size = 0
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
