"""Protocol Buffers as the mesh uses them (docs/reference/01-data-model.md §5), driven by message tables.

A table names the fields of one message; `encode` and `decode` turn dicts into bytes and back. Decoding neither
recurses over what a peer nests nor trusts a length. What is too large to hold is not decoded
but checked and taken apart where it lies (`scan.py`).

Three rules decide verdicts and are easy to get wrong: a field number of the table with another wire type is an
error (a field number outside of it is skipped, groups included); a repeated singular message merges; of a oneof the
last member on the wire counts.
"""

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..limits import MESSAGE_DEPTH
from . import utf8
from .fields import LENGTH as LENGTH
from .fields import VARINT as VARINT
from .fields import WIRE_FIXED64, cut_off, read_varint, skip_value, split_key, too_deep, varint
from .fields import body_fields as body_fields
from .fields import fields as fields
from .fields import put_varint as put_varint
from .fields import varint_size as varint_size

# Kinds of field values.
UINT64 = const(1)
UINT32 = const(2)  # keeps the low 32 bits of what arrives
INT32 = const(3)  # enums: negative ones take 10 bytes
BOOL = const(4)
FIXED64 = const(5)
BYTES = const(6)
STRING = const(7)
MESSAGE = const(8)

REPEATED = "*"  # fourth item of a field: a list of values; a number instead: a list of at most so many
OPTIONAL = "?"  # fourth item: written and reported whenever it is set, also when it holds the default

# The same as words: rows of nothing but literals cost a stick no heap, they stay in its flash.
_KINDS = {
    "uint64": UINT64,
    "total64": UINT64,
    "uint32": UINT32,
    "total32": UINT32,
    "int32": INT32,
    "bool": BOOL,
    "fixed64": FIXED64,
    "bytes": BYTES,
    "string": STRING,
}

_TOTALS = ("total64", "total32")
_OWN_DEPTH = const(16)  # messages we build ourselves never nest deeper
_TABLE = ("rows", "by_key", "_blank", "_lists")
_DEFAULTS = (None, 0, 0, 0, False, 0, b"", "")


# -- message tables ------------------------------------------------------------------------------------------------


class Field:
    """One row of a message table. What is not set has its usual value here: on a stick each attribute of an object
    costs 8 bytes of heap."""

    kind: int = MESSAGE
    message = None  # table of a submessage
    limit = 0  # elements that a decoded list may have, 0 for any number
    repeated = False
    total = False  # a sum of what others claim: written as the largest number of the field when it is larger
    optional = False
    members = ()  # names of all its members: one tuple for all of them
    _key_bytes = None

    def __init__(self, number, name, kind, rule):
        if isinstance(rule, int):
            self.limit = rule
            rule = REPEATED
        self.name = name
        if isinstance(kind, Message):
            self.message = kind
        else:
            self.kind = _KINDS[kind] if isinstance(kind, str) else kind
            if kind in _TOTALS:
                self.total = True
        if rule == REPEATED:
            self.repeated = True
        elif rule == OPTIONAL:
            self.optional = True
        self.key = number << 3 | _wire_type(self.kind)

    @property
    def present(self):
        """True when it is written and reported whenever it is set."""
        return self.optional or self.message is not None or len(self.members) > 0

    @property
    def number(self):
        return self.key >> 3

    @property
    def key_bytes(self):
        """The key as it is written; made when it is first: most fields are only read on a stick."""
        made = self._key_bytes
        if made is None:
            made = self._key_bytes = varint(self.key)
        return made


def _wire_type(kind):
    if kind >= BYTES:
        return LENGTH
    return WIRE_FIXED64 if kind == FIXED64 else VARINT


class Message:
    """A message table: Message("Name", ((number, "field", kind or Message[, group or REPEATED or OPTIONAL]), …)).
    A kind is one of the numbers above, or its name as a word. "total64" and "total32" are for sums over what others
    claim: they saturate, where any other number that does not fit its field is a caller's mistake.

    A table with other messages in it is a function that gives the rows: made at once they would lie in a stick's heap,
    where those of nothing but literals do not.

    A message that contains itself is declared first and filled with `define`.
    """

    def __init__(self, name, rows=None):
        self.name = name
        self._source = rows

    def define(self, rows):
        """Sets the fields of the table; returns the message."""
        self._source = rows
        return self

    def __getattr__(self, name):
        """Builds the table when something of it is asked for: most messages never are on a stick, where the tables
        of all would take 60 KB."""
        if name not in _TABLE or self._source is None:
            raise AttributeError(name)
        source = self._source
        self._build(source() if callable(source) else source)
        self._source = None
        return getattr(self, name)

    def _build(self, rows):
        table = [Field(row[0], row[1], row[2], row[3] if len(row) > 3 else None) for row in rows]
        lowest = {}
        members = {}
        for field, row in zip(table, rows):
            group = row[3] if len(row) > 3 else None
            if isinstance(group, str) and group not in (REPEATED, OPTIONAL):
                if group not in members:
                    members[group] = tuple(r[1] for r in rows if len(r) > 3 and r[3] == group)
                field.members = members[group]
                lowest[field.members] = min(field.key, lowest.get(field.members, field.key))
        # A oneof is written where its lowest number stands.
        table.sort(key=lambda f: (lowest.get(f.members, f.key), f.key))
        self.rows = tuple(table)
        self.by_key = {}
        for field in table:
            self.by_key[field.key] = field
        self._blank = tuple((f.name, _DEFAULTS[f.kind]) for f in table if not f.present and not f.repeated)
        self._lists = tuple(f.name for f in table if f.repeated)

    def refuse(self, number, wire):
        """ProtocolError when a field of the table has arrived with a wire type that is not its own."""
        for field in self.rows:
            if field.number == number:
                raise ProtocolError("%s.%s with wire type %d" % (self.name, field.name, wire))

    def blank(self) -> dict:
        """The dict of an empty message."""
        out: dict = dict(self._blank)
        for name in self._lists:
            out[name] = []
        return out

    def encode(self, values) -> bytes:
        """The bytes of `values`. Unknown names and values of the wrong kind are a UsageError."""
        parts = []
        _encode(self, values, parts, 0)
        return b"".join(parts)

    def decode(self, buf, start=0, end=None) -> dict:
        """The dict of the message in `buf[start:end]`; ProtocolError when it is malformed."""
        return _decode(self, buf, start, len(buf) if end is None else end)


