"""Two tables of chains that compare what they hold."""

from lattice_core.wire.nano_messages import NanoFrame
from support import crypto

STORE = b"\xaa" * 16


PLATFORM = crypto()


class Chains:
    """Held chains in memory: what the weaver gives. Chains are lists of hashes that others may share."""

    def __init__(self):
        self.of = {}
        self.order = []  # authors, the one that grew last at the end

    def grow(self, author, hashes):
        chain = self.of.setdefault(author, [])
        chain.extend(hashes)
        if author in self.order:
            self.order.remove(author)
        self.order.append(author)

    def held_authors(self):
        return sorted(self.of)

    def each_held_author(self):
        return iter(self.held_authors())

    def held(self, author):
        chain = self.of[author]
        return len(chain), chain[-1]

    def held_at(self, author, position):
        return self.of[author][position - 1]

    def newest_held(self, count):
        return self.order[::-1][:count]


class SaltCrypto:
    """The platform's digest with a generator of its own, so that every salt can be repeated."""

    def __init__(self, rng):
        self.rng = rng
        self.blake3_digest = PLATFORM.blake3_digest
        self.random = rng.bytes


def chain_hash(author, position, branch=b""):
    return PLATFORM.blake3_digest(author + position.to_bytes(4, "big") + branch)


def grow_to(chains, author, length):
    have = len(chains.of.get(author, ()))
    if length > have:
        chains.grow(author, [chain_hash(author, position) for position in range(have + 1, length + 1)])


def converse(first, second, log=None):
    """Runs two exchanges against each other through the codec; returns (bytes, messages)."""
    queue = [(second, frame) for frame in first.start()]
    size = count = 0
    while queue:
        to, frame = queue.pop(0)
        data = NanoFrame.encode(frame)
        assert len(data) <= 4096
        if log is not None:
            log.append((to is second, data))
        size += len(data) + 4
        count += 1
        back = first if to is second else second
        queue.extend([(back, reply) for reply in to.receive(NanoFrame.decode(data))])
    return size, count


def random_pair(rng, authors, longest):
    """Two nodes with a common history, that went apart in a random way."""
    a = Chains()
    b = Chains()
    style = rng.below(4)
    for number in range(authors):
        author = PLATFORM.blake3_digest(b"author %d %d" % (number, rng.below(1 << 30)))
        common = 1 + rng.below(longest)
        kind = rng.below(100)
        if style == 0 or kind < 60:
            grow_to(a, author, common)
            grow_to(b, author, common)
            if style == 1 and number % 7 == 0:
                grow_to(rng.choice((a, b)), author, common + 1 + rng.below(3))
        elif kind < 75 or style == 2:
            grow_to(a, author, common)
        elif kind < 85:
            grow_to(b, author, common)
        else:
            grow_to(a, author, common)
            grow_to(b, author, 1 + rng.below(longest))
    for chains in (a, b):
        for _ in range(rng.below(4)):  # what was written last
            if chains.order:
                author = rng.choice(chains.order)
                grow_to(chains, author, len(chains.of[author]) + 1 + rng.below(3))
    return a, b
