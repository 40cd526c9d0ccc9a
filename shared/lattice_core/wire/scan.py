"""Messages that are not decoded into memory: checked, and taken apart level by level, where they lie.

Ops may have a megabyte and a batch may hold any number of operations, so neither the stick nor the verdict may depend
on decoding them whole. `check` decides whether a whole message is well formed; `level` and `repeated` then give the
parts of one level as positions.

A message is named by its *segments*, a list of (start, end) in the body: usually one, several where a singular
message occurs more than once. In protobuf such occurrences merge, which is the same as joining their bytes.
"""

from ..compat import const
from ..errors import ProtocolError
from ..limits import MESSAGE_DEPTH, MESSAGE_PIECES
from . import utf8
from .fields import (
    AHEAD_BYTES,
    GROUP,
    GROUP_END,
    LENGTH,
    VARINT,
    WINDOW_BYTES,
    body_fields,
    cut_off,
    enter_or_leave_group,
    read_key,
    read_varint,
    split_key,
    too_deep,
)
from .protobuf import BYTES, FIXED64, MESSAGE, STRING, scalar_value

_TEXT_PIECE_BYTES = const(512)


def check(message, body, start=0, end=None):
    """ProtocolError unless `body[start:end]` would decode by the table of `message`. Allocates next to nothing."""
    pos = base = limit = start
    last = end = body.size if end is None else end
    window = b""
    stack = []
    while True:
        if pos == end:
            if not stack:
                return
            message, end = stack.pop()
            continue
        if limit < last and pos + AHEAD_BYTES > limit:
            window = body.read(pos, min(WINDOW_BYTES, last - pos))
            base = pos
            limit = pos + len(window)
        at = pos - base
        stop = (end if end < limit else limit) - base
        key, at = read_varint(window, at, stop)
        field = message.by_key.get(key)
        if field is None:
            pos = _skip_unknown(message, key, body, base + at, end, len(stack))
            continue
        if field.kind < BYTES:
            if field.kind != FIXED64:
                pos = base + read_varint(window, at, stop)[1]
            elif end - base - at < 8:
                raise cut_off()
            else:
                pos = base + at + 8
            continue
        size, at = read_varint(window, at, stop)
        pos = base + at
        if size > end - pos:
            raise cut_off()
        if field.kind == MESSAGE:
            if len(stack) >= MESSAGE_DEPTH:
                raise too_deep()
            stack.append((message, end))
            message = field.message
            end = pos + size
            continue
        if field.kind == STRING:
            _check_text(body, pos, size)
        pos += size


def _skip_unknown(message, key, body, pos, end, depth):
    """Position behind a field that the table does not have; `pos` is behind its key."""
    number, wire = split_key(key)
    message.refuse(number, wire)
    groups = []
    while True:
        if wire in (GROUP, GROUP_END):
            enter_or_leave_group(groups, number, wire, depth)
        elif depth + len(groups) >= MESSAGE_DEPTH:
            raise too_deep()
        else:
            pos = _skip_scalar(body, pos, end, wire)
        if not groups:
            return pos
        piece = body.read(pos, min(AHEAD_BYTES, end - pos))
        number, wire, used = read_key(piece, 0, len(piece))
        pos += used


def _skip_scalar(body, pos, end, wire):
    piece = body.read(pos, min(AHEAD_BYTES, end - pos))
    size = 0
    if wire in (VARINT, LENGTH):
        value, used = read_varint(piece, 0, len(piece))
        pos += used
        if wire == LENGTH:
            size = value
    else:
        size = 4 if wire == 5 else 8
    if size > end - pos:
        raise cut_off()
    return pos + size


def _check_text(body, pos, size):
    if size <= _TEXT_PIECE_BYTES:
        if not utf8.valid(body.read(pos, size)):
            raise ProtocolError("a text is not UTF-8")
        return
    state = 0
    end = pos + size
    while pos < end and state >= 0:
        count = min(_TEXT_PIECE_BYTES, end - pos)
        state = utf8.check(body.read(pos, count), state)
        pos += count
    if state:
        raise ProtocolError("a text is not UTF-8")


def level(message, body, segments):
    """The singular fields of one level of a message that `check` has passed: {name: value}.

    Scalars by value; bytes and strings as (offset, length) in the body; messages as segments. Only what is present is
    there, and of a oneof only its last member. Repeated fields: `repeated`. ProtocolError for a message in more than
    MESSAGE_PIECES pieces.
    """
    out = {}
    for start, end in segments:
        for number, wire, value, size in body_fields(body, start, end):
            field = message.by_key.get(number << 3 | wire)
            if field is None or field.repeated:
                continue
            name = field.name
            for member in field.members:
                if member != name and member in out:
                    del out[member]
            if field.kind == MESSAGE:
                if name in out:
                    out[name].append((value, value + size))
                    if len(out[name]) > MESSAGE_PIECES:
                        raise ProtocolError("%s.%s in more than %d pieces" % (message.name, name, MESSAGE_PIECES))
                else:
                    out[name] = [(value, value + size)]
            elif field.kind >= BYTES:
                out[name] = (value, size)
            elif field.kind == FIXED64:
                out[name] = int.from_bytes(body.read(value, 8), "little")
            else:
                out[name] = scalar_value(field.kind, value)
    return out


def repeated(body, segments, number):
    """Iterates over the elements of a repeated field of bytes, strings or messages: (start, end) in the body."""
    for start, end in segments:
        for found, wire, value, size in body_fields(body, start, end):
            if found == number and wire == LENGTH:
                yield value, value + size


def joined(body, segments):
    """The bytes of all segments in memory: only for what is known to be small."""
    if len(segments) == 1:
        start, end = segments[0]
        return body.read(start, end - start)
    return b"".join([body.read(start, end - start) for start, end in segments])


def size_of(segments):
    """How many bytes the segments have."""
    return sum([end - start for start, end in segments])
