"""Checking a whole store against itself: every hash, signature and chain (`store verify`)."""

from ..compat import const
from ..errors import ProtocolError, StorageError
from ..model.intention import digest_of
from ..storage.contract import ZERO

_AT_ONCE = const(64)  # signatures verified in one call: the host spreads them over its cores
_PROBLEMS = const(100)  # named; more are only counted


class Report:
    """What a check found. `problems`: in words, at most 100 of `problem_count`."""

    def __init__(self):
        self.intentions = 0
        self.floating = 0
        self.blobs = 0
        self.bytes = 0
        self.problem_count = 0
        self.problems = []
        self.damaged = []  # hashes of intentions whose bytes are damaged, and
        self.damaged_blobs = []  # of blobs; both at most as many as are named

    def problem(self, text):
        self.problem_count += 1
        if len(self.problems) < _PROBLEMS:
            self.problems.append(text)

    def ok(self):
        return self.problem_count == 0

    def __iter__(self):
        return iter(self.problems)


def verify_store(store, crypto, log, progress=None):
    """Checks the store of a weaver and returns a Report. `progress(done, total)` is called now and then, if given."""
    report = Report()
    try:
        log.check(True)
    except StorageError as error:
        report.problem(str(error))
    check = _Check(store, crypto, report)
    try:
        for sequence, hash, author, _ in store.witness_log():
            check.witnessed(sequence, hash, author)
            if progress is not None and sequence % _AT_ONCE == 0:
                progress(sequence, store.count)
    except StorageError as error:
        report.problem("the log cannot be read further: %s" % error)
    for hash in store.floating():
        check.floating(hash)
    check.flush()
    for hash, size in store.blobs():
        report.blobs += 1
        report.bytes += size
        if not _blob_is_good(store, crypto, hash):
            report.problem("content %s is damaged" % hash.hex())
            if len(report.damaged_blobs) < _PROBLEMS:
                report.damaged_blobs.append(hash)
    return report


def _blob_is_good(store, crypto, hash):
    try:
        return digest_of(crypto, store.blob(hash)) == hash
    except StorageError:
        return False


class _Check:
    """One pass over a store's intentions."""

    def __init__(self, store, crypto, report):
        self._store = store
        self._crypto = crypto
        self._report = report
        self._lengths = {}  # author: how much of the chain was seen
        self._waiting = []  # (intention's hash, its signature check)

    def witnessed(self, sequence, hash, author):
        """Checks an entry of the witness log."""
        self._report.intentions += 1
        position = self._lengths.get(author, 0) + 1
        self._lengths[author] = position
        intention = self._intention(hash)
        if intention is None:
            return
        store = self._store
        if intention.author != author or store.chain_at(author, position) != hash:
            self._report.problem("%s stands in the wrong chain" % hash.hex())
            return
        if intention.store_prev != (store.chain_at(author, position - 1) if position > 1 else ZERO):
            self._report.problem("%s does not follow its author's chain" % hash.hex())
        for dep in intention.deps():
            if dep != ZERO and not 0 < store.witness_sequence(dep) < sequence:
                self._report.problem("%s was witnessed before its dep %s" % (hash.hex(), dep.hex()))

    def floating(self, hash):
        """Checks an intention that is not witnessed."""
        self._report.floating += 1
        self._intention(hash)

    def _intention(self, hash):
        """The intention with its bytes checked, None when it is missing or damaged; queues its signature."""
        try:
            intention = self._store.get(hash)
            if intention is None:
                self._report.problem("%s is missing" % hash.hex())
                return None
            damaged = digest_of(self._crypto, intention.body) != hash
        except (ProtocolError, StorageError) as error:
            self._report.problem("%s cannot be read: %s" % (hash.hex(), error))
            self._note_damaged(hash)
            return None
        if damaged or intention.hash != hash or intention.store_id != self._store.id:
            self._report.problem("%s is damaged" % hash.hex())
            self._note_damaged(hash)
            return None
        self._report.bytes += intention.body.size
        self._waiting.append((intention.author, hash, intention.signature))
        if len(self._waiting) == _AT_ONCE:
            self.flush()
        return intention

    def _note_damaged(self, hash):
        if len(self._report.damaged) < _PROBLEMS:
            self._report.damaged.append(hash)

    def flush(self):
        """Verifies the signatures that wait."""
        waiting = self._waiting
        self._waiting = []
        for at, good in enumerate(self._crypto.ed25519_verify_many(waiting)):
            if not good:
                self._report.problem("the signature of %s is wrong" % waiting[at][1].hex())
                self._note_damaged(waiting[at][1])
