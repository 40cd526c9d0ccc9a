"""Reconciliation between Nano peers by chain tips (docs/reference/nano-reconcile.md; states: its §5).

`Exchange` is sans-I/O: messages (dicts of `NanoFrame`) in, the messages of the answer out. Its rules are the table
below, the same for both roles. At its end (PLANNED or EQUAL) `plan()` says which of our chains the peer lacks from
which position on; the other side knows the same about its own. A chain of which the two hold different branches
(a fork) is left alone and named in `forks`.
"""

from ...compat import ABSENT, const
from ...errors import ProtocolError, UsageError
from ...limits import TIPS_CONTINUED, TIPS_MESSAGES, TIPS_RETRIES
from .table import SALT_BYTES, STRANGERS, ChainTable, LightPlan

OPEN_ENTRIES = const(10)  # an Open lists all chains up to so many, else the newest
ANSWER_ENTRIES = const(16)  # the first answer lists all chains up to so many, else the newest
BEHIND_BYTES = const(512)  # of positions in place of entries
BODY_BYTES = const(4000)  # of one message; the entries beyond it follow in further Tips
_SALT_DRAWS = const(8)
_MIN_BITS = const(3)
_MAX_BITS = const(8)

START = const("START")
LISTEN = const("LISTEN")
WAIT_ANSWER = const("WAIT_ANSWER")
WAIT_REST = const("WAIT_REST")
PLANNED = const("PLANNED")
EQUAL = const("EQUAL")

INITIATOR = const("I")
RESPONDER = const("R")

# (role, state, message received): (method, states it may lead to). Anything else is a protocol error: the stream is
# closed and nothing has changed. "-" is the beginning.
TABLE = {
    (INITIATOR, START, "-"): ("_open", (WAIT_ANSWER,)),
    (INITIATOR, WAIT_ANSWER, "equal"): ("_equal", (EQUAL,)),
    (INITIATOR, WAIT_ANSWER, "tips"): ("_answered", (WAIT_ANSWER, WAIT_REST, PLANNED)),
    (INITIATOR, WAIT_ANSWER, "retry"): ("_again", (WAIT_ANSWER,)),
    (INITIATOR, WAIT_REST, "tips"): ("_last", (WAIT_REST, PLANNED)),
    (INITIATOR, WAIT_REST, "retry"): ("_again", (WAIT_ANSWER,)),
    (INITIATOR, PLANNED, "retry"): ("_again", (WAIT_ANSWER,)),
    (RESPONDER, LISTEN, "open"): ("_opened", (EQUAL, LISTEN, PLANNED, WAIT_REST)),
    (RESPONDER, WAIT_REST, "tips"): ("_rest", (WAIT_REST, LISTEN, PLANNED)),
}


