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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...seams import Body, Buffer
    from ..common.streams import Stream

HEADER_BYTES = const(4)
_KEY_BYTES = const(6)  # field key and length varint of an item or part, at most
_PIECE_BYTES = const(2048)  # how much of a stored body is read at once while sending
_HELD_BYTES = const(4224)  # BODY_IN_MEMORY_BYTES and what stands before it: larger frames stream

ITEM = "item"
PART = "part"


class Large:
    """An item or a part that streams: `size` payload bytes follow, to be taken with `MessageStream.take`."""

    __slots__ = ("name", "size")

    def __init__(self, name: str, size: int):
        self.name = name
        self.size = size


class Meter:
    """Counts the bytes that moved on several streams."""

    def __init__(self):
        self.bytes = 0


class MessageStream:
    """`post*` queue what is to be sent, `flush` hands it to the stream as its window allows, `poll` gives what came.

    What came is parsed where it lies in the stream's buffer, so that an item is copied once: into the bytes that go to
    the log.
    """

    def __init__(self, stream: "Stream", meter: "Meter | None" = None):
        self.stream = stream
        self.meter = meter or Meter()
        self.ended = False  # the peer's direction ended orderly
        self.size = 0  # payload bytes of the ITEM or PART that `poll` gave
        self._view: Buffer = b""  # where that lies when it is in one piece
        self._at = 0  # where its payload begins there, -1 when it is to be read from the stream
        self._shown = 0  # bytes of it that lie in the stream
        self._waiting = 0  # bytes that lie in the stream until more has come, and are counted
        self._front = b""  # what was taken off of a frame that does not lie in one piece
        self._parts = []  # the same of its payload, where the stream's window is smaller than the frame
        self._left = 0  # bytes of a Large that were not taken yet
        self._queue = []
        self._sent = 0  # bytes of the first entry of the queue that are written
        self._finished = False  # nothing more may be queued
        self._fin_due = False

    # -- receiving ---------------------------------------------------------------------------------------------

    def poll(self) -> "bytes | str | Large | None":
        """The next frame, or None when there is none now: a message as bytes; ITEM or PART for one that is whole
        (`size`, `payload`); a `Large` for one that streams.

        ProtocolError when the peer breaks the rules, StreamLost when the stream ended early.
        """
        if self._shown:
            self._pass_over()
        elif self._parts and not self._front:
            self._parts = []
        if self._left or self.ended:
            return None
        view = self.stream.peek()
        count = len(view)
        if count <= HEADER_BYTES or self._front:
            return self._poll_split()
        end = (view[0] << 24 | view[1] << 16 | view[2] << 8 | view[3]) + HEADER_BYTES
        key = view[HEADER_BYTES]
        if end > count:
            return self._poll_partial(key, end, count)
        if end > _HELD_BYTES + HEADER_BYTES or (key != ITEM_KEY and key != PART_KEY):
            if end > MESSAGE_BYTES + HEADER_BYTES or end == HEADER_BYTES:
                return self._poll_split()
            message = bytes(view[HEADER_BYTES:end])
            self._count(end)
            self.stream.consume(end)
            return message
        self._at = self._payload_start(view, key, end)
        self._view = view
        self.size = end - self._at
        self._shown = end
        self._count(end)
        return ITEM if key == ITEM_KEY else PART

    def payload(self, head_bytes: int) -> "tuple[bytes, bytes]":
        """The first `head_bytes` of the ITEM or PART that `poll` gave, and the rest. Once, before the next `poll`."""
        at = self._at
        end = self._shown
        self._shown = 0
        if at >= 0:
            middle = min(at + head_bytes, end)
            head, rest = bytes(self._view[at:middle]), bytes(self._view[middle:end])
            self._view = b""  # of a buffer that goes back to its pool
            self.stream.consume(end)
            return head, rest
        if self._parts:
            data = b"".join(self._parts)
            self._parts = []
            return data[:head_bytes], data[head_bytes:]
        head = self.stream.read(min(head_bytes, self.size))
        return head, self.stream.read(self.size - len(head))

    def _count(self, count):
        self.meter.bytes += count - self._waiting
        self._waiting = 0

    def _pass_over(self):
        """Takes an item or part off the stream that nobody has asked for."""
        self._view = b""
        count = self._shown
        self._shown = 0
        while count:
            here = min(count, len(self.stream.peek()))
            if not here:
                return  # the stream was reset meanwhile
            self.stream.consume(here)
            count -= here

    def _poll_partial(self, key, end, count):
        """`count` bytes of a frame lie in one piece, and not all of it."""
        if end <= _HELD_BYTES + HEADER_BYTES and self.stream.readable() == count and self.stream.need(end):
            if key != ITEM_KEY and key != PART_KEY and end > MESSAGE_BYTES + HEADER_BYTES:
                raise _too_long(end - HEADER_BYTES)
            self._wait(count)
            return None  # it is left there until it is whole
        return self._poll_split()

    def _wait(self, count):
        """`count` bytes lie in the stream and are not enough."""
        self.meter.bytes += count - self._waiting
        self._waiting = count
        self._check_end()

    def _poll_split(self):
        """A frame that does not lie in one piece, or streams: its front is taken off first."""
        if self._waiting and not self._front:
            self._count(0)  # it is counted as it is read
        while True:
            lacking = _lacks(self._front)
            if not lacking:
                break
            piece = self._read(lacking)
            if not piece:
                return None
            self._front += piece
        front = self._front
        size = int.from_bytes(front[:HEADER_BYTES], "big")
        key = front[HEADER_BYTES] if size else 0
        if key != ITEM_KEY and key != PART_KEY:
            if size > MESSAGE_BYTES:
                raise _too_long(size)
            return self._gather_message(size)
        at = self._payload_start(front, key, size + HEADER_BYTES)
        name = ITEM if key == ITEM_KEY else PART
        payload = size + HEADER_BYTES - at
        if size > _HELD_BYTES:
            self._front = b""
            self._left = payload
            return Large(name, payload)
        return self._gather_payload(name, payload)

    def _gather_message(self, size):
        while len(self._front) < HEADER_BYTES + size:
            piece = self._read(HEADER_BYTES + size - len(self._front))
            if not piece:
                return None
            self._front += piece
        frame = self._front[HEADER_BYTES:]
        self._front = b""
        return frame

    def _gather_payload(self, name, size):
        """Waits until the payload is there: in the stream, or in parts where its window is too small for that."""
        self._at = -1
        if not self._parts and self.stream.need(size):
            if self.stream.readable() < size:
                self._wait(self.stream.readable())
                return None
            self._shown = size
            self._count(size)
        else:
            have = sum([len(part) for part in self._parts])
            while have < size:
                piece = self._read(size - have)
                if not piece:
                    return None
                self._parts.append(piece)
                have += len(piece)
        self._front = b""
        self.size = size
        return name

    def _payload_start(self, buf, key, end):
        """Where the payload of an item or part begins, which must reach to `end`. Their limits are checked, too."""
        size, at = read_varint(buf, HEADER_BYTES + 1, min(HEADER_BYTES + _KEY_BYTES, end))
        limit = INTENTION_BYTES + ITEM_HEAD_BYTES if key == ITEM_KEY else PART_BYTES + PART_HEAD_BYTES
        if size > limit or at + size != end:
            raise ProtocolError("a frame of %d bytes with %d of payload" % (end - HEADER_BYTES, size))
        return at

    def take(self, count: int) -> bytes:
        """At most `count` bytes of the current `Large`, b"" when none are there now."""
        count = min(count, self._left)
        if not count:
            return b""
        piece = self._read(count)
        self._left -= len(piece)
        return piece

    def large_left(self) -> int:
        return self._left

    def _read(self, count):
        piece = self.stream.read(count)
        if not piece:
            self._check_end()
        self.meter.bytes += len(piece)
        return piece

    def _check_end(self):
        if self.stream.ended():
            if self._front or self._parts or self._left or self.stream.readable():
                raise ProtocolError("the stream ended in the middle of a frame")
            self.ended = True
        elif self.stream.error is not None:
            raise StreamLost(self.stream.error)

    # -- sending -----------------------------------------------------------------------------------------------

    def post(self, frame: dict) -> None:
        """Queues a NanoFrame given as a dict. After `finish` it has no way to the peer any more and is dropped."""
        if self._finished:
            return
        payload = NanoFrame.encode(frame)
        self._queue.append(len(payload).to_bytes(HEADER_BYTES, "big") + payload)

    def post_bulk(self, key: int, head: bytes, body: "Body") -> None:
        """Queues an item or a part: `head` ‖ the bytes of `body`, which is read as it is sent."""
        size = len(head) + body.size
        front = bytes((key,)) + varint(size)
        start = (len(front) + size).to_bytes(HEADER_BYTES, "big") + front + head
        if body.size <= _PIECE_BYTES:
            self._queue.append(start + body.read(0, body.size))
        else:
            self._queue.append(start)
            self._queue.append(_Reading(body))

    def queued(self) -> int:
        """How many entries wait to be written."""
        return len(self._queue)

    def abandon(self) -> bool:
        """Drops what is queued. True when no frame was cut in two, so that another may follow."""
        whole = not self._sent and not (self._queue and isinstance(self._queue[0], _Reading))
        self._queue = []
        self._sent = 0
        return whole and not self._fin_due

    def finish(self) -> None:
        """Ends our direction after what is queued."""
        if not self._finished:
            self._finished = self._fin_due = True
        self.flush()

    def flush(self) -> bool:
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

    def turn(self) -> bool:
        """Writes what the window takes. True when something moved."""
        return self.flush()

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


def _lacks(front):
    """How many bytes more `front`, the beginning of a frame, needs at least until its payload begins."""
    count = len(front)
    if count < HEADER_BYTES:
        return HEADER_BYTES - count
    size = int.from_bytes(front[:HEADER_BYTES], "big")
    if count - HEADER_BYTES >= size or count >= HEADER_BYTES + _KEY_BYTES:
        return 0
    if count == HEADER_BYTES:
        return 1
    is_bulk = front[HEADER_BYTES] == ITEM_KEY or front[HEADER_BYTES] == PART_KEY
    return 1 if is_bulk and (count == HEADER_BYTES + 1 or front[-1] > 127) else 0


def _too_long(size):
    return ProtocolError("a message of %d bytes; at most %d are allowed" % (size, MESSAGE_BYTES))


assert _HELD_BYTES >= BODY_IN_MEMORY_BYTES + ITEM_HEAD_BYTES + _KEY_BYTES
