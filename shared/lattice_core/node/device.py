"""What makes a node a stick: owners, name, store, clock and last error, in small records of the storage.

A fresh stick is set up once, by the first host that asks for it over USB: owner, name and share stand in one
record, so that power lost in between leaves it fresh or set up, never half. Owners can add owners and hand the
stick over; when all are lost, the button resets it, which destroys the identity (docs/security.md).
"""

from ..compat import const
from ..errors import Refused, StorageError, UsageError
from ..limits import MAX_DRIFT_MS
from ..model.identity import Identity
from ..text import cut
from ..wire import utf8

FRESH = "fresh"
OWNED = "owned"

OWNERS = const(4)
NAME_BYTES = const(63)
_ERROR_BYTES = const(200)
_FORMAT = const(1)
_CLOCK_BYTES = const(8)
_ALLOWED_BYTES = const(4)
_CLOCK_STEP_MS = const(600000)  # how far the stored clock may lag: one small write every ten minutes
EARLIEST_MS = 1577836800000  # 2020: a clock that shows less, or more than 2200, is wrong
LATEST_MS = 7258118400000

_IDENTITY = b"identity"
DEVICE = b"device"
_CLOCK = b"clock"
_ERROR = b"error"


def load_identity(storage, crypto):
    """The stick's identity; drawn and committed at first use, so that it is durable before anybody sees it."""
    seed = storage.record(_IDENTITY)
    if seed is None:
        seed = crypto.random(32)
        storage.put_record(_IDENTITY, seed)
        storage.commit()
    if len(seed) != 32:
        raise StorageError(
            "the identity record is damaged: factory reset with the button makes a new identity", "damaged"
        )
    return Identity(crypto, seed)


def factory_reset(storage):
    """Destroys identity, owners and share; the caller then formats the medium. Not to be undone."""
    for name in (_IDENTITY, DEVICE, _CLOCK, _ERROR):
        storage.put_record(name, None)
    storage.commit()


