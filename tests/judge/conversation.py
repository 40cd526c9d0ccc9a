"""Two sessions that talk: messages wait in one queue, one is delivered at a time, the receiver runs until idle."""

from judge.cases import expect, h, same
from lattice_core.sync.large import read
from lattice_core.sync.messages import next_message
from lattice_core.sync.session import Session


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
        """Every message must be the recorded one, and then all must be over. `recorded`: {dir, len, payload…} each."""
        self.initiator.session.start()
        delivered = 0
        while True:
            direction, payload = self.next()
            if payload is None:
                break
            expect(delivered < len(recorded), "more messages than recorded")
            check_message(crypto, direction, payload, recorded[delivered])
            delivered += 1
            side = self.responder if direction == "I>R" else self.initiator
            side.session.receive(read(payload))
            side.session.settle()
        same("messages", delivered, len(recorded))
        expect(self.initiator.session.over() and self.responder.session.over(), "the session is not over")

    def next(self):
        """(direction, payload bytes) of the next message; payload None when none is left."""
        while self.queue:
            direction, posted = self.queue[0]
            pieces = next_message(posted)
            if pieces is not None:
                return direction, b"".join(pieces)
            self.queue.pop(0)
        return "", None


def check_message(crypto, direction, payload, recorded):
    same("direction", direction, recorded["dir"])
    if "payload" in recorded:
        same("payload", payload, h(recorded["payload"]))
    else:
        same("BLAKE3 of the payload", crypto.blake3_digest(payload), h(recorded["blake3"]))
    same("length", len(payload), recorded["len"])
