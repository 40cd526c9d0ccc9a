"""Questions about the graph of intentions (docs/reference/02-weaver.md §10).

`walk_back` follows `store_prev`; the others follow deps only, as in the reference. Intentions that float count too.
"""

from ..errors import UsageError
from ..storage.contract import ZERO


class WalkFailed(UsageError):
    """A chain walk that did not arrive. `kind`: "missing", "hit-genesis" or "limit"."""

    code = "walk_failed"

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def walk_back(store, target, since, limit):
    """The intentions from `target` back to `since`, which is not included, along `store_prev`; target first.

    At most `limit` - 1 of them; WalkFailed when `since` is not reached. ZERO as `since` walks to the first one.
    """
    found = []
    hash = target
    for _ in range(limit):
        if hash == since:
            return found
        if hash == ZERO:
            raise WalkFailed("hit-genesis", "%s is not an ancestor of %s" % (since.hex(), target.hex()))
        intention = store.get(hash)
        if intention is None:
            raise WalkFailed("missing", "%s is not stored here" % hash.hex())
        found.append(intention)
        hash = intention.store_prev
    raise WalkFailed("limit", "%s lies more than %d steps before %s" % (since.hex(), limit - 1, target.hex()))


def ancestors(store, hash):
    """The set of hashes that `hash` reaches through deps, itself included; only of those that are stored."""
    return _reached(store, [hash])


def _reached(store, waiting):
    """What any of the hashes in the list `waiting` reaches, each looked at once."""
    found = set()
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        intention = store.get(current)
        if intention is None:
            continue
        found.add(current)
        waiting.extend(intention.deps())
    return found


def is_ancestor(store, ancestor, hash):
    """True when `hash` reaches `ancestor` through deps. ZERO is everybody's ancestor, and each is its own."""
    return ancestor in (ZERO, hash) or ancestor in ancestors(store, hash)


def path(store, start, end):
    """The set of hashes on the ways from `start` (not included) to `end` along deps; empty when there is none."""
    if start == end:
        return set()
    reached = ancestors(store, end)
    if start == ZERO:
        return reached - {start}
    above = {}  # hash -> those that name it
    for hash in reached:
        for dep in store.get(hash).deps():
            above.setdefault(dep, []).append(hash)
    found = set()
    waiting = [start] if start in reached else []
    while waiting:
        for hash in above.get(waiting.pop(), ()):
            if hash not in found:
                found.add(hash)
                waiting.append(hash)
    return found


def common_ancestors(store, first, second):
    """The latest intentions that both reach through deps: a set, empty when there is none."""
    common = ancestors(store, first) & ancestors(store, second)
    return common - _reached(store, [dep for hash in common for dep in store.get(hash).deps()])


def by_prefix(store, prefix):
    """Hashes of stored intentions that begin with 1 to 32 bytes, ascending."""
    if not 1 <= len(prefix) <= 32:
        return []
    found = [hash for _, hash, _, _ in store.witness_log() if hash[: len(prefix)] == prefix]
    found.extend([hash for hash in store.floating() if hash[: len(prefix)] == prefix])
    return sorted(found)
