"""The chain table of one reconciliation: ids, tags, sums and entries under a salt
(docs/reference/nano-reconcile.md §3).

The table is frozen when it is made: chains that grow afterwards still answer for their old length.
"""

from array import array

from ...compat import const
from ...errors import ProtocolError, Refused
from ...limits import CHAIN_POSITION
from ...wire.protobuf import read_varint, varint
from ..common.tasks import StreamLost

SALT_BYTES = const(8)
ID_BYTES = const(4)
TAG_BYTES = const(6)
SUM_MASK = 0xFFFFFFFFFFFF  # sums are mod 2^48
STRANGERS = const(65536)  # chains that only the peer has; a stick takes fewer
_PIECE_BYTES = const(256)
_KEY_BYTES = const(32)
_TOGETHER = const(64)
_MOST = 0x7FFFFFFF
_SEARCHED = const(1024)  # ids up to so many are searched for equal ones where they lie
_TOLD_TOGETHER = const(64)  # ids in one piece of an answer

# What is known of a chain (bit flags).
_TOLD = const(1)  # our entry went to the peer
_HEARD = const(2)  # the peer's entry arrived
_FORK = const(4)

EQUAL = const(-1)  # the peer holds exactly what we hold


def put_entry(parts, identity, position, tag):
    """Appends an entry: id ‖ position ‖ tag; no tag at position 0 ("I have none of it"). Pieces of whole entries: as
    many as there are chains would take 48 bytes of heap each."""
    entry = identity + varint(position) + (tag if position else b"")
    if parts and len(parts[-1]) < _PIECE_BYTES:
        parts[-1] += entry
    else:
        parts.append(entry)


def read_entries(buf):
    """Iterates (id, position, tag as int) over the entries in `buf`; ProtocolError when they are malformed."""
    pos = 0
    end = len(buf)
    while pos < end:
        if end - pos <= ID_BYTES:
            raise ProtocolError("a chain entry is cut off")
        identity = bytes(buf[pos : pos + ID_BYTES])
        position, pos = read_varint(buf, pos + ID_BYTES, end)
        if position > CHAIN_POSITION:
            raise ProtocolError("a chain of %d intentions" % position)
        tag = 0
        if position:
            if end - pos < TAG_BYTES:
                raise ProtocolError("the tag of a chain entry is cut off")
            tag = int.from_bytes(bytes(buf[pos : pos + TAG_BYTES]), "little")
            pos += TAG_BYTES
        yield identity, position, tag


def _index(ids, identity):
    """Which of the ids in one buffer this is, or -1."""
    at = ids.find(identity)
    while at >= 0 and at % ID_BYTES:
        at = ids.find(identity, at + 1)
    return at // ID_BYTES if at >= 0 else -1


