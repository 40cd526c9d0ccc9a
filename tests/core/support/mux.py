"""One end of a connection of streams without a link."""

from lattice_core.link.hello import TransportParameters
from lattice_core.link.mux import LinkConnection

ROOM = 998


class Face:
    """Two connections; messages arrive at once, or not at all while `held`."""

    def __init__(self, streams=8, window=8192, buffer=4096, room=ROOM):
        parameters = TransportParameters(1, 1, streams, window, b"test")
        self.a = LinkConnection(b"A" * 32, b"B" * 32, True, parameters, parameters, buffer, {})
        self.b = LinkConnection(b"B" * 32, b"A" * 32, False, parameters, parameters, buffer, {})
        self.room = room
        self.sent = {True: 0, False: 0}

    def move(self, limit=1000):
        """Moves messages until nobody has anything to say. Returns how many."""
        count = 0
        for _ in range(limit):
            moved = self.step(self.a, self.b) + self.step(self.b, self.a)
            count += moved
            if not moved:
                return count
        raise AssertionError("they never stop talking")

    def step(self, source, target):
        view = memoryview(bytearray(self.room))
        length = source.fill(view)
        if not length:
            return 0
        self.sent[source.initiator] += 1
        source.message_leaves(self.sent[source.initiator])
        target.message(view[:length])
        source.packets_arrived(self.sent[source.initiator])
        return 1