# -- encoding --------------------------------------------------------------------------------------------------------


def _encode(message, values, parts, depth):
    """Appends the fields to `parts`; returns how many bytes they have."""
    if depth > _OWN_DEPTH:
        raise UsageError("%s nests deeper than own messages may" % message.name)
    size = 0
    left = len(values)
    for field in message.rows:
        if field.name not in values:
            continue
        left -= 1
        value = values[field.name]
        if field.repeated:
            for item in value:
                size += _put(field, item, parts, depth)
        elif (value or field.present) and value is not None:
            size += _put(field, value, parts, depth)
    if left:
        raise UsageError("%s has no field of one of these names: %s" % (message.name, ", ".join(sorted(values))))
    return size


def _put(field, value, parts, depth):
    """Appends key and value of one field; returns their size."""
    key = field.key_bytes
    if field.kind == MESSAGE:
        inner = []
        count = _encode(field.message, value, inner, depth + 1)
        head = key + varint(count)
        parts.append(head)
        parts.extend(inner)
        return len(head) + count
    if field.kind >= BYTES:
        data = value.encode() if field.kind == STRING else value
        head = key + varint(len(data))
        parts.append(head)
        parts.append(data)
        return len(head) + len(data)
    if field.total:
        value = min(value, 0xFFFFFFFF if field.kind == UINT32 else 0xFFFFFFFFFFFFFFFF)
    data = key + _scalar_bytes(field.kind, value)
    parts.append(data)
    return len(data)


def _scalar_bytes(kind, value):
    value = int(value)
    if kind == INT32 and value < 0:
        value += 1 << 64
    if value < 0 or value >> (32 if kind == UINT32 else 64):
        raise UsageError("%d does not fit its field" % value)
    if kind == FIXED64:
        return value.to_bytes(8, "little")
    return varint(value)


# -- decoding ----------------------------------------------------------------------------------------------------------


def _decode(message, buf, pos, end):
    """Walks the bytes once, an explicit stack holding the messages that are open."""
    result = out = message.blank()
    stack = []
    while True:
        if pos == end:
            if not stack:
                return result
            message, out, end = stack.pop()
            continue
        key = buf[pos]
        if key < 128:
            pos += 1
        else:
            key, pos = read_varint(buf, pos, end)
        field = message.by_key.get(key)
        if field is None:
            pos = _skip_unknown(message, key, buf, pos, end, len(stack))
            continue
        kind = field.kind
        if kind < BYTES:
            value, pos = _read_scalar(kind, buf, pos, end)
            _set(field, out, value)
            continue
        if pos < end and buf[pos] < 128:
            size = buf[pos]
            pos += 1
        else:
            size, pos = read_varint(buf, pos, end)
        after = pos + size
        if after > end:
            raise cut_off()
        if kind == BYTES:
            _set(field, out, bytes(buf[pos:after]))
            pos = after
        elif kind == STRING:
            _set(field, out, utf8.decode(buf[pos:after]))
            pos = after
        else:
            if len(stack) >= MESSAGE_DEPTH:
                raise too_deep()
            stack.append((message, out, end))
            message = field.message
            out = _open(field, out)
            end = after


def _skip_unknown(message, key, buf, pos, end, depth):
    number, wire = split_key(key)
    message.refuse(number, wire)
    return skip_value(buf, pos, end, number, wire, depth)


def _read_scalar(kind, buf, pos, end):
    if kind == FIXED64:
        if end - pos < 8:
            raise cut_off()
        return int.from_bytes(bytes(buf[pos : pos + 8]), "little"), pos + 8
    value, pos = read_varint(buf, pos, end)
    return scalar_value(kind, value), pos


def scalar_value(kind, value):
    """What a decoded varint means in a field of this kind."""
    if kind == UINT64:
        return value
    if kind == BOOL:
        return value != 0
    value &= 0xFFFFFFFF
    if kind == INT32 and value >= 0x80000000:
        value -= 0x100000000
    return value


def _set(field, out, value):
    if field.repeated:
        items = out[field.name]
        if field.limit and len(items) >= field.limit:
            raise ProtocolError("more than %d of %s in one message" % (field.limit, field.name))
        items.append(value)
        return
    for member in field.members:
        out.pop(member, None)
    out[field.name] = value


def _open(field, out):
    """The dict that an embedded message is read into: a new one, or the one it merges with."""
    if not field.repeated and field.name in out:
        return out[field.name]
    inner = field.message.blank()
    _set(field, out, inner)
    return inner
