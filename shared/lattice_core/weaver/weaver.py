"""The weaver: what becomes of an intention (docs/protocol.md, "Fates").

    refused    breaks a rule that no other intention can mend: not stored, remembered for a while with the reason
    floating   waits for its `store_prev` or a dep: stored, bounded in bytes
    dropped    would float, but there is no room for it among what floats: not stored, may come again
    witnessed  everything it needs is witnessed: in the log, counted, applied to the tables

Unlike the reference (docs/differences.md) an intention is witnessed only on top of its own author's tip. So the
witnessed intentions of an author are one chain, a fork or a borrowed `store_prev` never gets in, and applying needs no
further check.

A weaver never commits: everything one call does is in the storage's open transaction. A call that ends in the middle of
its changes, for whatever reason, leaves the weaver `unfinished`: that transaction must be rolled back, never committed.
After a rollback call `reload`.
"""

from struct import calcsize, pack, unpack_from

from ..compat import const
from ..errors import ProtocolError, StorageError, StorageFull, UsageError
from ..limits import DEPS, FLOATING_ITEMS, OPS_BYTES, ROWS_TO_OPS
from ..model.events import note_event
from ..model.intention import digest_of
from ..model.intention import verify as verify_signature
from ..storage.contract import TABLE_META, ZERO
from . import verdicts
from .damage import Damaged
from .floating import Floating
from .held import Held
from .own import AHEAD, OwnChain, unique
from .witness_log import WitnessLog, gaps_of

REFUSED = const(0)
FLOATING = const(1)
WITNESSED = const(2)
DUPLICATE = const(3)
DROPPED = const(4)

WRONG_SIGNATURE = "its signature is wrong"

# Which projection has made the rows: its version. While one is at work: 0, the log's length then, the sequence up to
# which the rows are made (0: older rows may be left), then the version.
_STATE = b"state"
_UNDER_WAY = ">BQQ"
_PIECE = const(64)  # intentions between two commits
_ROOM_BESIDE_BODY = const(2048)  # index, log entry and rows of an intention, about
_FEW_BYTES = const(96)  # the rows of ops of this size are among these
_REFUSALS_NOTED = const(32)  # events, while nobody takes them: a peer may cause any number of refusals


