"""The bytes under every protobuf message: varints, field keys, and flat scans that copy nothing.

Scans work on memory (`fields`) and on bytes that lie in storage (`body_fields`), where they read through a small
window and never load a value. Neither recurses: groups, which no message of the mesh has and any peer may send, are
skipped with a list of their numbers.
"""

from ..compat import const
from ..errors import ProtocolError
from ..limits import MESSAGE_DEPTH

# Wire types.
VARINT = const(0)
WIRE_FIXED64 = const(1)
LENGTH = const(2)
GROUP = const(3)
GROUP_END = const(4)
WIRE_FIXED32 = const(5)

AHEAD_BYTES = const(20)  # a key and a length, or a key and a scalar, at their longest
WINDOW_BYTES = const(256)


def read_varint(buf, pos, end):
    """(value, position behind it) of the varint at `pos`; over-long forms up to 10 bytes are legal."""
    value = 0
    shift = 0
    while pos < end:
        byte = buf[pos]
        pos += 1
        if byte < 128:
            if shift == 63 and byte > 1:
                break
            return value | (byte << shift), pos
        value |= (byte & 127) << shift
        shift += 7
        if shift == 70:
            break
    raise ProtocolError("a varint is cut off or longer than 64 bits")


def varint_size(value):
    """How many bytes the varint of 0 <= value < 2^64 takes."""
    size = 1
    while value > 127:
        value >>= 7
        size += 1
    return size


def put_varint(buf, pos, value):
    """Writes a minimal varint into `buf` at `pos`; returns the position behind it."""
    while value > 127:
        buf[pos] = value & 127 | 128
        value >>= 7
        pos += 1
    buf[pos] = value
    return pos + 1


def varint(value):
    """The minimal varint of 0 <= value < 2^64 as bytes."""
    if value < 128:
        return bytes((value,))
    out = []
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_key(buf, pos, end):
    """(field number, wire type, position behind) of a field key."""
    key, pos = read_varint(buf, pos, end)
    return split_key(key) + (pos,)


def split_key(key):
    """(field number, wire type) of a key; ProtocolError when there can be no such field."""
    if key > 0xFFFFFFFF:
        raise ProtocolError("a field key has more than 32 bits")
    wire = key & 7
    if wire > 5:
        raise ProtocolError("wire type %d does not exist" % wire)
    if key < 8:
        raise ProtocolError("field number 0")
    return key >> 3, wire


def skip_value(buf, pos, end, number, wire, depth):
    """Position behind a value of a field whose key was just read. `depth`: how deep its message is nested."""
    groups = []
    while True:
        if wire in (GROUP, GROUP_END):
            enter_or_leave_group(groups, number, wire, depth)
        elif depth + len(groups) >= MESSAGE_DEPTH:
            raise too_deep()
        else:
            pos = _skip_scalar(buf, pos, end, wire)
        if not groups:
            return pos
        number, wire, pos = read_key(buf, pos, end)


def _skip_scalar(buf, pos, end, wire):
    if wire == VARINT:
        return read_varint(buf, pos, end)[1]
    if wire == LENGTH:
        size, pos = read_varint(buf, pos, end)
    else:
        size = 8 if wire == WIRE_FIXED64 else 4
    if size > end - pos:
        raise cut_off()
    return pos + size


def fields(buf, start=0, end=None, depth=0):
    """Iterates over the fields of a message in `buf[start:end]` without copying values.

    Yields (number, wire type, value, length): a varint's value with length 0, otherwise the offset of the value
    in `buf` with its length. Groups are checked and skipped. ProtocolError at the first malformed field.
    """
    pos = start
    if end is None:
        end = len(buf)
    while pos < end:
        key = buf[pos]
        if key < 128:
            pos += 1
        else:
            key, pos = read_varint(buf, pos, end)
        number, wire = split_key(key)
        if wire == LENGTH:
            size, pos = read_varint(buf, pos, end)
            if size > end - pos:
                raise cut_off()
            yield number, LENGTH, pos, size
            pos += size
        elif wire == VARINT:
            value, pos = read_varint(buf, pos, end)
            yield number, VARINT, value, 0
        elif wire in (WIRE_FIXED64, WIRE_FIXED32):
            after = _skip_scalar(buf, pos, end, wire)
            yield number, wire, pos, after - pos
            pos = after
        else:
            pos = skip_value(buf, pos, end, number, wire, depth)


def body_fields(body, start=0, end=None, depth=0):
    """Like `fields`, over a `seams.Body`: offsets are the body's, and a value is never read."""
    if end is None:
        end = body.size
    pos = base = limit = start
    window = b""
    groups = []
    while pos < end:
        if limit < end and pos + AHEAD_BYTES > limit:
            window = body.read(pos, min(WINDOW_BYTES, end - pos))
            base = pos
            limit = pos + len(window)
        number, wire, at = read_key(window, pos - base, len(window))
        if wire in (GROUP, GROUP_END):
            enter_or_leave_group(groups, number, wire, depth)
            pos = base + at
            continue
        if groups and depth + len(groups) >= MESSAGE_DEPTH:
            raise too_deep()
        value = size = 0
        if wire == VARINT:
            value, at = read_varint(window, at, len(window))
        elif wire == LENGTH:
            size, at = read_varint(window, at, len(window))
        else:
            size = 8 if wire == WIRE_FIXED64 else 4
        pos = base + at
        if size > end - pos:
            raise cut_off()
        if not groups:
            yield number, wire, value if wire == VARINT else pos, size
        pos += size
    if groups:
        raise cut_off()


def enter_or_leave_group(groups, number, wire, depth):
    """Follows a group's begin or end in the list of open groups."""
    if wire == GROUP:
        if depth + len(groups) >= MESSAGE_DEPTH:
            raise too_deep()
        groups.append(number)
    elif not groups or groups.pop() != number:
        raise ProtocolError("the end of a group that was not begun")


def cut_off():
    return ProtocolError("a field is longer than its message")


def too_deep():
    return ProtocolError("messages nest deeper than %d" % MESSAGE_DEPTH)