class Device:
    """The stick's own state. Every change is part of the storage's open transaction: the node commits it."""

    def __init__(self, storage):
        self.storage = storage
        self.peers = []  # of the open connections
        self._record = None  # what `_parsed` was made of: a rollback takes back the record, and with it the owners
        self._parsed = ((), "", None)
        self._stored_clock_ms = self._clock_ms = self._read_clock()
        self._allowed_ms = self._read_allowed()  # by how much members may still move the clock forward
        self._ticks = None  # monotonic ms at which `_clock_ms` was right
        self._state()

    @property
    def transfers(self):
        """How much is under way, on all connections together."""
        return sum([peer.under_way for peer in self.peers])

    def reload(self):
        """After a rollback: what is stored counts again. A clock that runs goes on, it has not lost the time."""
        self._stored_clock_ms = self._read_clock()
        self._state()

    def _read_clock(self):
        """The stored clock; None when there is none, or one that no clock can show (a damaged record)."""
        record = self.storage.record(_CLOCK)
        if record is None:
            return None
        clock_ms = int.from_bytes(record[:_CLOCK_BYTES], "little")
        return clock_ms if EARLIEST_MS <= clock_ms <= LATEST_MS else None

    def _read_allowed(self):
        record = self.storage.record(_CLOCK)
        if record is None or len(record) <= _CLOCK_BYTES:
            return 0
        return min(int.from_bytes(record[_CLOCK_BYTES:], "little"), MAX_DRIFT_MS)

    @property
    def state(self):
        return OWNED if self.owners else FRESH

    @property
    def owners(self):
        """Keys of the owners, none when it is fresh."""
        return list(self._state()[0])

    @property
    def name(self):
        return self._state()[1]

    @property
    def store_id(self):
        """The root of the share that it was set up with, None when it is fresh."""
        return self._state()[2]

    def _state(self):
        record = self.storage.record(DEVICE)
        if record != self._record:
            self._parsed = ((), "", None) if record is None else _parse(record)
            self._record = record
        return self._parsed

    # -- owners ----------------------------------------------------------------------------------------------

    def setup(self, owner, name, store_id):
        """Makes a fresh stick the owner's, in the share `store_id`. One record. UsageError for a name that is none."""
        if self.owners:
            raise Refused(
                "this stick has an owner already; its owner can add you, or reset it with its button", "stick_owned"
            )
        self._write([bytes(owner)], name, store_id)

    def is_owner(self, key):
        return bytes(key) in self.owners

    def add_owner(self, by, key):
        """`by` (an owner) lets `key` be one too."""
        self._must_own(by)
        key = _public_key(key)
        if key in self.owners:
            return
        if len(self.owners) >= OWNERS:
            raise Refused("this stick has %d owners already, which is the most" % OWNERS, "too_many")
        self._write(self.owners + [key], self.name, self.store_id)

    def transfer_owner(self, by, key):
        """`by` (an owner) steps back for `key`; other owners stay."""
        self._must_own(by)
        key = _public_key(key)
        kept = [owner for owner in self.owners if owner != bytes(by) and owner != key]
        self._write([key] + kept, self.name, self.store_id)

    def rename(self, by, name):
        self._must_own(by)
        self._write(self.owners, name, self.store_id)

    def _must_own(self, key):
        if not self.is_owner(key):
            raise Refused("only an owner of this stick may do that", "not_the_owner")

    def _write(self, owners, name, store_id):
        text = check_name(name).encode()
        self.storage.put_record(DEVICE, bytes((_FORMAT, len(owners))) + b"".join(owners) + store_id + text)

    # -- clock -------------------------------------------------------------------------------------------------

    def set_clock(self, peer, is_member, wall_ms, ticks_ms):
        """Takes the peer's time: an owner's as it is; a member's forward, all members together by an hour, and by as
        much again as the stick has run since. Sessions and restarts cost nothing, so they give nothing.

        Returns True when the clock was moved. `ticks_ms` is the platform's monotonic clock. Refused for a time that
        cannot be.
        """
        check_time(wall_ms)
        current = self.now_ms(ticks_ms)
        if not self.is_owner(peer):
            if not is_member or current is None:
                return False
            self._allow(ticks_ms)
            wall_ms = min(wall_ms, current + self._allowed_ms)
            if wall_ms <= current:
                return False
            self._allowed_ms -= wall_ms - current
        else:
            self._allowed_ms = MAX_DRIFT_MS
        self._clock_ms = wall_ms
        self._ticks = ticks_ms
        self._store_clock(wall_ms)
        return True

    def now_ms(self, ticks_ms):
        """Wall time in ms, or None before anybody gave the time.

        After a restart the clock goes on where it was last stored: it may be behind, never ahead, and stamps are
        kept increasing by the weaver.
        """
        if self._clock_ms is None:
            return None
        if self._ticks is None:
            self._ticks = ticks_ms
        return self._clock_ms + (ticks_ms - self._ticks)

    def _allow(self, ticks_ms):
        """Adds what the stick has run since the clock was read or set last."""
        now_ms = self.now_ms(ticks_ms)
        self._allowed_ms = min(self._allowed_ms + ticks_ms - self._ticks, MAX_DRIFT_MS)
        self._clock_ms = now_ms
        self._ticks = ticks_ms

    def keep_clock(self, ticks_ms):
        """Stores the clock when it went on by ten minutes; called with each batch."""
        now_ms = self.now_ms(ticks_ms)
        if now_ms is not None and now_ms - (self._stored_clock_ms or 0) >= _CLOCK_STEP_MS:
            self._allow(ticks_ms)
            self._store_clock(now_ms)

    def _store_clock(self, wall_ms):
        self._stored_clock_ms = wall_ms
        allowed = self._allowed_ms.to_bytes(_ALLOWED_BYTES, "little")
        self.storage.put_record(_CLOCK, wall_ms.to_bytes(_CLOCK_BYTES, "little") + allowed)

    # -- health --------------------------------------------------------------------------------------------------

    def note_error(self, text):
        """Remembers what went wrong, for `stick status`. The same is not written again: what fails is tried often."""
        data = cut(text, _ERROR_BYTES).encode()
        if data != self.storage.record(_ERROR):
            self.storage.put_record(_ERROR, data)

    def clear_error(self):
        if self.storage.record(_ERROR) is not None:
            self.storage.put_record(_ERROR, None)

    def last_error(self):
        data = self.storage.record(_ERROR)
        return "" if data is None else utf8.decode(data)

    def safe_to_unplug(self):
        """True when nothing is under way and everything is on the medium."""
        return self.transfers == 0 and self.storage.pending() == 0


def check_name(name):
    """A stick's name within its limits; returns it. A host asks this before it makes the stick a member."""
    if not 0 < len(name.encode()) <= NAME_BYTES:
        raise UsageError("a stick's name has 1 to %d bytes" % NAME_BYTES, "bad_name")
    return name


def check_time(wall_ms):
    """Refused unless a clock can be right that shows this."""
    if not EARLIEST_MS <= wall_ms <= LATEST_MS:
        raise Refused(
            "this time lies before 2020 or after 2200: set the clock of the computer right, then try again",
            "wrong_clock",
        )


def _parse(record):
    """(owners, name, store id) of the owner record."""
    count = record[1] if len(record) > 2 else 0
    names_at = 2 + 32 * count + 16
    if record[0] != _FORMAT or not 0 < count <= OWNERS or len(record) <= names_at:
        raise StorageError("the owner record is damaged or of a newer firmware", "damaged")
    owners = [record[2 + 32 * i : 34 + 32 * i] for i in range(count)]
    return owners, utf8.decode(record[names_at:]), record[names_at - 16 : names_at]


def share_of(record):
    """The root's id in an owner record."""
    return _parse(record)[2]


def _public_key(key):
    if len(key) != 32:
        raise UsageError("a public key has 32 bytes")
    return bytes(key)
