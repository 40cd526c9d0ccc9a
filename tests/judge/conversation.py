"""Two sessions that talk: messages wait in one queue, one is delivered at a time, the receiver runs until idle."""

from judge.cases import expect, h, same
from lattice_core.sync.reference.large import read_body
from lattice_core.sync.reference.messages import next_message
from lattice_core.sync.reference.session import Session


class Side:
    """One session and what it posts, into the queue of the conversation."""

    def __init__(self, conversation, direction, items, store_id):
        self.queue = conversation.queue
        self.direction = direction
        self.items = items
        self.session = Session(items, store_id, self)

    def post(self, message):
        self.queue.append((self.direction, [message]))


class Conversation:
    """The sides I and R of a recorded session."""

    def __init__(self, store_id, initiator, responder):
        self.queue = []
        self.initiator = Side(self, "I>R", initiator, store_id)
        self.responder = Side(self, "R>I", responder, store_id)

    def run(self, crypto, recorded):
        """Every message must be the recorded one, and then all must be over. `recorded`: {dir, len, payload…} each; it
        is used up, and no message is kept longer than needed: two sets and what they say fill the stick's heap."""
        self.initiator.session.start()
        recorded.reverse()
        while True:
            pieces = None
            direction, pieces = self.next()
            if pieces is None:
                break
            expect(len(recorded) > 0, "more messages than recorded")
            check_message(crypto, direction, pieces, recorded.pop())
            side = self.responder if direction == "I>R" else self.initiator
            side.session.receive(read_body(Pieces(pieces)))
            side.session.settle()
        same("messages that did not come", len(recorded), 0)
        expect(self.initiator.session.over() and self.responder.session.over(), "the session is not over")

    def next(self):
        """(direction, pieces of the payload) of the next message; None instead of pieces when none is left."""
        while self.queue:
            direction, posted = self.queue[0]
            pieces = next_message(posted)
            if pieces is not None:
                return direction, pieces
            self.queue.pop(0)
        return "", None


class Pieces:
    """A `seams.Body` of pieces: 110 KB in one piece are too much for a heap with two sets in it."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.size = sum([len(piece) for piece in pieces])
        self._at = 0  # of the piece that was read last
        self._start = 0

    def read(self, offset, count):
        if offset < self._start:
            self._at = self._start = 0
        found = []
        count = min(count, self.size - offset)
        while count > 0:
            piece = self.pieces[self._at]
            if offset - self._start >= len(piece):
                self._start += len(piece)
                self._at += 1
                continue
            found.append(bytes(piece[offset - self._start : offset - self._start + count]))
            offset += len(found[-1])
            count -= len(found[-1])
        return b"".join(found)


def check_message(crypto, direction, pieces, recorded):
    same("direction", direction, recorded["dir"])
    if "payload" in recorded:
        same("payload", b"".join([bytes(piece) for piece in pieces]), h(recorded["payload"]))
    else:
        hasher = crypto.blake3()
        for piece in pieces:
            hasher.update(piece)
        same("BLAKE3 of the payload", hasher.digest(), h(recorded["blake3"]))
    same("length", sum([len(piece) for piece in pieces]), recorded["len"])
