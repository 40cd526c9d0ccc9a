"""Reading a message that arrives in pieces and is too large to hold.

A frame of the mesh may have 8 MiB and one field of it a megabyte. The scanner is fed whatever slices arrive and gives
events; it holds one key, one length and at most one small value. What it accepts is exactly what
`wire.fields.fields` accepts of the whole message.

Events are tuples (what, field number, value):
    FIELD   a scalar as an int, a small value as bytes
    BEGIN   a large value, or a message that is read through: its size
    PIECE   the next bytes of a large value, a memoryview into what was fed: valid until the next event
    END     the value or message that began last has ended (0)
"""

from ..compat import const
from ..errors import ProtocolError
from ..limits import MESSAGE_DEPTH
from .fields import GROUP, GROUP_END, LENGTH, VARINT, WIRE_FIXED64, cut_off, enter_or_leave_group, split_key, too_deep

FIELD = const(1)
BEGIN = const(2)
PIECE = const(3)
END = const(4)

SMALL_BYTES = const(128)  # values up to here come whole

# What the next byte belongs to.
_KEY = const(0)
_SCALAR = const(1)
_SIZE = const(2)
_SMALL = const(3)
_LARGE = const(4)
_SKIP = const(5)


class Scanner:
    """Scans one message of `size` bytes.

    `enter`: the fields that are messages to be read through, {number: the same for its own fields}.
    """

    def __init__(self, size, enter=None):
        self.left_in_message = size
        self._enter = enter or {}
        self._open = []  # (left in the outer message, its `enter`) of every message that is read through
        self._groups = []
        self._state = _KEY
        self._value = 0  # a varint so far
        self._shift = 0
        self._number = 0
        self._wire = VARINT
        self._left = 0  # bytes that the current value still lacks
        self._small = bytearray()

    def done(self):
        """True when the whole message was read."""
        return self.left_in_message == 0 and self._state == _KEY and not self._shift and not self._open

    def finish(self):
        """ProtocolError unless the message has ended where it should."""
        if not self.done() or self._groups:
            raise ProtocolError("a message was cut off")

    def feed(self, data):
        """Iterates over the events in the next slice; it must be consumed before the next one is fed."""
        view = memoryview(data)
        size = len(view)
        pos = 0
        yield from self._close_ended()
        while pos < size:
            if self._state >= _SMALL:
                count = min(self._left, size - pos)
                self._take(count)
                self._left -= count
                if self._state == _SMALL:
                    self._small.extend(view[pos : pos + count])
                elif self._state == _LARGE:
                    yield PIECE, self._number, view[pos : pos + count]
                pos += count
                if self._left == 0:
                    event = self._end_of_value()
                    if event is not None:
                        yield event
            else:
                self._take(1)
                event = self._byte(view[pos])
                pos += 1
                if event is not None:
                    yield event
            yield from self._close_ended()

    def _take(self, count):
        if count > self.left_in_message:
            raise cut_off()
        self.left_in_message -= count

    def _close_ended(self):
        """Leaves the messages that end here."""
        while self._open and self.left_in_message == 0 and self._state == _KEY:
            if self._shift or self._groups:
                raise cut_off()
            self.left_in_message, self._enter, number = self._open.pop()
            yield END, number, 0

    def _byte(self, byte):
        """The next byte of a key, a scalar or a length; returns the event that it completes, if any."""
        if self._shift == 63 and byte > 1:
            raise ProtocolError("a varint is longer than 64 bits")
        self._value |= (byte & 127) << self._shift
        self._shift += 7
        if byte > 127:
            return None
        value = self._value
        self._value = self._shift = 0
        if self._state == _KEY:
            return self._key(value)
        if self._state == _SIZE:
            return self._begin(value)
        self._state = _KEY
        return None if self._groups else (FIELD, self._number, value)

    def _key(self, key):
        self._number, self._wire = split_key(key)
        depth = len(self._open)
        if self._wire == GROUP or self._wire == GROUP_END:
            enter_or_leave_group(self._groups, self._number, self._wire, depth)
            return None
        if self._groups and depth + len(self._groups) >= MESSAGE_DEPTH:
            raise too_deep()
        if self._wire == VARINT:
            self._state = _SCALAR
            return None
        if self._wire == LENGTH:
            self._state = _SIZE
            return None
        return self._begin(8 if self._wire == WIRE_FIXED64 else 4)

    def _begin(self, size):
        """Begins a value of `size` bytes."""
        if size > self.left_in_message:
            raise cut_off()
        self._left = size
        if self._groups:
            self._state = _SKIP if size else _KEY
            return None
        if self._wire == LENGTH and self._number in self._enter:
            if len(self._open) >= MESSAGE_DEPTH:
                raise too_deep()
            self._open.append((self.left_in_message - size, self._enter, self._number))
            self._enter = self._enter[self._number]
            self.left_in_message = size
            self._state = _KEY
            return BEGIN, self._number, size
        if size > SMALL_BYTES:
            self._state = _LARGE
            return BEGIN, self._number, size
        self._small = bytearray()
        self._state = _SMALL
        return None if size else self._end_of_value()

    def _end_of_value(self):
        state = self._state
        self._state = _KEY
        if state == _SMALL:
            return FIELD, self._number, bytes(self._small)
        return (END, self._number, 0) if state == _LARGE else None