class Exchange:
    """One exchange about one store. `chains`: see `table.ChainTable`. `agreed(author)`: how many intentions of a
    chain of ours the peer is known to have had at an earlier time, None without such knowledge: a hint that saves
    entries and decides nothing.

    `start()` gives the initiator's first message; `receive(message)` takes a decoded NanoFrame and returns the list of
    messages to send. Both raise ProtocolError when the peer breaks the rules.
    """

    def __init__(self, chains, crypto, store_id, initiator, live=False, agreed=None, strangers=STRANGERS, root_id=b""):
        self.chains = chains
        self.strangers = strangers  # the most chains of the peer that are new to us
        self.agreed = agreed
        self.crypto = crypto
        self.store_id = store_id
        self.root_id = root_id
        self.role = INITIATOR if initiator else RESPONDER
        self.state = START if initiator else LISTEN
        self.live = live
        self.table: ChainTable = ABSENT  # from the first message on
        self.peer_chains = 0
        self.peer_items = 0
        self.retries = 0
        self._target = 0  # the peer's sum, as it told it
        self._complete = False  # our first answer listed all our chains
        self._messages = 0
        self._more = 0
        self._own_chains = 0
        self._first = None  # the first of several Tips that belong together

    def start(self):
        return self._go("-", None)

    def receive(self, frame):
        for name in frame:
            return self._go(name, frame[name])
        raise ProtocolError("an empty frame where reconciliation was expected")

    def done(self):
        return self.state == PLANNED or self.state == EQUAL

    def plan(self, light=False):
        """{author: how many the peer holds}, only chains of which we have more. Empty when equal. `light`: not as a
        dict, but as something that needs no memory of its own and more time."""
        if self.state == EQUAL:
            return {}
        if self.state != PLANNED:
            raise UsageError("reconciliation has not ended: %s" % self.state)
        return LightPlan(self.table) if light else self.table.plan()

    def forget(self):
        """The outcome was taken: the table of all chains, 50 bytes of heap each, goes."""
        self.table = ABSENT

    def forks(self):
        """Authors of whom the two sides are seen to hold different branches."""
        return [] if self.table is ABSENT else self.table.forks

    def peer_is_ahead(self, author):
        """True when the peer is known to hold more of an author's chain than we do."""
        return self.state == PLANNED and self.table.peer_is_ahead(author)

    def missing(self):
        """How many intentions the peer is known to have that we lack (for progress)."""
        if self.state == EQUAL or self.table is ABSENT:
            return 0
        ours_lacking = sum([self.table.lacking(number) for number in range(self.table.count)])
        return max(self.table.missing, self.peer_items - (self.table.items - ours_lacking), 0)

    def _go(self, name, body):
        rule = TABLE.get((self.role, self.state, name))
        if rule is None:
            raise ProtocolError("%s received in state %s" % (name, self.state))
        if name == "tips" and body["more"]:
            self._more += 1
        else:
            self._messages += 1
        if self._messages > TIPS_MESSAGES or self._more > TIPS_CONTINUED:
            raise ProtocolError("the reconciliation does not come to an end")
        replies, state = getattr(self, rule[0])(body)
        assert state in rule[1]
        self.state = state
        return replies

    # -- initiator ---------------------------------------------------------------------------------------------

    def _open(self, body):
        for _ in range(_SALT_DRAWS):
            salt = self.crypto.random(SALT_BYTES)
            self.table = ChainTable(self.chains, self.crypto, salt, self.strangers)
            if self.table.distinct:
                break
        else:
            raise ProtocolError("no salt keeps the chains of this store apart")
        table = self.table
        self._own_chains = table.count
        parts = []
        for number in self._newest(OPEN_ENTRIES):
            table.tell(parts, number)
        message = {
            "store_id": self.store_id,
            "salt": salt,
            "sum": table.sum,
            "chains": table.count,
            "items": table.items,
            "tips": b"".join(parts),
            "live": self.live,
            "root_id": self.root_id,
        }
        return [{"open": message}], WAIT_ANSWER

    def _newest(self, limit):
        """Numbers of all chains if they are few, else of those that grew last, since the last agreement if known."""
        table = self.table
        if table.count <= limit:
            return list(range(table.count))
        newest = self.chains.newest_held(limit)
        if self.agreed is not None:
            newest = [author for author in newest if self.agreed(author) < self.chains.held(author)[0]]
        return [number for number in self._numbers(newest) if number >= 0]

    def _numbers(self, authors):
        wanted = {}
        for author in authors:
            wanted[author] = -1
        for number, author in enumerate(self.table.authors):
            if author in wanted:
                wanted[author] = number
        return [wanted[author] for author in authors]

    def _equal(self, body):
        return [], EQUAL

    def _again(self, body):
        self.retries += 1
        if self.retries > TIPS_RETRIES:
            raise ProtocolError(
                "the two sides do not agree on what they compare (%d chains here, %d there): run verify on both"
                % (self._own_chains, self.peer_chains)
            )
        self._first = None
        return self._open(None)

    def _answered(self, body):
        table = self.table
        first = self._first
        if first is None:
            first = body
            self.peer_chains = body["chains"] or table.count
            self.peer_items = body["items"]
            self._target = body["sum"]
            if body["bucket_sums"]:
                table.make_buckets(_bits_of(len(body["bucket_sums"])))
        if not self._hear_tips(body, not first["known"]):
            return [], WAIT_ANSWER
        if first["known"]:
            return [], PLANNED
        if first["complete"]:
            table.lacks_the_rest()
            if table.peer_sum != self._target:
                raise ProtocolError("the listed chains do not add up to their sum")
            return self._tips({"known": True, "complete": True}, self._differing()), PLANNED
        if table.peer_sum == self._target:
            return self._tell_known(), PLANNED
        if not first["bucket_sums"]:
            raise ProtocolError("an answer that cannot be acted on")
        return self._compare_buckets(first), WAIT_REST

    def _tell_known(self):
        """Our side of the entries heard. Where we are behind, numbers do: the responder has the hashes itself. When it
        sees by our sum that they are not ours (a fork), it says Retry, and then entries it is."""
        table = self.table
        behind = bytes(table.behind).rstrip(b"\0")
        if self.retries or not 0 < len(behind) <= BEHIND_BYTES:
            return self._tips({"known": True}, self._differing())
        parts = []
        table.tell_where_not_behind(parts)
        return self._tips({"behind": behind}, parts)

    def _compare_buckets(self, first):
        table = self.table
        sums = first["bucket_sums"]
        differ = bytearray((1 << table.bits) // 8)
        for index, value in enumerate(table.buckets):
            if int.from_bytes(sums[4 * index : 4 * index + 4], "little") != value:
                differ[index >> 3] |= 1 << (index & 7)
        parts = self._differing()
        for number in range(table.count):
            index = table.bucket(number)
            if differ[index >> 3] >> (index & 7) & 1 and not table.heard_of(number):
                table.tell(parts, number)
        if not any(differ):
            raise ProtocolError("sums differ and no bucket does")
        return self._tips({"differ": bytes(differ)}, parts)

    def _last(self, body):
        if not self._hear_tips(body, False):
            return [], WAIT_REST
        return [], PLANNED

    # -- responder ---------------------------------------------------------------------------------------------

    def _opened(self, body):
        if len(body["salt"]) != SALT_BYTES or body["store_id"] != self.store_id or "sum" not in body:
            raise ProtocolError("an Open without its store, salt and sum")
        self.live = body["live"]
        self.peer_chains = body["chains"]
        self.peer_items = body["items"]
        self._target = body["sum"]
        self._complete = False
        table = self.table = ChainTable(self.chains, self.crypto, body["salt"], self.strangers)
        if not table.distinct:
            return [{"retry": {}}], LISTEN
        if table.sum == self._target and table.count == self.peer_chains:
            return [{"equal": {}}], EQUAL
        if self._stands_where_agreed():
            return self._tips(self._totals({"known": True}), []), PLANNED
        table.hear(body["tips"])
        all_listed = table.heard == self.peer_chains
        if all_listed and table.heard_sum != self._target:
            raise ProtocolError("the listed chains do not add up to their sum")
        if all_listed or table.peer_sum == self._target:
            if all_listed:
                table.lacks_the_rest()
            return self._tips(self._totals({"known": True}), self._differing()), PLANNED
        if table.count <= ANSWER_ENTRIES:
            return self._tell_all(), WAIT_REST
        return self._tell_buckets(), WAIT_REST

    def _stands_where_agreed(self):
        """True when the initiator's sum is that of what we know it to have had: then we know its whole vector, and all
        of it is in ours."""
        if self.agreed is None:
            return False
        changed = []
        for number in self._newest(ANSWER_ENTRIES + 1):
            position = self.agreed(self.table.authors[number])
            if position < self.table.lengths[number]:
                changed.append((number, position))
        return len(changed) <= ANSWER_ENTRIES and self.table.assume(changed, self._target, self.peer_chains)

    def _totals(self, message):
        message["sum"] = self.table.sum
        if self.table.count != self.peer_chains:
            message["chains"] = self.table.count
        message["items"] = self.table.items
        return message

    def _tell_all(self):
        table = self.table
        self._complete = True
        parts = []
        for number in range(table.count):
            if table.differs(number) or not table.heard_of(number):
                table.tell(parts, number)
        table.tell_strangers(parts)
        return self._tips(self._totals({"complete": True}), parts)

    def _tell_buckets(self):
        table = self.table
        table.make_buckets(bucket_bits(max(table.count, self.peer_chains)))
        parts = self._differing()
        for number in self._newest(ANSWER_ENTRIES):
            if not table.heard_of(number):
                table.tell(parts, number)
        message = self._totals({"bucket_sums": table.bucket_bytes()})
        return self._tips(message, parts)

    def _rest(self, body):
        table = self.table
        first = body if self._first is None else self._first
        differ = first["differ"]
        if differ and (self._complete or len(differ) != (1 << table.bits) // 8):
            raise ProtocolError("a bitmap of buckets that were not sent")
        if not self._hear_tips(body, bool(differ)):
            return [], WAIT_REST
        if first["behind"]:
            if differ or self._complete:
                raise ProtocolError("positions in answer to no entries")
            table.hear_behind(first["behind"])
        if differ:
            self._note_lacking(differ)
        elif not first["known"] and not first["behind"]:
            raise ProtocolError("an answer that cannot be acted on")
        if not self._complete and table.peer_sum != self._target:
            return [{"retry": {}}], LISTEN
        if differ:
            return self._tips({"known": True}, self._differing()), PLANNED
        return [], PLANNED

    def _note_lacking(self, differ):
        """Chains in unequal buckets that neither side has told: the peer lacks them."""
        table = self.table
        for number in range(table.count):
            index = table.bucket(number)
            if differ[index >> 3] >> (index & 7) & 1 and not table.told(number) and not table.heard_of(number):
                table.lacks(number)

    # -- both --------------------------------------------------------------------------------------------------

    def _differing(self):
        parts = []
        self.table.tell_differing(parts)
        return parts

    def _hear_tips(self, body, strangers_allowed):
        """Takes the entries of one Tips. True when it was the last of those that belong together."""
        self.table.hear(body["tips"], strangers_allowed)
        if body["more"]:
            if self._first is None:
                self._first = body
            return False
        self._first = None
        return True

    def _tips(self, message, parts):
        """The Tips to send: `message` with the entries, cut into bodies of at most BODY_BYTES."""
        room = BODY_BYTES - 64
        for name in ("bucket_sums", "differ", "behind"):
            room -= len(message.get(name, b""))
        frames = []
        taken = []
        size = 0
        for part in parts:
            size += len(part)
            if size > room:
                message["tips"] = b"".join(taken)
                message["more"] = True
                frames.append({"tips": message})
                message = {}
                taken = []
                size = len(part)
                room = BODY_BYTES - 64
            taken.append(part)
        message["tips"] = b"".join(taken)
        frames.append({"tips": message})
        return frames


def _bits_of(size):
    """How many bits name one of the buckets whose sums have `size` bytes."""
    for bits in range(_MIN_BITS, _MAX_BITS + 1):
        if size == 4 << bits:
            return bits
    raise ProtocolError("bucket sums of %d bytes" % size)


def bucket_bits(chains):
    """How many bits of the id name a bucket: about 8 chains each, 8 to 256 buckets."""
    bits = 0
    value = chains // 8 - 1
    while value > 0:
        value >>= 1
        bits += 1
    return min(max(bits, _MIN_BITS), _MAX_BITS)
