"""Messages of `lattice-sync/1` on one stream, both ways, without waiting (docs/reference/05-network-and-governance.md
§1.1). Hosts and memory only: a frame is held whole.

What is to be sent is queued, long answers as iterators: they are made as the window allows, in the order of the queue.
"""

from ...limits import FRAME_BYTES
from ...wire.reference_messages import PeerMessage
from ..common.tasks import StreamLost, Task
from .framing import header, read_frame
from .large import read


class Messages:
    """`post` queues, `flush` hands to the stream what its window takes, `poll` gives what came."""

    def __init__(self, stream, limit=FRAME_BYTES):
        self.stream = stream
        self.limit = limit  # of a frame of the peer's
        self.ended = False  # the peer's direction ended orderly
        self._reading = None
        self._queue = []  # messages: pieces (a list), a dict, or an iterator over dicts
        self._pieces = []  # of the message that is being written
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
        return read(reading.result)

    def post(self, message):
        """Queues a message: a PeerMessage dict, its encoding as a list of pieces, or an iterator over dicts, which is
        asked for the next one when the stream has room."""
        self._queue.append(message)

    def queued(self):
        """True when something waits to be written."""
        return len(self._writing) > 0 or len(self._pieces) > 0 or len(self._queue) > 0

    def backlog(self):
        """How many answers wait."""
        return len(self._queue)

    def finish(self):
        """Ends our direction after what is queued."""
        self._finishing = True
        self.flush()

    def abandon(self):
        """Drops what is queued and ends our direction: orderly between two messages, else the peer sees an error."""
        partial = len(self._writing) > 0 or len(self._pieces) > 0
        self._queue = []
        self._pieces = []
        self._writing = b""
        if partial:
            self.stream.reset()
        else:
            self.finish()

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

    def turn(self):
        """Writes what the window takes. True when something moved: a frame that arrives in pieces counts."""
        return self.flush() or self.stream.readable() > 0

    def _next(self):
        """Takes the next piece up for writing. False when there is none."""
        if not self._pieces:
            pieces = next_message(self._queue)
            if pieces is None:
                return False
            self._pieces = [header(sum([len(piece) for piece in pieces]))] + pieces
        self._writing = memoryview(self._pieces.pop(0))
        return True


def next_message(queue):
    """Takes the next message from a queue of `Messages.post`: its pieces, None when there is none."""
    while queue:
        message = queue[0]
        if isinstance(message, list):
            return queue.pop(0)
        if isinstance(message, dict):
            return [PeerMessage.encode(queue.pop(0))]
        for each in message:
            return [PeerMessage.encode(each)]
        queue.pop(0)
    return None
