"""A bad cable between two links, with a seed: it loses, doubles, damages, reorders, splits and stalls.

    world = LinkPair(rng, pipe=SERIAL, faults=Faults(lose=20))
    world.run(until, step)      # moves bytes and time until `until()`; `step(now)` lets the owners of streams work

Rates are per mille of packets. `faults.seen` counts what was done, by kind.
"""

from lattice_core.link.link import SERIAL, Link
from support import crypto

KINDS = ("lose", "double", "damage", "reorder", "stall", "noise")
STALL_MS = 400  # what a flash erase takes at worst
NOISE = (b"AT\r\n", b"\0\0\0", b"MicroPython v1.25.0 on 2025-04-15; linux\r\n>>> ", bytes(range(1, 60)), b"\xff" * 1500)


class Faults:
    def __init__(self, **rates):
        self.rates = {}
        self.seen = {}
        self.forced = {}  # packet number of each direction: the one kind that happens to it, for certain
        for kind in KINDS:
            self.rates[kind] = rates.get(kind, 0)
            self.seen[kind] = 0

    def happens(self, rng, kind, number):
        if number in self.forced:
            return self.forced[number] == kind
        rate = self.rates[kind]
        return rate > 0 and rng.below(1000) < rate

    def note(self, kind):
        self.seen[kind] += 1


class Line:
    """One direction. Chunks come out in order, but for packets that were reordered."""

    def __init__(self, rng, serial, faults, delay_ms=1):
        self._rng = rng
        self._serial = serial
        self._faults = faults
        self._delay_ms = delay_ms
        self._queue = []  # (due, chunk)
        self._number = 0
        self._stalled_until = 0

    def put(self, data, now):
        rng = self._rng
        faults = self._faults
        self._number += 1
        number = self._number
        if faults.happens(rng, "stall", number):
            faults.note("stall")
            self._stalled_until = now + STALL_MS
        due = max(now + self._delay_ms, self._stalled_until)
        if self._serial and faults.happens(rng, "noise", number):
            faults.note("noise")
            self._add(due, rng.choice(NOISE), False)
        if faults.happens(rng, "lose", number):
            faults.note("lose")
            if not self._serial or rng.below(2):
                return
            cut = rng.below(len(data))  # a serial line loses bytes, not frames
            data = data[:cut] + data[cut + 1 + rng.below(20) :]
        if faults.happens(rng, "damage", number) and len(data):
            faults.note("damage")
            data = bytearray(data)
            data[rng.below(len(data))] ^= 1 << rng.below(8)
            data = bytes(data)
        late = not self._serial and faults.happens(rng, "reorder", number)
        if late:
            faults.note("reorder")
            due += 2 + rng.below(30)
        self._add(due, data, late)
        if faults.happens(rng, "double", number):
            faults.note("double")
            self._add(due + (0 if self._serial else rng.below(20)), data, not self._serial)

    def _add(self, due, data, anywhere):
        queue = self._queue
        at = len(queue)
        if anywhere or not self._serial:
            while at and queue[at - 1][0] > due:
                at -= 1
        queue.insert(at, (due, data))

    def next_due(self):
        return self._queue[0][0] if self._queue else None

    def take(self, now):
        if self._queue and self._queue[0][0] <= now:
            return self._queue.pop(0)[1]
        return None

    def drop_all(self):
        self._queue = []


class SeededCrypto:
    """The platform's crypto with randomness from a seed."""

    def __init__(self, rng):
        self._rng = rng
        self._platform = crypto()

    def random(self, count):
        return self._rng.bytes(count)

    def __getattr__(self, name):
        return getattr(self._platform, name)


class LinkPair:
    """Two links, a line each way, one clock. a is the initiator."""

    def __init__(self, rng, pipe=SERIAL, faults=None, seed_a=b"a" * 32, seed_b=b"b" * 32, **options):
        self.crypto = SeededCrypto(rng)
        self.pipe = pipe
        self.now = 1000
        self._rng = rng
        self._seeds = (seed_a, seed_b)
        self._options = options
        self.faults = faults or Faults()
        self.to_b = Line(rng, pipe == SERIAL, self.faults)
        self.to_a = Line(rng, pipe == SERIAL, self.faults)
        self.a = self.make(True)
        self.b = self.make(False)

    def make(self, initiator):
        seed = self._seeds[0 if initiator else 1]
        info = b"host 1.0" if initiator else b"stick 1.0"
        return Link(self.crypto, seed, initiator, self.pipe, info, self.now, **self._options)

    def restart_a(self):
        self.a = self.make(True)

    def restart_b(self):
        self.b = self.make(False)

    def exchange(self):
        """Everything that is to be sent or due now."""
        news_a = news_b = True  # what has heard nothing since it was last asked has nothing new to say
        while news_a or news_b:
            if news_a:
                self._flush(self.a, self.to_b)
            if news_b:
                self._flush(self.b, self.to_a)
            news_b = self._deliver(self.to_b, self.b)
            news_a = self._deliver(self.to_a, self.a)

    def _flush(self, link, line):
        while True:
            packet = link.send(self.now)
            if packet is None:
                return
            line.put(bytes(packet), self.now)

    def _deliver(self, line, link):
        moved = False
        while True:
            chunk = line.take(self.now)
            if chunk is None:
                return moved
            moved = True
            link.receive(chunk, self.now)

    def run(self, until, step=None, limit_ms=600000):
        """Runs until `until()` is true. False when that did not happen within the time."""
        end = self.now + limit_ms
        while not until():
            if self.now > end:
                return False
            self.exchange()
            if step is not None and step(self.now):
                self.exchange()
            if not until():
                self.now = self._next_time()
        return True

    def _next_time(self):
        times = [self.to_a.next_due(), self.to_b.next_due()]
        times.append(self.a.deadline_ms(self.now))
        times.append(self.b.deadline_ms(self.now))
        times = [at for at in times if at is not None]
        return max(min(times), self.now + 1) if times else self.now + 1

    def connect(self):
        assert self.run(lambda: self.a.connection is not None and self.b.connection is not None), (
            self.a.state,
            self.b.state,
            self.a.trouble,
            self.b.trouble,
        )
        return self.a.connection, self.b.connection
