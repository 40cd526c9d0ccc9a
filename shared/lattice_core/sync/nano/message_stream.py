"""MessageStream of `lattice-nano/1` on one stream, both ways, without waiting: what every role of a stream stands on.

A frame is u32 big-endian length ‖ `NanoFrame`. Small ones are given whole; an item or a part of a blob that is too
large to hold is announced as `Large` and its bytes are taken as they arrive.
"""

from ...compat import const
from ...errors import ProtocolError, StorageError
from ...limits import BODY_IN_MEMORY_BYTES, INTENTION_BYTES
from ...wire.nano_messages import (
    ITEM_HEAD_BYTES,
    ITEM_KEY,
    MESSAGE_BYTES,
    PART_BYTES,
    PART_HEAD_BYTES,
    PART_KEY,
    NanoFrame,
)
from ...wire.protobuf import read_varint, varint
from ..common.tasks import StreamLost

HEADER_BYTES = const(4)
_KEY_BYTES = const(6)  # field key and length varint of an item or part, at most
_READ_BYTES = const(4096)  # how much is taken from a stream at once, unless a frame needs more
_PIECE_BYTES = const(2048)  # how much of a stored body is read at once while sending
_HELD_BYTES = const(4224)  # BODY_IN_MEMORY_BYTES and what stands before it: larger frames stream

ITEM = "item"
PART = "part"


class Large:
    """An item or a part that streams: `size` payload bytes follow, to be taken with `MessageStream.take`."""

    __slots__ = ("name", "size")

    def __init__(self, name, size):
        self.name = name
        self.size = size


class Meter:
    """Counts the bytes that moved on several streams."""

    def __init__(self):
        self.bytes = 0


