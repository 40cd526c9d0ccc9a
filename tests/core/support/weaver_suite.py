"""Properties of weaver and tables over random histories, on any storage.

A test file calls `install(globals(), make, reopen)` with the same two functions as the storage suite; only one storage
made by `make` is in use at a time. A history is a set of intentions of several authors with unreliable clocks; whatever
the order in which they arrive, however often, and with restarts in between, every replica ends in the same state, which
is that of a plain model.
"""

from lattice_core.machines import kvtable
from lattice_core.model import ops
from lattice_core.storage.contract import TABLE_DATA, TABLE_SYSTEM, ZERO
from lattice_core.weaver.weaver import DUPLICATE, FLOATING, WITNESSED
from support import Rng
from support.table_rules import Table, kv_writes
from support.weaver import CRYPTO, NOW_MS, Author, Replica, history, whole

LENGTH = 50
SEEDS = (1, 2, 3)


def check_any_order_of_arrival_gives_the_same_state(make, reopen):
    for seed in SEEDS:
        rng = Rng(seed)
        made = history(rng, LENGTH)
        first = Replica(100)
        for item in made:
            assert first.take(item) == WITNESSED
        for _ in range(3):
            arrivals = rng.shuffle(list(made) + [rng.choice(made) for _ in range(10)])
            other = Replica(101, make())
            fates = [other.take(item) for item in arrivals]
            assert fates.count(DUPLICATE) == 10
            assert sorted(other.witnessed()) == sorted(first.witnessed())
            assert other.weaver.state_hash() == first.weaver.state_hash()
            assert other.weaver.floating_count == 0
            check_against_the_model(other, made)


def check_restarts_in_between_change_nothing(make, reopen):
    for seed in SEEDS:
        rng = Rng(seed + 50)
        made = history(rng, LENGTH)
        straight = Replica(100)
        for item in made:
            straight.take(item)
        replica = Replica(101, make())
        replica.storage.commit()  # the store itself: a rollback takes back stores that were created since
        waiting = rng.shuffle(list(made))
        sent = []
        while waiting:
            item = waiting.pop()
            replica.ingest(item)
            sent.append(item)
            dice = rng.below(10)
            if dice < 3:
                replica.storage.commit()
                sent = []
            elif dice == 3:
                # A crash: what was not committed is gone, and comes again.
                replica.open(reopen(replica.storage))
                waiting.extend(sent)
                sent = []
            elif dice == 4:
                replica.storage.rollback()
                replica.weaver.reload(NOW_MS)
                waiting.extend(sent)
                sent = []
        replica.storage.commit()
        replica.open(reopen(replica.storage))
        assert replica.weaver.state_hash() == straight.weaver.state_hash()
        check_against_the_model(replica, made)
        assert list(replica.weaver.verify()) == []


def check_a_part_of_a_history_floats_where_something_is_missing(make, reopen):
    for seed in SEEDS:
        rng = Rng(seed + 90)
        made = history(rng, LENGTH)
        missing = [rng.choice(made) for _ in range(4)]
        arrivals = rng.shuffle([item for item in made if item not in missing])
        replica = Replica(100, make())
        for item in arrivals:
            assert replica.take(item) in (WITNESSED, FLOATING)
        ready = {ZERO}
        for item in made:
            needed = [item.store_prev] + list(item.deps())
            if item in arrivals and all(hash in ready for hash in needed):
                ready.add(item.hash)
        assert set(replica.witnessed()) | {ZERO} == ready
        assert sorted(replica.store.floating()) == sorted([i.hash for i in arrivals if i.hash not in ready])
        replica.storage.commit()
        replica.open(reopen(replica.storage))
        for item in rng.shuffle(missing):
            replica.take(item)
        check_against_the_model(replica, made)


def check_forks_never_get_in_together(make, reopen):
    """Whatever order two sides of a fork and what follows them come in, each author's witnessed part is one chain."""
    for seed in SEEDS:
        rng = Rng(seed + 130)
        made = history(rng, 30)
        forks = []
        for _ in range(6):
            victim = rng.choice(made)
            author = next(author for author in (Author(n) for n in range(1, 5)) if author.key == victim.author)
            forks.append(author.put(b"fork", rng.bytes(4), prev=victim.store_prev))
            forks.append(author.put(b"after", rng.bytes(4), prev=forks[-1].hash))
        replica = Replica(100, make())
        arrivals = rng.shuffle(made + forks)
        for _ in range(2):
            for item in arrivals:
                replica.take(item)
        check_chains(replica)
        by_author = {}
        for item in made + forks:
            by_author.setdefault(item.author, []).append(item)
        for author, held, other, prev in replica.weaver.forks():
            assert replica.store.witness_sequence(held)
            assert not replica.store.has(other)
            assert held != other
            hashes = [item.hash for item in by_author[author] if item.store_prev == prev]
            assert held in hashes
            assert other in hashes
        assert list(replica.weaver.verify()) == []


