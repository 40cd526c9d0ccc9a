"""The chain table of one reconciliation: ids, tags, sums and entries under a salt
(docs/reference/nano-reconcile.md §3).

The table is frozen when it is made: chains that grow afterwards still answer for their old length.
"""

from ..compat import const
from ..errors import ProtocolError, Refused
from ..wire.protobuf import read_varint, varint
from .tasks import StreamLost

SALT_BYTES = const(8)
ID_BYTES = const(4)
TAG_BYTES = const(6)
SUM_MASK = 0xFFFFFFFFFFFF  # sums are mod 2^48
_MAX_POSITION = 1 << 48
STRANGERS = const(65536)  # chains that only the peer has; a stick takes fewer
_TOLD_TOGETHER = const(64)  # ids in one piece of an answer

# What is known of a chain (bit flags).
_TOLD = const(1)  # our entry went to the peer
_HEARD = const(2)  # the peer's entry arrived
_FORK = const(4)

EQUAL = const(-1)  # the peer holds exactly what we hold


def put_entry(parts, identity, position, tag):
    """Appends an entry: id ‖ position ‖ tag; no tag at position 0 ("I have none of it")."""
    parts.append(identity + varint(position) + (tag if position else b""))


def read_entries(buf):
    """Iterates (id, position, tag as int) over the entries in `buf`; ProtocolError when they are malformed."""
    pos = 0
    end = len(buf)
    while pos < end:
        if end - pos <= ID_BYTES:
            raise ProtocolError("a chain entry is cut off")
        identity = bytes(buf[pos : pos + ID_BYTES])
        position, pos = read_varint(buf, pos + ID_BYTES, end)
        if position > _MAX_POSITION:
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


class ChainTable:
    """Own chains and what the peer has said about them.

    `chains` gives held_authors(), held(author) -> (length, tip hash), held_at(author, position) and
    newest_held(count) (the weaver). Chains are numbered in the order of held_authors().
    """

    def __init__(self, chains, crypto, salt, strangers_limit=STRANGERS):
        self.chains = chains
        self.strangers_limit = strangers_limit
        self.digest = crypto.blake3_digest
        self.salt_tag = bytes(salt) + b"t"
        self.authors = chains.held_authors()
        self.count = len(self.authors)
        self.lengths = []
        self.items = 0
        self.sum = 0
        self.tags = bytearray(TAG_BYTES * self.count)
        self.salt_id = salt_id = bytes(salt) + b"c"
        ids = []
        for number, author in enumerate(self.authors):
            length, tip = chains.held(author)
            self.lengths.append(length)
            self.items += length
            tag = self.digest(self.salt_tag + tip)[:TAG_BYTES]
            memoryview(self.tags)[number * TAG_BYTES : (number + 1) * TAG_BYTES][:] = tag
            self.sum += int.from_bytes(tag, "little")
            ids.append(self.digest(salt_id + author)[:ID_BYTES])
        self.sum &= SUM_MASK
        self.distinct = len(set(ids)) == len(ids)
        self.ids = b"".join(ids)
        self.flags = bytearray(self.count)
        self.positions = [EQUAL] * self.count  # what the peer holds of our chains
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

    def id(self, number):
        return self.ids[number * ID_BYTES : (number + 1) * ID_BYTES]

    def find(self, identity):
        """Number of the chain with this id, or -1."""
        return _index(self.ids, identity)

    def tag(self, number):
        """The tag of the tip as an integer."""
        return int.from_bytes(bytes(self.tags[number * TAG_BYTES : (number + 1) * TAG_BYTES]), "little")

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
            tag = bytes(self.tags[number * TAG_BYTES : (number + 1) * TAG_BYTES])
            put_entry(parts, self.id(number), self.lengths[number], tag)

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
            raise Refused("more than %d authors are new to this node: too many to compare" % self.strangers_limit)
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
        return self.ids[number * ID_BYTES] >> (8 - self.bits)

    def bucket_bytes(self):
        return b"".join([value.to_bytes(4, "little") for value in self.buckets])

    def peer_is_ahead(self, author):
        """True when the peer is known to hold more of an author's chain than we do."""
        if author not in self.authors:
            return _index(self.strangers, self.digest(self.salt_id + author)[:ID_BYTES]) >= 0
        number = self.authors.index(author)
        return self.positions[number] > self.lengths[number]

    # -- the outcome -------------------------------------------------------------------------------------------

    def plan(self):
        """{author: how many of its intentions the peer holds} for the chains of which we have more."""
        plan = {}
        for number in range(self.count):
            position = self.positions[number]
            if position != EQUAL and position < self.lengths[number] and not self.flags[number] & _FORK:
                plan[self.authors[number]] = position
        return plan