class MessageStream:
    """`post*` queue what is to be sent, `flush` hands it to the stream as its window allows, `poll` gives what came."""

    def __init__(self, stream, meter=None):
        self.stream = stream
        self.meter = meter or Meter()
        self.ended = False  # the peer's direction ended orderly
        self._data = b""
        self._pos = 0
        self._more = []  # pieces that came after `_data`
        self._have = 0
        self._left = 0  # bytes of a Large that were not taken yet
        self._queue = []
        self._sent = 0  # bytes of the first entry of the queue that are written
        self._finished = False  # nothing more may be queued
        self._fin_due = False

    # -- receiving ---------------------------------------------------------------------------------------------

    def poll(self):
        """The next frame: bytes, or a `Large`, or None when there is none now.

        ProtocolError when the peer breaks the rules, StreamLost when the stream ended early.
        """
        if self._left or self.ended:
            return None
        if not self._fill(HEADER_BYTES):
            self._check_end()
            return None
        data, at = self._data, self._pos
        size = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
        if size > _HELD_BYTES:
            return self._begin_large(size)
        if size > MESSAGE_BYTES and self._fill(HEADER_BYTES + 1):
            key = self._data[self._pos + HEADER_BYTES]
            if key != ITEM_KEY and key != PART_KEY:
                raise _too_long(size)
        if not self._fill(HEADER_BYTES + size):
            self._check_end()
            return None
        start = self._pos + HEADER_BYTES
        frame = self._data[start : start + size]
        self._drop(HEADER_BYTES + size)
        return frame

    def _begin_large(self, size):
        """An item or part over `_HELD_BYTES`: reads its key and length only."""
        if not self._fill(HEADER_BYTES + _KEY_BYTES):
            self._check_end()
            return None
        at = self._pos + HEADER_BYTES
        key = self._data[at]
        if key == ITEM_KEY:
            name, limit = ITEM, INTENTION_BYTES + ITEM_HEAD_BYTES
        elif key == PART_KEY:
            name, limit = PART, PART_BYTES + PART_HEAD_BYTES
        else:
            raise _too_long(size)
        payload, behind = read_varint(self._data, at + 1, at + _KEY_BYTES)
        if payload > limit or behind - at + payload != size:
            raise ProtocolError("a frame of %d bytes with %d of an %s" % (size, payload, name))
        self._drop(behind - self._pos)
        self._left = payload
        return Large(name, payload)

    def take(self, count):
        """At most `count` bytes of the current `Large`, b"" when none are there now."""
        count = min(count, self._left)
        if count and not self._have and not self._fill(1):
            self._check_end()
            return b""
        count = min(count, len(self._data) - self._pos)
        piece = self._data[self._pos : self._pos + count]
        self._drop(count)
        self._left -= count
        return piece

    def large_left(self):
        return self._left

    def _fill(self, count):
        """True when `count` bytes lie in one piece at `_pos`."""
        if len(self._data) - self._pos >= count:
            return True
        while self._have < count:
            piece = self.stream.read(max(count - self._have, _READ_BYTES))
            if not piece:
                return False
            self._more.append(piece)
            self._have += len(piece)
            self.meter.bytes += len(piece)
        if self._pos < len(self._data):
            self._more.insert(0, self._data[self._pos :])
        self._data = self._more[0] if len(self._more) == 1 else b"".join(self._more)
        self._more = []
        self._pos = 0
        return True

    def _drop(self, count):
        self._pos += count
        self._have -= count

    def _check_end(self):
        if self.stream.at_end():
            if self._have or self._left:
                raise ProtocolError("the stream ended in the middle of a frame")
            self.ended = True
        elif self.stream.error is not None:
            raise StreamLost(self.stream.error)

    # -- sending -----------------------------------------------------------------------------------------------

    def post(self, frame):
        """Queues a NanoFrame given as a dict. After `finish` it has no way to the peer any more and is dropped."""
        if self._finished:
            return
        payload = NanoFrame.encode(frame)
        self._queue.append(len(payload).to_bytes(HEADER_BYTES, "big") + payload)

    def post_bulk(self, key, head, body):
        """Queues an item or a part: `head` ‖ the bytes of `body`, which is read as it is sent."""
        size = len(head) + body.size
        front = bytes((key,)) + varint(size)
        start = (len(front) + size).to_bytes(HEADER_BYTES, "big") + front + head
        if body.size <= _PIECE_BYTES:
            self._queue.append(start + body.read(0, body.size))
        else:
            self._queue.append(start)
            self._queue.append(_Reading(body))

    def queued(self):
        """How many entries wait to be written."""
        return len(self._queue)

    def abandon(self):
        """Drops what is queued. True when no frame was cut in two, so that another may follow."""
        whole = not self._sent and not (self._queue and isinstance(self._queue[0], _Reading))
        self._queue = []
        self._sent = 0
        return whole and not self._fin_due

    def finish(self):
        """Ends our direction after what is queued."""
        if not self._finished:
            self._finished = self._fin_due = True
        self.flush()

    def flush(self):
        """Writes what the window takes. True when something was written."""
        wrote = False
        stream = self.stream
        while self._queue:
            if len(self._queue) > 1:
                self._join()
            entry = self._queue[0]
            if isinstance(entry, _Reading):
                piece = entry.piece()
                if piece is None:
                    self._queue.pop(0)
                    continue
                count = stream.write(piece)
                entry.advance(count)
                done = count == len(piece)
            else:
                count = stream.write(memoryview(entry)[self._sent :] if self._sent else entry)
                self._sent += count
                done = self._sent == len(entry)
                if done:
                    self._queue.pop(0)
                    self._sent = 0
            self.meter.bytes += count
            wrote = wrote or count > 0
            if not done:
                if count == 0 and stream.error is not None:
                    raise StreamLost(stream.error)
                return wrote
        if self._fin_due:
            self._fin_due = False
            stream.finish()
        return wrote

    def _join(self):
        """Makes one piece of the small ones at the front: fewer writes, fuller packets."""
        queue = self._queue
        count = size = 0
        while count < len(queue) and size < _PIECE_BYTES and not isinstance(queue[count], _Reading):
            size += len(queue[count])
            count += 1
        if count > 1 and not self._sent:
            queue[:count] = [b"".join(queue[:count])]


class _Reading:
    """A stored body on its way into a stream. What the medium cannot give any more goes as zeros: its size is
    announced already, its hash tells the peer that it is damaged, and everything else on the stream goes on."""

    def __init__(self, body):
        self.body = body
        self.offset = 0
        self._piece = b""

    def piece(self):
        if not self._piece:
            count = min(_PIECE_BYTES, self.body.size - self.offset)
            if count == 0:
                return None
            try:
                self._piece = self.body.read(self.offset, count)
            except StorageError:
                self._piece = bytes(count)
        return self._piece

    def advance(self, count):
        self.offset += count
        self._piece = self._piece[count:]


def held(frame, key):
    """The payload of an item or part that came whole (a memoryview), or None when the frame is something else."""
    if not frame or frame[0] != key:
        return None
    size, at = read_varint(frame, 1, len(frame))
    if at + size != len(frame):
        raise ProtocolError("a frame of %d bytes with %d of payload" % (len(frame), size))
    return memoryview(frame)[at:]


def _too_long(size):
    return ProtocolError("a message of %d bytes; at most %d are allowed" % (size, MESSAGE_BYTES))


assert _HELD_BYTES >= BODY_IN_MEMORY_BYTES + ITEM_HEAD_BYTES + _KEY_BYTES