def check_chains(replica):
    """Each witnessed intention follows its author's one before, and stands behind its deps."""
    store = replica.store
    tips = {}
    for sequence, hash, author, _ in store.witness_log():
        item = store.get(hash)
        assert item.author == author
        assert item.store_prev == tips.get(author, ZERO)
        for dep in item.deps():
            assert dep == ZERO or 0 < store.witness_sequence(dep) < sequence
        tips[author] = hash
    for author in tips:
        assert store.chain(author)[1] == tips[author]


def check_replicas_that_write_and_meet_become_equal(make, reopen):
    rng = Rng(170)
    replicas = [Replica(1, make()), Replica(2), Replica(3)]
    for _ in range(60):
        one, two = rng.choice(replicas), rng.choice(replicas)
        dice = rng.below(10)
        key = b"key %d" % rng.below(6)
        now_ms = NOW_MS + rng.below(5000) - 2500
        if dice < 4:
            one.kv.put(key, rng.bytes(rng.below(20)), now_ms)
        elif dice < 5:
            one.kv.delete(key, now_ms)
        elif dice < 6:
            operation = ops.store_name("n%d" % rng.below(5))
            one.weaver.submit(ops.system(operation), one.system.deps_for([operation]), now_ms)
        else:
            one.learn(two, now_ms)
        one.storage.commit()
    for _ in range(2):
        for one in replicas:
            for two in replicas:
                one.learn(two)
    made = [replicas[0].store.get(hash) for hash in replicas[0].witnessed()]
    for replica in replicas:
        assert replica.weaver.state_hash() == replicas[0].weaver.state_hash()
        assert sorted(replica.witnessed()) == sorted(replicas[0].witnessed())
        check_against_the_model(replica, made)
        # Stamps rise along every own chain.
        for author in replica.store.authors():
            last = 0
            for position in range(1, replica.store.chain(author)[0] + 1):
                stamp = replica.store.get(replica.store.chain_at(author, position)).wall_ms
                assert stamp > last
                last = stamp
    # Whoever writes now has seen everything: its write alone stands.
    written = replicas[1].kv.put(b"key 1", b"last", NOW_MS - 9999)
    assert [head.hash for head in replicas[1].kv.inspect(b"key 1").heads()] == [written.hash]


def check_against_the_model(replica, made):
    """The key-value table of a replica that has all of `made`, which is in witness order."""
    table = Table()
    for item in made:
        table.apply(item, kv_writes(item))
    rows = dict(replica.store.rows(TABLE_DATA))
    entries = list(replica.kv.list(deleted=True))
    assert [whole(entry.key_body()) for entry in entries] == sorted(table.heads)
    assert len(entries) == len(rows)
    for entry in entries:
        key = whole(entry.key_body())
        heads = list(entry.heads())
        assert [head.hash for head in heads] == [item.hash for item in table.heads[key]]
        for head, item in zip(heads, table.heads[key]):
            value = entry.value_of(head)
            assert (None if value is None else whole(value)) == table.written[key, item.hash]
    names = list(kvtable.heads(replica.store, CRYPTO, TABLE_SYSTEM, b"name"))
    assert len({head.hash for head in names}) == len(names)


CHECKS = (
    check_any_order_of_arrival_gives_the_same_state,
    check_restarts_in_between_change_nothing,
    check_a_part_of_a_history_floats_where_something_is_missing,
    check_forks_never_get_in_together,
    check_replicas_that_write_and_meet_become_equal,
)


def install(names, make, reopen):
    """Adds a test function for each property to `names`, the globals of a test file."""
    for number, check in enumerate(CHECKS):
        names["test_%02d" % number + check.__name__[len("check") :]] = _bind(check, make, reopen)


def _bind(check, make, reopen):
    def test():
        check(make, reopen)

    return test
