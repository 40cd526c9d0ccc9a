"""Messages of `lattice-sync/1` on one stream, both ways, without waiting (docs/reference/05-network-and-governance.md
§1.1). Hosts and memory only: a frame is held whole.

What is to be sent is queued, large answers as iterators: they are made as the window allows, in the order of the queue.
"""

from ..limits import FRAME_BYTES
from ..wire.framing import frame, read_frame
from ..wire.messages import PeerMessage
from .tasks import StreamLost, Task


class Messages:
    """`post*` queue, `flush` hands to the stream what its window takes, `poll` gives what came."""

    def __init__(self, stream, limit=FRAME_BYTES):
        self.stream = stream
        self.limit = limit  # of a frame of the peer's
        self.ended = False  # the peer's direction ended orderly
        self._reading = None
        self._queue = []  # iterators over PeerMessage dicts
        self._writing = b""
        self._finishing = False

    def poll(self):
        """The next message as a dict ({} when it is empty or unknown), None when there is none now.

        ProtocolError when the peer breaks the rules, StreamLost when the stream ended early.
        """
        if self.ended:
            return None
        if self._reading is None:
            self._reading = Task(read_frame(self.stream, self.limit))
        reading = self._reading
        if not reading.step(0):
            return None
        self._reading = None
        if reading.error is not None:
            raise reading.error
        if reading.result is None:
            self.ended = True
            return None
        return PeerMessage.decode(reading.result)

    def post(self, name, values):
        """Queues the PeerMessage variant `name`."""
        self.post_all(iter(({name: values},)))

    def post_all(self, messages):
        """Queues an iterator over PeerMessage dicts; it is asked for the next one when the stream has room."""
        self._queue.append(messages)

    def queued(self):
        """True when something waits to be written."""
        return len(self._writing) > 0 or len(self._queue) > 0

    def backlog(self):
        """How many answers wait."""
        return len(self._queue)

    def finish(self):
        """Ends our direction after what is queued."""
        self._finishing = True
        self.flush()

    def flush(self):
        """Writes what the window takes. True when something was written."""
        wrote = False
        while len(self._writing) or self._next():
            count = self.stream.write(self._writing)
            self._writing = self._writing[count:]
            wrote = wrote or count > 0
            if len(self._writing):
                if count == 0 and self.stream.error is not None:
                    raise StreamLost(self.stream.error)
                return wrote
        if self._finishing:
            self._finishing = False
            self.stream.finish()
        return wrote

    def _next(self):
        """Takes the next queued message up for writing. False when there is none."""
        while self._queue:
            for message in self._queue[0]:
                self._writing = memoryview(frame(PeerMessage.encode(message)))
                return True
            self._queue.pop(0)
        return False
