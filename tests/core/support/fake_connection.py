"""A pair of connections in memory: what `sync.streams` promises, with bounded windows and a wire that can be cut.

    pair = Pair(key_a, key_b)          # pair.a and pair.b implement streams.Connection
    pair.cut("unplugged")              # both ends lose everything that was not read yet

Bytes written are readable at once. `stream.received` and `connection.received` hold every byte that an end has read:
what that node has seen in clear (for the tests that look for a secret).
"""


class _Pipe:
    """One direction of a stream: a window's worth of bytes between a writer and a reader."""

    def __init__(self, window):
        self.window = window
        self.parts = []
        self.held = 0
        self.ended = False

    def put(self, data):
        count = min(len(data), self.window - self.held)
        if count > 0:
            self.parts.append(bytes(memoryview(data)[:count]))
            self.held += count
        return max(count, 0)

    def take(self, count):
        if not self.held:
            return b""
        data = b"".join(self.parts) if len(self.parts) > 1 else self.parts[0]
        self.parts = [data[count:]] if len(data) > count else []
        data = data[:count]
        self.held -= len(data)
        return data


class FakeStream:
    def __init__(self, connection, number, incoming, outgoing):
        self.connection = connection
        self.id = number
        self.error = None
        self.twin = None
        self.in_pipe = incoming
        self.out_pipe = outgoing

    def readable(self):
        return 0 if self.error else self.in_pipe.held

    def read(self, count):
        if self.error:
            return b""
        data = self.in_pipe.take(count)
        if data:
            self.connection.bytes_in += len(data)
            if self.connection.record:
                self.connection.received.append((self.id, data))
        return data

    def peek(self):
        """At most 1,000 bytes at once: whoever reads must do with pieces."""
        if self.error or not self.in_pipe.held:
            return b""
        return memoryview(self.in_pipe.parts[0])[:1000]

    def consume(self, count):
        assert count <= len(self.peek()), "more than was shown"
        self.read(count)

    def need(self, count):
        return count <= self.in_pipe.window

    def ended(self):
        return self.error is None and self.in_pipe.ended

    def at_end(self):
        return self.error is None and self.in_pipe.ended and self.in_pipe.held == 0

    def writable(self):
        if self.error or self.out_pipe.ended:
            return 0
        budget = self.connection.pair.budget
        room = self.out_pipe.window - self.out_pipe.held
        return room if budget is None else min(room, budget)

    def write(self, data):
        assert not self.out_pipe.ended, "write after finish"
        if self.error:
            return 0
        taken = self.out_pipe.put(memoryview(data)[: self.writable()])
        self.connection.bytes_out += taken
        self.connection.pair.spend(taken)
        return taken

    def finish(self):
        self.out_pipe.ended = True

    def finished(self):
        return self.error is None and self.out_pipe.ended

    def reset(self):
        self.fail("reset by this side")
        self.twin.fail("reset by the peer")

    def fail(self, reason):
        if self.error is None:
            self.error = reason


class FakeConnection:
    def __init__(self, pair, local, peer, alpn, initiator, record):
        self.pair = pair
        self.local = local
        self.peer = peer
        self.alpn = alpn
        self.initiator = initiator
        self.closed = None
        self.record = record
        self.received = []
        self.bytes_in = 0
        self.bytes_out = 0
        self.streams = []
        self.waiting = []
        self.other = None

    def open_stream(self):
        number = self.pair.next_id
        self.pair.next_id += 1
        there = _Pipe(self.pair.window)
        back = _Pipe(self.pair.window)
        mine = FakeStream(self, number, back, there)
        theirs = FakeStream(self.other, number, there, back)
        mine.twin = theirs
        theirs.twin = mine
        self.streams.append(mine)
        self.other.streams.append(theirs)
        if self.closed is None:
            self.other.waiting.append(theirs)
        else:
            mine.fail(self.closed)
        return mine

    def accept_stream(self):
        return self.waiting.pop(0) if self.waiting else None

    def close(self, reason):
        self.pair.cut(reason)

    def input(self):
        """All bytes this end has read, stream after stream."""
        chosen = {}
        for number, data in self.received:
            chosen.setdefault(number, []).append(data)
        return b"".join([b"".join(chosen[number]) for number in sorted(chosen)])


class Pair:
    """`budget`: after so many bytes in both directions together the wire is cut by itself."""

    def __init__(self, key_a, key_b, alpn="lattice-nano/1", window=4096, record=False, budget=None):
        self.window = window
        self.next_id = 1
        self.budget = budget
        self.a = FakeConnection(self, key_a, key_b, alpn, True, record)
        self.b = FakeConnection(self, key_b, key_a, alpn, False, record)
        self.a.other = self.b
        self.b.other = self.a

    def spend(self, count):
        if self.budget is not None:
            self.budget -= count
            if self.budget <= 0:
                self.cut("unplugged")

    def cut(self, reason="unplugged"):
        for connection in (self.a, self.b):
            if connection.closed is None:
                connection.closed = reason
                connection.waiting = []
                for stream in connection.streams:
                    stream.fail(reason)


def run(pair, peers, until, now_ms=1000, steps=100000, tick_ms=1):
    """Steps the peers (objects with `step(now_ms)`) until `until()` is true; returns the time. Asserts that it ends."""
    for _ in range(steps):
        if until():
            return now_ms
        for peer in peers:
            peer.step(now_ms)
        now_ms += tick_ms
    raise AssertionError("nothing ended after %d steps; closed: %s" % (steps, pair.a.closed))
