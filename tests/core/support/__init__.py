"""Helpers of the core's tests. Runs on both interpreters, like the tests."""

START_MS = 1700000000000  # when what is told begins


def crypto():
    """The platform's crypto: the C module where it is built in, else the host's twin."""
    try:
        import lattice_native

        return lattice_native
    except ImportError:
        from lattice_host import crypto as twin

        return twin


class Rng:
    """A small seeded generator (xorshift32): the same numbers on every interpreter."""

    def __init__(self, seed=1):
        self.state = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1

    def next32(self):
        x = self.state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self.state = x
        return x

    def below(self, limit):
        """An integer in 0..limit-1; `limit` up to 2^64."""
        if limit <= 0x10000:
            return (self.next32() >> 8) % limit
        return ((self.next32() << 32) | self.next32()) % limit

    def bytes(self, count):
        data = bytearray(count)
        for i in range(count):
            data[i] = (self.next32() >> 11) & 0xFF
        return bytes(data)

    def choice(self, items):
        return items[self.below(len(items))]

    def shuffle(self, items):
        """Shuffles a list in place and returns it."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items


def raises(error, function, *arguments):
    """Calls the function, asserts that it raises `error` and returns what it raised."""
    try:
        function(*arguments)
    except error as caught:
        return caught
    raise AssertionError("%s was not raised" % error.__name__)


def drain(task, now_ms=0, steps=10000):
    """Runs a task (a generator of sync.tasks) to its end and returns its result."""
    try:
        next(task)
        for _ in range(steps):
            task.send(now_ms)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the task still waits after %d steps" % steps)


class case:
    """Names the case of a loop when one fails: `with case("cut at %d" % cut): assert …`.

    The name is printed, whatever was raised, and the error goes on unchanged. Works on both interpreters.
    """

    def __init__(self, *name):
        self._name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print("case:", *self._name)
        return False