class _Column:
    """Values of `width` bytes, one a chain, in pieces of a few hundred bytes: a stick's heap with holes has no 4 KiB in
    one piece, and as objects 1,024 keys would take twice as much."""

    def __init__(self, width):
        self._width = width
        self._pieces = []
        self._count = 0

    def append(self, value):
        at = self._count % _TOGETHER * self._width
        if at == 0:
            self._pieces.append(bytearray(_TOGETHER * self._width))
        memoryview(self._pieces[-1])[at : at + self._width][:] = value
        self._count += 1

    def __len__(self):
        return self._count

    def __iter__(self):
        for number in range(self._count):
            yield self[number]

    def __getitem__(self, number):
        at = number % _TOGETHER * self._width
        return bytes(self._pieces[number // _TOGETHER][at : at + self._width])

    def find(self, value):
        """Number of the first equal value, -1 when there is none."""
        width = self._width
        first = 0
        for piece in self._pieces:
            at = piece.find(value)
            while at >= 0 and at % width:
                at = piece.find(value, at + 1)
            if at >= 0:
                found = first + at // width
                return found if found < self._count else -1
            first += _TOGETHER
        return -1


class _Numbers:
    """Numbers, one a chain, in such pieces; beyond 31 bits they are all alike."""

    def __init__(self, count=0):
        self._pieces = []
        self._count = 0
        for _ in range(0, count, _TOGETHER):
            self._pieces.append(array("i", bytes(4 * _TOGETHER)))
        self._count = count

    def append(self, value):
        if self._count % _TOGETHER == 0:
            self._pieces.append(array("i", bytes(4 * _TOGETHER)))
        self._count += 1
        self[self._count - 1] = value

    def __getitem__(self, number):
        return self._pieces[number // _TOGETHER][number % _TOGETHER]

    def __setitem__(self, number, value):
        self._pieces[number // _TOGETHER][number % _TOGETHER] = min(value, _MOST)


class ChainTable:
    """Own chains and what the peer has said about them.

    `chains` gives each_held_author(), held(author) -> (length, tip hash), held_at(author, position) and
    newest_held(count) (the weaver). Chains are numbered in the order of each_held_author().
    """

    def __init__(self, chains, crypto, salt, strangers_limit=STRANGERS):
        self.chains = chains
        self.strangers_limit = strangers_limit
        self.digest = crypto.blake3_digest
        self.salt_tag = bytes(salt) + b"t"
        self.salt_id = bytes(salt) + b"c"
        self.authors = _Column(_KEY_BYTES)
        self.lengths = _Numbers()
        self.items = 0
        self.sum = 0
        self.tags = _Column(TAG_BYTES)
        self.ids = _Column(ID_BYTES)
        for author in chains.each_held_author():
            length, tip = chains.held(author)
            self.authors.append(author)
            self.lengths.append(length)
            self.items += length
            tag = self.digest(self.salt_tag + tip)[:TAG_BYTES]
            self.tags.append(tag)
            self.sum += int.from_bytes(tag, "little")
            self.ids.append(self.digest(self.salt_id + author)[:ID_BYTES])
        self.count = len(self.authors)
        self.sum &= SUM_MASK
        self.distinct = self._are_distinct()
        self.flags = bytearray(self.count)
        self.positions = _Numbers()  # what the peer holds of our chains
        for _ in range(self.count):
            self.positions.append(EQUAL)
        # The peer's vector as far as we know it: ours with its entries put in.
        self.peer_sum = self.sum
        self.heard_sum = 0  # tags of the peer's entries alone
        self.heard = 0
        self.strangers = bytearray()  # ids of the peer's chains that we have nothing of
        self._answered = 0  # bytes of them that were answered
        self.told_order = []  # numbers of the chains in the entries that we told, -1 for the peer's own
        self.behind = bytearray()  # for each entry heard: by how much ours is shorter, if that was not told; varints
        self.missing = 0  # intentions that the peer is known to have and we lack
        self.forks = []
        self.bits = 0
        self.buckets = []

    # -- own side ----------------------------------------------------------------------------------------------

    def _are_distinct(self):
        if self.count > _SEARCHED:
            return len({self.ids[number] for number in range(self.count)}) == self.count
        return all(self.ids.find(self.ids[number]) == number for number in range(self.count))

    def id(self, number):
        return self.ids[number]

    def find(self, identity):
        """Number of the chain with this id, or -1."""
        return self.ids.find(identity)

    def tag(self, number):
        """The tag of the tip as an integer."""
        return int.from_bytes(self.tags[number], "little")

    def tag_at(self, number, position):
        try:
            hash = self.chains.held_at(self.authors[number], position)
        except ValueError:
            # What floats may be dropped at any time; the next exchange sees the chain as it is then.
            raise StreamLost("the store changed while it was compared: sync again") from None
        return int.from_bytes(self.digest(self.salt_tag + hash)[:TAG_BYTES], "little")

    def told(self, number):
        return self.flags[number] & _TOLD

    def heard_of(self, number):
        return self.flags[number] & _HEARD

    def differs(self, number):
        return self.positions[number] != EQUAL

    def tell(self, parts, number):
        """Appends our entry of a chain, once."""
        if not self.flags[number] & _TOLD:
            self.flags[number] |= _TOLD
            self.told_order.append(number)
            put_entry(parts, self.id(number), self.lengths[number], self.tags[number])

    def tell_strangers(self, parts):
        """Answers "I have none of it" to chains that only the peer has."""
        while self._answered < len(self.strangers):
            behind = min(self._answered + _TOLD_TOGETHER * ID_BYTES, len(self.strangers))
            entries = []
            for at in range(self._answered, behind, ID_BYTES):
                put_entry(entries, self.strangers[at : at + ID_BYTES], 0, b"")
                self.told_order.append(-1)
            parts.append(b"".join(entries))
            self._answered = behind

    def tell_differing(self, parts):
        """Appends our entries of all chains that the peer has told and we hold otherwise."""
        for number in range(self.count):
            if self.flags[number] & _HEARD and self.positions[number] != EQUAL:
                self.tell(parts, number)
        self.tell_strangers(parts)

    def tell_where_not_behind(self, parts):
        """The same without the chains of which we hold less: `behind` tells of those."""
        for number in range(self.count):
            if self.flags[number] & _HEARD and EQUAL != self.positions[number] <= self.lengths[number]:
                self.tell(parts, number)

    # -- the peer's side ---------------------------------------------------------------------------------------

    def hear(self, buf, strangers_allowed=True):
        """Takes the peer's entries. ProtocolError for malformed, repeated or impossible ones."""
        for identity, position, tag in read_entries(buf):
            number = self.find(identity)
            self.heard += 1
            self.heard_sum = (self.heard_sum + tag) & SUM_MASK
            self.behind += varint(self._untold_lack(number, position))
            if number >= 0:
                self._hear_own(number, position, tag)
            elif not strangers_allowed or position == 0:
                raise ProtocolError("an entry of a chain that was not asked about")
            else:
                self._hear_stranger(identity, position, tag)

    def _untold_lack(self, number, position):
        """By how much we are behind the peer's position, unless our entry went to it already."""
        if number < 0:
            return position
        return 0 if self.told(number) else max(position - self.lengths[number], 0)

    def hear_behind(self, buf):
        """Takes what the peer says about our entries, in their order: by how much it is behind each. What its tags are
        we know, if it is on the same branch: its sum shows it."""
        pos = 0
        for number in self.told_order:
            if pos == len(buf):
                break
            less, pos = read_varint(buf, pos, len(buf))
            if not less:
                continue
            if number < 0 or less > self.lengths[number]:
                raise ProtocolError("a chain that is shorter than none")
            position = self.lengths[number] - less
            self._hear_own(number, position, self.tag_at(number, position) if position else 0)
        if pos != len(buf):
            raise ProtocolError("more answers than there were entries")

    def _hear_stranger(self, identity, position, tag):
        if _index(self.strangers, identity) >= 0:
            raise ProtocolError("the same chain twice in one exchange")
        if len(self.strangers) >= self.strangers_limit * ID_BYTES:
            raise Refused(
                "more than %d authors are new to this node: too many to compare" % self.strangers_limit, "too_many"
            )
        self.strangers.extend(identity)
        self.missing += position
        self._put_in(identity, tag)

    def _hear_own(self, number, position, tag):
        if self.flags[number] & _HEARD:
            raise ProtocolError("the same chain twice in one exchange")
        self.flags[number] |= _HEARD
        own = self.tag(number)
        self._put_in(self.id(number), tag - own)
        length = self.lengths[number]
        if position == length and tag == own:
            return
        self.positions[number] = position
        if position > length:
            self.missing += position - length
        elif position and self.tag_at(number, position) != tag:
            self.flags[number] |= _FORK
            self.forks.append(self.authors[number])

    def _put_in(self, identity, change):
        self.peer_sum = (self.peer_sum + change) & SUM_MASK
        if self.buckets:
            index = identity[0] >> (8 - self.bits)
            self.buckets[index] = (self.buckets[index] + change) & 0xFFFFFFFF

    def assume(self, positions, peer_sum, peer_chains):
        """Takes `positions`, [(number, what the peer holds of it)], for the whole difference if the sums then agree."""
        total = self.sum
        lacking = 0
        for number, position in positions:
            total -= self.tag(number)
            if position:
                total += self.tag_at(number, position)
            else:
                lacking += 1
        if total & SUM_MASK != peer_sum or self.count - lacking != peer_chains:
            return False
        for number, position in positions:
            self.positions[number] = position
        return True

    def lacks(self, number):
        """Notes that the peer has nothing of this chain of ours."""
        self.positions[number] = 0
        self.peer_sum = (self.peer_sum - self.tag(number)) & SUM_MASK

    def lacks_the_rest(self):
        """Notes that the peer has nothing of the chains that neither side has told."""
        for number in range(self.count):
            if not self.flags[number]:
                self.lacks(number)

    # -- buckets: sums over the chains whose id begins with the same `bits` bits -------------------------------

    def make_buckets(self, bits):
        """Sums over our chains; entries heard from now on are put in. At most 8 bits."""
        self.bits = bits
        buckets = [0] * (1 << bits)
        for number in range(self.count):
            index = self.bucket(number)
            buckets[index] = (buckets[index] + self.tag(number)) & 0xFFFFFFFF
        self.buckets = buckets

    def bucket(self, number):
        return self.ids[number][0] >> (8 - self.bits)

    def bucket_bytes(self):
        return b"".join([value.to_bytes(4, "little") for value in self.buckets])

    def peer_is_ahead(self, author):
        """True when the peer is known to hold more of an author's chain than we do."""
        number = self.number_of(author)
        if number < 0:
            return _index(self.strangers, self.digest(self.salt_id + author)[:ID_BYTES]) >= 0
        return self.positions[number] > self.lengths[number]

    # -- the outcome -------------------------------------------------------------------------------------------

    def plan(self):
        """{author: how many of its intentions the peer holds} for the chains of which we have more."""
        plan = {}
        for number in range(self.count):
            if self.lacking(number):
                plan[self.authors[number]] = self.positions[number]
        return plan

    def number_of(self, author):
        """Number of an author's chain, -1 when it is none of ours."""
        number = self.find(self.digest(self.salt_id + author)[:ID_BYTES])
        return number if number >= 0 and self.authors[number] == author else -1

    def lacking(self, number):
        """How many intentions of this chain the peer lacks."""
        position = self.positions[number]
        if position == EQUAL or position >= self.lengths[number] or self.flags[number] & _FORK:
            return 0
        return self.lengths[number] - position


class LightPlan:
    """`ChainTable.plan` on a stick: asked of the table. A dict would take 80 bytes of heap more for each chain."""

    def __init__(self, table):
        self._table = table

    def __iter__(self):
        table = self._table
        for number in range(table.count):
            if table.lacking(number):
                yield table.authors[number]

    def __len__(self):
        table = self._table
        return sum([1 for number in range(table.count) if table.lacking(number)])

    def __getitem__(self, author):
        number = self._table.number_of(author)
        if number < 0 or not self._table.lacking(number):
            raise KeyError(author)
        return self._table.positions[number]

    def numbers(self):
        """An empty map from its authors to numbers."""
        return _ByAuthor(self._table)


class _ByAuthor:
    def __init__(self, table):
        self._table = table
        self._column = _Numbers(table.count)

    def __setitem__(self, author, value):
        self._column[self._table.number_of(author)] = value

    def get(self, author):
        number = self._table.number_of(author)
        return (self._column[number] or None) if number >= 0 else None