class Weaver:
    """The intentions of one open store. `identity` signs; `projection` applies what is witnessed."""

    def __init__(self, storage, store, crypto, identity, projection):
        self.storage = storage
        self.store = store
        self.crypto = crypto
        self.identity = identity
        self.projection = projection
        self.events = []  # what was projected, refused, …; whoever takes them puts a new list here
        self.log = WitnessLog(store, crypto, identity)
        self.floating_count = 0
        self.parked = 0  # intentions that float on the medium and are not in memory: damage has made many wait
        self.unfinished = False  # True in the middle of a change, and after one that failed there: until `reload`
        self._refused = verdicts.Refused()
        self._new_floating = getattr(storage, "new_floating", Floating)  # a computer has more room
        self._floating = self._new_floating()
        self._held = Held(store, self._floating, self.read)
        self._damaged = Damaged(store)
        self._own = OwnChain(storage, store, crypto, identity)

    @property
    def read_only(self):
        """None, or why nothing can be written, in words."""
        return self._own.read_only()

    def own_chain_is_forked(self):
        """True when this identity is known to have written two histories, in this store or in another."""
        return self._own.forked()

    # -- opening -----------------------------------------------------------------------------------------------------

    def start(self, now_ms, commit=None):
        """Checks the log since the last checkpoint, applies what the tables lack, loads what floats.

        StorageError when the log is damaged. `commit`, where nothing else is open in the transaction, is called between
        the pieces of a projection that begins anew: when the power goes, the next start goes on from there.
        """
        self.log.check()
        for _ in self.project_again():
            if commit is not None:
                commit()
        self._load(now_ms)

    def project_again(self, force=False):
        """Makes the tables anew from the log when another projection has made them, or when `force` is set.

        A generator that yields the sequence reached every so often: the caller may commit there. Once begun it must
        run to its end before anything else is done; a later `start` goes on from what was committed, unless the log
        has become shorter.
        """
        store = self.store
        version = self.projection.version()
        row = store.row(TABLE_META, _STATE)
        if not force and (store.count == 0 or row == version):
            return
        target, sequence = _reached(row, version)
        if force or not sequence or target > store.count:
            target, sequence = store.count, 0
            self._note_reached(target, 0, version)
            for _ in self.projection.clear():
                yield 0
        for done, (at, hash, _, _) in enumerate(store.witness_log(sequence), 1):
            intention = self.read(hash)
            if intention is not None:
                self.projection.apply(intention, [])
            if done % _PIECE == 0:
                self._note_reached(target, at, version)
                yield at
        store.put_row(TABLE_META, _STATE, version)

    def _note_reached(self, target, sequence, version):
        self.store.put_row(TABLE_META, _STATE, pack(_UNDER_WAY, 0, target, sequence) + version)

    def reload(self, now_ms=None):
        """Forgets everything derived from what a rollback has undone."""
        self.events = []
        self.log = WitnessLog(self.store, self.crypto, self.identity)
        self._refused = verdicts.Refused()  # a fork may have been refused for what is gone
        self._load(now_ms)

    def _load(self, now_ms):
        self.unfinished = True
        evictable = set(self._floating.unlisted())
        self._floating = self._new_floating()
        self.floating_count = 0
        self._held = Held(self.store, self._floating, self.read)
        self._damaged = Damaged(self.store)
        self._own.load(self.log.checkpoint()[2])
        waiting = self.store.floating()
        self.parked = max(len(waiting) - FLOATING_ITEMS, 0)
        waiting = waiting[:FLOATING_ITEMS]
        for hash in waiting:
            intention = self.read(hash)
            if intention is None:
                continue
            # Nothing waits for itself: what it really waits for is found right below. Whether a peer had listed it is
            # not stored: it may have been acknowledged, so it counts as listed.
            self._floating.add(intention, hash, hash not in evictable)
        self.floating_count = self._floating.count
        for hash in waiting:
            if hash in self._floating.hashes:
                freed = self._reconsider(hash, now_ms or 0)
                if freed is not None:
                    self._cascade(freed, now_ms or 0)
        self.unfinished = False

    def look_again(self, now_ms):
        """Witnesses what is parked and has got all that it needs. Part of the open transaction."""
        moved = self.parked > 0
        while moved:
            moved = False
            self.unfinished = True
            for hash in self.store.floating():
                if hash not in self._floating.hashes:
                    moved = self._look_at_parked(hash, now_ms or 0) or moved
            self._load(now_ms)

    def _look_at_parked(self, hash, now_ms):
        """True when a parked intention was witnessed."""
        intention = self.read(hash)
        if intention is None:
            return False
        try:
            if self._blocker(intention) is not None:
                return False
        except _Contradiction as error:
            self.store.drop(hash)
            self._refuse_chain(intention, error)
            return False
        self._witness(intention, now_ms)
        self._cascade(intention, now_ms)
        return True

    # -- own writes --------------------------------------------------------------------------------------------------

    def submit(self, ops, deps, now_ms):
        """Signs, stores, witnesses and applies an own intention; returns it. It exists for nobody until the caller has
        committed.

        `ops`: bytes, or a `Body` that is too large to hold; `deps`: hashes, all of them witnessed. UsageError when it
        cannot be written.
        """
        if self.unfinished:
            raise _unfinished()
        size = len(ops) if isinstance(ops, (bytes, bytearray, memoryview)) else ops.size
        self._own.check(size, deps, now_ms)
        if self.identity.public in self._floating.authors:
            raise UsageError("own earlier writes came back and wait for what they depend on: sync first", "not_synced")
        room = self._need_room(size)
        intention = self._own.create(ops, unique(deps), now_ms)
        if intention.ops_size * ROWS_TO_OPS > room:
            self._need_room_for_rows(intention)
        self._take(intention, now_ms)
        return intention

    def doubt_own_chain(self, doubted):
        """See `own.OwnChain.doubt`. Part of the open transaction."""
        self._own.doubt(doubted)

    def others_are_ahead(self):
        """A peer holds more of the own chain than is here: until a complete sync nothing is written, for that would
        fork it. Part of the open transaction."""
        if not self._own.doubted():
            self._own.doubt(AHEAD)

    def doubts_own_chain(self):
        return self._own.doubted()

    # -- what comes in -------------------------------------------------------------------------------------------------

    def ingest(self, intention, now_ms, verified=False, listed=False):
        """Takes an intention that came from somewhere; returns its fate.

        `verified`: the caller has checked the signature. `listed`: the peer says that it has witnessed it; such a one
        is acknowledged, so it is never evicted from what floats. REFUSED changes no state but the fork mark of its
        author. StorageFull comes before any change as a rule; where a medium fails in the middle of them the weaver is
        `unfinished`: roll back then. `now_ms` may be None on a node without a clock.
        """
        if self.unfinished:
            raise _unfinished()
        is_owners = self._write_for(intention)
        try:
            fate = self._ingest(intention, now_ms, verified, listed)
        except StorageFull:
            if not is_owners or self.unfinished:
                raise
            self._note_early(intention)
            raise
        finally:
            self._write_for(None)
        if is_owners and fate in (FLOATING, DROPPED):
            self._note_early(intention)
        return fate

    def _write_for(self, intention):
        """Storage may keep room for what decides who is let in. True for a write of an owner there."""
        write_for = getattr(self.storage, "write_for", None)
        return write_for is not None and write_for(intention if self.projection.decides_membership else None)

    def _note_early(self, intention):
        """Whom an owner has shut out is shut out, also where there is no room for what that write follows."""
        self._write_for(intention)
        try:
            self.projection.note_early(intention)
        except StorageFull:
            pass
        finally:
            self._write_for(None)

    def _ingest(self, intention, now_ms, verified, listed):
        hash = intention.hash
        if self._is_known(intention):
            if self._damaged.has(hash):
                self._mend(intention, verified)
            if listed and self._floating.count:
                self._floating.mark_listed(hash)
            return DUPLICATE
        reason = self._flaw(intention)
        if reason is not None:
            return self._refuse(hash, reason)
        if not verified and not verify_signature(self.crypto, intention):
            return self._refuse(hash, WRONG_SIGNATURE)
        room = self._need_room(self.storage.to_write(intention.body))
        self._refused.forget(hash)
        try:
            blocker = self._blocker(intention)
        except _Contradiction as error:
            return self._refuse_chain(intention, error)
        if blocker is not None:
            return self._float(intention, blocker, listed)
        if intention.ops_size * ROWS_TO_OPS > room:
            self._need_room_for_rows(intention)
        self._take(intention, now_ms or 0)
        return WITNESSED

    def take_evidence(self, intention):
        """A verified intention of which a peer says that it stands where our branch of that author's chain has another.
        Nothing of it is stored but the mark of a fork. True when it shows one."""
        if self.unfinished or self._flaw(intention) is not None or self._is_known(intention):
            return False
        try:
            self._blocker(intention)
        except _Contradiction as error:
            self._refuse_chain(intention, error)
            return error.held is not None
        prev = intention.store_prev
        if intention.author != self.identity.public or prev == self.held(intention.author)[1] or self.store.has(prev):
            return False
        # Ours, and it follows something that this storage has never seen: whatever lies between, writing on here forks.
        self._own.note_forked(intention)
        self._mark_fork(intention, self.store.chain(intention.author)[1])
        return True

    def _mend(self, intention, verified):
        """The bytes of a stored intention that were damaged here have come again."""
        if verified or verify_signature(self.crypto, intention):
            self._need_room(intention.body.size)
            self.unfinished = True
            self.store.mend(intention)
            self._damaged.mended(intention.hash)
            if intention.author == self.identity.public:
                self._own.load(self._own.seen_ms)
            self.unfinished = False

    def read(self, hash):
        """A stored intention with its bytes checked. None when it is not here, or damaged here: that is noted, it is
        wanted again, and everything around it goes on. Part of the open transaction."""
        try:
            intention = self.store.get(hash)
            if intention is None or digest_of(self.crypto, intention.body) == hash:
                return intention
        except (ProtocolError, StorageError):
            if getattr(self.storage, "hurt", False):
                raise  # the log itself: it is read anew
        self.note_damaged(hash)
        return None

    def check_signature(self, hash):
        """Somebody has refused an intention of ours: is it what we have once verified?"""
        intention = self.read(hash)
        if intention is not None and not verify_signature(self.crypto, intention):
            self.note_damaged(hash)

    def note_damaged(self, hash):
        """A stored intention is damaged: one that floats is forgotten, the chain of a witnessed one is asked for again
        from there on. Part of the open transaction."""
        if self.store.witness_sequence(hash):
            self._damaged.note(hash)
        elif self.store.has(hash):
            self.store.drop(hash)
            if hash in self._floating.hashes:
                self._unfloat(hash)

    def note_suspects(self):
        """Takes note of what storage has found damaged while somebody read it."""
        suspects = getattr(self.store, "suspects", None)
        while suspects:
            self.note_damaged(suspects.pop())

    def _is_known(self, intention):
        """True when the intention is stored. Nearly every one that comes follows its author's tip: such a one is not
        witnessed, and what floats is in memory."""
        if intention.store_prev == self.store.chain(intention.author)[1]:
            return self._floating.count > 0 and intention.hash in self._floating.hashes
        return self.store.has(intention.hash)

    def _flaw(self, intention):
        """Why the intention is refused for what its hash covers, in words, or None."""
        if intention.store_id != self.store.id:
            return "it belongs to another store"
        if intention.ops_size > OPS_BYTES:
            return "its ops have %d bytes, %d are allowed" % (intention.ops_size, OPS_BYTES)
        if intention.dep_count > DEPS:
            return "it has %d deps, %d are allowed" % (intention.dep_count, DEPS)
        return None

    def _blocker(self, intention, arrived=None):
        """The first thing that the intention waits for, None when it is ready. _Contradiction when its `store_prev`
        can never be its author's tip. `arrived`: what it has waited for; the deps before that are known to be here."""
        store = self.store
        prev = intention.store_prev
        _length, tip = store.chain(intention.author)
        if prev != tip:
            position = 0
            if prev != ZERO:
                found = store.position(prev)
                if found is None:
                    return prev
                author, position = found
                if author != intention.author:
                    raise _Contradiction(None)
            raise _Contradiction(store.chain_at(intention.author, position + 1))
        if intention.dep_count:
            for dep in intention.deps():
                if arrived is not None:
                    if dep == arrived:
                        arrived = None
                elif not store.witness_sequence(dep) and dep != ZERO:
                    return dep
        return None

    def _need_room(self, size):
        """How much room there is beside an intention. StorageFull when it does not fit."""
        room = self.storage.room() - size - _ROOM_BESIDE_BODY
        if room < 0:
            left = max(0, room + size)
            raise StorageFull("no room on %s for a write of %d bytes, %d are left" % (self.storage.medium, size, left))
        return room

    def _need_room_for_rows(self, intention):
        """Small ops may make many rows: an intention of which they do not fit fails alone, before any change."""
        if intention.ops_size > _FEW_BYTES:
            size = self.storage.to_write(intention.body)
            room = self._need_room(size)
            self._need_room(size + self.projection.estimate(intention, room))

    # -- fates ---------------------------------------------------------------------------------------------------------

    def _refuse(self, hash, reason):
        self._refused.add(hash, reason)
        if len(self.events) < _REFUSALS_NOTED:
            self.events.append(("refused", self.store.id, hash, reason))
        return REFUSED

    def _refuse_chain(self, intention, contradiction):
        held = contradiction.held
        if held is None:
            return self._refuse(intention.hash, "its store_prev belongs to another author")
        author = intention.author
        if author == self.identity.public:
            self._own.note_forked(intention)
        if self._mark_fork(intention, held):
            note_event(self.events, ("fork", self.store.id, author, held, intention.hash))
        return self._refuse(intention.hash, "its author has forked its chain: %s is held here" % held.hex())

    def _mark_fork(self, intention, held):
        """True when the fork's author was not marked. On a full medium the fork is refused all the same."""
        before = self.unfinished
        self.unfinished = True
        try:
            marked = verdicts.mark_fork(self.store, intention.author, intention.store_prev, held, intention.hash)
        except StorageFull:
            marked = False
        self.unfinished = before
        return marked

    def _float(self, intention, blocker, listed):
        victims = self._floating.victims(intention.body.size)
        if victims is None:
            return DROPPED
        self._put(intention)
        self._floating.add(intention, blocker, listed)
        for hash in victims:
            self._floating.remove(hash)
            self.store.drop(hash)
        self.floating_count = self._floating.count
        self.unfinished = False
        return FLOATING

    def _put(self, intention):
        """Stores an intention as the first of several changes: until they are done the weaver is unfinished."""
        self.unfinished = True
        try:
            self.store.put(intention, True)
        except StorageFull:
            self.unfinished = self.store.has(intention.hash)
            raise

    def _take(self, intention, now_ms):
        """Stores and witnesses an intention that is ready, and what waited for it."""
        self._put(intention)
        self._witness(intention, now_ms)
        if self._floating.count:
            self._cascade(intention, now_ms)
        self.unfinished = False

    def _witness(self, intention, now_ms):
        """Appends a stored intention to the log and applies it."""
        self._write_for(intention)
        try:
            self._apply(intention, now_ms)
        finally:
            self._write_for(None)

    def _apply(self, intention, now_ms):
        store = self.store
        self.log.append(intention.hash, now_ms)
        if store.count == 1:
            store.put_row(TABLE_META, _STATE, self.projection.version())
        self.projection.apply(intention, self.events)
        self._own.witnessed(intention, now_ms)
        self.log.checkpoint_if_due(self._own.seen_ms)

    def _cascade(self, intention, now_ms):
        """Looks again at what waited for an intention that was just witnessed, and for what that brings."""
        done = [intention]
        while done:
            witnessed = done.pop(0)
            for hash in self._floating.siblings(witnessed.store_prev, witnessed.author):
                self._reconsider(hash, now_ms)
            for hash in self._floating.waiting_for(witnessed.hash):
                # It may be gone: witnessing one refuses its siblings.
                if hash in self._floating.hashes:
                    freed = self._reconsider(hash, now_ms, witnessed.hash)
                    if freed is not None:
                        done.append(freed)

    def _reconsider(self, hash, now_ms, arrived=None):
        """Decides about a floating intention anew, `arrived` being what it has waited for; returns it when it was
        witnessed."""
        intention = self.store.get(hash)
        try:
            blocker = self._blocker(intention, None if arrived == intention.store_prev else arrived)
        except _Contradiction as error:
            self._unfloat(hash)
            self.store.drop(hash)
            self._refuse_chain(intention, error)
            return None
        if blocker is not None or not self._has_room_for(intention):
            self._floating.wait_for(hash, blocker or hash)
            return None
        self._unfloat(hash)
        self._witness(intention, now_ms)
        return intention

    def _has_room_for(self, intention):
        """False when what follows from an intention that has waited finds no room: it goes on waiting, until all that
        waits is looked at again, and takes what it has waited for not with it. Where storage tells that beforehand."""
        need_rows = getattr(self.storage, "need_rows", None)
        if need_rows is None:
            return True
        self._write_for(intention)
        try:
            need_rows(self.projection.estimate(intention, self._need_room(0)))
        except StorageFull:
            return False
        finally:
            self._write_for(None)
        return True

    def _unfloat(self, hash):
        self._floating.remove(hash)
        self.floating_count = self._floating.count

    # -- questions -----------------------------------------------------------------------------------------------------

    def withheld(self):
        """How many witnessed intentions cannot be given, since they are damaged or stand behind one in its chain."""
        return self._damaged.withheld()

    def witnessed_count(self):
        """How many intentions are witnessed here."""
        return self.store.count - gaps_of(self.store)

    def refused(self, hash):
        """Why a hash was refused lately, in words, or None."""
        return self._refused.get(hash)

    def refuses(self, hash):
        """True when what has this hash was refused lately for good. A copy with a wrong signature says nothing of the
        others: the hash does not cover the signature, and anybody can send one."""
        return self._refused.get(hash) not in (None, WRONG_SIGNATURE)

    def skipped(self):
        """Iterates over (hash, author, reason) of witnessed intentions that could not be applied."""
        return self.projection.skipped()

    def knows_fork(self, author):
        """True when there is evidence here that this author has forked its chain."""
        return verdicts.is_marked(self.store, author)

    def forks(self):
        """Iterates over (author, hash held here, other hash, their store_prev) of the authors who have forked."""
        return verdicts.forks(self.store)

    def gaps(self):
        """What is missing of chains whose later part floats, [(missing hash, tip held of the author, author), …]:
        the chain to fetch from that author's intentions."""
        return self._held.gaps()

    def floating_bytes(self):
        return self._floating.bytes

    def waiting(self):
        """What floats, by author: [(author, intentions, bytes, what the first of them waits for), …], at most 32."""
        return self._floating.by_author()

    def held_authors(self):
        """All authors with a held chain."""
        authors = self._held.authors()
        return [author for author in authors if self.held(author)[0]] if self._damaged.any() else authors

    def each_held_author(self):
        """Iterates over the same."""
        return self._held.each_author()

    def held(self, author):
        """(length, tip) of an author's held chain."""
        length, tip = self._held.chain(author)
        if self._damaged.any():
            whole = self._damaged.whole(author, length)
            if whole < length:
                return whole, self._held.at(author, whole) if whole else ZERO
        return length, tip

    def held_at(self, author, position):
        """Hash of the `position`-th intention of a held chain, from 1. ValueError outside of it."""
        return self._held.at(author, position)

    def newest_held(self, count):
        """At most `count` authors whose held chains changed last."""
        newest = self._held.newest(count)
        return [author for author in newest if self.held(author)[0]] if self._damaged.any() else newest

    def held_after(self, plan):
        """Iterates over what lies beyond {author: position}; see `held.Held.after`."""
        return self._held.after(plan)

    def witness_record(self, sequence):
        """The signed record of a log entry. ValueError outside of 1..count."""
        return self.log.record(sequence)

    def state_hash(self):
        """One hash over the tables: equal where the same intentions are witnessed."""
        return self.projection.state_hash()

    def verify(self, progress=None):
        """Checks every hash, signature and chain on disk; see `verify.verify_store`."""
        from .verify import verify_store  # here: no stick is asked

        return verify_store(self.store, self.crypto, self.log, progress)


def _unfinished():
    return StorageError("an earlier change failed in the middle: nothing goes on before a rollback")


class _Contradiction(Exception):
    """A `store_prev` that is witnessed and not its author's tip. `held`: the other side of a fork, or None when it
    belongs to another author. Never leaves this file."""

    def __init__(self, held):
        super().__init__()
        self.held = held


def _reached(row, version):
    """(length of the log, sequence) of a projection that was at work, (0, 0) where none of this version was."""
    size = calcsize(_UNDER_WAY)
    if row is None or row[:1] != b"\x00" or row[size:] != version:
        return 0, 0
    return unpack_from(_UNDER_WAY, row, 0)[1:]
