"""One simulated run of two links: a share of every fault, at least 64 KiB over at least three streams.

The two applications know what each stream must carry. A stream that ends with an error is opened again on the next
connection until all were delivered once; whatever was read of any stream must be a prefix of what was sent.
"""

import random

from lattice_core.link.link import SERIAL
from support.fake_line import Faults, LinkPair

TOTAL_BYTES = 65536
PACKET_SIZES = (SERIAL,) * 13 + (244,) * 5 + (185, 128)
SMALLEST_EVERY = 250  # one run of so many uses 20-byte packets, which cost twenty times as much
_PAYLOAD = random.Random(77).randbytes(1 << 17)  # what streams carry are slices of it
_FORCED = ("lose", "double", "damage", "stall")
_LIMIT_MS = 900000


class FastRng(random.Random):
    """`Rng` of tests/core/support.py on CPython's own generator."""

    def below(self, limit):
        return int(self.random() * limit)

    def bytes(self, count):
        return self.randbytes(count)


class Outcome:
    """What the run did; `wrong` is None when everything was as promised."""

    def __init__(self, number):
        self.number = number
        self.wrong = None
        self.seen = {}
        self.restarts = 0
        self.resets = 0
        self.lost_streams = 0
        self.delivered = 0
        self.streams = 0
        self.pipe = SERIAL
        self.virtual_ms = 0


class Want:
    """One stream that has to get through: bytes from a to b, bytes from b to a."""

    def __init__(self, rng, there, back):
        self.data = (piece(rng, there), piece(rng, back))
        self.done = False


def piece(rng, size):
    start = rng.below(len(_PAYLOAD) - size + 1)
    return _PAYLOAD[start : start + size]


class End:
    """One side of one attempt at a stream: writes its data, reads the other's, checks every byte."""

    def __init__(self, stream, data, expected, reset_after):
        self.stream = stream
        self.data = data
        self.expected = expected
        self.sent = 0
        self.finished = False
        self.got = 0
        self.reset_after = reset_after  # give the stream up after so many bytes read, None: never

    def step(self, rng):
        """Returns what is wrong, or None."""
        stream = self.stream
        if not self.finished:
            self.sent += stream.write(memoryview(self.data)[self.sent :])
            if self.sent == len(self.data) and stream.error is None:
                self.finished = True
                stream.finish()
        while stream.readable():
            data = stream.read(1 + rng.below(8000))
            if data != self.expected[self.got : self.got + len(data)]:
                return "stream %d: other bytes than were sent, from offset %d" % (stream.id, self.got)
            self.got += len(data)
        if stream.at_end() and self.got != len(self.expected):
            return "stream %d: ended after %d of %d bytes" % (stream.id, self.got, len(self.expected))
        if self.reset_after is not None and self.got >= self.reset_after and stream.error is None:
            stream.reset()
        return None

    def complete(self):
        return self.stream.at_end() and self.stream.finished()

    def ended(self):
        return self.complete() or self.stream.error is not None


class LinkRun:
    def __init__(self, number):
        self.outcome = Outcome(number)
        rng = self.rng = FastRng(number)
        pipe = 20 if number % SMALLEST_EVERY == SMALLEST_EVERY - 1 else rng.choice(PACKET_SIZES)
        self.outcome.pipe = pipe
        self.faults = self._faults(pipe)
        self.world = LinkPair(rng, pipe, self.faults)
        self.wants = self._wants()
        self.attempts = {}  # (connection of a, stream id) -> (want, end of a, end of b or None)
        self.restart_at = sorted([rng.below(TOTAL_BYTES * 3 // 4) + 1000 for _ in range(1 + rng.below(2))])
        self.stopped = [None, None]  # connections whose error we have seen

    def _faults(self, pipe):
        rng = self.rng
        bad = rng.choice((2, 5, 10, 30)) if pipe != 20 else 1
        faults = Faults(lose=bad, double=bad, damage=bad, noise=bad, reorder=3 * bad, stall=0)
        kinds = _FORCED if pipe == SERIAL else (*_FORCED, "reorder")
        faults.forced = dict(zip(rng.sample(range(4, 44), len(kinds)), kinds, strict=True))
        return faults

    def _wants(self):
        rng = self.rng
        count = 3 + rng.below(4)
        share = TOTAL_BYTES // count
        wants = []
        for _ in range(count):
            there = rng.below(share + 1)
            wants.append(Want(rng, there, share - there + 1024))
        return wants

    def run(self):
        self.world.run(self._over, self._step, _LIMIT_MS)
        outcome = self.outcome
        outcome.seen = dict(self.faults.seen)
        outcome.virtual_ms = self.world.now
        outcome.streams = len(self.wants)
        if outcome.wrong is None and not self._all_done():
            states = (_LIMIT_MS // 1000, self.world.a.state, self.world.b.state)
            outcome.wrong = "not delivered within %d s: %s, %s" % states
        return outcome

    def _all_done(self):
        return all(want.done for want in self.wants)

    def _over(self):
        return self.outcome.wrong is not None or self._all_done()

    def _step(self, _now):
        self._restart()
        self._open()
        self._accept()
        for key, (want, mine, theirs) in list(self.attempts.items()):
            self._advance(key, want, mine, theirs)
        return True

    def _restart(self):
        """One side loses everything it knew: its streams end there and then."""
        if self.restart_at and self.outcome.delivered >= self.restart_at[0]:
            self.restart_at.pop(0)
            self.outcome.restarts += 1
            if self.rng.below(2):
                self.world.restart_a()
                self.attempts = {}
            else:
                self.world.restart_b()
                self.attempts = {key: (want, mine, None) for key, (want, mine, _) in self.attempts.items()}

    def _open(self):
        connection = self.world.a.connection
        if connection is None:
            return
        busy = [want for want, _, _ in self.attempts.values()]
        for want in self.wants:
            if not want.done and want not in busy:
                reset = self.rng.below(20000) if self.rng.below(20) == 0 else None
                end = End(connection.open_stream(), want.data[0], want.data[1], reset)
                self.attempts[(connection, end.stream.id)] = (want, end, None)

    def _accept(self):
        connection = self.world.b.connection
        stream = connection.accept_stream() if connection is not None else None
        while stream is not None:
            key = (self.world.a.connection, stream.id)
            if key in self.attempts and self.attempts[key][2] is None:
                want, mine, _ = self.attempts[key]
                self.attempts[key] = (want, mine, End(stream, want.data[1], want.data[0], None))
            else:
                stream.reset()  # opened before a restart that its owner has not seen yet
            stream = connection.accept_stream()

    def _advance(self, key, want, mine, theirs):
        outcome = self.outcome
        before = mine.got + (theirs.got if theirs else 0)
        wrong = mine.step(self.rng) or (theirs.step(self.rng) if theirs else None)
        if wrong:
            outcome.wrong = wrong
        outcome.delivered += mine.got + (theirs.got if theirs else 0) - before
        if mine.stream.error is not None:
            outcome.lost_streams += 1
            outcome.resets += mine.reset_after is not None
            if theirs is not None:
                theirs.stream.reset()
            del self.attempts[key]
        elif theirs is None and mine.complete() and key[0] is not self.world.a.connection:
            del self.attempts[key]  # delivered to a side that forgot it when it restarted
        elif theirs is not None and mine.complete() and theirs.complete():
            want.done = True
            del self.attempts[key]


def run(number):
    return LinkRun(number).run()
